#include "engine/table/reference_credits.h"

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>

#include "engine/memory/allocate.h"
#include "engine/sync/background_task.h"
#include "engine/sync/fork.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "engine/table/ref_word.h"
#include "inlay/rcu.h"

namespace inlay {

constinit ReferenceCredits::Shared ReferenceCredits::shared;

// All threads that keep credits, and all tables that lend. The mutex is taken before that of a
// thread's credits.
struct CreditRegistry {
  Mutex mutex;
  ReferenceCredits* threads GUARDED_BY(mutex) = nullptr;
  uint32_t count GUARDED_BY(mutex) = 0;
  CreditLender* lenders GUARDED_BY(mutex) = nullptr;
  std::atomic<bool> drain_is_wanted{false};
  uint32_t raised_epoch = 0;  // of the drain under way; only steps of the task use it

  static void SetFloor(uint32_t threads) {
    ReferenceCredits::shared.floor.store((threads + 1) * ReferenceCredits::kMost,
                                         std::memory_order_relaxed);
  }
  static uint32_t RaiseEpoch() {
    return ReferenceCredits::shared.epoch.fetch_add(1, std::memory_order_seq_cst) + 1;
  }

  ReferenceCredits* Join() LOCKS_EXCLUDED(mutex);
  void Leave(ReferenceCredits* credits) LOCKS_EXCLUDED(mutex);
  void Add(CreditLender* lender) LOCKS_EXCLUDED(mutex);
  void TakeBackBefore(uint32_t epoch) LOCKS_EXCLUDED(mutex);
  void RunDrain();

