// ValueTable::State: the members of a ValueTable. Only for the files that implement ValueTable.

#ifndef INLAY_ENGINE_TABLE_VALUE_TABLE_STATE_H_
#define INLAY_ENGINE_TABLE_VALUE_TABLE_STATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "engine/memory/address_range.h"
#include "engine/sync/background_task.h"
#include "engine/sync/mutex.h"
#include "engine/sync/one_writer.h"
#include "engine/sync/test_point.h"
#include "engine/table/reclaim_policy.h"
#include "engine/table/ref_word.h"
#include "engine/table/reference_credits.h"
#include "engine/table/slot_array.h"
#include "engine/table/striped_count.h"
#include "engine/table/unreferenced_set.h"
#include "engine/table/value_copies.h"
#include "inlay/account.h"
#include "inlay/function_ref.h"
#include "inlay/rcu.h"
#include "inlay/value_table.h"

namespace inlay {

struct ValueTable::State : CreditLender {
  // The entry of a value, in an array apart from the bytes, so that counting references does not
  // invalidate the cache lines of readers.
  struct Entry {
    std::atomic<uint32_t> ref_word{RefWord::Free().bits()};
    OneWriter<uint32_t> hash;
    // Not live: the next index in one of the table's lists. Live: the slot in the hash index, or of
    // a duplicate the index before it.
    uint32_t next = kNoIndex;
  };
  static_assert(sizeof(Entry) == kTableEntryBytes && offsetof(Entry, ref_word) == 0,
                "ValueRefs find the count of a value there");

  // In a replaceable table, behind the first bytes of a value.
  struct Replacement {
    std::atomic<const std::byte*> current;  // the value's bytes: the first ones, or a copy
    // Threads change these under the mutex. Indexes with equal bytes are in a list, of which the
    // first one is in the hash index and the others are duplicates. Entry::next of a duplicate is
    // the one before it.
    ValueIndex next_duplicate;
    bool is_duplicate;
  };

  // A FIFO of indexes that are not live, linked through Entry::next.
  struct IndexList {
    ValueIndex head = kNoIndex;
    ValueIndex tail = kNoIndex;
    OneWriter<uint32_t> size;
  };

  AddressRange value_range;
  AddressRange entry_range;
  Account* account = nullptr;
  Account* pending = nullptr;
  std::optional<AccountUse> account_use;
  std::optional<AccountUse> pending_use;
  uint64_t seed = 0;
  uint32_t max_values = 0;
  uint32_t value_bytes = 0;
  size_t stride_bytes = 0;
  size_t replacement_offset = 0;  // of a value's Replacement; 0: the table is not replaceable
  ValueCopies copies;             // that have replaced values
  UnreferencedSet may_be_unreferenced;
  std::atomic<SlotArray*> slots{nullptr};
  // The highest index that was ever used.
  std::atomic<uint32_t> high_water{0};

  // The number of live entries with a count of zero, on a cache line of its own. Off by at most the
  // number of threads that are between the change of a count and this one.
  alignas(64) std::atomic<int64_t> unreferenced{0};
  std::atomic<uint64_t> refused_releases{0};
  // Few indexes are at hand: a value that loses its last reference schedules `idle_task`.
  std::atomic<bool> watches_deaths{false};
  // Owners wait for an index: it schedules `death_task`.
  std::atomic<bool> owners_wait{false};
  BackgroundTask* death_task = nullptr;

  StripedCount open_refs;  // ValueRefs

