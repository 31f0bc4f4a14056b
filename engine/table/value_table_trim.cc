// How a ValueTable gives memory back to the system after a burst.
//
// Values never move, so only indexes behind the last value that is in use can go. One that goes
// is free: it has been retired, and a grace period has passed since. So
//   - no owner has its code, and no thread a reference: its count was zero when it was retired;
//   - no reader has found it: readers of that time have left their sections, and it has been in no
//     hash index since. A reader that still searches an old array of the hash index began before
//     the array was replaced, and an index that was retired later is not free while it searches;
//   - ForEach(), and a drain of credits, may pass it, if they have read the high-water mark before.
//     They find a count of zero there, whether the memory has gone or not.
// So nobody reads the bytes of the pages that go. An index that comes back is one that was never
// used, for all that look at it. For AddressSanitizer the bytes of free indexes stay poisoned, here
// as before: the addresses are the table's, and the next value unpoisons them.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/memory/address_range.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "engine/table/slot_array.h"
#include "engine/table/value_table_state.h"
#include "inlay/rcu.h"
#include "inlay/value_table.h"

namespace inlay {

size_t ValueTable::Trim() noexcept {
  ReclaimAndWait();
  INLAY_TEST_POINT("trim.reclaimed");
  MutexLock lock(&state_->mutex);
  state_->CollectRetired();
  return state_->DropFreeIndexes() + state_->ShrinkSlots();
}

size_t ValueTable::State::DropFreeIndexes() {
  const uint32_t used = high_water.load(std::memory_order_relaxed);
  uint32_t kept = used;
  while (kept > 0 && ref_word(kept).free()) --kept;
  if (kept == used) return 0;
  // In order, so that new values take the first ones and the next Trim() can drop more.
  free = IndexList();
  for (ValueIndex index = 1; index <= kept; ++index) {
    if (ref_word(index).free()) Append(&free, index);
  }
  high_water.store(kept, std::memory_order_release);
  starved = false;
  Uncharge((used - kept) * BytesPerValue());
  // Without any value not even the unused place 0 needs memory.
  const size_t places = kept > 0 ? size_t{kept} + 1 : 0;
  const size_t dropped =
      value_range.Drop(places * stride_bytes, (size_t{used} + 1) * stride_bytes) +
      entry_range.Drop(places * sizeof(Entry), (size_t{used} + 1) * sizeof(Entry));
  WatchDeaths();
  return dropped;
}

// Without memory for a smaller array the table keeps the one that it has.
size_t ValueTable::State::ShrinkSlots() {
  const SlotArray& old = *slots.load(std::memory_order_relaxed);
  const uint32_t wanted = WantedSlots(live);
  if (wanted >= old.slots()) return 0;
  const size_t saved = SlotArray::Bytes(old.slots()) - SlotArray::Bytes(wanted);
  SlotArray* const shrunk = SlotArray::TryCreate(wanted);
  if (shrunk == nullptr) return 0;
  ReplaceSlots(shrunk);
  Uncharge(saved);
  return saved;
}

}  // namespace inlay
