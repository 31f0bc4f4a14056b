// The number of records that the buffer between the kernel and this process holds.

#ifndef INLAY_TOOLS_CAPTURE_WALK_BUFFERED_SOCKETS_H_
#define INLAY_TOOLS_CAPTURE_WALK_BUFFERED_SOCKETS_H_

#include <cstddef>

namespace inlay::capture {

// Enough for every socket of the machine, so that a walk need not pause, as far as `most_bytes`
// allow; at least 1. Thread-safe.
size_t BufferedSockets(size_t value_bytes, size_t most_bytes);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_WALK_BUFFERED_SOCKETS_H_
