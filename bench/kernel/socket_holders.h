// SocketHolders: processes that hold the sockets, since one process may have only so many
// descriptors.
//
// They are forked from this process, in its network namespace and cgroup at that time, and end with
// it, however it ends. Not thread-safe: for a process of one thread.

#ifndef INLAY_BENCH_KERNEL_SOCKET_HOLDERS_H_
#define INLAY_BENCH_KERNEL_SOCKET_HOLDERS_H_

#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/workload/workload.h"
#include "engine/live_kernel/hidden_fd.h"

namespace inlay::bench {

// Sockets that one process can hold here.
size_t SocketsPerHolder();
// Processes that there can be at a time.
inline constexpr size_t kMaxHolders = 2048;

// Where the socket with this number is bound: an address of its own in 127.0.0.0/8.
sockaddr_in AddressOf(uint32_t number);

// Ends all holders of the process when a signal ends it, before what was to happen at that signal
// until now. Install it after whatever needs to come later, such as removing a cgroup.
class EndHoldersOnSignal {
 public:
  EndHoldersOnSignal();
  EndHoldersOnSignal(const EndHoldersOnSignal&) = delete;
  EndHoldersOnSignal& operator=(const EndHoldersOnSignal&) = delete;
  ~EndHoldersOnSignal();
};

// Sockets that follow each other in a workload, which must outlive this, and their numbers.
struct HeldSockets {
  const Workload* workload;
  size_t first;  // place in the workload
  size_t count;
  uint32_t number_of_first;

  uint32_t value(size_t i) const { return workload->value_of_socket(first + i); }
  std::span<const std::byte> bytes(size_t i) const { return workload->bytes_of_socket(first + i); }
  uint32_t number(size_t i) const { return number_of_first + static_cast<uint32_t>(i); }
  HeldSockets Part(size_t at, size_t most) const {
    return {workload, first + at, std::min(most, count - at), number(at)};
  }
};

class SocketHolders {
 public:
  // Opens a UDP socket for each. All functions throw std::system_error or std::runtime_error that
  // says what failed, and where.
  SocketHolders(const HeldSockets& sockets, int storage_map_fd);
  SocketHolders(const SocketHolders&) = delete;
  SocketHolders& operator=(const SocketHolders&) = delete;
  ~SocketHolders();

  // Gives every socket its value in the storage map, which it must not have yet; or its mark, value
  // number + 1. One process after the other. Returns the ns of CPU time that all these
  // system calls took together.
  uint64_t StoreValues() { return DoAll(Command::kStoreValues); }
  uint64_t SetMarks() { return DoAll(Command::kSetMarks); }

 private:
  enum class Command : uint8_t { kStoreValues, kSetMarks };
  struct Reply {
    int32_t error;    // errno
    uint32_t number;  // of the socket that it is about
    uint64_t ns;
  };
  struct Holder {
    pid_t process;
    live_kernel::HiddenFd channel;
  };

  void Start(const HeldSockets& share);
  void EndAll();
  uint64_t DoAll(Command command);
  Reply Receive(const Holder& holder) const;

  // In the holder's process.
  [[noreturn]] void Hold(const HeldSockets& share, int channel) const;
  static Reply Open(const HeldSockets& share, std::vector<int>* fds);
  static Reply Do(Command command, const HeldSockets& share, const std::vector<int>& fds);

  const int storage_map_fd_;
  std::vector<Holder> holders_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_SOCKET_HOLDERS_H_
