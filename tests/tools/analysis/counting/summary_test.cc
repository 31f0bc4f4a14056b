// Summaries: a written summary reads back; any split, added in any order, equals the whole; and a
// damaged one is rejected.

#include "tools/analysis/counting/summary.h"

#include <gtest/gtest.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>
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

std::string Written(const Summary& summary) { return WriteSummary(summary); }

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

// A summary that no program wrote: text values "a" to "c" with counts, and a checksum that fits.
class Crafted {
 public:
  std::string schema =
      R"({"kind":"text","value_bytes":0,"delimiter":44,"quoted":true,"zeek":false,)"
      R"("format":"","file_columns":1,"columns":[0],)"
      R"("fields":[{"name":"c1","kind":0,"size_bits":0,"type":"",)"
      R"("big_endian":false}]})";
  uint64_t records = 6;
  uint64_t level = 0;
  std::vector<std::pair<std::string, uint64_t>> values = {{"a", 1}, {"b", 2}, {"c", 3}};
  uint64_t error = 0;
  std::vector<std::pair<std::string, uint64_t>> frequent;
  std::string behind;

  std::string Bytes() const {
    std::string body;
    PutNumber(schema.size(), &body);
    body += schema;
    PutNumber(records, &body);
    PutNumber(level, &body);
    PutValues(values, &body);
    PutNumber(error, &body);
    PutValues(frequent, &body);
    body += behind;
    std::string bytes(kSummaryMagic);
    PutFixed(1, 4, &bytes);
    PutFixed(body.size(), 8, &bytes);
    bytes += body;
    PutFixed(XXH3_64bits(bytes.data(), bytes.size()), 8, &bytes);
    return bytes;
  }

 private:
  static void PutFixed(uint64_t number, size_t bytes, std::string* out) {
    for (size_t i = 0; i < bytes; ++i) out->push_back(static_cast<char>(number >> (8 * i)));
  }
  static void PutNumber(uint64_t number, std::string* out) {
    for (; number >= 128; number >>= 7) out->push_back(static_cast<char>(number | 128));
    out->push_back(static_cast<char>(number));
  }
  static void PutValues(const std::vector<std::pair<std::string, uint64_t>>& values,
                        std::string* out) {
    PutNumber(values.size(), out);
    for (const auto& [value, count] : values) {
      PutNumber(count, out);
      PutNumber(value.size(), out);
      *out += value;
    }
  }
};

TEST(SummaryTest, WhatContradictsItselfIsRefused) {
  ASSERT_EQ(Message(Crafted().Bytes()), "");
  const auto fault = [](auto change) {
    Crafted crafted;
    change(crafted);
    const std::string message = Message(crafted.Bytes());
    const std::string start = "f: is an invalid summary, but its checksum matches: ";
    EXPECT_EQ(message.substr(0, start.size()), start);
    return message.substr(std::min(start.size(), message.size()));
  };
  EXPECT_EQ(fault([](Crafted& c) { c.values[1].first = "a"; }), "a value occurs twice");
  EXPECT_EQ(fault([](Crafted& c) { std::swap(c.values[0].first, c.values[1].first); }),
            "its values are not in the order of their bytes");
  EXPECT_EQ(fault([](Crafted& c) { c.values[0].second = 0; }), "a value has a count of 0");
  EXPECT_EQ(fault([](Crafted& c) { c.records = 5; }), "the counts add up to more than the records");
  EXPECT_EQ(fault([](Crafted& c) { c.values[2].second = UINT64_MAX; }),
            "the counts add up to more than the records");
  EXPECT_EQ(fault([](Crafted& c) { c.records = 7; }), "the counts do not add up to the records");
  EXPECT_EQ(fault([](Crafted& c) { c.records = 0; }), "it has no record");
  EXPECT_EQ(fault([](Crafted& c) { c.level = 64; }), "its level is above 63");
  EXPECT_EQ(fault([](Crafted& c) { c.level = 62; }), "its level allows fewer values");
  EXPECT_EQ(fault([](Crafted& c) { c.level = 30; }),
            "a value does not belong to a sample of its level");
  EXPECT_EQ(fault([](Crafted& c) {
              c.records = 7;
              c.frequent = {{"d", 1}};
            }),
            "the counts do not add up to the records");
  EXPECT_EQ(fault([](Crafted& c) { c.error = 1; }),
            "its counts are marked exact but have an error");
  EXPECT_EQ(fault([](Crafted& c) { c.error = 7; }), "the error of its counts is above the records");
  EXPECT_EQ(fault([](Crafted& c) { c.values.clear(); }), "the counts do not add up to the records");
  EXPECT_EQ(fault([](Crafted& c) {
              c.values.clear();
              c.level = 1;
            }),
            "it has no value");
  EXPECT_EQ(fault([](Crafted& c) { c.values[0].first = "a,b"; }),
            "a value does not match its schema");
  EXPECT_EQ(fault([](Crafted& c) { c.behind = "x"; }), "data follows its values");
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"columns\":[0]", "\"columns\":[1]"},
           {"\"file_columns\":1", "\"file_columns\":9999999999999"},
           {"\"delimiter\":44", "\"delimiter\":10"},
           {"\"delimiter\":44", "\"delimiter\":34"},
           {"\"file_columns\":1", "\"binary_bytes\":65537,\"file_columns\":1"},
           {"\"file_columns\":1", "\"binary_bytes\":0,\"file_columns\":1"},
           {"\"file_columns\":1", "\"left_out_bytes\":99999999,\"file_columns\":1"},
           {"\"file_columns\":1", "\"notes\":[7],\"file_columns\":1"},
           {"\"file_columns\":1", "\"doubts\":[7],\"file_columns\":1"},
           {"\"value_bytes\":0", "\"value_bytes\":1"}}) {
    EXPECT_EQ(fault([&, &from = from, &to = to](Crafted& c) {
                c.schema.replace(c.schema.find(from), from.size(), to);
              }),
              "its schema is invalid")
        << to;
  }
  Crafted most;
  most.records = UINT64_MAX;
  most.values = {{"a", UINT64_MAX}};
  const std::string bytes = most.Bytes() + most.Bytes();
  std::string_view left = bytes;
  absl::StatusOr<Summary> sum = ReadSummary("f", &left);
  absl::StatusOr<Summary> more = ReadSummary("f", &left);
  ASSERT_TRUE(sum.ok() && more.ok());
  EXPECT_EQ(AddSummary("f", *std::move(more), &*sum).message(),
            "f: with the summaries before it, more than 2^64 - 1 records");
  EXPECT_EQ(sum->distinct.records, UINT64_MAX);
}

