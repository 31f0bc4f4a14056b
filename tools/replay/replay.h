// Replays a recording: stores each record in an emulated socket of its own, on each layout, and
// measures memory and time.

#ifndef INLAY_TOOLS_REPLAY_REPLAY_H_
#define INLAY_TOOLS_REPLAY_REPLAY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/replay/recording.h"

namespace inlay::replay {

struct LayoutResult {
  std::string layout;
  double bytes_per_socket = 0;  // everything included; see MemoryUsage
  double create_ns = 0;         // per operation, on sockets in the order of records
  double get_ns = 0;            // per get and touch of the socket, in random order
  double delete_ns = 0;
  size_t spilled = 0;  // sockets whose value did not fit into the index space
};

struct ReplayResult {
  double touch_ns = 0;  // the random walk over the sockets without a get
  std::vector<LayoutResult> layouts;
};

// Fails if memory runs out, or if a socket returns another value than its record's (a bug of the
// library).
absl::StatusOr<ReplayResult> Replay(const Recording& recording);

}  // namespace inlay::replay

#endif  // INLAY_TOOLS_REPLAY_REPLAY_H_
