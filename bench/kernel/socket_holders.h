// SocketHolders: processes that hold the sockets, since one process may have only so many descriptors.
//
// They are forked from this process, in its network namespace and cgroup at that time, and end with
// it, however it ends. Not thread-safe: for a process of one thread.

#ifndef INLAY_BENCH_KERNEL_SOCKET_HOLDERS_H_
#define INLAY_BENCH_KERNEL_SOCKET_HOLDERS_H_

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/workload.h"
#include "tests/kernel/hidden_fd.h"

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

class SocketHolders {
 public:
  // Opens a UDP socket for each of the workload's, numbered from `first_number` on. The workload must
  // outlive this. All functions throw std::system_error or std::runtime_error that says what failed,
  // and where.
  SocketHolders(const Workload& workload, uint32_t first_number, int storage_map_fd);
  SocketHolders(const SocketHolders&) = delete;
  SocketHolders& operator=(const SocketHolders&) = delete;
  ~SocketHolders();

  // Gives every socket its value in the storage map, which it must not have yet; or its mark, value
  // number + 1. One process after the other. Returns the ns that one socket's system call took, on
  // average.
  double StoreValues() { return DoAll(Command::kStoreValues); }
  double SetMarks() { return DoAll(Command::kSetMarks); }

 private:
  enum class Command : uint8_t { kStoreValues, kSetMarks };
  struct Reply {
    int32_t error;  // errno
    uint32_t number;  // of the socket that it is about
    uint64_t ns;
  };
  struct Holder {
    pid_t process;
    bpf_script::HiddenFd channel;
  };
  // What a holder holds: sockets of the workload, and where the first of them is in it.
  struct Share {
    size_t first;
    size_t sockets;
  };

  void Start(const Share& share);
  void EndAll();
  double DoAll(Command command);
  Reply Receive(const Holder& holder) const;

  // In the holder's process.
  [[noreturn]] void Hold(const Share& share, int channel) const;
  Reply Open(const Share& share, std::vector<int>* sockets) const;
  Reply Do(Command command, const Share& share, const std::vector<int>& sockets) const;

  const Workload& workload_;
  const uint32_t first_number_;
  const int storage_map_fd_;
  std::vector<Holder> holders_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_SOCKET_HOLDERS_H_
