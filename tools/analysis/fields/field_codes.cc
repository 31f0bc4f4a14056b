#include "tools/analysis/fields/field_codes.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>

#include "tools/analysis/bytes/in_parallel.h"
#include "tools/analysis/grammar/delimited_row.h"

namespace inlay::analysis {
namespace {

// Values are taken a batch at a time and encoded field by field, so that one field's table stays in
// the cache.
constexpr size_t kBatch = 256;
// Fewer where rows are so wide that the places of their cells would take more than 1 MiB.
constexpr size_t kBatchCells = size_t{64} << 10;

using Part = std::span<const uint8_t>;

// The bits of a bit-field, at most 64 of them, as bytes.
std::array<uint8_t, 8> ExtractBits(Part value, const ValueField& field) {
  const uint64_t first_byte = *field.offset_bits / 8;
  const uint64_t shift = *field.offset_bits % 8;
  std::array<uint8_t, 16> window = {};
  std::memcpy(window.data(), value.data() + first_byte,
              std::min<size_t>(9, value.size() - first_byte));
  std::array<uint8_t, 8> bits = {};
  for (size_t i = 0; i < bits.size(); ++i) {
    const uint32_t two = window[i] | static_cast<uint32_t>(window[i + 1]) << 8;
    bits[i] = static_cast<uint8_t>(two >> shift);
  }
  for (size_t bit = field.size_bits; bit < 64; ++bit) {
    bits[bit / 8] = static_cast<uint8_t>(bits[bit / 8] & ~(1U << (bit % 8)));
  }
  return bits;
}

// One field's codes as they grow.
class Encoder {
 public:
  explicit Encoder(CodedField* coded)
      : coded_(coded),
        counter_(coded->field.is_bitfield() ? ValueCounter::Bytes::kCopy
                                            : ValueCounter::Bytes::kBorrow) {}

  // `parts` are the field's bytes in the values from `first` on.
  void Add(std::span<const Part> parts, size_t first) {
    counter_.AddValues(parts, &coded_->codes[first]);
    // New codes come in order, so that the first value with each is found in one pass.
    for (size_t i = 0; i < parts.size(); ++i) {
      if (coded_->codes[first + i] == coded_->first_row.size()) {
        coded_->first_row.push_back(static_cast<uint32_t>(first + i));
      }
    }
  }

  const CodedField& coded() const { return *coded_; }

 private:
  CodedField* coded_;
  ValueCounter counter_;
};

void EncodeRaw(const std::vector<CountedValue>& values, std::vector<Encoder>& encoders) {
  std::array<Part, kBatch> parts;
  std::array<std::array<uint8_t, 8>, kBatch> bits;
  for (size_t begin = 0; begin < values.size(); begin += kBatch) {
    const size_t count = std::min(kBatch, values.size() - begin);
    for (Encoder& encoder : encoders) {
      const ValueField& field = encoder.coded().field;
      for (size_t i = 0; i < count; ++i) {
        const Part value = values[begin + i].bytes();
        if (field.is_bitfield()) {
          bits[i] = ExtractBits(value, field);
          parts[i] = bits[i];
        } else {
          parts[i] = value.subspan(*field.offset_bits / 8, field.size_bytes());
        }
      }
      encoder.Add(std::span(parts).first(count), begin);
    }
  }
}

// `columns[i]` is the column of encoders[i], of rows of `row_cells`.
void EncodeText(const Dialect& dialect, const std::vector<CountedValue>& values, size_t row_cells,
                std::span<const size_t> columns, std::vector<Encoder>& encoders) {
  const size_t batch = std::clamp<size_t>(kBatchCells / row_cells, 1, kBatch);
  std::vector<std::vector<RawCell>> rows(batch);
  std::array<Part, kBatch> parts;
  for (size_t begin = 0; begin < values.size(); begin += batch) {
    const size_t count = std::min(batch, values.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      const CountedValue& value = values[begin + i];
      // A canonical row always splits, into as many cells as there are fields.
      (void)SplitRow({reinterpret_cast<const char*>(value.data), value.length}, dialect, &rows[i]);
    }
    for (size_t number = 0; number < encoders.size(); ++number) {
      for (size_t i = 0; i < count; ++i) {
        const RawCell& cell = rows[i][columns[number]];
        parts[i] = values[begin + i].bytes().subspan(cell.begin, cell.end - cell.begin);
      }
      encoders[number].Add(std::span(parts).first(count), begin);
    }
  }
}

}  // namespace

FieldCodes EncodeFields(const RecordSchema& schema, const std::vector<CountedValue>& values,
                        size_t threads, size_t most_encoders) {
  FieldCodes codes;
  codes.counts.reserve(values.size());
  for (const CountedValue& value : values) {
    codes.counts.push_back(value.count);
    codes.records += value.count;
  }
  codes.fields.resize(schema.fields.size());
  for (size_t i = 0; i < codes.fields.size(); ++i) {
    codes.fields[i].field = schema.fields[i];
    codes.fields[i].codes.resize(values.size());
  }
  if (codes.fields.empty()) return codes;
  const size_t parts = std::clamp<size_t>(threads, 1, std::min(codes.fields.size(), most_encoders));
  const size_t at_a_time = (std::min(codes.fields.size(), most_encoders) + parts - 1) / parts;
  InParallel(parts, [&](size_t part) {
    for (size_t next = part; next < codes.fields.size();) {
      std::vector<Encoder> encoders;
      std::vector<size_t> columns;
      for (; next < codes.fields.size() && encoders.size() < at_a_time; next += parts) {
        encoders.emplace_back(&codes.fields[next]);
        columns.push_back(next);
      }
      if (schema.kind == RecordSchema::Kind::kRaw) {
        EncodeRaw(values, encoders);
      } else {
        EncodeText(schema.dialect, values, schema.fields.size(), columns, encoders);
      }
      for (const size_t column : columns) codes.fields[column].first_row.shrink_to_fit();
    }
  });
  return codes;
}

}  // namespace inlay::analysis
