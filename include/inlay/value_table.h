// ValueTable: holds each distinct value of a map once, under an index, with a reference count.
//
// Guarantees, cited by name in code and tests:
//   V1  Equal bytes, equal index: there are never two live entries with the same bytes. In a
//       replaceable table there may be, after one has been replaced by the other's bytes. Then
//       Intern() and Find() see one of them only, and the others go when their holders do.
//   V2  An index is reused only after a grace period since its count reached zero, and what
//       Replace() leaves is freed after one, so the bytes under a reader's pointer never change.
//   V3  Count = codes in owners that name the index + open ValueRefs. CheckInvariants() recounts
//       what the table can see; Store::CheckInvariants() also recounts the owners. Nothing shows
//       the references that threads keep of a value with many (docs/design.md, section 5).
//   V4  A failed operation changes nothing: no index, byte or charge is lost.
//   S1  Each table seeds its hash from the system's random numbers, so an attacker cannot choose
//       values that make probe chains grow.
//
// The life of an index:
//
//                Intern (new bytes)              Release (last)             reclaimed
//     free  ------------------------->  live  <------------------>  unreferenced  ------->  retired
//      ^                                count >= 1   TryRef, Intern     count 0               |
//      +---------------------------------------------------------------- a grace period ------+
//
// An unreferenced value keeps its index and can still be found, so a value that toggles between 0
// and 1 references needs no lock and no grace period. When a new value needs room, and while the
// table is at rest with few indexes at hand, a clock hand reclaims unreferenced values and spares
// those used since it last came by (docs/design.md, section 6).
//
// Memory: values lie side by side in one reserved range of addresses, which the table commits as it
// fills. A value's address never changes, and At() is one multiplication.
//
// AddressSanitizer, if the library is compiled with it, reports a read of a value whose index is
// free: of a pointer that was kept beyond its reader section, or found outside of one, as soon as
// the value has been reclaimed. Reclaim() hastens that.
//
// Thread-safety: all functions may run concurrently, except the destructor. Finding an existing
// value takes no lock; adding a new one takes the table's mutex.

#ifndef INLAY_VALUE_TABLE_H_
#define INLAY_VALUE_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "inlay/export.h"
#include "inlay/function_ref.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/reference_count.h"
#include "inlay/status.h"

namespace inlay {

class BackgroundTask;

// An index is 1 .. ValueTableOptions::max_values. It keeps nothing alive: it names its value only
// inside the reader section in which it was found, or while the caller holds a reference.
using ValueIndex = uint32_t;
inline constexpr ValueIndex kNoIndex = 0;

// Bytes of a table with `values` values: each value once, rounded up to 8 bytes, with an entry that
// holds its count, hash and link; and the hash index, a power of two of slots of which at most 2/3
// are taken. Excludes slack: page ends, tombstones that no rebuild has removed yet, and
// one bit for each of max_values (with which the table remembers what may be unreferenced).
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
  uint32_t value_bytes = 0;     // 1 .. 65536
  uint32_t max_values = 65534;  // 1 .. 65534: 16-bit codes, less absent and spilled
  uint32_t alignment = 8;       // of At(): a power of two, at most 4096
  Account* account = nullptr;   // pays for the table; must outlive it
  // Charged for what waits for its readers: for old arrays of the hash index, beyond its limit, and
  // for replaced values, within it. Must outlive those, which a RetireBarrier() after the table's
  // end ensures.
  Account* pending = nullptr;
  // While nobody asks for indexes and few are at hand, the library's thread reclaims unreferenced
  // values. Otherwise only new values, EnsureRoom() and Reclaim() do.
  bool background = true;
  // Replace() works. Each value takes 16 bytes more, and what its alignment adds to them; and a get
  // loads one more pointer.
  bool replaceable = false;
  std::optional<uint64_t> seed = {};  // for repeatable tests; otherwise from getrandom(2)
};

// What a table can tell without reading its values.
struct ValueTableCounts {
  uint32_t live = 0;  // values with a count of at least 1
  // Values with a count of 0, still findable. Up to three grace periods late for a value that many
  // threads used.
  uint32_t unreferenced = 0;
  uint32_t retired = 0;           // indexes that wait for a grace period
  uint32_t never_used = 0;        // indexes that never had a value
  uint32_t free = 0;              // indexes that had a value and can be reused now
  uint64_t reclaimed = 0;         // unreferenced values retired so far
  uint64_t replaced = 0;          // values that Replace() and ReplaceAll() changed so far
  uint32_t duplicates = 0;        // values that equal another one since they were replaced
  uint64_t refused_releases = 0;  // calls of Release() without a reference to release: errors
};

