// Test points: named places in the engine at which a test can stop a thread, so that a race happens
// in the order that the test chooses. Compiled only into inlay_with_test_points, never into the
// shipped library.
//
//   INLAY_TEST_POINT("spill.private_put");
//
// A test sets the hook of a thread; the thread calls it at every point that it passes.

#ifndef INLAY_ENGINE_SYNC_TEST_POINT_H_
#define INLAY_ENGINE_SYNC_TEST_POINT_H_

#if defined(INLAY_WITH_TEST_POINTS)

#include <atomic>
#include <functional>
#include <string_view>

namespace inlay {

using TestPointHook = std::function<void(std::string_view point)>;
// The hook of this thread; null: none.
inline thread_local constinit const TestPointHook* test_point_hook = nullptr;

inline void PassTestPoint(std::string_view point) {
  if (test_point_hook != nullptr) (*test_point_hook)(point);
}

// Makes the creation of threads fail, as under a cgroup's pids.max.
inline std::atomic<bool> test_refuses_threads{false};

}  // namespace inlay

#define INLAY_TEST_POINT(name) ::inlay::PassTestPoint(name)

#else

#define INLAY_TEST_POINT(name) static_cast<void>(0)

#endif

#endif  // INLAY_ENGINE_SYNC_TEST_POINT_H_
