// BackgroundTask: work that the library's thread does in small steps, each after a grace period.
//
// A task belongs to an object that it works on, and runs never again once that has called End().
// It is an allocation of its own: a step that was asked for may still wait when its owner is gone.
//
// Thread-safety: all functions may run concurrently, except End(), which is the owner's last call.

#ifndef INLAY_ENGINE_SYNC_BACKGROUND_TASK_H_
#define INLAY_ENGINE_SYNC_BACKGROUND_TASK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/sync/mutex.h"
#include "inlay/rcu.h"

namespace inlay {

class BackgroundTask {
 public:
  // A step calls run(context). It must not wait for a grace period, and may take any lock that the
  // functions of Retire() may take. REQUIRES: made by `new`.
  BackgroundTask(void (*run)(void* context), void* context) : run_(run), context_(context) {}
  BackgroundTask(const BackgroundTask&) = delete;
  BackgroundTask& operator=(const BackgroundTask&) = delete;

  // Asks for a step after a grace period. The step sees everything that happened before the call.
  // Calls are one until the step begins. Does not block, does not allocate. A step may ask for the
  // next one.
  void Schedule() noexcept {
    if (scheduled_.exchange(true, std::memory_order_acq_rel)) return;
    uses_.fetch_add(1, std::memory_order_relaxed);
    Retire<RunStep>(&head_);
  }

  // Waits for a step that is under way. There is none afterwards, whoever asks for one. REQUIRES:
  // not called by a step.
  void Stop() noexcept {
    MutexLock lock(&running_);
    stopped_ = true;
  }
  // Stops, and frees the task.
  void End() noexcept {
    Stop();
    Drop();
  }

 private:
  static void RunStep(RcuHead* head) {
    static_assert(offsetof(BackgroundTask, head_) == 0);
    auto* const task = reinterpret_cast<BackgroundTask*>(head);
    // First: whoever calls Schedule() from here on asks for another step.
    task->scheduled_.exchange(false, std::memory_order_acq_rel);
    {
      MutexLock lock(&task->running_);
      if (!task->stopped_) task->run_(task->context_);
    }
    task->Drop();
  }

  void Drop() noexcept {
    if (uses_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  RcuHead head_;
  void (*const run_)(void* context);
  void* const context_;
  std::atomic<bool> scheduled_{false};
  std::atomic<uint32_t> uses_{1};  // by the owner, and by a step that waits or runs
  Mutex running_;
  bool stopped_ GUARDED_BY(running_) = false;
};

// Owns a task. A step may read the handle until End() returns.
class TaskHandle {
 public:
  TaskHandle() = default;
  ~TaskHandle() { End(); }
  TaskHandle(const TaskHandle&) = delete;
  TaskHandle& operator=(const TaskHandle&) = delete;

  void Own(std::unique_ptr<BackgroundTask> task) noexcept { task_ = task.release(); }
  explicit operator bool() const noexcept { return task_ != nullptr; }
  BackgroundTask* operator->() const noexcept { return task_; }
  BackgroundTask* get() const noexcept { return task_; }
  void End() noexcept {
    if (task_ != nullptr) task_->End();
    task_ = nullptr;
  }

 private:
  BackgroundTask* task_ = nullptr;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_SYNC_BACKGROUND_TASK_H_
