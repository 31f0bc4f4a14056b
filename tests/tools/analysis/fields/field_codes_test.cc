// Values as codes, and how many are distinct by some of their fields: against sets of the fields
// themselves, and against the ground truth of real data.

#include "tools/analysis/fields/field_codes.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/fields/row_hashes.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::analysis {
namespace {

using Row = std::vector<std::string>;

std::string DataFile(const std::string& name) { return INLAY_TEST_DATA_DIR "/" + name; }
std::string WorkFile(const std::string& name) { return INLAY_TEST_WORK_DIR "/" + name; }

FieldCodes Encoded(const std::string& path, const RecordOptions& options,
                   DistinctValues* distinct) {
  auto source = OpenRecords({path}, options);
  EXPECT_TRUE(source.ok()) << source.status();
  auto counted = CountDistinct(**source, 2);
  EXPECT_TRUE(counted.ok()) << counted.status();
  *distinct = *std::move(counted);
  return EncodeFields((*source)->schema(), distinct->values(), 2);
}

uint64_t DistinctBy(const FieldCodes& codes, const std::vector<size_t>& fields) {
  RowHashes hashes(codes);
  for (const size_t field : fields) hashes.Include(field);
  RowHashes::Scratch scratch;
  return hashes.Distinct(&scratch);
}

std::vector<size_t> Range(size_t first, size_t last) {
  std::vector<size_t> fields;
  for (size_t field = first; field <= last; ++field) fields.push_back(field);
  return fields;
}

TEST(FieldCodesTest, ProjectionsOfRealDataAreThoseOfTheGroundTruth) {
  DistinctValues distinct;
  const FieldCodes syn = Encoded(DataFile("syn_options/syn.tsv"), {}, &distinct);
  EXPECT_EQ(syn.records, 5524U);
  EXPECT_EQ(syn.values(), 5196U);
  EXPECT_EQ(DistinctBy(syn, Range(0, 12)), 5196U);
  EXPECT_EQ(DistinctBy(syn, Range(0, 8)), 621U);
  EXPECT_EQ(DistinctBy(syn, Range(4, 8)), 339U);
  std::vector<size_t> with_port = Range(0, 8);
  with_port.push_back(11);
  EXPECT_EQ(DistinctBy(syn, with_port), 3829U);
  EXPECT_EQ(syn.fields[6].distinct(), 42U);

  DistinctValues snapshots;
  const FieldCodes tcp_info = Encoded(WorkFile("snapshots.tsv"), {}, &snapshots);
  EXPECT_EQ(DistinctBy(tcp_info, {5, 6, 10, 11, 21, 27, 28, 33, 52, 53, 54}), 10U);
}

TEST(FieldCodesTest, CodesAreEqualWhereCellsAre) {
  DistinctValues distinct;
  RecordOptions options;
  options.columns = "3,9";
  const FieldCodes codes = Encoded(DataFile("syn_options/syn.tsv"), options, &distinct);
  ASSERT_EQ(codes.fields.size(), 2U);
  std::vector<std::string> first;  // cells by code
  for (size_t value = 0; value < codes.values(); ++value) {
    const CountedValue& row = distinct.values()[value];
    const std::string text(reinterpret_cast<const char*>(row.data), row.length);
    const std::string cell = text.substr(0, text.find('\t'));
    const uint32_t code = codes.fields[0].codes[value];
    ASSERT_LE(code, first.size()) << "codes have the order of appearance";
    if (code == first.size()) first.push_back(cell);
    EXPECT_EQ(first[code], cell);
  }
  EXPECT_EQ(codes.fields[0].distinct(), first.size());
}

// Raw records of 8 bytes: a number of 3 bits, one of 13 that crosses a byte, two bytes, and four.
TEST(FieldCodesTest, BitsAndBytesOfRawRecords) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  RecordSchema schema;
  schema.value_bytes = 8;
  schema.fields = {{.name = "a", .kind = FieldKind::kUnsigned, .offset_bits = 0, .size_bits = 3},
                   {.name = "b", .offset_bits = 3, .size_bits = 13},
                   {.name = "c", .offset_bits = 16, .size_bits = 16},
                   {.name = "d", .offset_bits = 32, .size_bits = 32}};
  ValueCounter counter;
  for (int i = 0; i < 3000; ++i) {
    const uint64_t value = random() % 3 | uint64_t{random() % 700 * 11} << 3 |
                           uint64_t{random() % 5} << 16 |
                           uint64_t{random() % 2 * 77'777'777U} << 32;
    counter.Add({reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
  }
  const FieldCodes codes = EncodeFields(schema, counter.values(), 3);
  const auto part = [&](size_t row, uint64_t offset, uint64_t bits) {
    uint64_t value;
    std::memcpy(&value, counter.values()[row].data, sizeof(value));
    return value >> offset & ((uint64_t{1} << bits) - 1);
  };
  for (const CodedField& coded : codes.fields) {
    std::set<uint64_t> seen;
    std::set<std::pair<uint64_t, uint32_t>> pairs;
    for (size_t row = 0; row < codes.values(); ++row) {
      const uint64_t value = part(row, *coded.field.offset_bits, coded.field.size_bits);
      seen.insert(value);
      pairs.insert({value, coded.codes[row]});
    }
    EXPECT_EQ(coded.distinct(), seen.size()) << coded.field.name;
    EXPECT_EQ(pairs.size(), seen.size()) << coded.field.name << ": one code for each value";
  }
}

// Cells of 0 to 20 bytes, some of them prefixes of others or of zeros only, and so many that tables
// of them wait for each other.
TEST(FieldCodesTest, LargeFieldsWaitForEachOther) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::vector<std::string>> cells(4);
  ValueCounter counter;
  RecordSchema schema;
  schema.kind = RecordSchema::Kind::kText;
  for (size_t i = 0; i < cells.size(); ++i) {
    schema.fields.push_back({.name = std::to_string(i)});
    schema.columns.push_back(i);
  }
  std::set<std::string> rows;
  while (rows.size() < 90'000) {
    std::string row;
    std::vector<std::string> parts;
    for (size_t i = 0; i < cells.size(); ++i) {
      const auto number = static_cast<uint32_t>(random() % (i == 3 ? 700 : 100'000'000));
      parts.push_back(std::string(number % 12, '\0') +
                      (number % 5 > 0 ? std::to_string(number) : ""));
      row += (i > 0 ? "," : "") + parts.back();
    }
    if (!rows.insert(row).second) continue;
    counter.Add({reinterpret_cast<const uint8_t*>(row.data()), row.size()});
    for (size_t i = 0; i < cells.size(); ++i) cells[i].push_back(parts[i]);
  }
  for (const size_t threads : {1U, 3U}) {
    const FieldCodes codes = EncodeFields(schema, counter.values(), threads);
    for (size_t i = 0; i < cells.size(); ++i) {
      std::map<std::string, uint32_t> known;
      for (size_t row = 0; row < codes.values(); ++row) {
        const auto [cell, is_new] =
            known.emplace(cells[i][row], static_cast<uint32_t>(known.size()));
        ASSERT_EQ(codes.fields[i].codes[row], cell->second);
      }
      EXPECT_EQ(codes.fields[i].distinct(), known.size());
    }
  }
}

// More rows than are counted in one pass, few and many of them equal.
TEST(RowHashesTest, ManyRowsAreCountedInHalves) {
  std::mt19937 random(20261128);
  for (const uint32_t variety : {1U, 100U, 700U, 100'000U}) {
    constexpr size_t kRows = 400'000;
    FieldCodes codes;
    codes.counts.assign(kRows, 1);
    codes.records = kRows;
    codes.fields.resize(2);
    std::set<uint64_t> pairs;
    std::set<uint32_t> firsts;
    std::vector<uint32_t> first_rows;
    for (uint32_t row = 0; row < kRows; ++row) {
      const auto a = static_cast<uint32_t>(random() % variety);
      const auto b = static_cast<uint32_t>(random() % variety);
      codes.fields[0].codes.push_back(a);
      codes.fields[1].codes.push_back(b);
      firsts.insert(a);
      if (pairs.insert(uint64_t{a} << 32 | b).second) first_rows.push_back(row);
    }
    RowHashes hashes(codes);
    std::vector<RowHashes::Scratch> scratches(2);
    EXPECT_EQ(hashes.Distinct(scratches.data()), 1U);
    hashes.IncludeAll({0, 1}, 3);
    EXPECT_EQ(hashes.Distinct(scratches.data()), pairs.size());
    EXPECT_EQ(hashes.Distinct(std::span(scratches)), pairs.size());
    EXPECT_EQ(hashes.DistinctWithout(1, scratches.data()), firsts.size());
    EXPECT_GT(hashes.Distinct(scratches.data(), pairs.size() - 1), pairs.size() - 1);
    EXPECT_EQ(hashes.FirstRows(scratches.data()), first_rows);
    hashes.ExcludeAll({1});
    EXPECT_EQ(hashes.DistinctWith(1, scratches.data()), pairs.size());
    EXPECT_EQ(hashes.Distinct(scratches.data()), firsts.size());
  }
}

TEST(RowHashesTest, CountsAreThoseOfSets) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    FieldCodes codes;
    const size_t rows = 1 + random() % 400;
    codes.counts.assign(rows, 1);
    codes.records = rows;
    codes.fields.resize(6);
    for (CodedField& field : codes.fields) {
      const uint32_t distinct = 1 + static_cast<uint32_t>(random() % 12);
      for (size_t row = 0; row < rows; ++row) {
        field.codes.push_back(static_cast<uint32_t>(random() % distinct));
      }
    }
    const auto model = [&](const std::set<size_t>& fields) {
      std::set<std::vector<uint32_t>> seen;
      for (size_t row = 0; row < rows; ++row) {
        std::vector<uint32_t> tuple;
        for (const size_t field : fields) tuple.push_back(codes.fields[field].codes[row]);
        seen.insert(tuple);
      }
      return seen.size();
    };
    RowHashes hashes(codes);
    RowHashes::Scratch scratch;
    std::set<size_t> included;
    for (int step = 0; step < 40; ++step) {
      const size_t field = random() % codes.fields.size();
      std::set<size_t> other = included;
      if (included.contains(field)) {
        other.erase(field);
        EXPECT_EQ(hashes.DistinctWithout(field, &scratch), model(other));
        hashes.Exclude(field);
      } else {
        other.insert(field);
        EXPECT_EQ(hashes.DistinctWith(field, &scratch), model(other));
        hashes.Include(field);
      }
      included = other;
      EXPECT_EQ(hashes.Distinct(&scratch), model(included));
    }
  }
}

}  // namespace
}  // namespace inlay::analysis
