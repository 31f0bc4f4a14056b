// Values that prove themselves: a number, and bytes computed from it.

#ifndef INLAY_TESTS_CAPTURE_PROVING_VALUE_H_
#define INLAY_TESTS_CAPTURE_PROVING_VALUE_H_

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace inlay::capture {

inline uint8_t ProvingByte(uint64_t number, size_t at) {
  uint64_t mixed = (number + 1) * 0x9E3779B97F4A7C15u + at / 8 * 0xBF58476D1CE4E5B9u;
  mixed ^= mixed >> 29;
  mixed *= 0x94D049BB133111EBu;
  mixed ^= mixed >> 32;
  return static_cast<uint8_t>(mixed >> 8 * (at % 8));
}

// A value of `value_bytes`. The first 8 bytes hold the number, or as much of it as fits.
inline std::vector<uint8_t> ProvingValue(uint64_t number, size_t value_bytes) {
  std::vector<uint8_t> value(value_bytes);
  for (size_t at = 0; at < value_bytes; ++at) {
    value[at] = at < 8 ? static_cast<uint8_t>(number >> 8 * at) : ProvingByte(number, at);
  }
  return value;
}

// The number of a value of at least 8 bytes; empty if the bytes do not match it.
inline std::optional<uint64_t> ProvenNumber(std::span<const uint8_t> value) {
  uint64_t number = 0;
  std::memcpy(&number, value.data(), sizeof(number));
  for (size_t at = 8; at < value.size(); ++at) {
    if (value[at] != ProvingByte(number, at)) return std::nullopt;
  }
  return number;
}

}  // namespace inlay::capture

#endif  // INLAY_TESTS_CAPTURE_PROVING_VALUE_H_