  alignas(64) mutable Mutex mutex;
  // Threads change these under the mutex. Any thread may read the numbers and the lists' sizes.
  OneWriter<uint32_t> live;  // findable values, referenced or not
  OneWriter<uint64_t> reclaimed;
  OneWriter<uint64_t> replaced;
  OneWriter<uint32_t> copies_in_use;
  OneWriter<uint32_t> duplicates;
  IndexList free;
  IndexList retired;  // the batch that gathers
  IndexList waiting;  // the batch that waits for `grace`
  std::optional<GracePeriod> grace GUARDED_BY(mutex);
  uint32_t clock_hand GUARDED_BY(mutex) = 0;
  bool starved GUARDED_BY(mutex) = false;          // the last attempt to commit a new index failed
  Status refusal GUARDED_BY(mutex) = Status::kOk;  // why TakeNeverUsed() failed last
  Demand demand GUARDED_BY(mutex);
  // Measures the demand while no batch waits.
  std::optional<GracePeriod> measured GUARDED_BY(mutex);
  size_t charged_bytes GUARDED_BY(mutex) = 0;
  // The library's thread reclaims while nobody asks for indexes. Empty: it does not.
  TaskHandle idle_task;
  bool asked_since_step GUARDED_BY(mutex) = false;
  // How far the hand has come in the present round, and how many steps it rests before the next.
  uint32_t idle_passed GUARDED_BY(mutex) = 0;
  uint32_t idle_rest GUARDED_BY(mutex) = 0;

  State() {
    give_back = &GiveBack;
    settle = &Settle;
  }
  ~State();

  Entry& entry(ValueIndex index) const {
    return reinterpret_cast<Entry*>(entry_range.base())[index];
  }
  bool is_replaceable() const { return replacement_offset != 0; }
  // The first bytes of a value.
  std::byte* place(ValueIndex index) const { return value_range.base() + index * stride_bytes; }
  Replacement& replacement(ValueIndex index) const {
    return *reinterpret_cast<Replacement*>(place(index) + replacement_offset);
  }
  // The bytes that a value has now. Reader section: required, unless the caller has the mutex.
  const std::byte* value(ValueIndex index) const {
    if (!is_replaceable()) return place(index);
    return replacement(index).current.load(std::memory_order_acquire);
  }
  bool HasCopy(ValueIndex index) const {
    return replacement(index).current.load(std::memory_order_relaxed) != place(index);
  }
  bool IsDuplicate(ValueIndex index) const {
    return is_replaceable() && replacement(index).is_duplicate;
  }
  bool IsEqual(ValueIndex index, std::span<const std::byte> bytes) const {
    return std::memcmp(value(index), bytes.data(), bytes.size()) == 0;
  }
  RefWord ref_word(ValueIndex index) const {
    return RefWord(entry(index).ref_word.load(std::memory_order_acquire));
  }
  size_t BytesPerValue() const { return stride_bytes + sizeof(Entry); }

  uint32_t& slot_of(ValueIndex index) const { return entry(index).next; }  // of a live value
  ValueIndex& before_duplicate(ValueIndex index) const { return entry(index).next; }

  // Finds the entry that holds `bytes` in `array`.
  SlotArray::Found FindIn(const SlotArray& array, uint32_t hash,
                          std::span<const std::byte> bytes) const {
    return array.Find(hash, [&](ValueIndex index) { return IsEqual(index, bytes); });
  }

