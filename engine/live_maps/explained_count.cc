#include "engine/live_maps/explained_count.h"

#include <algorithm>
#include <ctime>
#include <vector>

namespace inlay {
namespace {

// The kernel adds up the numbers of its processors, one after the other. A socket that comes on a
// processor that has been read, and goes on one that has not, makes the sum too small: a hidden
// socket might then seem explained. A socket's life is longer than a sum takes, unless the sum was
// interrupted. So a sum that took much longer than others does not count, nor does one during which
// a known life began or ended.
constexpr uint64_t kMuchLonger = 4;
// One sum that is too small is unlikely enough, and three are more so.
constexpr int kSeen = 3;
// How far apart the clocks of two processors may be.
constexpr uint64_t kClocksNs = 1000;

uint64_t CountBelow(const std::vector<uint64_t>& sorted, uint64_t limit) {
  return static_cast<uint64_t>(std::lower_bound(sorted.begin(), sorted.end(), limit) -
                               sorted.begin());
}

}  // namespace

uint64_t MonotonicNs() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

Explanation ExplainCount(std::span<const UsedReading> readings, uint64_t stayed,
                         std::span<const KnownLife> lives) {
  std::vector<uint64_t> begins;
  std::vector<uint64_t> ends;
  for (const KnownLife& life : lives) {
    if (life.to_ns < life.from_ns) continue;
    begins.push_back(life.from_ns);
    ends.push_back(life.to_ns);
  }
  std::sort(begins.begin(), begins.end());
  std::sort(ends.begin(), ends.end());
  uint64_t fastest = std::numeric_limits<uint64_t>::max();
  for (const UsedReading& each : readings) {
    fastest = std::min(fastest, each.end_ns - each.begin_ns);
  }
  Explanation found;
  int explained = 0;
  bool has_others = false;
  for (const UsedReading& each : readings) {
    if ((each.end_ns - each.begin_ns) / kMuchLonger > fastest) continue;
    const uint64_t begin = each.begin_ns - std::min(each.begin_ns, kClocksNs);
    const uint64_t end = each.end_ns + kClocksNs;
    const uint64_t begun = CountBelow(begins, begin);
    const uint64_t ended = CountBelow(ends, begin);
    if (CountBelow(begins, end + 1) != begun || CountBelow(ends, end + 1) != ended) continue;
    const uint64_t known = stayed + begun - ended;
    if (each.sockets == known) ++explained;
    if (each.sockets < known) continue;  // a sum that was too small
    const uint64_t others = each.sockets - known;
    found.fewest_others = has_others ? std::min(found.fewest_others, others) : others;
    has_others = true;
  }
  found.is_complete = explained >= kSeen;
  return found;
}

}  // namespace inlay
