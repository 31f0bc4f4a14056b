// Summaries: what is written is read again; any split, added in any order, is the whole; and what is
// damaged is no summary.

#include "tools/analysis/summary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace inlay::analysis {
namespace {

RecordSchema TextSchema() {
  RecordSchema schema;
  schema.kind = RecordSchema::Kind::kText;
  schema.file_columns = 3;
  schema.columns = {0, 2};
  schema.fields = {{.name = "mss", .kind = FieldKind::kText},
                   {.name = "cc, \"quoted\"", .kind = FieldKind::kText}};
  return schema;
}

RecordSchema RawSchema() {
  RecordSchema schema;
  schema.value_bytes = 4;
  schema.fields = {{.name = "a",
                    .kind = FieldKind::kEnum,
                    .offset_bits = 0,
                    .size_bits = 3,
                    .type_name = "enum tier",
                    .enum_names = std::make_shared<const std::map<int64_t, std::string>>(
                        std::map<int64_t, std::string>{{-1, "NONE"}, {2, "GOLD"}})},
                   {.name = "b", .kind = FieldKind::kUnsigned, .offset_bits = 8, .size_bits = 24}};
  return schema;
}

Summary Of(const RecordSchema& schema, const std::vector<std::string>& values,
           size_t budget_bytes = BoundedCounter::kUnbounded) {
  Summary summary{.schema = schema, .distinct = {.counter = BoundedCounter(budget_bytes)}};
  for (const std::string& value : values) {
    summary.distinct.counter.AddCounted(
        {reinterpret_cast<const uint8_t*>(value.data()), value.size()}, 1);
    ++summary.distinct.records;
  }
  return summary;
}

std::string Written(const Summary& summary) {
  return WriteSummary(summary.schema, summary.distinct);
}

std::vector<std::string> SomeValues(std::mt19937& random, size_t count, uint32_t different) {
  std::vector<std::string> values;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t number = static_cast<uint32_t>(random()) % different;
    std::string value(sizeof(number), '\0');
    std::memcpy(value.data(), &number, sizeof(number));
    values.push_back(value);
  }
  return values;
}

std::string Message(const std::string& bytes) {
  std::string_view left = bytes;
  const absl::StatusOr<Summary> summary = ReadSummary("f", &left);
  EXPECT_EQ(left.size() == bytes.size(), !summary.ok()) << "only what was read is taken off";
  return summary.ok() ? "" : std::string(summary.status().message());
}

TEST(SummaryTest, WhatIsWrittenIsReadAgain) {
  for (const Summary& summary : {Of(TextSchema(), {"1460,cubic", "1460,bbr", "1460,cubic"}),
                                 Of(RawSchema(), {"abcd", "abcd", "xyz_"})}) {
    const std::string bytes = Written(summary);
    const std::string two = bytes + bytes;
    std::string_view left = two;
    for (int i = 0; i < 2; ++i) {
      const absl::StatusOr<Summary> read = ReadSummary("f", &left);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(read->distinct.records, 3U);
      EXPECT_EQ(read->distinct.values().size(), 2U);
      EXPECT_EQ(read->schema.fields.size(), 2U);
      EXPECT_EQ(read->schema.fields[1].name, summary.schema.fields[1].name);
      EXPECT_EQ(Written(*read), bytes);
    }
    EXPECT_TRUE(left.empty());
  }
}

TEST(SummaryTest, AnySplitInAnyOrderIsTheWhole) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> values = SomeValues(random, 30000, 3000);
  const std::string whole = Written(Of(RawSchema(), values));
  for (int round = 0; round < 5; ++round) {
    std::vector<std::vector<std::string>> parts(64);
    for (const std::string& value : values) parts[random() % parts.size()].push_back(value);
    std::vector<std::string> shards;
    for (const auto& part : parts) shards.push_back(Written(Of(RawSchema(), part)));
    // Two at a time, in any order and any tree.
    while (shards.size() > 1) {
      std::shuffle(shards.begin(), shards.end(), random);
      std::string_view first = shards[shards.size() - 1];
      std::string_view second = shards[shards.size() - 2];
      absl::StatusOr<Summary> sum = ReadSummary("first", &first);
      absl::StatusOr<Summary> other = ReadSummary("second", &second);
      ASSERT_TRUE(sum.ok() && other.ok());
      ASSERT_TRUE(AddSummary("second", *std::move(other), &*sum).ok());
      shards.pop_back();
      shards.back() = Written(*sum);
    }
    EXPECT_EQ(shards[0], whole);
  }
}

TEST(SummaryTest, OfSampledPartsIsASampleOfTheWhole) {
  std::mt19937 random(7);
  const std::vector<std::string> values = SomeValues(random, 100'000, 2'000'000'000);
  const auto half = static_cast<std::ptrdiff_t>(values.size() / 2);
  Summary first = Of(RawSchema(), {values.begin(), values.begin() + half}, size_t{1} << 20);
  Summary second = Of(RawSchema(), {values.begin() + half, values.end()}, size_t{2} << 20);
  ASSERT_FALSE(first.distinct.exact());
  const std::string bytes = Written(second);
  std::string_view left = bytes;
  absl::StatusOr<Summary> read = ReadSummary("second", &left);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->distinct.counter.level(), second.distinct.counter.level());
  EXPECT_EQ(Written(*read), bytes);
  ASSERT_TRUE(AddSummary("second", *std::move(read), &first).ok());
  EXPECT_EQ(first.distinct.records, values.size());
  BoundedCounter model;
  for (const std::string& value : values) {
    model.AddCounted({reinterpret_cast<const uint8_t*>(value.data()), value.size()}, 1);
  }
  model.RaiseLevel(first.distinct.counter.level());
  EXPECT_EQ(first.distinct.values().size(), model.sample().values().size());
}

TEST(SummaryTest, OtherValuesAreNotAdded) {
  Summary text = Of(TextSchema(), {"1460,cubic"});
  Summary raw = Of(RawSchema(), {"abcd"});
  const absl::Status status = AddSummary("raw.summary", std::move(raw), &text);
  EXPECT_TRUE(std::string(status.message())
                  .starts_with("raw.summary: its values are not those of the summaries before it"));
  EXPECT_EQ(text.distinct.records, 1U);
}

TEST(SummaryTest, DamageIsSeen) {
  const std::string good = Written(Of(TextSchema(), {"1460,cubic", "1460,bbr", "1,2"}));
  ASSERT_EQ(Message(good), "");
  for (size_t at = 0; at < good.size(); ++at) {
    EXPECT_NE(Message(good.substr(0, at)), "") << "cut off at " << at;
    std::string damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    EXPECT_NE(Message(damaged), "") << "changed at " << at;
  }
  EXPECT_EQ(Message("mss,cc\n1,2\n"), "f: is not a summary of inlay analyze --summary");
  EXPECT_EQ(Message(good.substr(0, 30)),
            "f: is cut off: 30 bytes of a summary of " + std::to_string(good.size()));
  std::string newer = good;
  newer[8] = 9;
  EXPECT_EQ(Message(newer), "f: is a summary of version 9; this program reads version 1");
}

}  // namespace
}  // namespace inlay::analysis
