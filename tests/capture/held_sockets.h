// Real sockets that other processes hold, with values in a map. The processes share this process's
// network namespace, and end with this object or with this process.
//
// Not thread-safe.

#ifndef INLAY_TESTS_CAPTURE_HELD_SOCKETS_H_
#define INLAY_TESTS_CAPTURE_HELD_SOCKETS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/live_kernel/file_descriptor.h"

namespace inlay::capture {

struct SocketKind {
  int family;
  int type;
  const char* name;
};

// Sockets that come and go have value numbers from here on.
inline constexpr uint64_t kFirstPassingNumber = uint64_t{1} << 40;

// Whether the environment variable INLAY_TEST_SCALE_DOWN asks for less work: on emulated machines.
bool IsScaledDown();
// `sockets`, divided by that variable if it is set. At least 100.
size_t ScaledDown(size_t sockets);

class HeldSockets {
 public:
  HeldSockets() = default;
  HeldSockets(const HeldSockets&) = delete;
  HeldSockets& operator=(const HeldSockets&) = delete;
  ~HeldSockets();

  // Opens `count` sockets with the ProvingValue() of their numbers, from `first_number` on; map_fd
  // -1: no values. Throws std::runtime_error.
  void Open(const SocketKind& kind, size_t count, uint64_t first_number, int map_fd,
            size_t value_bytes);

  // Starts a process that opens and closes sockets with values without a pause.
  void StartPassing(const SocketKind& kind, int map_fd, size_t value_bytes);
  // Starts a process that opens `count` sockets with values as Open() does, and replaces each by an
  // equal one again and again.
  void StartReplacing(const SocketKind& kind, size_t count, uint64_t first_number, int map_fd,
                      size_t value_bytes);

  // Starts a process that opens `count` sockets and writes to their values in place, under their
  // lock, again and again; all bytes of a value are always the same.
  void StartRewritingLocked(const SocketKind& kind, size_t count, int map_fd, size_t value_bytes);

  // Ends all of them.
  void Close();

 private:
  enum class Work { kHold, kPass, kReplace, kRewriteLocked };
  void Start(Work work, const SocketKind& kind, size_t count, uint64_t first_number, int map_fd,
             size_t value_bytes);

  std::vector<pid_t> processes_;
};

}  // namespace inlay::capture

#endif  // INLAY_TESTS_CAPTURE_HELD_SOCKETS_H_
