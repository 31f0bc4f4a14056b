// Computations on fields with little memory: fewer threads and tables at a time, and only then
// fewer values.

#include "tools/analysis/fields/field_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace inlay::analysis {
namespace {

// Rows of so many cells, as text, or as raw records of a byte for each.
struct Rows {
  RecordSchema schema;
  DistinctValues distinct;
};

Rows RandomRows(RecordSchema::Kind kind, size_t count, size_t fields) {
  std::mt19937 random(5);
  Rows rows;
  rows.schema.kind = kind;
  const bool raw = kind == RecordSchema::Kind::kRaw;
  for (size_t i = 0; i < fields; ++i) {
    ValueField field{.name = "f" + std::to_string(i), .kind = FieldKind::kText};
    if (raw) {
      field.kind = FieldKind::kUnsigned;
      field.offset_bits = 8 * i;
      field.size_bits = 8;
    }
    rows.schema.fields.push_back(field);
    if (!raw) rows.schema.columns.push_back(i);
  }
  rows.schema.value_bytes = raw ? fields : 0;
  for (size_t row = 0; row < count; ++row) {
    std::string value;
    for (size_t i = 0; i < fields; ++i) {
      const auto digit = static_cast<char>('0' + random() % (i + 2) % 64);
      if (!raw && i > 0) value += ',';
      value += digit == ',' || digit == '"' ? 'x' : digit;
    }
    rows.distinct.counter.AddCounted({reinterpret_cast<const uint8_t*>(value.data()), value.size()},
                                     1);
    ++rows.distinct.records;
  }
  return rows;
}

TEST(FieldBudgetTest, WithoutABudgetNothingIsLess) {
  const FieldBudget budget(BoundedCounter::kUnbounded, 40);
  EXPECT_GT(budget.MostValues(), 1'000'000'000U);
  EXPECT_EQ(budget.Threads(1'000'000, 8), 8U);
  EXPECT_EQ(budget.Threads(1'000'000, 0), 1U);
  EXPECT_EQ(budget.Encoders(1'000'000), 40U);
}

TEST(FieldBudgetTest, ThreadsAndTablesGiveWayBeforeValues) {
  constexpr size_t kBytes = size_t{64} << 20;
  for (const size_t fields : {1U, 8U, 300U, 60'000U}) {
    const FieldBudget budget(kBytes, fields);
    const size_t most = budget.MostValues();
    ASSERT_GT(most, 0U);
    // 16 bytes for each cell, 240 for each value, 160 more for each thread.
    EXPECT_LE(most * (16 * fields + 240 + 160 * budget.Threads(most, 64)), kBytes) << fields;
    // Of a tenth of them there is room for all threads, since a value takes less than a thread for
    // it.
    EXPECT_GT(budget.Threads(most / 10, 64), 1U) << fields;
    EXPECT_GE(budget.Encoders(most / 10), std::min<size_t>(budget.Encoders(most), fields));
    EXPECT_GE(budget.Encoders(most), 1U);
    EXPECT_LE(budget.Encoders(most) * most * 200, kBytes);
    EXPECT_EQ(budget.Threads(most * 1000, 64), 1U);
    EXPECT_EQ(budget.Encoders(most * 1000), 1U);
  }
  EXPECT_EQ(FieldBudget(0, 5).MostValues(), 0U);
}

TEST(FieldBudgetTest, FewerFieldsAtATimeGiveTheSameCodes) {
  for (const auto kind : {RecordSchema::Kind::kRaw, RecordSchema::Kind::kText}) {
    const Rows rows = RandomRows(kind, 700, 11);
    const FieldCodes all = EncodeFields(rows.schema, rows.distinct.values(), 1);
    for (const size_t encoders : {1U, 2U, 5U, 10U}) {
      for (const size_t threads : {1U, 3U, 16U}) {
        const FieldCodes some =
            EncodeFields(rows.schema, rows.distinct.values(), threads, encoders);
        ASSERT_EQ(some.fields.size(), all.fields.size());
        for (size_t i = 0; i < all.fields.size(); ++i) {
          EXPECT_EQ(some.fields[i].codes, all.fields[i].codes);
          EXPECT_EQ(some.fields[i].distinct(), all.fields[i].distinct());
        }
      }
    }
  }
}

// Rows so wide that not all of a batch are split at a time.
TEST(FieldBudgetTest, WideRowsAreEncoded) {
  const Rows rows = RandomRows(RecordSchema::Kind::kText, 100, 5000);
  const FieldCodes codes = EncodeFields(rows.schema, rows.distinct.values(), 2, 64);
  ASSERT_EQ(codes.fields.size(), 5000U);
  std::map<uint32_t, uint8_t> cells;  // by code
  for (size_t row = 0; row < codes.values(); ++row) {
    const CountedValue& value = rows.distinct.values()[row];
    const auto [cell, is_new] =
        cells.emplace(codes.fields[4999].codes[row], value.data[value.length - 1]);
    EXPECT_EQ(value.data[value.length - 1], cell->second);
  }
  EXPECT_EQ(cells.size(), codes.fields[4999].distinct());
}

TEST(FieldBudgetTest, ValuesThatDoNotFitAreSampledByTheirHashes) {
  const Rows rows = RandomRows(RecordSchema::Kind::kText, 20'000, 9);
  const size_t values = rows.distinct.values().size();
  ASSERT_GT(values, 10'000U);
  const FieldBudget roomy(values * 1000, 9);
  EXPECT_EQ(EncodeWithin(roomy, rows.schema, rows.distinct, 2).values(), values);
  const FieldBudget tight(values * 100, 9);
  const FieldCodes one = EncodeWithin(tight, rows.schema, rows.distinct, 1);
  const FieldCodes many = EncodeWithin(tight, rows.schema, rows.distinct, 8);
  EXPECT_LE(one.values(), tight.MostValues());
  EXPECT_GT(one.values(), tight.MostValues() / 4);
  EXPECT_EQ(one.counts, many.counts);
  EXPECT_EQ(one.fields[8].codes, many.fields[8].codes);
  EXPECT_GE(EncodeWithin(FieldBudget(0, 9), rows.schema, rows.distinct, 1).values(), 1U);
}

}  // namespace
}  // namespace inlay::analysis