TEST(SummaryTest, NotesAreKeptOnceInAnyOrder) {
  std::mt19937 random(3);
  for (const int different : {5, 200}) {
    std::vector<std::string> shards;
    for (int i = 0; i < 40; ++i) {
      Summary part = Of(TextSchema(), {"1460,cubic"});
      part.notes.Add({"note " + std::to_string(random() % static_cast<unsigned>(different))});
      part.schema.first_row_looks_like_header = i == 7;
      shards.push_back(Written(part));
    }
    std::string expected;
    for (int round = 0; round < 5; ++round) {
      std::vector<std::string> left_to_add = shards;
      while (left_to_add.size() > 1) {
        std::shuffle(left_to_add.begin(), left_to_add.end(), random);
        std::string_view first = left_to_add[left_to_add.size() - 1];
        std::string_view second = left_to_add[left_to_add.size() - 2];
        absl::StatusOr<Summary> sum = ReadSummary("first", &first);
        absl::StatusOr<Summary> other = ReadSummary("second", &second);
        ASSERT_TRUE(sum.ok() && other.ok());
        ASSERT_TRUE(AddSummary("second", *std::move(other), &*sum).ok());
        left_to_add.pop_back();
        left_to_add.back() = Written(*sum);
      }
      if (round == 0) expected = left_to_add[0];
      ASSERT_EQ(left_to_add[0], expected);
    }
    std::string_view bytes = expected;
    const absl::StatusOr<Summary> sum = ReadSummary("sum", &bytes);
    ASSERT_TRUE(sum.ok());
    EXPECT_EQ(sum->notes.notes().size(), different == 5 ? 5U : SummaryNotes::kMost);
    EXPECT_EQ(sum->notes.more(), different == 200);
    EXPECT_TRUE(sum->schema.first_row_looks_like_header);
  }
}

// Among any number of notes, the summary keeps a doubt.
TEST(SummaryTest, DoubtsStayDoubts) {
  Summary sum = Of(TextSchema(), {"1460,cubic"});
  for (int i = 0; i < 50; ++i) sum.notes.Add({"a note " + std::to_string(i)});
  Summary part = Of(TextSchema(), {"1460,cubic"});
  part.notes.Add(Doubt("z: a part is missing"));
  ASSERT_TRUE(AddSummary("part", std::move(part), &sum).ok());
  const std::string written = Written(sum);
  std::string_view bytes = written;
  const absl::StatusOr<Summary> read = ReadSummary("sum", &bytes);
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->notes.notes().size(), SummaryNotes::kMost);
  EXPECT_EQ(*read->notes.notes().begin(), Doubt("z: a part is missing"));
  EXPECT_FALSE(read->notes.notes().rbegin()->doubt);
  EXPECT_EQ(Written(*read), written);
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
