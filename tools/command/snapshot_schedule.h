// The times of the snapshots of a series.

#ifndef INLAY_TOOLS_COMMAND_SNAPSHOT_SCHEDULE_H_
#define INLAY_TOOLS_COMMAND_SNAPSHOT_SCHEDULE_H_

#include <chrono>
#include <optional>

namespace inlay {

// The first multiple of `interval` after `begin` that is later than `now`, or nothing if that is
// later than `length` after `begin`. Skips times that passed during a snapshot, so that the series
// ends on time. REQUIRES: interval > 0, now >= begin.
inline std::optional<std::chrono::steady_clock::time_point> NextSnapshot(
    std::chrono::steady_clock::time_point begin, std::chrono::steady_clock::time_point now,
    std::chrono::steady_clock::duration interval, std::chrono::steady_clock::duration length) {
  const auto next = begin + ((now - begin) / interval + 1) * interval;
  if (next > begin + length) return std::nullopt;
  return next;
}

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_SNAPSHOT_SCHEDULE_H_
