// ValueTable: holds each distinct value of a map once, under an index, with a count of who uses it.
//
// Guarantees, cited by name in code and tests:
//   V1  Equal bytes, equal index: there are never two live entries with the same bytes.
//   V2  An index is reused only after a grace period since its count reached zero, so the bytes
//   under
//       a reader's pointer never change.
//   V3  Count = codes in owners that name the index + open ValueRefs. CheckInvariants() recounts
//   what
//       the table can see; Store::CheckInvariants() recounts the owners too.
//   V4  A failed operation changes nothing: no index, byte or charge is lost.
//   S1  The hash is seeded per table from the system's randomness, so that chosen values cannot
//   make
//       probe chains grow.
//
// The life of an index:
//
//                Intern (new bytes)              Release (last)             reclaimed
//     free  ------------------------->  live  <------------------>  unreferenced  ------->  retired
//      ^                                count >= 1   TryRef, Intern     count 0               |
//      +---------------------------------------------------------------- a grace period ------+
//
// An unreferenced value keeps its index and stays findable, so that a value that toggles between 0
// and 1 references takes no lock and waits for no grace period. Unreferenced values are reclaimed
// when a new value needs room: by a clock hand that passes over values used since it last came by.
//
// Memory: values lie side by side in one reserved range of addresses that is committed as it fills,
// so a value's address never changes and At() is one multiplication.
//
// Thread-safety: all functions may run concurrently, except the destructor. Finding a value that is
// already there takes no lock; adding a new one takes the table's mutex.

#ifndef INLAY_VALUE_TABLE_H_
#define INLAY_VALUE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "inlay/function_ref.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/status.h"

namespace inlay {

// An index is 1 .. ValueTableOptions::max_values. It is a plain number: it keeps nothing alive, and
// names its value only inside a reader section in which it was found, or while a reference is held.
using ValueIndex = uint32_t;
inline constexpr ValueIndex kNoIndex = 0;

// What a table takes that holds `values` values: each value once, rounded up to 8 bytes, and an
// entry with its count, hash and link; and the hash index, a power of two of slots and at most 2/3
// of them taken. Without slack (page ends, tombstones that wait to be swept out). Units: bytes.
inline constexpr size_t kTableEntryBytes = 12;
inline constexpr size_t kHashIndexHeaderBytes = 32;
inline constexpr size_t kHashSlotBytes = 4;
constexpr uint64_t HashSlots(uint64_t values) {
  uint64_t slots = 16;
  while (3 * values > 2 * slots) slots *= 2;
  return slots;
}
constexpr uint64_t ValueTableBytes(uint64_t values, uint64_t value_bytes) {
  return values * ((value_bytes + 7) / 8 * 8 + kTableEntryBytes) + kHashIndexHeaderBytes +
         HashSlots(values) * kHashSlotBytes;
}

struct ValueTableOptions {
  uint32_t value_bytes = 0;           // 1 .. 65536
  uint32_t max_values = 65534;        // 1 .. 65534: what 16 bits can name, less absent and spilled
  uint32_t alignment = 8;             // of At(): a power of two, at most 4096
  Account* account = nullptr;         // charged for the table's bytes; must outlive the table
  std::optional<uint64_t> seed = {};  // for tests that must repeat; otherwise from getrandom(2)
};

struct ValueTableStats {
  uint32_t live = 0;          // values with a count of at least 1
  uint32_t unreferenced = 0;  // values with a count of 0, still findable
  uint32_t retired = 0;       // indexes that wait for a grace period
  uint32_t never_used = 0;    // indexes that no value ever had
  uint32_t free = 0;          // indexes that had a value and can be reused now
  uint64_t reclaimed = 0;     // unreferenced values retired so far
  uint32_t slots = 0;         // of the hash index
  uint32_t tombstones = 0;
  uint32_t max_probe =
      0;                  // slots looked at to find the worst findable value; 1 = at its first slot
  double mean_probe = 0;  // the same on average over findable values
  MemoryUsage memory;     // table_bytes, index_bytes and slack_bytes
};

class ValueTable {
 public:
  static constexpr uint32_t kMaxValueTableBytes = 65536;
  static constexpr uint32_t kMaxValues = 65534;

  // Makes an empty table. kInvalid: an option out of its range; kNoMemory: no address range or no
  // memory. *table is unchanged on failure.
  static Status Create(const ValueTableOptions& options, std::unique_ptr<ValueTable>* table);

  // Frees everything at once.
  // REQUIRES: no concurrent use, and no reader that still follows a pointer. Codes that still name
  // indexes of this table are the caller's business (see Store).
  ~ValueTable();
  ValueTable(const ValueTable&) = delete;
  ValueTable& operator=(const ValueTable&) = delete;

  // The bytes of a value.
  // REQUIRES: `index` was found in this reader section, or is referenced. Wait-free.
  // Reader section: required, unless a reference is held. Pointer valid until: the end of the
  // section, or the release of the reference. Ordering: that of the load that found the index.
  const std::byte* At(ValueIndex index) const noexcept {
    return values_ + static_cast<size_t>(index) * stride_bytes_;
  }

