// StoppedThread: a thread that a test stops at a test point of the engine. The test then acts
// before it lets the thread go on.

#ifndef INLAY_TESTS_ENGINE_RACES_STOPPED_THREAD_H_
#define INLAY_TESTS_ENGINE_RACES_STOPPED_THREAD_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "engine/sync/test_point.h"

namespace inlay {

class StoppedThread {
 public:
  // Runs `run` on a thread of its own. Returns when the thread first reaches `point`, or ends
  // without reaching it.
  StoppedThread(std::string point, std::function<void()> run) : point_(std::move(point)) {
    thread_ = std::thread([this, run = std::move(run)] { Run(run); });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_ || ended_; });
  }
  ~StoppedThread() { Finish(); }
  StoppedThread(const StoppedThread&) = delete;
  StoppedThread& operator=(const StoppedThread&) = delete;

  // Whether the thread came to the point.
  bool stopped() {
    std::lock_guard lock(mutex_);
    return stopped_;
  }
  // Lets the thread run to its end, and waits for it.
  void Finish() {
    {
      std::lock_guard lock(mutex_);
      goes_on_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run(const std::function<void()>& run) {
    const TestPointHook hook = [this](std::string_view point) {
      if (point == point_) Stop();
    };
    test_point_hook = &hook;
    run();
    test_point_hook = nullptr;
    std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  void Stop() {
    std::unique_lock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return goes_on_; });
  }

  const std::string point_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  bool ended_ = false;
  bool goes_on_ = false;
  std::thread thread_;
};

// Calls `then` when this thread first comes to `point`, for as long as the object lives. Several
// may be alive on one thread.
class AtTestPoint {
 public:
  AtTestPoint(std::string point, std::function<void()> then)
      : point_(std::move(point)), then_(std::move(then)) {
    test_point_hook = &hook_;
  }
  ~AtTestPoint() { test_point_hook = outer_; }
  AtTestPoint(const AtTestPoint&) = delete;
  AtTestPoint& operator=(const AtTestPoint&) = delete;

 private:
  void Pass(std::string_view at) {
    if (at == point_ && then_ != nullptr) std::exchange(then_, nullptr)();
    if (outer_ != nullptr) (*outer_)(at);
  }

  const std::string point_;
  std::function<void()> then_;
  const TestPointHook* const outer_ = test_point_hook;
  const TestPointHook hook_ = [this](std::string_view at) { Pass(at); };
};

}  // namespace inlay

#endif  // INLAY_TESTS_ENGINE_RACES_STOPPED_THREAD_H_