struct ValueTableStats : ValueTableCounts {
  uint32_t slots = 0;  // of the hash index
  uint32_t tombstones = 0;
  // Slots that a search reads to find a value, at worst and on average; 1 = the first slot.
  uint32_t max_probe = 0;
  double mean_probe = 0;
  MemoryUsage memory;  // table_bytes, index_bytes and slack_bytes
};

class ValueTable {
 public:
  static constexpr uint32_t kMaxValueTableBytes = 65536;
  static constexpr uint32_t kMaxValues = 65534;

  // Makes an empty table. kInvalid: an option is out of range. kAccountLimit. kNoMemory: no
  // addresses, no memory or no thread (see StartReclaiming()). On failure *table is unchanged.
  INLAY_API static Status Create(const ValueTableOptions& options,
                                 std::unique_ptr<ValueTable>* table);

  // Frees everything at once.
  // REQUIRES: no concurrent use, and no reader still follows a pointer. The caller has removed all
  // codes that name this table's indexes (see Store).
  INLAY_API ~ValueTable();
  ValueTable(const ValueTable&) = delete;
  ValueTable& operator=(const ValueTable&) = delete;

  // The bytes of a value.
  //
  // REQUIRES: the caller found `index` in this reader section, or holds a reference. Wait-free.
  // Reader section: required, unless the caller holds a reference. Pointer valid until: the end of
  // the section, or the release of the reference; in a replaceable table the end of the section, in
  // any case. Ordering: that of the load that found the index; acquire, in a replaceable table.
  const std::byte* At(ValueIndex index) const noexcept {
    const std::byte* const place = values_ + static_cast<size_t>(index) * stride_bytes_;
    return replacement_offset_ == 0 ? place : CurrentAt(place + replacement_offset_);
  }

  // Finds or adds the value and takes one reference. On kOk *index names it until Release().
  // kInvalid: value.size() is not value_bytes(). kNoIndexes: every index is in use or retired.
  // kAccountLimit: the account allows no more. kNoMemory: the system has no memory, or the value's
  // count is at its limit. On failure nothing changed.
  // Reader section: not needed, allowed. Ordering: acquire and release.
  INLAY_API Status Intern(std::span<const std::byte> value, ValueIndex* index) noexcept;

  // The index of a value, without a reference; kNoIndex if the table does not hold it. May or may
  // not find a value that another thread is adding, replacing or reclaiming.
  // Reader section: required. Index valid until: the end of the section.
  INLAY_API ValueIndex Find(std::span<const std::byte> value) const noexcept;

  // Takes one more reference to a value that the caller found. False if the value has been
  // reclaimed since, or its count is at its limit. Revives an unreferenced value that has not been
  // reclaimed.
  // Reader section: required, the one in which the caller found the index; not needed if the caller
  // holds a reference.
  [[nodiscard]] INLAY_API bool TryRef(ValueIndex index) noexcept;

  // Releases one reference. Lock-free.
  // REQUIRES: the caller holds one. If the value has none at all, changes nothing, in every build:
  // stats() counts the call in `refused_releases`, and CheckInvariants() fails from then on.
  // Reader section: not needed. Ordering: release.
  INLAY_API void Release(ValueIndex index) noexcept;

  // Gives every value that equals `from`, and that somebody holds, the bytes `to`: for all its
  // owners and ValueRefs at once, however many. The index stays, and the count. Takes the time of
  // two searches, and of a copy for each index that has these bytes (V1: mostly one).
  //
  // Readers see the old bytes or the new ones. A thread that has seen the new ones under an index
  // sees the old ones under that index no more. Two indexes with equal bytes change one after the
  // other (V1).
  // A thread that interns `from` meanwhile, or takes a reference to it otherwise, may end with an
  // index that has either bytes.
  //
  // kNotFound: nobody holds such a value. kUnsupported: the table is not replaceable. kInvalid:
  // wrong size. kAccountLimit: the copy is charged to the account, and a copy that waits for its
  // readers to the pending one: kPendingLimit. kNoMemory. On failure no value changed.
  // Reader section: not needed, allowed. Ordering: release.
  INLAY_API Status Replace(std::span<const std::byte> from, std::span<const std::byte> to) noexcept;

  // Calls `change` for each value that somebody holds, on a copy, and replaces the value by the
  // result if it returns true; once per value, whatever the number of holders, and again on a new
  // copy if another thread replaces the value meanwhile. `change` runs in a reader section; it must
  // not block, throw or call functions of this table. A value that arrives during the call may be
  // passed over, or be shown to `change`, which so may see results of its own: it then returns
  // false. *replaced, if given, is the number of values that have other bytes now. Fails as
  // Replace(), at the first value that fails, and then leaves those before it replaced.
  // Reader section: not needed, allowed. Ordering: release.
  INLAY_API Status ReplaceAll(FunctionRef<bool(std::span<std::byte> value)> change,
                              uint32_t* replaced = nullptr) noexcept;