  // Finds the value, or adds it, and takes one reference. On kOk *index names it until Release().
  // kInvalid: value.size() is not value_bytes(); kNoMemory: every index is in use or retired, or
  // the account or the system has no memory, or the value's count is at its limit; then nothing
  // changed.
  // Reader section: not needed, allowed. Ordering: acquire and release.
  Status Intern(std::span<const std::byte> value, ValueIndex* index) noexcept;

  // The index of a value without taking a reference; kNoIndex if it is not in the table. A value
  // that another thread is adding or reclaiming right now may or may not be found.
  // Reader section: required. Index valid until: the end of the section.
  ValueIndex Find(std::span<const std::byte> value) const noexcept;

  // Takes one more reference to a value that the caller found, unless it has been reclaimed since
  // or its count is at its limit; then false. "Get unless zero", except that an unreferenced value
  // that has not been reclaimed yet comes back to life.
  // Reader section: required, the one in which the index was found; not needed if a reference is
  // held.
  [[nodiscard]] bool TryRef(ValueIndex index) noexcept;

  // Gives back one reference.
  // REQUIRES: one is held. Lock-free.
  // Reader section: not needed. Ordering: release.
  void Release(ValueIndex index) noexcept;

  // Retires every unreferenced value now, and returns how many. Their indexes can be reused after a
  // grace period.
  // Reader section: not needed, allowed.
  uint32_t Reclaim() noexcept;
  // The same, and waits until the indexes can be reused.
  // Reader section: REQUIRES none.
  uint32_t ReclaimAndWait() noexcept;

  // Calls `visit` for every value that is live or unreferenced, in the order of indexes, with its
  // count at that moment. `visit` must not block.
  // Reader section: not needed; the bytes are valid during the call.
  void ForEach(FunctionRef<void(ValueIndex index, std::span<const std::byte> value, uint32_t count)>
                   visit) const;

  ValueTableStats stats() const;

  // Recounts everything: V1, the hash index against the entries, the lists against the states, the
  // charge against the memory. False, with the first broken rule in *reason.
  // REQUIRES: no concurrent Intern, TryRef, Release or Reclaim.
  bool CheckInvariants(std::string* reason) const;

  uint32_t value_bytes() const noexcept { return value_bytes_; }
  uint32_t max_values() const noexcept { return max_values_; }
  // The distance between neighbouring values.
  size_t stride_bytes() const noexcept { return stride_bytes_; }
  // At(0), which is never a value: what a get computes addresses from.
  const std::byte* base() const noexcept { return values_; }
  // The sum of all counts.
  uint64_t total_references() const;

 private:
  struct State;
  ValueTable(const ValueTableOptions& options, std::unique_ptr<State> state);

  std::byte* values_;
  size_t stride_bytes_;
  uint32_t value_bytes_;
  uint32_t max_values_;
  std::unique_ptr<State> state_;
};

// One reference to one value, released by the destructor. Movable, not copyable (a copy would be a
// second reference: take it with Share()). Not thread-safe; different ValueRefs are independent.
class ValueRef {
 public:
  ValueRef() = default;
  ValueRef(ValueRef&& other) noexcept : table_(other.table_), index_(other.index_) {
    other.table_ = nullptr;
  }
  ValueRef& operator=(ValueRef&& other) noexcept {
    if (this != &other) {
      Reset();
      table_ = other.table_;
      index_ = other.index_;
      other.table_ = nullptr;
    }
    return *this;
  }
  ~ValueRef() { Reset(); }

  // Interns `value` and holds the reference in *ref. Fails as Intern() does, *ref unchanged.
  static Status Intern(ValueTable* table, std::span<const std::byte> value,
                       ValueRef* ref) noexcept {
    ValueIndex index = kNoIndex;
    if (Status status = table->Intern(value, &index); status != Status::kOk) return status;
    *ref = ValueRef(table, index);
    return Status::kOk;
  }

  // A second reference to the same value; empty if the count is at its limit or this one is empty.
  ValueRef Share() const noexcept {
    return table_ != nullptr && table_->TryRef(index_) ? ValueRef(table_, index_) : ValueRef();
  }

  void Reset() noexcept {
    if (table_ != nullptr) table_->Release(index_);
    table_ = nullptr;
  }

  explicit operator bool() const noexcept { return table_ != nullptr; }
  ValueIndex index() const noexcept { return table_ != nullptr ? index_ : kNoIndex; }
  // REQUIRES: not empty. Valid as long as this reference is held.
  std::span<const std::byte> bytes() const noexcept {
    return {table_->At(index_), table_->value_bytes()};
  }

 private:
  ValueRef(ValueTable* table, ValueIndex index) : table_(table), index_(index) {}

  ValueTable* table_ = nullptr;
  ValueIndex index_ = kNoIndex;
};

}  // namespace inlay

#endif  // INLAY_VALUE_TABLE_H_
