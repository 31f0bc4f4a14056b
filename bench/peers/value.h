// The value type of the peers, whose size is known at compile time as in a user's program, and its
// memory by the rule of inlay/memory_usage.h.

#ifndef INLAY_BENCH_PEERS_VALUE_H_
#define INLAY_BENCH_PEERS_VALUE_H_

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/status.h"

namespace inlay::bench {

template <uint32_t kValueBytes>
struct PeerValue {
  std::byte bytes[kValueBytes];

  // The value that lies in `value`, without a copy: the caller of a typed library has one already.
  // REQUIRES: value.size() == kValueBytes.
  static const PeerValue& In(std::span<const std::byte> value) {
    static_assert(alignof(PeerValue) == 1);
    return *reinterpret_cast<const PeerValue*>(value.data());
  }

  friend bool operator==(const PeerValue& a, const PeerValue& b) {
    return std::memcmp(a.bytes, b.bytes, kValueBytes) == 0;
  }
};

// The hash of Inlay's value table, so that differences between the two come from the design.
template <uint32_t kValueBytes>
struct HashPeerValue {
  size_t operator()(const PeerValue<kValueBytes>& value) const {
    return XXH3_64bits(value.bytes, kValueBytes);
  }
};

// kInvalid: other sizes than the type's; kUnsupported: no peer keeps locks in values. Peers ignore
// code widths and alignments.
template <uint32_t kValueBytes>
Status CheckPeerOptions(const MapOptions& options) {
  if (options.value_bytes != kValueBytes) return Status::kInvalid;
  if (options.spin_lock) return Status::kUnsupported;
  return CheckMapOptions(options);
}

// The memory of an array of `bytes`: kmalloc()'s size classes up to 8 KiB, whole pages above, as
// kvmalloc() does.
constexpr size_t ArrayBytes(size_t bytes) {
  constexpr size_t kPageBytes = 4096;
  if (bytes == 0) return 0;
  return bytes <= 2 * kPageBytes ? KmallocBytes(bytes)
                                 : (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

// The memory of an absl::flat_hash_map: a control byte for each slot of its capacity, 16 more, and
// the slots.
template <typename HashMap>
size_t FlatHashMapBytes(const HashMap& map) {
  using Slot = typename HashMap::value_type;
  if (map.capacity() == 0) return 0;
  const size_t control_bytes =
      (map.capacity() + 16 + alignof(Slot) - 1) / alignof(Slot) * alignof(Slot);
  return ArrayBytes(control_bytes + map.capacity() * sizeof(Slot));
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PEERS_VALUE_H_
