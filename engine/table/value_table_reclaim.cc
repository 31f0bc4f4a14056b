// How a ValueTable gets indexes back from values that nobody uses.

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdint>

#include "engine/memory/poison.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "engine/table/ref_word.h"
#include "engine/table/reference_credits.h"
#include "engine/table/slot_array.h"
#include "engine/table/value_table_state.h"
#include "inlay/rcu.h"
#include "inlay/value_table.h"

namespace inlay {

ValueIndex ValueTable::State::TakeIndex() {
  CollectRetired();
  MeasureDemand();
  demand.Ask(max_values);
  asked_since_step = true;
  RetireForDemand();
  ValueIndex fresh = kNoIndex;
  if (free.size > 0) {
    fresh = PopFront(&free);
  } else {
    fresh = TakeNeverUsed();
    if (fresh == kNoIndex && !starved) {
      starved = true;
      RetireForDemand();  // again, since `starved` changes what it retires
    }
    starved = fresh == kNoIndex;
  }
  WatchDeaths();
  return fresh;
}

ReclaimState ValueTable::State::Situation() const {
  return {.max_values = max_values,
          .used = high_water.load(std::memory_order_relaxed),
          .live = live,
          .unreferenced = unreferenced.load(std::memory_order_relaxed),
          .free = free.size,
          .coming = retired.size + waiting.size,
          .demand = demand.highest(),
          .starved = starved};
}

void ValueTable::State::RetireForDemand() {
  const ReclaimPlan plan = PlanReclaim(Situation());
  if (plan.steps == 0) return;
  uint32_t steps = plan.steps;
  Sweep(&steps, plan.enough, true);
  CollectRetired();
}

// While no batch waits, grace periods of the table's own measure the demand, as soon as few indexes
// are left: the first batch must be large enough.
void ValueTable::State::MeasureDemand() {
  if (retired.size + waiting.size > 0) return;
  if (measured.has_value() && !measured->Elapsed()) return;
  if (measured.has_value()) demand.EndPeriod();
  measured.reset();
  demand.Restart();
  if (MustKnowDemand(Situation())) measured = GracePeriod::Start();
}

// --- while nobody asks for indexes

// A thread that takes the last reference of a value counts it first and looks at `watches_deaths`
// then; here it is the other way round. So one of the two sees the other, and the last death is not
// missed.
void ValueTable::State::WatchDeaths() {
  const bool few = idle_task && FewAtHand(Situation());
  if (few == watches_deaths.load(std::memory_order_relaxed)) return;
  watches_deaths.store(few, std::memory_order_seq_cst);
  if (few && unreferenced.load(std::memory_order_seq_cst) > kKeptUnreferenced) {
    idle_task->Schedule();
  }
}

void ValueTable::State::NoteDeath(ValueIndex index) noexcept {
  may_be_unreferenced.Add(index);  // before the count says that there is one to find
  const int64_t dead = unreferenced.fetch_add(1, std::memory_order_seq_cst) + 1;
  if (dead > kKeptUnreferenced && watches_deaths.load(std::memory_order_seq_cst)) {
    idle_task->Schedule();
  }
  if (owners_wait.load(std::memory_order_seq_cst)) death_task->Schedule();
}

void ValueTable::SetDeathTask(BackgroundTask* task) noexcept { state_->death_task = task; }

void ValueTable::ScheduleOnDeath(bool on) noexcept {
  state_->owners_wait.store(on, std::memory_order_seq_cst);
}

bool ValueTable::MayHaveRoom() const noexcept {
  MutexLock lock(&state_->mutex);
  const ReclaimState table = state_->Situation();
  return IndexesLeft(table) + table.coming > 0 || table.unreferenced > 0;
}

void ValueTable::State::RunIdleTask(void* state) { static_cast<State*>(state)->ReclaimAtRest(); }

void ValueTable::State::ReclaimAtRest() {
  MutexLock lock(&mutex);
  CollectRetired();
  if (const ReclaimPlan plan = PlanIdleReclaim(Situation()); idle_rest > 0) {
    --idle_rest;
  } else if (plan.steps > 0 && waiting.size == 0 && !asked_since_step) {
    // What gathers behind a batch that waits would delay what new values retire themselves.
    uint32_t left = plan.steps;
    Sweep(&left, plan.enough, true);
    CollectRetired();
    idle_passed += plan.steps - left;
    if (idle_passed >= high_water.load(std::memory_order_relaxed)) {
      idle_passed = 0;
      idle_rest = kIdleRest;
    }
  }
  asked_since_step = false;
  WatchDeaths();
  // Goes on if the hand has spared values, or a batch has yet to begin its grace period.
  if (PlanIdleReclaim(Situation()).steps > 0 || retired.size > 0) idle_task->Schedule();
}

// --- room for a reload

Status ValueTable::EnsureRoom(uint32_t new_values) noexcept {
  // A batch that gathers begins its grace period when the other batch's is over, and other threads
  // may take what has come free: a few rounds.
  constexpr int kRounds = 4;
  if (state_->lends.load(std::memory_order_acquire)) ReferenceCredits::Drain();
  for (int round = 0; round < kRounds; ++round) {
    if (round > 0) Synchronize();
    MutexLock lock(&state_->mutex);
    const Status status = state_->TryMakeRoom(new_values);
    if (status != Status::kAgain) return status;
  }
  return Status::kNoIndexes;
}

Status ValueTable::State::TryMakeRoom(uint32_t new_values) {
  if (new_values > max_values) return Status::kNoIndexes;
  CollectRetired();
  // Values that may come back stay, as long as there are indexes that were never used. Those must
  // not take what the account allows for the hash index.
  if (free.size + max_values - high_water.load(std::memory_order_relaxed) >= new_values) {
    if (const Status status = MakeRoomInSlots(new_values); status != Status::kOk) return status;
  }
  while (free.size < new_values) {
    const ValueIndex fresh = TakeNeverUsed();
    if (fresh == kNoIndex) break;
    Append(&free, fresh);
  }
  if (free.size >= new_values) return MakeRoomInSlots(new_values);
  if (const uint32_t have = free.size + retired.size + waiting.size; have < new_values) {
    uint32_t steps = 2 * high_water.load(std::memory_order_relaxed);
    Sweep(&steps, new_values - have, true);
    CollectRetired();
  }
  return free.size + retired.size + waiting.size >= new_values ? Status::kAgain : refusal;
}

// --- sweeping

uint32_t ValueTable::State::Sweep(uint32_t* steps, uint32_t enough, bool second_chance) {
  const uint32_t used = high_water.load(std::memory_order_relaxed);
  uint32_t retired_now = 0;
  while (used > 0 && *steps > 0 && retired_now < enough) {
    const uint32_t first = clock_hand >= used ? 1 : clock_hand + 1;
    const uint32_t last = std::min(used, first + *steps - 1);
    const ValueIndex found = may_be_unreferenced.Next(first, last);
    clock_hand = found != kNoIndex ? found : last;
    *steps -= clock_hand - first + 1;
    if (found != kNoIndex && TryRetire(found, second_chance)) ++retired_now;
  }
  unreferenced.fetch_sub(retired_now, std::memory_order_relaxed);
  return retired_now;
}

bool ValueTable::State::TryRetire(ValueIndex index, bool second_chance) {
  std::atomic<uint32_t>& word = entry(index).ref_word;
  uint32_t seen = word.load(std::memory_order_acquire);
  if (!RefWord(seen).unreferenced()) {
    may_be_unreferenced.Remove(index);
    // Whoever has released the last reference since may have found the index in the set.
    if (RefWord(word.load(std::memory_order_seq_cst)).unreferenced()) {
      may_be_unreferenced.Add(index);
    }
    return false;
  }
  INLAY_TEST_POINT("retire.seen_unreferenced");
  const RefWord next = second_chance ? RefWord(seen).Passed() : RefWord::Retired();
  // The swap fails if another thread has just taken a reference: keep the value.
  if (!word.compare_exchange_strong(seen, next.bits(), std::memory_order_acq_rel)) return false;
  if (!next.retired()) return false;
  may_be_unreferenced.Remove(index);
  LeaveHashIndex(index);
  --live;
  ++reclaimed;
  Append(&retired, index);
  return true;
}

// Two batches take turns: one waits for a grace period while the other gathers retired indexes.
void ValueTable::State::CollectRetired() {
  if (waiting.size > 0 && grace->Elapsed()) {
    for (ValueIndex index = waiting.head; index != kNoIndex; index = entry(index).next) {
      assert(ref_word(index).retired());
      entry(index).ref_word.store(RefWord::Free().bits(), std::memory_order_relaxed);
      // Until it has a value again. Whoever still has a pointer to it has kept it for too long.
      DropCopy(index);
      PoisonBytes(place(index), stride_bytes);
    }
    Splice(&waiting, &free);
  }
  if (waiting.size == 0 && retired.size > 0) {
    grace = GracePeriod::Start();
    Splice(&retired, &waiting);
    demand.EndPeriod();
    measured.reset();
  }
}

uint32_t ValueTable::Reclaim() noexcept {
  if (state_->lends.load(std::memory_order_acquire)) ReferenceCredits::GiveBackOwn();
  MutexLock lock(&state_->mutex);
  const uint32_t used = state_->high_water.load(std::memory_order_relaxed);
  uint32_t steps = used;
  const uint32_t retired_now = state_->Sweep(&steps, used, false);
  state_->CollectRetired();
  return retired_now;
}

void ValueTable::State::Append(IndexList* list, ValueIndex index) {
  entry(index).next = kNoIndex;
  if (list->tail == kNoIndex) {
    list->head = index;
  } else {
    entry(list->tail).next = index;
  }
  list->tail = index;
  ++list->size;
}

ValueIndex ValueTable::State::PopFront(IndexList* list) {
  const ValueIndex index = list->head;
  list->head = entry(index).next;
  if (list->head == kNoIndex) list->tail = kNoIndex;
  --list->size;
  return index;
}

void ValueTable::State::Splice(IndexList* from, IndexList* to) {
  if (from->size == 0) return;
  if (to->tail == kNoIndex) {
    to->head = from->head;
  } else {
    entry(to->tail).next = from->head;
  }
  to->tail = from->tail;
  to->size += from->size;
  *from = IndexList();
}

uint32_t ValueTable::ReclaimAndWait() noexcept {
  if (state_->lends.load(std::memory_order_acquire)) ReferenceCredits::Drain();
  const uint32_t retired = Reclaim();
  // Two rounds: a batch that gathers begins its grace period only when the other batch's is over.
  // Reclaim() collects the batches.
  for (int round = 0; round < 2; ++round) {
    Synchronize();
    Reclaim();
  }
  return retired;
}

}  // namespace inlay
