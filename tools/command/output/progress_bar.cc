#include "tools/command/output/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <system_error>
#include <utility>

#include "tools/pages/numbers/number_text.h"

namespace inlay {
namespace {

constexpr std::chrono::milliseconds kDelay{500};
constexpr std::chrono::milliseconds kPeriod{100};
constexpr size_t kBarWidth = 30;
constexpr char kEraseLine[] = "\r\033[K";

}  // namespace

ProgressBar::ProgressBar(std::function<uint64_t()> bytes_done, uint64_t total_bytes)
    : bytes_done_(std::move(bytes_done)), total_bytes_(total_bytes) {
  if (isatty(STDERR_FILENO) == 0) return;
  try {
    thread_ = std::thread(&ProgressBar::Run, this);
  } catch (const std::system_error&) {
    // Without a thread there is no bar, and the work goes on.
  }
}

ProgressBar::~ProgressBar() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ProgressBar::Run() {
  const auto start = std::chrono::steady_clock::now();
  bool drawn = false;
  std::unique_lock<std::mutex> lock(mutex_);
  auto next = start + kDelay;
  while (!changed_.wait_until(lock, next, [this] { return stopped_; })) {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - start).count();
    std::fprintf(stderr, "%s%s", kEraseLine,
                 ProgressLine(bytes_done_(), total_bytes_, seconds).c_str());
    std::fflush(stderr);
    drawn = true;
    next = now + kPeriod;
  }
  if (drawn) std::fprintf(stderr, "%s", kEraseLine);
}

std::string ProgressLine(uint64_t bytes_done, uint64_t total_bytes, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(bytes_done) / seconds : 0;
  const std::string speed = numbers::ByteSize(static_cast<uint64_t>(rate)) + "/s";
  if (total_bytes == 0) return numbers::ByteSize(bytes_done) + " read, " + speed;
  const uint64_t done = std::min(bytes_done, total_bytes);
  const double share = static_cast<double>(done) / static_cast<double>(total_bytes);
  const auto filled = static_cast<size_t>(share * static_cast<double>(kBarWidth));
  char percent[16];
  std::snprintf(percent, sizeof percent, "%3d %%", static_cast<int>(share * 100));
  std::string line = "[" + std::string(filled, '#') + std::string(kBarWidth - filled, ' ') + "]  " +
                     percent + "  " + numbers::ByteSize(done) + " of " +
                     numbers::ByteSize(total_bytes) + ", " + speed;
  if (rate > 0) {
    const double left = static_cast<double>(total_bytes - done) / rate;
    line += ", " + numbers::Grouped(static_cast<uint64_t>(std::llround(left))) + " s left";
  }
  return line;
}

}  // namespace inlay
