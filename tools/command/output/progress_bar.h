// ProgressBar: shows the progress of a long read on a terminal.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_PROGRESS_BAR_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_PROGRESS_BAR_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace inlay {

// Draws on standard error from construction to destruction, on a thread of its own, when standard
// error is a terminal; otherwise does nothing. It shows nothing for the first half second, and
// erases the bar at the end.
class ProgressBar {
 public:
  // `bytes_done` is called on the bar's thread; `total_bytes` is 0 if unknown.
  ProgressBar(std::function<uint64_t()> bytes_done, uint64_t total_bytes);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

 private:
  void Run();

  const std::function<uint64_t()> bytes_done_;
  const uint64_t total_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;  // guarded by mutex_
  std::thread thread_;
};

// One line of progress, as in "[#####     ]  50 %  480.0 MiB of 960.0 MiB, 1.9 GiB/s, 1 s left".
std::string ProgressLine(uint64_t bytes_done, uint64_t total_bytes, double seconds);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_PROGRESS_BAR_H_
