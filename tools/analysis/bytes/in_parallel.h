// InParallel: runs the same work for several numbers, each on a thread of its own.

#ifndef INLAY_TOOLS_ANALYSIS_BYTES_IN_PARALLEL_H_
#define INLAY_TOOLS_ANALYSIS_BYTES_IN_PARALLEL_H_

#include <cstddef>
#include <functional>
#include <future>
#include <system_error>
#include <vector>

namespace inlay::analysis {

// Runs work(0) .. work(count - 1), each on a thread of its own as far as the system has threads.
// Rethrows their exceptions.
inline void InParallel(size_t count, const std::function<void(size_t)>& work) {
  std::vector<std::future<void>> others;
  for (size_t i = 1; i < count; ++i) {
    try {
      others.push_back(std::async(std::launch::async, work, i));
    } catch (const std::system_error&) {
      others.push_back(std::async(std::launch::deferred, work, i));
    }
  }
  work(0);
  for (std::future<void>& other : others) other.get();
}

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BYTES_IN_PARALLEL_H_
