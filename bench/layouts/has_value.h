// HasValue: compares a socket with the model, before and after a measurement.

#ifndef INLAY_BENCH_HAS_VALUE_H_
#define INLAY_BENCH_HAS_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "inlay/emulated/socket.h"

namespace inlay::bench {

// Whether the socket's value is `expected`; an empty `expected` means no value. Reader section:
// required.
template <typename Layout>
bool HasValue(const typename Layout::Map& map, const Socket& socket,
              std::span<const std::byte> expected) {
  const uint64_t equal = Layout::Read(map, socket, [expected](const void* found) -> uint64_t {
    if (found == nullptr || expected.empty()) return found == nullptr && expected.empty();
    return std::memcmp(found, expected.data(), expected.size()) == 0;
  });
  return equal != 0;
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_HAS_VALUE_H_
