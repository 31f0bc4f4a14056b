#include "tools/analysis/fields/byte_ranges.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "tools/analysis/values/struct_fields.h"

namespace inlay::analysis {
namespace {

// Two halves depend on each other if together they take at most this many times the values that one
// takes alone.
constexpr double kJoint = 1.25;
// And at most this share of the values that independent halves would take.
constexpr double kEvidence = 0.5;
// A byte carries into the next one if its entropy, or the number of its values, is at least this
// share of its maximum. The number counts too because a byte that is mostly zero has little
// entropy.
constexpr double kCarries = 0.75;
// Fewer values do not show the range of a byte.
constexpr double kLeastValues = 64;
// The entropy in bits by which chance may lift a byte above the lower byte of the same number.
constexpr double kNoiseBits = 0.1;

constexpr size_t kMaxNumberBytes = 8;
// Bytes of a value whose contents are counted at a time, with 1 KiB for each.
constexpr uint64_t kBytesAtATime = 1024;

using Sample = std::vector<const uint8_t*>;

Sample TakeSample(uint64_t value_bytes, const CountedValues& values) {
  const size_t most = std::min(kMaxDiscoveryValues, kMaxDiscoveryBytes / value_bytes);
  Sample sample;
  if (values.size() <= most) {
    sample.reserve(values.size());
    for (const CountedValue& value : values) sample.push_back(value.data);
    return sample;
  }
  // Those with the lowest hashes: the same ones, in whatever order the values come.
  std::vector<std::pair<uint64_t, const uint8_t*>> order;
  order.reserve(values.size());
  for (const CountedValue& value : values) {
    order.emplace_back(ValueCounter::HashOf(value.bytes()), value.data);
  }
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(order.begin(), end, order.end());
  sample.reserve(most);
  for (auto value = order.begin(); value != end; ++value) sample.push_back(value->second);
  return sample;
}

// One byte in the sample.
struct ByteView {
  uint64_t distinct = 0;
  double entropy_bits = 0;
  bool is_zero = false;  // in all values

  bool is_constant() const { return distinct == 1; }
};

std::vector<ByteView> LookAtBytes(const Sample& sample, uint64_t value_bytes) {
  std::vector<ByteView> bytes(value_bytes);
  std::vector<std::array<uint32_t, 256>> counts(std::min(value_bytes, kBytesAtATime));
  const auto total = static_cast<double>(sample.size());
  for (uint64_t first = 0; first < value_bytes; first += counts.size()) {
    const uint64_t some = std::min<uint64_t>(counts.size(), value_bytes - first);
    for (std::array<uint32_t, 256>& of_byte : counts) of_byte.fill(0);
    for (const uint8_t* value : sample) {
      for (uint64_t i = 0; i < some; ++i) ++counts[i][value[first + i]];
    }
    for (uint64_t i = 0; i < some; ++i) {
      ByteView& byte = bytes[first + i];
      byte.is_zero = counts[i][0] == sample.size();
      for (const uint32_t count : counts[i]) {
        if (count == 0) continue;
        ++byte.distinct;
        byte.entropy_bits += count / total * std::log2(total / count);
      }
    }
  }
  return bytes;
}

// Counts the distinct numbers of up to eight bytes at one place of the values.
class JointCounter {
 public:
  explicit JointCounter(const Sample& sample)
      : sample_(sample), slots_(std::bit_ceil(2 * sample.size() + 2)) {}

