// The vocabulary that the operations of every layout share. What each operation does in each state
// is in storage_map.h.

#ifndef INLAY_OPERATION_H_
#define INLAY_OPERATION_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "inlay/function_ref.h"
#include "inlay/status.h"

namespace inlay {

// Which states Update() accepts. The numbers are BPF_ANY, BPF_NOEXIST and BPF_EXIST.
enum class UpdateFlag : uint8_t {
  kAny = 0,      // absent or present
  kNoExist = 1,  // absent only, else kExists
  kExist = 2,    // present only, else kNotFound
};

// What `flag` says of a state: kOk if the update may go on.
constexpr Status CheckUpdateFlag(UpdateFlag flag, bool present) {
  if (flag == UpdateFlag::kNoExist && present) return Status::kExists;
  if (flag == UpdateFlag::kExist && !present) return Status::kNotFound;
  return Status::kOk;
}

// The function that Modify() runs on a copy of the value. It runs again, on a new copy, if the
// value was changed or moved meanwhile, and it may run while readers still see the old bytes. It
// must not throw, and not write to the same owner: that would start it again forever.
using ModifyFn = FunctionRef<void(std::span<std::byte> value)>;

// The largest value: what BPF_MAP_TYPE_SK_STORAGE accepts.
// Source: Linux 6.18, BPF_LOCAL_STORAGE_MAX_VALUE_SIZE in include/linux/bpf_local_storage.h,
// observed as 65407.
inline constexpr uint32_t kMaxValueBytes = 65407;

inline constexpr uint32_t kMaxAlignment = 4096;

struct MapOptions {
  std::string name = {};     // for messages and reports; need not be unique
  uint32_t value_bytes = 0;  // 1 .. kMaxValueBytes
  // Bits of a code, 2 .. 16. Only layouts that intern by index look at it.
  uint32_t width_bits = 16;
  // Of an interned value's address: a power of two, at most kMaxAlignment. Private values are
  // aligned to 8.
  uint32_t alignment = 8;
  bool clone = false;  // BPF_F_CLONE: an accepted socket inherits the listener's value
  // Bytes 0 to 3 of a value hold a bpf_spin_lock. They are no part of the value: they read 0
  // whatever is stored there. Such a value is never shared, whatever the layout. Needs value_bytes
  // >= 4.
  bool spin_lock = false;
};

inline constexpr uint32_t kSpinLockBytes = 4;

// What every layout says of the options: kInvalid: no bytes, or too few for a lock, or an alignment
// that is not a power of two up to kMaxAlignment; kTooBig.
constexpr Status CheckMapOptions(const MapOptions& options) {
  if (options.value_bytes == 0) return Status::kInvalid;
  if (options.value_bytes > kMaxValueBytes) return Status::kTooBig;
  if (options.spin_lock && options.value_bytes < kSpinLockBytes) return Status::kInvalid;
  if (!std::has_single_bit(options.alignment) || options.alignment > kMaxAlignment) {
    return Status::kInvalid;
  }
  return Status::kOk;
}

}  // namespace inlay

#endif  // INLAY_OPERATION_H_
