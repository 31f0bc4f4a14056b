// SecondThread: a second thread that starts its work within a few hundred nanoseconds, so that a
// timing includes neither the start nor the wake-up of a thread.

#ifndef INLAY_BENCH_SECOND_THREAD_H_
#define INLAY_BENCH_SECOND_THREAD_H_

#include <atomic>
#include <cstdint>
#include <thread>

#include "inlay/function_ref.h"

namespace inlay::bench {

// It spins while it waits for work: give it a processor of its own. One thread uses it.
class SecondThread {
 public:
  using Work = FunctionRef<void()>;

  SecondThread() : thread_([this] { Loop(); }) {}
  ~SecondThread() {
    Start(nullptr);
    thread_.join();
  }
  SecondThread(const SecondThread&) = delete;
  SecondThread& operator=(const SecondThread&) = delete;

  // Runs *work, which must stay where it is until Wait() has returned. REQUIRES: no other work is
  // under way.
  void Start(const Work* work) {
    work_ = work;
    started_.fetch_add(1, std::memory_order_release);
  }
  // Returns when the work is done. The caller then sees everything that it has written.
  void Wait() const { WaitUntilIs(finished_, started_.load(std::memory_order_relaxed)); }

 private:
  static void WaitUntilIs(const std::atomic<uint32_t>& number, uint32_t wanted) {
    for (uint32_t looks = 1; number.load(std::memory_order_acquire) != wanted; ++looks) {
      // Without a second processor, the other thread needs this one.
      if (looks % 65536 == 0) std::this_thread::yield();
    }
  }

  void Loop() {
    for (uint32_t next = 1;; ++next) {
      WaitUntilIs(started_, next);
      if (work_ == nullptr) return;
      (*work_)();
      finished_.store(next, std::memory_order_release);
    }
  }

  const Work* work_ = nullptr;
  alignas(64) std::atomic<uint32_t> started_{0};
  alignas(64) std::atomic<uint32_t> finished_{0};
  std::thread thread_;  // last: it uses the other members
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_SECOND_THREAD_H_
