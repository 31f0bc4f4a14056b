// How a replaceable ValueTable changes a value for all who hold it.
//
// Behind the first bytes of each value lies a Replacement: the pointer that readers follow, at
// first to those bytes. Replacing a value swaps the pointer and gives the index another place in
// the hash index, both under the table's mutex. The index, and so the codes of owners and the
// count, stay as they are.
//
// If the table has the new bytes already, two indexes have equal bytes from then on. One of them is
// in the hash index, where searches find it, and the other one in its list of duplicates, so that
// nobody gets that anew (V1). Who holds a duplicate keeps it until its next write. When the index
// that searches find changes or goes, the first of its duplicates takes its place.
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
    while (status == Status::kAgain) status = state_->ReplaceHeld(index, change, buffer.bytes());
    if (status == Status::kOk) ++count;
    if (status != Status::kOk && status != Status::kNotFound) return status;
  }
  return Status::kOk;
}

// Replaces a value by what `change` makes of a copy of it. kNotFound: there is nothing to replace.
// kAgain: another thread has replaced it meanwhile.
Status ValueTable::State::ReplaceHeld(ValueIndex index,
                                      FunctionRef<bool(std::span<std::byte> value)> change,
                                      std::span<std::byte> copy) {
  // Keeps the bytes at their address, so that an address that is the same afterwards means that
  // nobody has replaced them.
  const ReadSection section;
  if (ref_word(index).count() == 0) return Status::kNotFound;
  const std::byte* const seen = value(index);
  std::memcpy(copy.data(), seen, copy.size());
  if (!change(copy)) return Status::kNotFound;
  if (std::memcmp(copy.data(), seen, copy.size()) == 0) return Status::kNotFound;
  INLAY_TEST_POINT("replace_all.changed");
  MutexLock lock(&mutex);
  return ReplaceSeen(index, seen, copy);
}

// Replaces every value of these bytes that somebody holds: the one that searches find, and its
// duplicates. All or none.
Status ValueTable::State::ReplaceEqual(std::span<const std::byte> from,
                                       std::span<const std::byte> to) {
  const ValueIndex first =
      FindIn(*slots.load(std::memory_order_relaxed), HashValue(from, seed), from).index;
  // Under the mutex the list stays, but counts change.
  uint32_t equal = 0;
  bool is_held = false;
  for (ValueIndex at = first; at != kNoIndex; at = replacement(at).next_duplicate) {
    ++equal;
    is_held = is_held || ref_word(at).count() > 0;
  }
  if (!is_held) return Status::kNotFound;
  if (std::memcmp(from.data(), to.data(), from.size()) == 0) return Status::kOk;
  INLAY_TEST_POINT("replace.counted");
  const std::unique_ptr<Change[]> changes = TryNewArray<Change>(equal);
  if (changes == nullptr) return Status::kNoMemory;
  uint32_t held = 0;
  for (ValueIndex at = first; at != kNoIndex; at = replacement(at).next_duplicate) {
    if (ref_word(at).count() > 0) changes[held++].index = at;
  }
  if (held == 0) return Status::kNotFound;
  const std::span<Change> of_values(changes.get(), held);
  const Status status = Prepare(to, of_values);
  if (status != Status::kOk) return status;
  INLAY_TEST_POINT("replace.prepared");
  const uint32_t hash = HashValue(to, seed);
  for (Change& change : of_values) Apply(&change, to, hash);
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
  const bool had_copy = HasCopy(index);
  const ValueIndex equal = FindIn(array, hash, to).index;
  // The bytes first: a search that finds the index by the new hash compares the new ones.
  const std::byte* const old =
      replacement(index).current.exchange(change->copy.release(), std::memory_order_acq_rel);
  INLAY_TEST_POINT("replace.swapped");
  LeaveHashIndex(index);
  entry(index).hash = hash;
  if (equal != kNoIndex && !ref_word(equal).unreferenced()) {
    LinkDuplicate(equal, index);
  } else {
    if (equal != kNoIndex) array.Erase(slot_of(equal));
    slot_of(index) = array.Insert(hash, index);
    if (equal != kNoIndex) LinkDuplicate(index, equal);  // nobody holds that one
  }
  ++replaced;
  if (had_copy) {
    copies.FreeLater(old);
  } else {
    ++copies_in_use;
  }
}

// Puts `index`, and the duplicates in its own list, behind `before`, which may have some.
void ValueTable::State::LinkDuplicate(ValueIndex before, ValueIndex index) {
  ValueIndex last = index;
  while (replacement(last).next_duplicate != kNoIndex) last = replacement(last).next_duplicate;
  const ValueIndex behind = std::exchange(replacement(before).next_duplicate, index);
  before_duplicate(index) = before;
  replacement(index).is_duplicate = true;
  ++duplicates;
  replacement(last).next_duplicate = behind;
  if (behind != kNoIndex) before_duplicate(behind) = last;
}

// When the index is retired, or gets other bytes. The next of its duplicates takes its place.
void ValueTable::State::LeaveHashIndex(ValueIndex index) {
  SlotArray& array = *slots.load(std::memory_order_relaxed);
  if (!is_replaceable()) return array.Erase(slot_of(index));
  Replacement& left = replacement(index);
  const ValueIndex next = std::exchange(left.next_duplicate, kNoIndex);
  if (left.is_duplicate) {
    const ValueIndex before = before_duplicate(index);
    replacement(before).next_duplicate = next;
    if (next != kNoIndex) before_duplicate(next) = before;
    left.is_duplicate = false;
    --duplicates;
    return;
  }
  array.Erase(slot_of(index));
  if (next == kNoIndex) return;
  // Into the slot that has come free, or one before it. It counts as an insertion: a search that
  // has passed there may have found nothing.
  replacement(next).is_duplicate = false;
  --duplicates;
  slot_of(next) = array.Insert(entry(next).hash, next);
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
