#include "tools/analysis/fields/field_codes.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "tools/analysis/bytes/in_parallel.h"
#include "tools/analysis/fields/cell_codes.h"
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

// Permission for one table of very many cells at a time, so that few fields of which all values
// differ do not take the memory of many.
class LargeTables {
 public:
  LargeTables(size_t values, size_t fields)
      : large_cells_(std::max(kLeastLargeCells, values / (4 * fields))) {}

  bool IsLarge(size_t cells) const { return cells > large_cells_; }
  bool TryAcquire() { return !taken_.exchange(true); }
  void Release() { taken_ = false; }
  void Postpone(size_t field) {
    const std::lock_guard lock(mutex_);
    postponed_.push_back(field);
  }

  // The fields whose turn has yet to come. REQUIRES: no thread is encoding.
  const std::vector<size_t>& postponed() const { return postponed_; }

 private:
  static constexpr size_t kLeastLargeCells = size_t{1} << 16;

  size_t large_cells_;
  std::atomic<bool> taken_{false};
  std::mutex mutex_;
  std::vector<size_t> postponed_;
};

// One field's codes as they grow.
class Encoder {
 public:
  // `large` is null where the field may have a table of any size.
  Encoder(size_t number, CodedField* coded, LargeTables* large)
      : number_(number), coded_(coded), large_(large), cells_(coded->codes.size()) {}
  Encoder(Encoder&& other) noexcept
      : number_(other.number_),
        coded_(other.coded_),
        large_(other.large_),
        cells_(std::move(other.cells_)),
        acquired_(std::exchange(other.acquired_, false)),
        postponed_(other.postponed_) {}
  ~Encoder() {
    cells_ = CellCodes(0);  // before another field may have a large table
    if (acquired_) large_->Release();
  }

  // `parts` are the field's bytes in the values from `first` on.
  void Add(std::span<const Part> parts, size_t first) {
    cells_.Encode(parts, &coded_->codes[first]);
    coded_->code_count = cells_.distinct();
    if (large_ == nullptr || acquired_ || !large_->IsLarge(cells_.distinct())) return;
    acquired_ = large_->TryAcquire();
    if (acquired_) return;
    large_->Postpone(number_);
    postponed_ = true;
    cells_ = CellCodes(0);
  }

  size_t number() const { return number_; }
  bool postponed() const { return postponed_; }
  const CodedField& coded() const { return *coded_; }

 private:
  size_t number_;  // of the field
  CodedField* coded_;
  LargeTables* large_;
  CellCodes cells_;
  bool acquired_ = false;
  bool postponed_ = false;  // what it has encoded is void
};

void EncodeRaw(const CountedValues& values, std::vector<Encoder>& encoders) {
  std::array<Part, kBatch> parts;
  std::array<std::array<uint8_t, 8>, kBatch> bits;
  for (size_t begin = 0; begin < values.size(); begin += kBatch) {
    const size_t count = std::min(kBatch, values.size() - begin);
    for (Encoder& encoder : encoders) {
      if (encoder.postponed()) continue;
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

// Of rows of `row_cells`.
void EncodeText(const Dialect& dialect, const CountedValues& values, size_t row_cells,
                std::vector<Encoder>& encoders) {
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
    for (Encoder& encoder : encoders) {
      if (encoder.postponed()) continue;
      for (size_t i = 0; i < count; ++i) {
        const RawCell& cell = rows[i][encoder.number()];
        parts[i] = values[begin + i].bytes().subspan(cell.begin, cell.end - cell.begin);
      }
      encoder.Add(std::span(parts).first(count), begin);
    }
  }
}

void Encode(const RecordSchema& schema, const CountedValues& values,
            std::vector<Encoder>& encoders) {
  if (schema.kind == RecordSchema::Kind::kRaw) {
    EncodeRaw(values, encoders);
  } else {
    EncodeText(schema.dialect, values, schema.fields.size(), encoders);
  }
}

}  // namespace

FieldCodes EncodeFields(const RecordSchema& schema, const CountedValues& values, size_t threads,
                        size_t most_encoders) {
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
  LargeTables large(values.size(), codes.fields.size());
  InParallel(parts, [&](size_t part) {
    for (size_t next = part; next < codes.fields.size();) {
      std::vector<Encoder> encoders;
      for (; next < codes.fields.size() && encoders.size() < at_a_time; next += parts) {
        encoders.emplace_back(next, &codes.fields[next], &large);
      }
      Encode(schema, values, encoders);
    }
  });
  for (const size_t field : large.postponed()) {
    std::vector<Encoder> alone;
    alone.emplace_back(field, &codes.fields[field], nullptr);
    Encode(schema, values, alone);
  }
  return codes;
}

}  // namespace inlay::analysis
