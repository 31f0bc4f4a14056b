#include "bench/kernel/return_under_churn.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "bench/kernel/connection_rate.h"
#include "bench/kernel/connections.h"
#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/hidden_fd.h"
#include "inlay/live_collector.h"
#include "inlay/live_map.h"

namespace inlay::bench {
namespace {

using live_kernel::FileDescriptor;
using live_kernel::HiddenFd;
using std::chrono::steady_clock;

constexpr auto kBetweenConnections = std::chrono::microseconds(200);
constexpr auto kLongestReturn = std::chrono::seconds(60);
constexpr auto kHidden = std::chrono::seconds(5);

double SecondsSince(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

class ConnectionChurn {
 public:
  explicit ConnectionChurn(size_t open)
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "cannot make a listener") {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof(address_);
    if (bind(listener_.get(), at(), bytes) != 0 || listen(listener_.get(), 16) != 0 ||
        getsockname(listener_.get(), at(), &bytes) != 0) {
      throw std::system_error(errno, std::generic_category(), "cannot listen");
    }
    thread_ = std::thread([this, open] { Run(open); });
    while (connections_ <= open && !failed_) std::this_thread::yield();
    begin_ = steady_clock::now();
    connections_before_ = connections_;
  }
  ConnectionChurn(const ConnectionChurn&) = delete;
  ConnectionChurn& operator=(const ConnectionChurn&) = delete;
  ~ConnectionChurn() {
    ending_ = true;
    thread_.join();
  }

  double PerSecond() const {
    if (failed_) throw std::runtime_error("a connection could not be opened");
    return static_cast<double>(connections_ - connections_before_) / SecondsSince(begin_);
  }

 private:
  sockaddr* at() { return reinterpret_cast<sockaddr*>(&address_); }
  void Run(size_t open) {
    std::deque<std::pair<FileDescriptor, FileDescriptor>> opened;
    // One that is late is opened at once, and the next ones catch up.
    for (auto next = steady_clock::now(); !ending_; next += kBetweenConnections) {
      std::this_thread::sleep_until(next);
      FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      // Reset at the end, so that TIME_WAIT does not use the ports up.
      const linger reset = {1, 0};
      if (setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0 ||
          connect(client.get(), at(), sizeof(address_)) != 0) {
        failed_ = true;
        return;
      }
      FileDescriptor child(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      opened.emplace_back(std::move(client), std::move(child));
      if (opened.size() > open) opened.pop_front();
      ++connections_;
    }
  }

  sockaddr_in address_ = {};
  HiddenFd listener_;
  std::atomic<bool> ending_ = false;
  std::atomic<bool> failed_ = false;
  std::atomic<uint64_t> connections_ = 0;
  uint64_t connections_before_ = 0;
  steady_clock::time_point begin_;
  std::thread thread_;
};

class CollectedMap {
 public:
  explicit CollectedMap(int cgroup_fd) : programs_(cgroup_fd) {
    namespace_ = FileDescriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (LiveMap::Open(programs_.object().get(), "connection_inlay", &map_) != Status::kOk ||
        LiveCollector::Create({map_.get()}, {.only_namespaces = {namespace_.get()}}, &collector_) !=
            Status::kOk) {
      throw std::runtime_error("cannot make a collector");
    }
  }

  FileDescriptor OpenWithValue(std::byte value) {
    FileDescriptor udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::array<std::byte, kConnectionWords * sizeof(uint64_t)> bytes = {value};
    if (map_->Set(udp.get(), bytes) != Status::kOk) throw std::runtime_error("cannot set a value");
    return udp;
  }
  // One pass; how many indexes it freed.
  uint32_t Collect(ReturnUnderChurn* found) {
    LiveCollector::Report report;
    if (collector_->Collect(&report) != Status::kOk) throw std::runtime_error("cannot collect");
    ++found->passes;
    found->incomplete += report.complete ? 0 : 1;
    reason_ = report.reason;
    return report.maps.at(0).freed;
  }
  void CollectUntilFree(ReturnUnderChurn* found) {
    const auto begin = steady_clock::now();
    while (Collect(found) == 0) {
      if (steady_clock::now() - begin > kLongestReturn) {
        throw std::runtime_error("an index has not come back within 60 s: " + reason_);
      }
    }
    found->seconds = SecondsSince(begin);
  }

 private:
  const ConnectionRate programs_;
  FileDescriptor namespace_;
  std::unique_ptr<LiveMap> map_;
  std::unique_ptr<LiveCollector> collector_;
  std::string reason_;
};

}  // namespace

ReturnUnderChurn MeasureReturn(size_t open, int cgroup_fd) {
  CollectedMap map(cgroup_fd);
  const ConnectionChurn churn(open);
  map.OpenWithValue(std::byte{1});  // and closes it
  ReturnUnderChurn found;
  map.CollectUntilFree(&found);
  found.connections_per_second = churn.PerSecond();
  return found;
}

ReturnUnderChurn MeasureReturnOfHidden(size_t open, int cgroup_fd) {
  CollectedMap map(cgroup_fd);
  const ConnectionChurn churn(open);
  io_uring_params parameters = {};
  FileDescriptor ring(static_cast<int>(syscall(SYS_io_uring_setup, 1, &parameters)));
  {
    const FileDescriptor udp = map.OpenWithValue(std::byte{1});
    const int registered = udp.get();
    if (!ring.ok() ||
        syscall(SYS_io_uring_register, ring.get(), IORING_REGISTER_FILES, &registered, 1) != 0) {
      throw std::system_error(errno, std::generic_category(), "no io_uring");
    }
  }
  map.OpenWithValue(std::byte{2});  // closed: must not come back either, until all are met
  ReturnUnderChurn found;
  for (const auto begin = steady_clock::now(); steady_clock::now() - begin < kHidden;) {
    if (map.Collect(&found) != 0) throw std::runtime_error("freed beside a hidden socket");
  }
  syscall(SYS_io_uring_register, ring.get(), IORING_UNREGISTER_FILES, nullptr, 0);
  ring = FileDescriptor();
  map.CollectUntilFree(&found);
  found.connections_per_second = churn.PerSecond();
  return found;
}

}  // namespace inlay::bench