  uint64_t Count(uint64_t offset, uint64_t size) {
    std::fill(slots_.begin(), slots_.end(), 0);
    const size_t mask = slots_.size() - 1;
    uint64_t distinct = 0;
    bool any_zero = false;  // 0 is an empty slot
    for (const uint8_t* value : sample_) {
      uint64_t number = 0;
      for (uint64_t i = size; i-- > 0;) number = number << 8 | value[offset + i];
      if (number == 0) {
        any_zero = true;
        continue;
      }
      size_t at = (number * 0x9e37'79b9'7f4a'7c15) >> 32 & mask;
      while (slots_[at] != 0 && slots_[at] != number) at = (at + 1) & mask;
      if (slots_[at] != 0) continue;
      slots_[at] = number;
      ++distinct;
    }
    return distinct + (any_zero ? 1 : 0);
  }

 private:
  const Sample& sample_;
  std::vector<uint64_t> slots_;
};

// Decides which bytes form one number, from pairs up to eight bytes.
class Discovery {
 public:
  Discovery(const Sample& sample, uint64_t value_bytes)
      : values_(static_cast<double>(sample.size())),
        bytes_(LookAtBytes(sample, value_bytes)),
        joint_(sample) {
    for (uint64_t offset = 0; offset < value_bytes; ++offset) {
      parts_.push_back({1, bytes_[offset].distinct});
    }
    for (uint64_t size = 2; size <= kMaxNumberBytes; size *= 2) {
      for (uint64_t offset = 0; offset + size <= value_bytes; offset += size) TryJoin(offset, size);
    }
  }

  std::vector<ValueField> Fields() const {
    std::vector<ValueField> fields;
    for (uint64_t begin = 0; begin < bytes_.size();) {
      uint64_t end = begin + parts_[begin].size;
      while (bytes_[begin].is_constant() && parts_[begin].size == 1 && end < bytes_.size() &&
             bytes_[end].is_constant() && parts_[end].size == 1) {
        ++end;
      }
      fields.push_back({.name = ByteRangeName("byte", "bytes", begin, end - 1),
                        .offset_bits = 8 * begin,
                        .size_bits = 8 * (end - begin)});
      begin = end;
    }
    return fields;
  }

 private:
  // The part that starts at a byte: a number of `size` bytes, or a single byte.
  struct Part {
    uint64_t size = 1;
    uint64_t distinct = 0;
  };

  bool IsZero(uint64_t offset, uint64_t size) const {
    return std::all_of(bytes_.begin() + static_cast<std::ptrdiff_t>(offset),
                       bytes_.begin() + static_cast<std::ptrdiff_t>(offset + size),
                       [](const ByteView& byte) { return byte.is_zero; });
  }

  void TryJoin(uint64_t offset, uint64_t size) {
    const uint64_t half = size / 2;
    const Part& low = parts_[offset];
    const Part& high = parts_[offset + half];
    if (low.size != half || low.distinct == 1) return;
    if (size <= 4 && IsZero(offset + half, half)) {
      // The number is the same with and without its zeroes.
      parts_[offset].size = size;
      return;
    }
    if (high.size != half || high.distinct == 1) return;
    const uint64_t distinct = joint_.Count(offset, size);
    if (!Carries(offset, half) && !Depend(low, high, distinct, size)) return;
    parts_[offset] = {size, distinct};
  }

  // Whether the upper half counts the overflows of the lower one.
  bool Carries(uint64_t offset, uint64_t half) const {
    const ByteView& below = bytes_[offset + half - 1];
    const ByteView& above = bytes_[offset + half];
    return values_ >= kLeastValues &&
           (below.entropy_bits >= kCarries * std::min(8.0, std::log2(values_)) ||
            static_cast<double>(below.distinct) >= kCarries * std::min(256.0, values_)) &&
           above.entropy_bits <= below.entropy_bits + kNoiseBits;
  }

  bool Depend(const Part& low, const Part& high, uint64_t distinct, uint64_t size) const {
    const auto joint = static_cast<double>(distinct);
    const double product = static_cast<double>(low.distinct) * static_cast<double>(high.distinct);
    // The expected number of pairs among the values if all `product` pairs are equally likely.
    const double independent = product * -std::expm1(-values_ / product);
    if (joint > kEvidence * independent) return false;
    // Eight bytes are as often two numbers, so only a one-to-one relation makes them one.
    if (size == kMaxNumberBytes) return low.distinct == distinct && high.distinct == distinct;
    return joint <= kJoint * static_cast<double>(std::max(low.distinct, high.distinct));
  }

  double values_;
  std::vector<ByteView> bytes_;
  JointCounter joint_;
  std::vector<Part> parts_;
};

}  // namespace

std::vector<ValueField> DiscoverByteRanges(uint64_t value_bytes, const CountedValues& values) {
  const Sample sample = TakeSample(value_bytes, values);
  return Discovery(sample, value_bytes).Fields();
}

}  // namespace inlay::analysis
