// How a replaceable ValueTable changes a value for all who hold it.
//
// Behind the first bytes of each value lies a Replacement: the pointer that readers follow, at
// first to those bytes. Replacing a value swaps the pointer and gives the index another place in
// the hash index, both under the table's mutex. The index, and so the codes of owners and the
// count, stay as they are.
//
// If the table has the new bytes already, two indexes have equal bytes from then on, and one of
// them is marked as a duplicate: searches pass it, so that nobody gets it anew (V1). Who holds a
// duplicate keeps it until its next write. When the index that searches find changes or goes, one
// of its duplicates takes its part.
//
// A search takes no lock. It may find an index by bytes that are replaced before it has taken its
// reference. Then it has the index of a value that was equal a moment ago and has been replaced for
// all who held it, the searching thread among them.

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "engine/memory/allocate.h"
#include "engine/memory/value_bytes.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "engine/table/hash.h"
#include "engine/table/ref_word.h"
#include "engine/table/slot_array.h"
#include "engine/table/value_copies.h"
#include "engine/table/value_table_state.h"
#include "inlay/rcu.h"
#include "inlay/value_table.h"

namespace inlay {

struct ValueTable::State::Change {
  ValueIndex index = kNoIndex;
  ValueCopies::NewCopy copy = {};
};

Status ValueTable::Replace(std::span<const std::byte> from,
                           std::span<const std::byte> to) noexcept {
  if (!is_replaceable()) return Status::kUnsupported;
  if (from.size() != value_bytes_ || to.size() != value_bytes_) return Status::kInvalid;
  MutexLock lock(&state_->mutex);
  return state_->ReplaceEqual(from, to);
}

Status ValueTable::ReplaceAll(FunctionRef<bool(std::span<std::byte> value)> change,
                              uint32_t* replaced) noexcept {
  uint32_t ignored = 0;
  uint32_t& count = replaced != nullptr ? *replaced : ignored;
  count = 0;
  if (!is_replaceable()) return Status::kUnsupported;
  const ValueBuffer buffer(value_bytes_);
  if (buffer.bytes().empty()) return Status::kNoMemory;
  const uint32_t used = state_->high_water.load(std::memory_order_acquire);
  for (ValueIndex index = 1; index <= used; ++index) {
    Status status = Status::kAgain;
    while (status == Status::kAgain) {
      // One section for each attempt. It keeps the bytes at their address, so that an address that
      // is the same afterwards means that nobody has replaced them.
      const ReadSection section;
      if (state_->ref_word(index).count() == 0) break;
      const std::byte* const seen = At(index);
      std::memcpy(buffer.bytes().data(), seen, value_bytes_);
      if (!change(buffer.bytes())) break;
      if (std::memcmp(buffer.bytes().data(), seen, value_bytes_) == 0) break;
      INLAY_TEST_POINT("replace_all.changed");
      MutexLock lock(&state_->mutex);
      status = state_->ReplaceSeen(index, seen, buffer.bytes());
    }
    if (status == Status::kOk) ++count;
    // kAgain: the loop ended since there is nothing to replace.
    if (status != Status::kOk && status != Status::kAgain && status != Status::kNotFound) {
      return status;
    }
  }
  return Status::kOk;
}

// Replaces every value of these bytes that somebody holds: the one that searches find, and its
// duplicates. All or none.
Status ValueTable::State::ReplaceEqual(std::span<const std::byte> from,
                                       std::span<const std::byte> to) {
  const uint32_t hash = HashValue(from, seed);
  const SlotArray& array = *slots.load(std::memory_order_relaxed);
  const auto for_each_equal = [&](FunctionRef<void(ValueIndex)> visit) {
    array.Find(hash, [&](ValueIndex index) {
      if (IsEqual(index, from) && ref_word(index).count() > 0) visit(index);
      return false;
    });
  };
  uint32_t equal = 0;
  for_each_equal([&](ValueIndex) { ++equal; });
  if (equal == 0) return Status::kNotFound;
  if (std::memcmp(from.data(), to.data(), from.size()) == 0) return Status::kOk;
  const std::unique_ptr<Change[]> changes = TryNewArray<Change>(equal);
  if (changes == nullptr) return Status::kNoMemory;
  // Some may have lost their last reference since, and others got one.
  uint32_t found = 0;
  for_each_equal([&](ValueIndex index) {
    if (found < equal) changes[found++].index = index;
  });
  const std::span<Change> of_values(changes.get(), found);
  const Status status = Prepare(to, of_values);
  if (status != Status::kOk) return status;
  INLAY_TEST_POINT("replace.prepared");
  const uint32_t new_hash = HashValue(to, seed);
  for (Change& change : of_values) Apply(&change, to, new_hash);
  return Status::kOk;
}

// kAgain: the value is not the one seen. kNotFound: nobody holds it any more.
Status ValueTable::State::ReplaceSeen(ValueIndex index, const std::byte* seen,
                                      std::span<const std::byte> to) {
  if (ref_word(index).count() == 0) return Status::kNotFound;
  if (value(index) != seen) return Status::kAgain;
  Change change{.index = index, .copy = {}};
  const Status status = Prepare(to, {&change, 1});
  if (status == Status::kOk) Apply(&change, to, HashValue(to, seed));
  return status;
}

// Makes and charges all that Apply() needs, so that it cannot fail.
Status ValueTable::State::Prepare(std::span<const std::byte> to, std::span<Change> changes) {
  const auto values = static_cast<uint32_t>(changes.size());
  uint32_t with_copies = 0;
  for (Change& change : changes) {
    if (HasCopy(change.index)) ++with_copies;
    change.copy = copies.TryCopy(to);
    if (change.copy == nullptr) return Status::kNoMemory;
  }
  if (const Status status = MakeRoomInSlots(values); status != Status::kOk) return status;
  // A new copy takes an old one's place in the account.
  const size_t bytes = (values - with_copies) * copies.bytes_each();
  if (!Charge(bytes)) return Status::kAccountLimit;
  if (with_copies > 0 && !copies.ChargeWaiting(with_copies)) {
    Uncharge(bytes);
    return account == pending ? Status::kAccountLimit : Status::kPendingLimit;
  }
  return Status::kOk;
}

void ValueTable::State::Apply(Change* change, std::span<const std::byte> to, uint32_t hash) {
  const ValueIndex index = change->index;
  SlotArray& array = *slots.load(std::memory_order_relaxed);
  Replacement& held = replacement(index);
  const ValueIndex equal = FindIn(array, hash, to).index;
  bool is_duplicate = equal != kNoIndex;
  if (is_duplicate && ref_word(equal).unreferenced()) {
    MarkDuplicate(equal, true);  // nobody holds it: let searches find the one that is held
    is_duplicate = false;
  }
  const std::span<const std::byte> old(held.current.load(std::memory_order_relaxed), value_bytes);
  const uint32_t old_hash = entry(index).hash;
  const uint32_t old_slot = slot_of(index);
  const bool was_duplicate = IsDuplicate(index);
  const bool had_copy = HasCopy(index);
  // Before the bytes: a search that finds those sees the mark.
  if (is_duplicate) MarkDuplicate(index, true);
  held.current.store(change->copy.release(), std::memory_order_release);
  INLAY_TEST_POINT("replace.swapped");
  if (!is_duplicate) MarkDuplicate(index, false);
  entry(index).hash = hash;
  slot_of(index) = array.Insert(hash, index);
  array.Erase(old_slot);
  if (!was_duplicate) PromoteDuplicate(old_hash, old);
  ++replaced;
  if (had_copy) {
    copies.FreeLater(old.data());
  } else {
    ++copies_in_use;
  }
}

void ValueTable::State::MarkDuplicate(ValueIndex index, bool is_duplicate) {
  std::atomic<bool>& mark = replacement(index).is_duplicate;
  if (mark.load(std::memory_order_relaxed) == is_duplicate) return;
  mark.store(is_duplicate, std::memory_order_relaxed);
  is_duplicate ? ++duplicates : --duplicates;
}

// After the index that searches found by these bytes has left them.
void ValueTable::State::PromoteDuplicate(uint32_t hash, std::span<const std::byte> bytes) {
  if (duplicates == 0) return;
  const ValueIndex duplicate =
      slots.load(std::memory_order_relaxed)
          ->Find(hash, [&](ValueIndex index) { return IsEqual(index, bytes); })
          .index;
  if (duplicate != kNoIndex) MarkDuplicate(duplicate, false);
}

// When the index is retired.
void ValueTable::State::LeaveDuplicates(ValueIndex index) {
  if (!is_replaceable()) return;
  if (IsDuplicate(index)) {
    MarkDuplicate(index, false);
  } else {
    PromoteDuplicate(entry(index).hash, {value(index), value_bytes});
  }
}

// When the index comes free: no reader has its bytes any more.
void ValueTable::State::DropCopy(ValueIndex index) {
  if (!is_replaceable() || !HasCopy(index)) return;
  std::atomic<const std::byte*>& current = replacement(index).current;
  copies.Free(current.load(std::memory_order_relaxed));
  current.store(place(index), std::memory_order_relaxed);
  --copies_in_use;
  Uncharge(copies.bytes_each());
}

void ValueTable::State::FreeCopies() {
  if (!is_replaceable()) return;
  const uint32_t used = high_water.load(std::memory_order_relaxed);
  for (ValueIndex index = 1; index <= used; ++index) {
    if (!ref_word(index).free()) DropCopy(index);
  }
}

}  // namespace inlay