  // Makes room for `new_values` values besides all that are referenced: if no other thread adds
  // values, so many calls of Intern() with new values succeed after it. Call it before a reload
  // that replaces many values at once. Takes indexes that were never used first, and then those of
  // unreferenced values. What it takes stays charged to the account, and later values use it.
  // kNoIndexes: too few indexes are left beside the referenced values. kAccountLimit. kNoMemory. On
  // failure the table keeps what room it has made so far. Reader section: REQUIRES none (may wait
  // for grace periods).
  INLAY_API Status EnsureRoom(uint32_t new_values) noexcept;

  // Retires every unreferenced value and returns how many. Their indexes become reusable after up
  // to two grace periods.
  // Reader section: not needed, allowed.
  INLAY_API uint32_t Reclaim() noexcept;
  // As Reclaim(), and waits until the indexes are reusable.
  // Reader section: REQUIRES none.
  INLAY_API uint32_t ReclaimAndWait() noexcept;

  // Gives memory back to the system after a burst: reclaims the unreferenced values, drops the
  // indexes behind the last value that is in use, which then count as never used, shrinks the hash
  // index, and returns their charges to the account. Values do not move, so one that stays at a
  // high index keeps the memory in front of it. Returns how many bytes went back. Without memory
  // for a smaller hash index the table keeps the one it has. Later values take new memory.
  // Reader section: REQUIRES none (waits for grace periods).
  INLAY_API size_t Trim() noexcept;

  // Calls `visit` for every live or unreferenced value, in order of index, with its current count.
  // `visit` must not block.
  // Reader section: not needed; the bytes are valid during the call of `visit`.
  INLAY_API void ForEach(
      FunctionRef<void(ValueIndex index, std::span<const std::byte> value, uint32_t count)> visit)
      const;

  // Takes no lock, and so delays nobody. Each figure was true at some moment during the call, but
  // not all at the same one, if other threads use the table meanwhile; `live` and `unreferenced`
  // may be off by one for each thread that is in a call. Exact while the table is not in use.
  // stats() reads the whole hash index in one reader section; counts() and memory_usage() take a
  // few loads.
  // Reader section: not needed, allowed.
  INLAY_API ValueTableStats stats() const;
  INLAY_API ValueTableCounts counts() const noexcept;
  // Replaced values that wait for their readers. Takes a load.
  INLAY_API size_t waiting_bytes() const noexcept;
  INLAY_API MemoryUsage memory_usage() const;

  // Checks V1, the hash index against the entries, the lists against the states, and the charge
  // against the memory. On failure returns false and writes the first broken rule to *reason.
  // REQUIRES: no concurrent Intern, TryRef, Release or Reclaim.
  INLAY_API bool CheckInvariants(std::string* reason) const;
  // Checks V3: `counted[index]` owners hold `index`, for 0 .. max_values(), and all other
  // references are open ValueRefs. A reference that a caller keeps as a bare index counts as lost.
  // REQUIRES: as CheckInvariants().
  INLAY_API bool CheckReferences(std::span<const uint64_t> counted, std::string* reason) const;

  uint32_t value_bytes() const noexcept { return value_bytes_; }
  uint32_t max_values() const noexcept { return max_values_; }
  // The distance between neighbouring values.
  size_t stride_bytes() const noexcept { return stride_bytes_; }
  // Where the values lie, if the table is not replaceable: a get computes addresses from it. Index
  // 0, the first one, is never a value.
  const std::byte* base() const noexcept { return values_; }
  bool is_replaceable() const noexcept { return replacement_offset_ != 0; }
  // In a replaceable table: from the place of a value to the pointer to its bytes; otherwise 0.
  uint32_t replacement_offset_bytes() const noexcept { return replacement_offset_; }
  // The bytes behind such a pointer.
  static const std::byte* CurrentAt(const std::byte* replacement) noexcept {
    const auto* const current = reinterpret_cast<const std::atomic<const std::byte*>*>(replacement);
    return current->load(std::memory_order_acquire);
  }
  // The sum of all counts. Takes no lock. Counts that change meanwhile may or may not be seen;
  // exact while no other thread changes any. Reader section: not needed, allowed. To find
  // references that leak: once all owners are closed and all ValueRefs are gone, it is 0. If it is
  // not, StoreOptions::record_owners tells which owners still have values, and where each got its
  // first one.
  INLAY_API uint64_t total_references() const;
  // The same, once nobody uses the table any more. Exact, also while threads that have used it end:
  // takes back first what they keep for themselves. Takes a lock that such a thread takes.
  // Reader section: not needed, allowed.
  INLAY_API uint64_t FinalReferences() noexcept;
  // Of these, those that ValueRefs hold. Likewise.
  INLAY_API uint64_t open_refs() const noexcept;

