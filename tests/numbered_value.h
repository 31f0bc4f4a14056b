// NumberedValue: the n-th of many distinct values of one size, and the comparison of one with a
// map's answer.

#ifndef INLAY_TESTS_NUMBERED_VALUE_H_
#define INLAY_TESTS_NUMBERED_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace inlay {

using Bytes = std::vector<std::byte>;

// Distinct for distinct n < 256^bytes. Values differ at the start and at the end, and agree in
// between, so that a comparison of a part only fails.
inline Bytes NumberedValue(uint64_t n, size_t bytes) {
  Bytes value(bytes, std::byte{0x5a});
  const size_t counted = bytes < sizeof(n) ? bytes : sizeof(n);
  for (size_t i = 0; i < counted; ++i) value[i] = static_cast<std::byte>(n >> (8 * i));
  if (bytes > sizeof(n)) value.back() = static_cast<std::byte>(n);
  return value;
}

inline Bytes Zeroes(size_t bytes) { return Bytes(bytes); }

// The bytes at `found`; empty if it is null.
inline Bytes Copied(const std::byte* found, size_t bytes) {
  return found == nullptr ? Bytes() : Bytes(found, found + bytes);
}

}  // namespace inlay

#endif  // INLAY_TESTS_NUMBERED_VALUE_H_
