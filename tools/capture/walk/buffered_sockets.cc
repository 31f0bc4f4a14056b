#include "tools/capture/walk/buffered_sockets.h"

#include <algorithm>
#include <fstream>

namespace inlay::capture {

size_t BufferedSockets(size_t value_bytes, size_t most_bytes) {
  constexpr size_t kForRecordHead = 16;  // and its padding
  // The open files of the machine. Only a few sockets have no file.
  size_t open = 0;
  std::ifstream("/proc/sys/fs/file-nr") >> open;
  const size_t sockets = open + open / 4 + 4096;
  return std::clamp<size_t>(most_bytes / (value_bytes + kForRecordHead), 1, sockets);
}

}  // namespace inlay::capture
