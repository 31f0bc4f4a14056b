// What the tests of LiveCollector share: a map in a network namespace of its own, and sockets.

#ifndef INLAY_TESTS_BPF_COLLECTOR_FIXTURE_H_
#define INLAY_TESTS_BPF_COLLECTOR_FIXTURE_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_cgroup.h"
#include "engine/live_kernel/scratch_network.h"
#include "engine/live_maps/collector_mutation.h"
#include "inlay/live_collector.h"
#include "inlay/live_map.h"
#include "tests/bpf/every_context.h"
#include "tests/bpf/test_object.h"
#include "tests/print_status.h"

namespace inlay::live_maps {

using live_kernel::FileDescriptor;

// The programs of every_context.bpf.c.
std::span<const std::byte> CollectedObject();

inline FileDescriptor OpenSocket(int type, int family = AF_INET) {
  return FileDescriptor(socket(family, type | SOCK_CLOEXEC, 0));
}

class CollectorTest : public testing::Test {
 protected:
  CollectorTest() {
    live_kernel::EnterScratchNetwork();  // one without what other tests have left in theirs
    namespace_ = FileDescriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(LiveMap::Prepare(object_.get(), {}), Status::kOk);
    EXPECT_EQ(object_.Load(), 0);
    EXPECT_EQ(LiveMap::Open(object_.get(), "policies", &map_), Status::kOk);
    exchange_ = static_cast<Exchange*>(object_.Section(".bss"));
  }

  uint32_t Intern(uint64_t rate) {
    const Policy policy = {rate, 0};
    uint32_t index = 0;
    EXPECT_EQ(map_->Intern(std::as_bytes(std::span(&policy, 1)), &index), Status::kOk);
    EXPECT_EQ(map_->Release(index), Status::kOk);
    return index;
  }
  void Set(const FileDescriptor& fd, uint64_t rate) {
    const Policy policy = {rate, 0};
    EXPECT_EQ(map_->Set(fd.get(), std::as_bytes(std::span(&policy, 1))), Status::kOk);
  }
  uint64_t RateOf(const FileDescriptor& fd) {
    Policy policy = {};
    const Status status = map_->Get(fd.get(), std::as_writable_bytes(std::span(&policy, 1)));
    return status == Status::kOk ? policy.rate : 0;
  }
  LiveCollector::MapReport Collect(const CollectorMutation* mutation = nullptr) {
    std::unique_ptr<LiveCollector> collector;
    EXPECT_EQ(
        LiveCollector::Create(
            {map_.get()},
            {.most_attempts = 20, .only_namespaces = {namespace_.get()}, .mutation = mutation},
            &collector),
        Status::kOk);
    LiveCollector::Report report;
    EXPECT_EQ(collector->Collect(&report), Status::kOk);
    EXPECT_TRUE(report.complete) << report.reason;
    return report.maps.at(0);
  }

  // In all namespaces. Other programs on the machine open and close sockets, so it need not be
  // complete.
  LiveCollector::Report CollectEverywhere(bool without_ids) {
    CollectorMutation mutation;
    mutation.no_namespace_ids = without_ids;
    std::unique_ptr<LiveCollector> collector;
    EXPECT_EQ(LiveCollector::Create({map_.get()}, {.mutation = &mutation}, &collector),
              Status::kOk);
    LiveCollector::Report report;
    EXPECT_EQ(collector->Collect(&report), Status::kOk);
    std::printf("complete: %d %s\n", report.complete, report.reason.c_str());
    return report;
  }

  live_kernel::ScratchCgroup cgroup_;
  TestObject object_{CollectedObject()};
  FileDescriptor namespace_;
  std::unique_ptr<LiveMap> map_;
  Exchange* exchange_ = nullptr;
};

struct Server {
  FileDescriptor listener = OpenSocket(SOCK_STREAM);
  sockaddr_in address = {};

  sockaddr* at() { return reinterpret_cast<sockaddr*>(&address); }
  void Listen() {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof(address);
    ASSERT_EQ(bind(listener.get(), at(), bytes), 0);
    ASSERT_EQ(listen(listener.get(), 16), 0);
    ASSERT_EQ(getsockname(listener.get(), at(), &bytes), 0);
  }
  FileDescriptor Connect() {
    FileDescriptor client = OpenSocket(SOCK_STREAM);
    EXPECT_EQ(connect(client.get(), at(), sizeof(address)), 0);
    return client;
  }
};

// A channel that passes descriptors on.
struct Channel {
  FileDescriptor in;
  FileDescriptor out;

  Channel() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
    in = FileDescriptor(ends[0]);
    out = FileDescriptor(ends[1]);
  }
  struct Message {
    char byte = 0;
    iovec data = {&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
    msghdr head = {};

    Message() {
      head.msg_iov = &data;
      head.msg_iovlen = 1;
      head.msg_control = control.data();
      head.msg_controllen = control.size();
    }
  };
  void Send(FileDescriptor passed) const {
    Message message;
    cmsghdr* const header = CMSG_FIRSTHDR(&message.head);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = passed.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    EXPECT_EQ(sendmsg(in.get(), &message.head, 0), 1);
  }
  FileDescriptor Receive() const {
    Message message;
    EXPECT_EQ(recvmsg(out.get(), &message.head, 0), 1);
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message.head)), sizeof(fd));
    return FileDescriptor(fd);
  }
};

}  // namespace inlay::live_maps

#endif  // INLAY_TESTS_BPF_COLLECTOR_FIXTURE_H_
