#include "engine/sync/registered_threads.h"

#include <pthread.h>

#include <cstdint>
#include <type_traits>

#include "engine/sync/keep_loaded.h"
#include "engine/sync/liburcu.h"
#include "engine/sync/mutex.h"
// For the reader that liburcu keeps of each thread, which nothing else names.
#include <urcu/static/urcu-memb.h>

namespace inlay::rcu_internal {

thread_local constinit bool thread_is_registered = false;
extern "C" {
thread_local constinit ThreadReader inlay_thread_reader{nullptr, nullptr, nullptr};
}

namespace {

// What inlay/rcu.h does with a thread's word is what this liburcu does.
static_assert(std::is_same_v<decltype(urcu_reader::ctr), uint64_t>);
static_assert(std::is_same_v<decltype(urcu_gp::ctr), uint64_t>);
static_assert(std::is_same_v<decltype(urcu_gp::futex), int32_t>);
static_assert(URCU_GP_COUNT == 1 && URCU_GP_CTR_NEST_MASK == kSectionsMask);

struct RegisteredThread {
  urcu_reader* reader;  // liburcu's, in the thread's own storage; null: we did not register it
  RegisteredThread* next;
};

constinit Mutex registrations;
constinit RegisteredThread* threads GUARDED_BY(registrations) = nullptr;
thread_local constinit RegisteredThread this_thread{nullptr, nullptr};

void UnregisterThread(void* /*unused*/) {
  thread_is_registered = false;
  inlay_thread_reader = {nullptr, nullptr, nullptr};
  if (this_thread.reader == nullptr) return;
  MutexLock lock(&registrations);
  RegisteredThread** link = &threads;
  while (*link != &this_thread) link = &(*link)->next;
  *link = this_thread.next;
  this_thread.reader = nullptr;
  urcu_memb_unregister_thread();
}

// The key's destructor unregisters a thread that exits. It runs after the destructors of all
// thread_local objects; if those of other keys register the thread again, it runs again.
pthread_key_t ExitKey() {
  static const pthread_key_t key = [] {
    pthread_key_t made = 0;
    pthread_key_create(&made, &UnregisterThread);
    return made;
  }();
  return key;
}

}  // namespace

[[gnu::noinline]] void RegisterThread() noexcept {
  KeepLoaded();  // for the destructor of ExitKey()
  urcu_reader* const reader = &URCU_TLS(urcu_memb_reader);
  if (!reader->registered) {
    MutexLock lock(&registrations);
    urcu_memb_register_thread();
    this_thread = {reader, threads};
    threads = &this_thread;
  }
  thread_is_registered = true;
  // Without membarrier(2) a section needs fences.
  if (urcu_memb_has_sys_membarrier != 0) {
    inlay_thread_reader = {&reader->ctr, &urcu_memb_gp.ctr, &urcu_memb_gp.futex};
  }
  pthread_setspecific(ExitKey(), &threads);  // any address but null
}

void LockRegistrations() noexcept NO_THREAD_SAFETY_ANALYSIS { registrations.Lock(); }
void UnlockRegistrations() noexcept NO_THREAD_SAFETY_ANALYSIS { registrations.Unlock(); }

void ForgetOtherThreads() noexcept NO_THREAD_SAFETY_ANALYSIS {
  // The storage of threads that are gone is still there: no thread has been made since the fork.
  for (RegisteredThread* thread = threads; thread != nullptr; thread = thread->next) {
    if (thread != &this_thread) cds_list_del(&thread->reader->node);
  }
  const bool is_registered = this_thread.reader != nullptr;
  this_thread.next = nullptr;
  threads = is_registered ? &this_thread : nullptr;
}

}  // namespace inlay::rcu_internal