 private:
  struct State;
  ValueTable(const ValueTableOptions& options, std::unique_ptr<State> state);

  std::byte* values_;
  // Of State; ValueRefs count through them. An entry begins with the word that holds its count.
  std::byte* entries_;
  reference_internal::Stripe* open_ref_stripes_;
  size_t stride_bytes_;
  uint32_t value_bytes_;
  uint32_t max_values_;
  uint32_t replacement_offset_;
  std::unique_ptr<State> state_;

  // For an IndexMap with spilled owners. While `on`, `task` is scheduled whenever a value loses its
  // last reference. The task is set once, before the first value, and freed when no other thread
  // can release a value any more.
  friend class IndexMap;
  void SetDeathTask(BackgroundTask* task) noexcept;
  void ScheduleOnDeath(bool on) noexcept;
  // Whether an index is free, or may come free after a grace period.
  bool MayHaveRoom() const noexcept;

  // For a snapshot that many owners are loaded from: takes so many references in one step, or none
  // if the count would pass its limit; and releases so many. REQUIRES: the caller holds a
  // reference, or all that it releases.
  friend struct IndexMapAccess;
  [[nodiscard]] bool TryRefMany(ValueIndex index, uint32_t references) noexcept;
  void ReleaseMany(ValueIndex index, uint32_t references) noexcept;

  friend class ValueRef;
  // A second ValueRef of a value that the caller has one of. False if the count is at its limit.
  // This and CloseRef() are inlined: a call would cost a quarter of what the count does.
  bool ShareRef(ValueIndex index) noexcept;
  void CloseRef(ValueIndex index) noexcept;
  void CountRefs(int64_t more) noexcept;
  INLAY_API bool ShareRefSlowly(ValueIndex index) noexcept;
  INLAY_API void BorrowRefs(ValueIndex index) noexcept;
  INLAY_API void CloseRefSlowly(ValueIndex index) noexcept;
  // The rest of CloseRef(), when the count has been `before`.
  INLAY_API void ClosedRef(ValueIndex index, uint32_t before) noexcept;
  INLAY_API void CountRefsSlowly(int64_t more) noexcept;
#if defined(INLAY_WITH_TEST_POINTS)  // only in the library's own tests
  static void PassShareRefSeen() noexcept;
#endif

  std::atomic<uint32_t>& CountWord(ValueIndex index) const noexcept {
    return *reinterpret_cast<std::atomic<uint32_t>*>(entries_ + size_t{index} * kTableEntryBytes);
  }
};

// These do what they can before the atomic operation on the count, which the processor lets no
// later load pass.

// The caller's reference keeps the value, so this needs no section, except for credits.
inline bool ValueTable::ShareRef(ValueIndex index) noexcept {
  std::atomic<uint32_t>& word = CountWord(index);
  const uint32_t seen = word.load(std::memory_order_relaxed);
  if (reference_internal::this_thread.credits != nullptr ||
      !reference_internal::IsFarFromLimit(seen) ||
      !reference_internal::TryAdd(open_ref_stripes_, 1)) [[unlikely]] {
    return ShareRefSlowly(index);
  }
#if defined(INLAY_WITH_TEST_POINTS)
  PassShareRefSeen();
#endif
  if (word.fetch_add(1, std::memory_order_acq_rel) != seen) [[unlikely]]
    BorrowRefs(index);
  return true;
}

inline void ValueTable::CloseRef(ValueIndex index) noexcept {
  if (reference_internal::this_thread.credits != nullptr ||
      !reference_internal::TryAdd(open_ref_stripes_, -1)) [[unlikely]] {
    return CloseRefSlowly(index);
  }
  const uint32_t before = CountWord(index).fetch_sub(1, std::memory_order_seq_cst);
  if (!reference_internal::IsPlainRelease(before)) [[unlikely]]
    ClosedRef(index, before);
}

inline void ValueTable::CountRefs(int64_t more) noexcept {
  if (!reference_internal::TryAdd(open_ref_stripes_, more)) [[unlikely]]
    CountRefsSlowly(more);
}

