#include "tools/analysis/counting/unprinted_bytes.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tools/analysis/counting/fields_only.h"
#include "tools/analysis/values/bytes_column.h"

namespace inlay::analysis {
namespace {

struct Value {
  std::string fields;
  std::vector<uint8_t> bytes;
};

RecordSchema Schema() {
  RecordSchema schema;
  schema.kind = RecordSchema::Kind::kText;
  schema.dialect = kCsvDialect;
  schema.has_bytes_column = true;
  schema.fields = {{.name = "a"}, {.name = std::string(kBytesColumnName)}};
  schema.columns = {0, 1};
  schema.file_columns = 2;
  return schema;
}

DistinctValues Counted(const std::vector<Value>& values) {
  DistinctValues distinct;
  for (const Value& value : values) {
    std::vector<uint8_t> row(value.fields.begin(), value.fields.end());
    row.push_back(',');
    AppendBytesCell(value.bytes, &row);
    distinct.counter.AddCounted(row, 1);
    ++distinct.records;
  }
  return distinct;
}

std::string Note(const std::vector<Value>& values) {
  const std::optional<InputNote> note = UnprintedBytesNote(Schema(), Counted(values));
  return note.has_value() ? note->text : "";
}

constexpr char kTwoByOne[] = "2 distinct values by their bytes, 1 by their fields as printed: ";

TEST(UnprintedBytesTest, TheTrueCauseIsNamed) {
  EXPECT_EQ(Note({{"1", {1, 0}}, {"2", {2, 0}}, {"1", {1, 0}}}), "");
  EXPECT_EQ(Note({{"1", {1, 0}}, {"1", {1, 9}}}),
            std::string(kTwoByOne) +
                "byte 1 differs where all fields are equal. They are padding: a program that "
                "does not zero it stores equal values that do not share.");
  EXPECT_EQ(Note({{"ab", {'a', 'b', 0, 0}}, {"ab", {'a', 'b', 0, 7}}}),
            std::string(kTwoByOne) +
                "byte 3 differs where all fields are equal. bpftool prints a text only up to its "
                "zero byte, and no padding: a program that does not clear the rest stores equal "
                "values that do not share.");
  EXPECT_EQ(Note({{"9007199254740992", {0, 0, 0, 0, 0, 0, 32, 0}},
                  {"9007199254740992", {1, 0, 0, 0, 0, 0, 32, 0}}}),
            std::string(kTwoByOne) +
                "byte 0 differs where all fields are equal. A program behind bpftool, such as jq, "
                "has rounded numbers above 2^53.");
  EXPECT_NE(Note({{"(unsupported-kind", {1, 0}}, {"(unsupported-kind", {3, 0}}})
                .find("bpftool cannot print a member"),
            std::string::npos);
}

TEST(UnprintedBytesTest, FieldsAreCountedWithoutTheBytes) {
  const std::optional<FieldsOnly> fields =
      WithoutBytesColumn(Schema(), Counted({{"1", {1, 0}}, {"1", {1, 9}}, {"2", {2, 0}}}));
  ASSERT_TRUE(fields.has_value());
  EXPECT_EQ(fields->distinct.records, 3U);
  ASSERT_EQ(fields->distinct.values().size(), 2U);
  EXPECT_EQ(fields->distinct.values()[0].count, 2U);
  EXPECT_EQ(fields->distinct.values()[0].length, 1U);
  EXPECT_EQ(fields->schema.fields.size(), 1U);
  EXPECT_EQ(fields->schema.file_columns, 1U);
  EXPECT_FALSE(fields->schema.has_bytes_column);
  RecordSchema plain = Schema();
  plain.has_bytes_column = false;
  EXPECT_FALSE(WithoutBytesColumn(plain, Counted({{"1", {1}}})).has_value());
}

}  // namespace
}  // namespace inlay::analysis
