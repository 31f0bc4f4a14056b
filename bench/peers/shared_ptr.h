// The peer `shared_ptr`: a std::shared_ptr in each socket, 16 bytes, to a value of the socket's
// own. Equal values are shared between a listener and its children only. handle_map.h has the
// limits of sockets with handles.

#ifndef INLAY_BENCH_PEERS_SHARED_PTR_H_
#define INLAY_BENCH_PEERS_SHARED_PTR_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "bench/peers/handle_map.h"
#include "bench/peers/value.h"

namespace inlay::bench {

template <uint32_t kBytes>
class OwnValues {
 public:
  static constexpr uint32_t kValueBytes = kBytes;
  static constexpr bool kSharesEqualValues = false;
  using Value = PeerValue<kBytes>;
  using Handle = std::shared_ptr<const Value>;

  Handle Make(const Value& value) { return std::make_shared<const Value>(value); }
  static const std::byte* BytesOf(const Handle& handle) { return handle->bytes; }
  // Counts as if no clone shared its parent's value.
  MemoryUsage memory_usage(size_t handles) const {
    return {.private_bytes = handles * KmallocBytes(kControlBytes + sizeof(Value))};
  }

 private:
  // libstdc++'s block in front of the value: a pointer to functions and two counts of 4 bytes.
  static constexpr size_t kControlBytes = 16;
};

template <uint32_t kBytes>
using SharedPtrMap = HandleMap<OwnValues<kBytes>>;

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PEERS_SHARED_PTR_H_