// One reference to one value, which the destructor releases, in 8 bytes. Movable, not copyable,
// since a copy can fail; Share() takes a second reference. An object that was moved from is empty.
//
// Two ValueRefs are equal if they refer to the same index of the same table, and so to equal bytes,
// or are both empty; V1 says when equal bytes mean equal ValueRefs. ValueRefs of different tables
// are never equal. Hash() and std::hash agree with that, so ValueRefs may be keys of a hash
// container.
//
// REQUIRES: no ValueRef outlives its table. Not thread-safe; different ValueRefs are independent,
// and any thread may release what another one interned.
class ValueRef {
 public:
  constexpr ValueRef() = default;
  ValueRef(ValueRef&& other) noexcept : bits_(std::exchange(other.bits_, 0)) {}
  ValueRef& operator=(ValueRef&& other) noexcept {
    if (this != &other) {
      Reset();
      bits_ = std::exchange(other.bits_, 0);
    }
    return *this;
  }
  ~ValueRef() { Reset(); }

  // Interns `value` and stores the reference in *ref. Fails as ValueTable::Intern(); then *ref is
  // unchanged.
  static Status Intern(ValueTable* table, std::span<const std::byte> value,
                       ValueRef* ref) noexcept {
    ValueIndex index = kNoIndex;
    if (Status status = table->Intern(value, &index); status != Status::kOk) return status;
    *ref = Adopt(table, index);
    return Status::kOk;
  }

  // Takes over a reference that the caller holds as a bare index.
  static ValueRef Adopt(ValueTable* table, ValueIndex index) noexcept {
    table->CountRefs(1);
    return ValueRef(table, index);
  }
  // Leaves the reference to the caller, as a bare index; kNoIndex if empty. Empty afterwards.
  ValueIndex Detach() noexcept {
    if (bits_ == 0) return kNoIndex;
    table()->CountRefs(-1);
    return IndexOf(std::exchange(bits_, 0));
  }

  // A second reference to the same value. Empty if this one is, or if the count is at its limit,
  // 2^29 - 1.
  ValueRef Share() const noexcept {
    ValueRef second;
    if (bits_ != 0 && table()->ShareRef(index())) second.bits_ = bits_;
    return second;
  }

  void Reset() noexcept {
    if (bits_ == 0) return;
    table()->CloseRef(index());
    bits_ = 0;
  }

  explicit operator bool() const noexcept { return bits_ != 0; }
  // The table of the value; null if empty.
  ValueTable* table() const noexcept {
    const uintptr_t address = bits_ >> kIndexBits;
    return reinterpret_cast<ValueTable*>(address);
  }
  // Whether it refers to a value of this table.
  bool IsOf(const ValueTable* table_of_value) const noexcept {
    return bits_ != 0 && table() == table_of_value;
  }
  ValueIndex index() const noexcept { return IndexOf(bits_); }
  // REQUIRES: not empty. Valid while this object holds the reference. Of a replaceable table, in a
  // reader section, and until its end.
  std::span<const std::byte> bytes() const noexcept {
    return {table()->At(index()), table()->value_bytes()};
  }

  friend bool operator==(const ValueRef& a, const ValueRef& b) noexcept {
    return a.bits_ == b.bits_;
  }
  size_t Hash() const noexcept {
    const uint64_t mixed = bits_ * 0x9e3779b97f4a7c15U;
    return mixed ^ mixed >> 32;
  }

  // Whether a ValueRef can refer to a table at this address. ValueTable::Create() makes no other
  // tables: user space ends at 2^47 on x86-64 and at 2^48 on arm64, unless a program asks for more.
  static constexpr bool CanReferTo(uintptr_t address_of_table) {
    return address_of_table >> (64 - kIndexBits) == 0;
  }

 private:
  // An index takes the lowest bits, the table's address the others. 0: empty.
  static constexpr uint32_t kIndexBits = 16;
  static_assert(ValueTable::kMaxValues < uint32_t{1} << kIndexBits);
  static_assert(sizeof(uintptr_t) == sizeof(uint64_t));

  ValueRef(ValueTable* table, ValueIndex index)
      : bits_(uint64_t{reinterpret_cast<uintptr_t>(table)} << kIndexBits | index) {}
  static ValueIndex IndexOf(uint64_t bits) {
    return static_cast<ValueIndex>(bits & ((uint64_t{1} << kIndexBits) - 1));
  }

  uint64_t bits_ = 0;
};
static_assert(sizeof(ValueRef) == 8);

}  // namespace inlay

template <>
struct std::hash<inlay::ValueRef> {
  size_t operator()(const inlay::ValueRef& ref) const noexcept { return ref.Hash(); }
};

#endif  // INLAY_VALUE_TABLE_H_
