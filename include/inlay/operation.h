// Flags, options and limits that all layouts share. emulated/value_map.h says what each operation
// does in each state.

#ifndef INLAY_OPERATION_H_
#define INLAY_OPERATION_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "inlay/function_ref.h"
#include "inlay/inline_words.h"
#include "inlay/status.h"

namespace inlay {

class Account;

// Which states Update() accepts. The numbers are BPF_ANY, BPF_NOEXIST and BPF_EXIST.
enum class UpdateFlag : uint8_t {
  kAny = 0,      // absent or present
  kNoExist = 1,  // absent only, else kExists
  kExist = 2,    // present only, else kNotFound
};

// kOk if `flag` allows the update in this state.
constexpr Status CheckUpdateFlag(UpdateFlag flag, bool present) {
  if (flag == UpdateFlag::kNoExist && present) return Status::kExists;
  if (flag == UpdateFlag::kExist && !present) return Status::kNotFound;
  return Status::kOk;
}

// The function that Modify() runs on a copy of the value. Modify() runs it again, on a new copy, if
// another thread changed or moved the value meanwhile. Readers may still see the old bytes while it
// runs. It must not throw, and must not write to the same owner, which would make Modify() retry
// forever.
using ModifyFn = FunctionRef<void(std::span<std::byte> value)>;

// The largest value that BPF_MAP_TYPE_SK_STORAGE accepts.
// Source: Linux 6.18, BPF_LOCAL_STORAGE_MAX_VALUE_SIZE in include/linux/bpf_local_storage.h,
// observed as 65407.
inline constexpr uint32_t kMaxValueBytes = 65407;

inline constexpr uint32_t kMaxAlignment = 4096;
inline constexpr uint32_t kStorageAlignment = 8;

struct MapOptions {
  std::string name = {};     // for messages and reports; need not be unique
  uint32_t value_bytes = 0;  // 1 .. kMaxValueBytes
  // Bits of a code, 2 .. 16. Only IndexMap uses it.
  uint32_t width_bits = 16;
  // The field that the map must have, for gets that know it at compile time; its width is then that
  // of the map. Otherwise the map takes the first free one. Only IndexMap uses it.
  std::optional<InlineField> field = {};
  // Alignment of every value, interned or private: a power of two. At most kMaxAlignment for an
  // IndexMap whose owners have no storage pointers; at most kStorageAlignment for all other maps,
  // since the kernel's storages align values to that.
  uint32_t alignment = 8;
  // Only IndexMap uses it. The library's thread reclaims values that nobody uses while few indexes
  // are at hand, and brings spilled owners without storage pointers back to the table. Otherwise
  // only the map's operations do both.
  bool background = true;
  // Replace() and ReplaceAll() work, for all owners of a value at once. A get then loads one more
  // pointer, which lies beside the value until that is replaced. Each value takes 16 bytes more,
  // and what its alignment adds to them. Nothing spills, so that all owners of a value are found: a
  // new value without an index is refused with kNoIndexes. Only IndexMap uses it, and then does not
  // fall back.
  bool replaceable = false;
  bool clone = false;  // BPF_F_CLONE: an accepted socket inherits the listener's value
  // Four bytes of a value hold a bpf_spin_lock. They are not part of the value: they read as 0
  // whatever a caller stores. No layout shares such a value.
  bool spin_lock = false;
  // Where the lock begins: a multiple of 4, with room for the lock behind it. Without a lock 0.
  uint32_t spin_lock_offset = 0;
  // Who pays for what the map takes outside of its owners: its table, its private values, and what
  // of both waits for readers. One limit for all of it, instead of the store's; at it, operations
  // fail, or spill, with kAccountLimit. What cannot be refused may pass the limit for a grace
  // period: an old hash index, and one private value for each thread. Private values behind storage
  // pointers are charged to the account too, beside their owner, from their making to their
  // removal. Must outlive the map. Null: the store's accounts. InlineMap and SinglePointerMap use
  // it only if they have fallen back.
  Account* account = nullptr;
};

inline constexpr uint32_t kSpinLockBytes = 4;

// The checks that every layout makes. kInvalid: value_bytes is 0; the lock has no such place; or
// the alignment is not a power of two up to `max_alignment`. kTooBig: value_bytes > kMaxValueBytes.
constexpr Status CheckMapOptions(const MapOptions& options,
                                 uint32_t max_alignment = kStorageAlignment) {
  if (options.value_bytes == 0) return Status::kInvalid;
  if (options.value_bytes > kMaxValueBytes) return Status::kTooBig;
  const uint64_t lock_end = uint64_t{options.spin_lock_offset} + kSpinLockBytes;
  if (options.spin_lock ? options.spin_lock_offset % 4 != 0 || lock_end > options.value_bytes
                        : options.spin_lock_offset != 0) {
    return Status::kInvalid;
  }
  if (!std::has_single_bit(options.alignment) || options.alignment > max_alignment) {
    return Status::kInvalid;
  }
  return Status::kOk;
}

}  // namespace inlay

#endif  // INLAY_OPERATION_H_