  // Around fork(): only the thread that forks goes on in the child.
  void KeepOnly(ReferenceCredits* credits) EXCLUSIVE_LOCKS_REQUIRED(mutex);
};

namespace {

constinit CreditRegistry registry;

// Never ended: it belongs to the process.
BackgroundTask& DrainTask() {
  static BackgroundTask task([](void* self) { static_cast<CreditRegistry*>(self)->RunDrain(); },
                             &registry);
  return task;
}

constexpr rcu_internal::ForkHandlers kForkHandlers{
    .before = []() NO_THREAD_SAFETY_ANALYSIS { registry.mutex.Lock(); },
    .in_parent = []() NO_THREAD_SAFETY_ANALYSIS { registry.mutex.Unlock(); },
    .in_child =
        []() NO_THREAD_SAFETY_ANALYSIS {
          registry.KeepOnly(ReferenceCredits::OfThisThread());
          registry.mutex.Unlock();
        },
};

// The key's destructor gives a thread's credits back when the thread exits. If a later destructor
// takes references and borrows again, it runs again.
pthread_key_t LeaveKey() {
  static const pthread_key_t key = [] {
    pthread_key_t made = 0;
    pthread_key_create(
        &made, [](void* credits) { registry.Leave(static_cast<ReferenceCredits*>(credits)); });
    rcu_internal::SetForkHandlers(&kForkHandlers);
    return made;
  }();
  return key;
}

}  // namespace

// --- threads

ReferenceCredits* CreditRegistry::Join() {
  std::unique_ptr<ReferenceCredits> credits = TryNew<ReferenceCredits>();
  if (credits == nullptr || pthread_setspecific(LeaveKey(), credits.get()) != 0) return nullptr;
  MutexLock lock(&mutex);
  credits->next_ = threads;
  threads = credits.get();
  SetFloor(++count);
  reference_internal::this_thread.credits = credits.get();
  return credits.release();
}

void CreditRegistry::Leave(ReferenceCredits* credits) {
  reference_internal::this_thread.credits = nullptr;
  MutexLock lock(&mutex);
  ReferenceCredits** link = &threads;
  while (*link != credits) link = &(*link)->next_;
  *link = credits->next_;
  {
    MutexLock own_lock(&credits->mutex_);
    credits->GiveAllBack();
  }
  SetFloor(--count);
  delete credits;
}

void CreditRegistry::KeepOnly(ReferenceCredits* credits) {
  while (ReferenceCredits* const other = threads) {
    threads = other->next_;
    if (other == credits) continue;
    // Its thread may have held the lock. What it had taken out of a slot is lost to the child: a
    // value that it used stays.
    new (&other->mutex_) Mutex;
    MutexLock lock(&other->mutex_);
    other->GiveAllBack();
    // Not freed: its memory is the child's to keep, as its thread's stack is.
  }
  if (credits != nullptr) credits->next_ = nullptr;
  threads = credits;
  count = credits != nullptr ? 1 : 0;
  SetFloor(count);
}

void ReferenceCredits::GiveAllBack() noexcept {
  for (Slot& slot : slots_) {
    const uint32_t credits = slot.credits.load(std::memory_order_relaxed);
    if (credits == 0) continue;
    slot.credits.store(0, std::memory_order_relaxed);
    CreditLender* const lender = slot.lender.load(std::memory_order_relaxed);
    lender->give_back(lender, slot.index.load(std::memory_order_relaxed), credits);
  }
}

void ReferenceCredits::GiveBackOwn() noexcept {
  ReferenceCredits* const mine = OfThisThread();
  if (mine == nullptr) return;
  MutexLock lock(&mine->mutex_);
  mine->GiveAllBack();
}

bool ReferenceCredits::Borrow(CreditLender* lender, uint32_t index,
                              std::atomic<uint32_t>* word) noexcept {
  if (RefWord(word->load(std::memory_order_relaxed)).count() < LendsFrom()) return false;
  ReferenceCredits* mine = OfThisThread();
  if (mine == nullptr) mine = registry.Join();
  if (mine == nullptr) return false;
  if (!lender->lends.load(std::memory_order_acquire)) registry.Add(lender);
  Slot& slot = mine->SlotOf(lender, index);
  const bool is_taken = slot.credits.load(std::memory_order_relaxed) > 0 && !slot.Is(lender, index);
  if (is_taken && ++mine->blocked_ % kPatience != 0) return false;
  MutexLock lock(&mine->mutex_);
  if (!mine->IsCurrent()) {
    mine->GiveAllBack();
    mine->epoch_.store(shared.epoch.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  if (const uint32_t others = slot.credits.load(std::memory_order_relaxed); others > 0) {
    CreditLender* const other = slot.lender.load(std::memory_order_relaxed);
    slot.credits.store(0, std::memory_order_relaxed);
    other->give_back(other, slot.index.load(std::memory_order_relaxed), others);
  }
  uint32_t seen = word->load(std::memory_order_relaxed);
  std::optional<RefWord> next;
  do {
    if (RefWord(seen).count() < LendsFrom()) return false;
    next = RefWord(seen).Lend(kLoan);
    if (!next.has_value()) return false;
  } while (!word->compare_exchange_weak(seen, next->bits(), std::memory_order_acq_rel,
                                        std::memory_order_relaxed));
  slot.lender.store(lender, std::memory_order_relaxed);
  slot.index.store(index, std::memory_order_relaxed);
  slot.credits.store(kLoan, std::memory_order_relaxed);
  return true;
}

// --- tables

void CreditRegistry::Add(CreditLender* lender) {
  MutexLock lock(&mutex);
  if (lender->lends.load(std::memory_order_relaxed)) return;
  lender->next_lender = lenders;
  lenders = lender;
  lender->lends.store(true, std::memory_order_release);
}

void ReferenceCredits::GiveBackAllOf(CreditLender* lender) noexcept {
  if (!lender->lends.load(std::memory_order_acquire)) return;
  MutexLock lock(&registry.mutex);
  for (ReferenceCredits* credits = registry.threads; credits != nullptr; credits = credits->next_) {
    MutexLock other_lock(&credits->mutex_);
    for (Slot& slot : credits->slots_) {
      const uint32_t kept = slot.credits.load(std::memory_order_relaxed);
      if (kept == 0 || slot.lender.load(std::memory_order_relaxed) != lender) continue;
      slot.credits.store(0, std::memory_order_relaxed);
      lender->give_back(lender, slot.index.load(std::memory_order_relaxed), kept);
    }
  }
}

void ReferenceCredits::Forget(CreditLender* lender) noexcept {
  if (!lender->lends.load(std::memory_order_acquire)) return;
  MutexLock lock(&registry.mutex);
  CreditLender** link = &registry.lenders;
  while (*link != lender) link = &(*link)->next_lender;
  *link = lender->next_lender;
  for (ReferenceCredits* credits = registry.threads; credits != nullptr; credits = credits->next_) {
    MutexLock other_lock(&credits->mutex_);
    for (Slot& slot : credits->slots_) {
      if (slot.lender.load(std::memory_order_relaxed) != lender) continue;
      slot.credits.store(0, std::memory_order_relaxed);
      slot.lender.store(nullptr, std::memory_order_relaxed);
    }
  }
}

uint32_t ReferenceCredits::Kept(const CreditLender* lender, uint32_t index) noexcept {
  if (!lender->lends.load(std::memory_order_acquire)) return 0;
  MutexLock lock(&registry.mutex);
  uint32_t kept = 0;
  for (ReferenceCredits* credits = registry.threads; credits != nullptr; credits = credits->next_) {
    const Slot& slot = credits->SlotOf(lender, index);
    if (slot.Is(lender, index)) kept += slot.credits.load(std::memory_order_relaxed);
  }
  return kept;
}

uint32_t ReferenceCredits::KeptInAll() noexcept {
  MutexLock lock(&registry.mutex);
  uint32_t kept = 0;
  for (ReferenceCredits* credits = registry.threads; credits != nullptr; credits = credits->next_) {
    for (const Slot& slot : credits->slots_) kept += slot.credits.load(std::memory_order_relaxed);
  }
  return kept;
}

// --- drains

// A grace period has passed since the epoch was raised to `epoch`.
void CreditRegistry::TakeBackBefore(uint32_t epoch) {
  INLAY_TEST_POINT("credits.taken_back");
  MutexLock lock(&mutex);
  for (ReferenceCredits* credits = threads; credits != nullptr; credits = credits->next_) {
    MutexLock credits_lock(&credits->mutex_);
    if (credits->epoch_.load(std::memory_order_relaxed) >= epoch) continue;
    credits->GiveAllBack();
    credits->epoch_.store(epoch, std::memory_order_relaxed);
  }
  // A thread that has borrowed since, of a value whose count has gone below the floor since, lets
  // whoever took it there ask again before the mark goes here.
  for (CreditLender* lender = lenders; lender != nullptr; lender = lender->next_lender) {
    lender->settle(lender, ReferenceCredits::Floor());
  }
}

void CreditRegistry::RunDrain() {
  if (raised_epoch != 0) TakeBackBefore(raised_epoch);
  raised_epoch = 0;
  if (!drain_is_wanted.exchange(false, std::memory_order_acq_rel)) return;
  raised_epoch = RaiseEpoch();
  DrainTask().Schedule();  // the next step comes after a grace period
}

void ReferenceCredits::RequestDrain() noexcept {
  if (registry.drain_is_wanted.exchange(true, std::memory_order_acq_rel)) return;
  DrainTask().Schedule();
}

void ReferenceCredits::Drain() noexcept {
  const uint32_t epoch = CreditRegistry::RaiseEpoch();
  Synchronize();
  registry.TakeBackBefore(epoch);
}

}  // namespace inlay