  // Reader section: required.
  bool TryRef(ValueIndex index) noexcept;
  // The same, for a thread that has met another one at this value, now (`has_met`) or before: with
  // credits, if it can have some.
  bool TryRefAmongThreads(ValueIndex index, bool has_met) noexcept;
  void ReleaseAmongThreads(ValueIndex index) noexcept;
  // Takes `references` from the count.
  void ReleaseShared(ValueIndex index, uint32_t references) noexcept;
  // The rest of it, when the count has been `before`.
  void Released(ValueIndex index, uint32_t references, RefWord before) noexcept;
  static void GiveBack(CreditLender* lender, ValueIndex index, uint32_t credits);
  static void Settle(CreditLender* lender, uint32_t floor);
  // After the count of `index` has become zero, by a seq_cst operation.
  void NoteDeath(ValueIndex index) noexcept;
  // Finds the value, or adds it. It was not in the table after so many insertions.
  Status Add(std::span<const std::byte> bytes, uint32_t hash, uint32_t inserted, ValueIndex* index)
      EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // The parts of Replace() and ReplaceAll().
  struct Change;
  Status ReplaceEqual(std::span<const std::byte> from, std::span<const std::byte> to)
      EXCLUSIVE_LOCKS_REQUIRED(mutex);
  Status ReplaceHeld(ValueIndex index, FunctionRef<bool(std::span<std::byte> value)> change,
                     std::span<std::byte> copy) LOCKS_EXCLUDED(mutex);
  Status ReplaceSeen(ValueIndex index, const std::byte* seen, std::span<const std::byte> to)
      EXCLUSIVE_LOCKS_REQUIRED(mutex);
  Status Prepare(std::span<const std::byte> to, std::span<Change> changes)
      EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Apply(Change* change, std::span<const std::byte> to, uint32_t hash)
      EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void LinkDuplicate(ValueIndex before, ValueIndex index) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void LeaveHashIndex(ValueIndex index) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void DropCopy(ValueIndex index) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void FreeCopies() EXCLUSIVE_LOCKS_REQUIRED(mutex);
  ValueIndex TakeIndex() EXCLUSIVE_LOCKS_REQUIRED(mutex);
  ValueIndex TakeNeverUsed() EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Room for `more` values.
  Status MakeRoomInSlots(uint32_t more = 1) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  static uint32_t WantedSlots(uint32_t values);
  void ReplaceSlots(SlotArray* array) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // The parts of Trim(). Return how many bytes they gave back.
  size_t DropFreeIndexes() EXCLUSIVE_LOCKS_REQUIRED(mutex);
  size_t ShrinkSlots() EXCLUSIVE_LOCKS_REQUIRED(mutex);
  bool Charge(size_t bytes) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Uncharge(size_t bytes) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  ReclaimState Situation() const EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void MeasureDemand() EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // kOk: there is room for so many. kAgain: after a grace period there may be.
  Status TryMakeRoom(uint32_t new_values) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void CollectRetired() EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void RetireForDemand() EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void WatchDeaths() EXCLUSIVE_LOCKS_REQUIRED(mutex);
  static void RunIdleTask(void* state);
  void ReclaimAtRest() LOCKS_EXCLUDED(mutex);
  // The hand passes up to *steps indexes until `enough` are retired. Takes the passed ones from
  // *steps.
  uint32_t Sweep(uint32_t* steps, uint32_t enough, bool second_chance)
      EXCLUSIVE_LOCKS_REQUIRED(mutex);
  bool TryRetire(ValueIndex index, bool second_chance) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Append(IndexList* list, ValueIndex index) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  ValueIndex PopFront(IndexList* list) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Splice(IndexList* from, IndexList* to) EXCLUSIVE_LOCKS_REQUIRED(mutex);
};

[[gnu::always_inline]] inline bool ValueTable::State::TryRef(ValueIndex index) noexcept {
  if (ReferenceCredits* const credits = ReferenceCredits::OfThisThread()) [[unlikely]] {
    return credits->Take(this, index) == ReferenceCredits::Taken::kOne ||
           TryRefAmongThreads(index, false);
  }
  std::atomic<uint32_t>& word = entry(index).ref_word;
  uint32_t seen = word.load(std::memory_order_relaxed);
  const std::optional<RefWord> more = RefWord(seen).Ref();
  if (!more.has_value()) return false;
  INLAY_TEST_POINT("try_ref.seen");
  if (!word.compare_exchange_strong(seen, more->bits(), std::memory_order_acq_rel,
                                    std::memory_order_relaxed)) [[unlikely]] {
    return TryRefAmongThreads(index, true);
  }
  if (RefWord(seen).count() == 0) unreferenced.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

}  // namespace inlay

#endif  // INLAY_ENGINE_TABLE_VALUE_TABLE_STATE_H_
