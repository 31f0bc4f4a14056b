// SocketHolders: processes that hold the sockets, since the number of descriptors of one process is
// limited.
//
// A holder is a fork of this process, in its network namespace and cgroup at that time. It ends
// with this process, however that ends. Not thread-safe: for a process of one thread.

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

// The number of sockets that one process can hold.
size_t SocketsPerHolder();
// The number of holders at a time.
inline constexpr size_t kMaxHolders = 2048;

// The address of the socket with this number, in 127.0.0.0/8.
sockaddr_in AddressOf(uint32_t number);

// Ends all holders when a signal ends this process, then runs the previous handler of that signal.
// Install it after handlers that have to run later, such as ScratchCgroup's.
class EndHoldersOnSignal {
 public:
  EndHoldersOnSignal();
  EndHoldersOnSignal(const EndHoldersOnSignal&) = delete;
  EndHoldersOnSignal& operator=(const EndHoldersOnSignal&) = delete;
  ~EndHoldersOnSignal();
};

// Consecutive sockets of a workload, and their numbers. The workload must outlive this.
struct HeldSockets {
  const Workload* workload;
  size_t first;  // index in the workload
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

  // Gives every socket its value in the storage map, where it must not have one yet; or its mark,
  // which is value number + 1. One process after the other. Returns the CPU time of these system
  // calls in ns.
  uint64_t StoreValues() { return DoAll(Command::kStoreValues); }
  uint64_t SetMarks() { return DoAll(Command::kSetMarks); }

 private:
  enum class Command : uint8_t { kStoreValues, kSetMarks };
  struct Reply {
    int32_t error;    // errno
    uint32_t number;  // of the socket that failed
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

  // Runs in the holder.
  [[noreturn]] void Hold(const HeldSockets& share, int channel) const;
  static Reply Open(const HeldSockets& share, std::vector<int>* fds);
  static Reply Do(Command command, const HeldSockets& share, const std::vector<int>& fds);

  const int storage_map_fd_;
  std::vector<Holder> holders_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_SOCKET_HOLDERS_H_
