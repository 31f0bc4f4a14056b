#include "tools/analysis/counting/fields_only.h"

#include <string_view>

#include "tools/analysis/values/bytes_column.h"

namespace inlay::analysis {

std::optional<FieldsOnly> WithoutBytesColumn(const RecordSchema& schema,
                                             const DistinctValues& distinct) {
  if (!schema.has_bytes_column) return std::nullopt;
  FieldsOnly result{.schema = schema, .distinct = {.counter = BoundedCounter()}};
  result.schema.has_bytes_column = false;
  result.schema.fields.pop_back();
  result.schema.columns.pop_back();
  --result.schema.file_columns;
  for (const CountedValue& value : distinct.values()) {
    const std::string_view row(reinterpret_cast<const char*>(value.data), value.length);
    const size_t bytes = WithoutBytesCell(row, schema.dialect.delimiter).size();
    result.distinct.counter.AddCounted(value.bytes().first(bytes), value.count);
  }
  result.distinct.records = distinct.records;
  return result;
}

}  // namespace inlay::analysis
