#include "tools/analysis/field_statistics.h"

#include <algorithm>
#include <functional>
#include <future>
#include <span>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "tools/analysis/delimited_row.h"

namespace inlay::analysis {
namespace {

constexpr size_t kByteValues = 256;

// Runs work(0) .. work(count - 1), each on a thread of its own if there are threads to be had.
// Passes on what they throw.
void InParallel(size_t count, const std::function<void(size_t)>& work) {
  std::vector<std::future<void>> others;
  for (size_t i = 1; i < count; ++i) {
    try {
      others.push_back(std::async(std::launch::async, work, i));
    } catch (const std::system_error&) {
      others.push_back(std::async(std::launch::deferred, work, i));
    }
  }
  work(0);
  for (std::future<void>& other : others) other.get();
}

// seen[256 * offset + byte] for the values in [first, last).
std::vector<uint8_t> SeenBytes(const std::vector<CountedValue>& values, size_t first, size_t last,
                               size_t value_bytes) {
  std::vector<uint8_t> seen(value_bytes * kByteValues);
  for (size_t i = first; i < last; ++i) {
    const uint8_t* data = values[i].data;
    for (size_t offset = 0; offset < value_bytes; ++offset) {
      seen[offset * kByteValues + data[offset]] = 1;
    }
  }
  return seen;
}

std::vector<FieldStatistics> CountBytes(const RecordSchema& schema,
                                        const std::vector<CountedValue>& values, size_t threads) {
  const size_t value_bytes = schema.value_bytes;
  std::vector<std::vector<uint8_t>> seen(std::max<size_t>(threads, 1));
  InParallel(seen.size(), [&](size_t i) {
    seen[i] = SeenBytes(values, values.size() * i / seen.size(),
                        values.size() * (i + 1) / seen.size(), value_bytes);
  });
  std::vector<FieldStatistics> fields(value_bytes);
  for (size_t offset = 0; offset < value_bytes; ++offset) {
    fields[offset].name = absl::StrCat("byte ", offset);
    fields[offset].offset = offset;
    fields[offset].bytes = 1;
    for (size_t byte = 0; byte < kByteValues; ++byte) {
      const size_t at = offset * kByteValues + byte;
      const bool anywhere =
          std::any_of(seen.begin(), seen.end(), [at](const auto& part) { return part[at] != 0; });
      fields[offset].distinct += anywhere ? 1 : 0;
    }
  }
  return fields;
}

// Counts the columns first, first + step, ... of the rows in `values`. Rows are split a batch at a
// time and counted column by column, so that one column's table stays in the cache.
void CountColumns(const RecordSchema& schema, const std::vector<CountedValue>& values, size_t first,
                  size_t step, std::vector<FieldStatistics>* fields) {
  constexpr size_t kBatchRows = 256;
  const size_t columns = fields->size();
  std::vector<ValueCounter> counters;
  for (size_t column = first; column < columns; column += step) {
    counters.emplace_back(ValueCounter::Bytes::kBorrow);
  }
  std::vector<std::vector<RawCell>> rows(kBatchRows);
  std::vector<std::span<const uint8_t>> cells(kBatchRows);
  for (size_t begin = 0; begin < values.size(); begin += kBatchRows) {
    const size_t count = std::min(kBatchRows, values.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      const CountedValue& value = values[begin + i];
      // A canonical row always splits, into as many cells as there are fields.
      (void)SplitRow({reinterpret_cast<const char*>(value.data), value.length}, schema.dialect,
                     &rows[i]);
    }
    size_t column = first;
    for (ValueCounter& counter : counters) {
      for (size_t i = 0; i < count; ++i) {
        const RawCell& cell = rows[i][column];
        cells[i] = {values[begin + i].data + cell.begin, cell.end - cell.begin};
      }
      counter.AddValues(std::span(cells).first(count));
      column += step;
    }
  }
  size_t column = first;
  for (const ValueCounter& counter : counters) {
    (*fields)[column].distinct = counter.values().size();
    column += step;
  }
}

}  // namespace

std::vector<FieldStatistics> CountFields(const RecordSchema& schema,
                                         const std::vector<CountedValue>& values, size_t threads) {
  if (schema.kind == RecordSchema::Kind::kRaw) return CountBytes(schema, values, threads);
  std::vector<FieldStatistics> fields(schema.field_names.size());
  for (size_t i = 0; i < fields.size(); ++i) fields[i].name = schema.field_names[i];
  if (fields.size() == 1) {
    fields[0].distinct = values.size();  // the value is the field
    return fields;
  }
  const size_t parts = std::clamp<size_t>(threads, 1, std::max<size_t>(fields.size(), 1));
  InParallel(parts, [&](size_t i) { CountColumns(schema, values, i, parts, &fields); });
  return fields;
}

}  // namespace inlay::analysis
