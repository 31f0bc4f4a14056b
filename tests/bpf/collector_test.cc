// LiveCollector: what a census meets, and which indexes it frees. Each mutation of the collector
// must free an index that is in use.

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <thread>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_cgroup.h"
#include "engine/live_kernel/scratch_network.h"
#include "engine/live_maps/collector_mutation.h"
#include "inlay/live_collector.h"
#include "inlay/live_map.h"
#include "tests/bpf/every_context.h"
#include "tests/bpf/test_object.h"
#include "tests/print_status.h"

INLAY_EMBED_OBJECT(inlay_collected_object)

namespace inlay::live_maps {
namespace {

using live_kernel::FileDescriptor;

FileDescriptor OpenSocket(int type, int family = AF_INET) {
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
  TestObject object_{inlay_collected_object()};
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

TEST_F(CollectorTest, FreesWhatNoSocketHas) {
  const FileDescriptor udp = OpenSocket(SOCK_DGRAM);
  Set(udp, 1);
  const FileDescriptor tcp = OpenSocket(SOCK_STREAM, AF_INET6);
  Set(tcp, 2);
  for (uint64_t rate = 3; rate <= kMostPolicies; ++rate) Intern(rate);
  const FileDescriptor spilled = OpenSocket(SOCK_DGRAM);
  Set(spilled, 100);
  LiveCollector::MapReport report = Collect();
  EXPECT_EQ(report.users, (std::vector<uint32_t>{1, 1, 0, 0, 0, 0}));
  EXPECT_EQ(report.spilled, 1u);
  EXPECT_EQ(report.freed, kMostPolicies - 2u);
  EXPECT_EQ(map_->CountValues().values, 2u);
  EXPECT_EQ(Collect().freed, 0u);
  for (uint64_t rate = 11; rate < 11 + kMostPolicies - 2; ++rate) Intern(rate);
  EXPECT_EQ(RateOf(udp), 1u);
  EXPECT_EQ(RateOf(tcp), 2u);
  EXPECT_EQ(RateOf(spilled), 100u);
  EXPECT_EQ(map_->CountValues().values, uint32_t{kMostPolicies});
}

TEST_F(CollectorTest, KeepsWhatAProcessHolds) {
  const Policy policy = {1, 1};
  uint32_t index = 0;
  ASSERT_EQ(map_->Intern(std::as_bytes(std::span(&policy, 1)), &index), Status::kOk);
  EXPECT_EQ(Collect().freed, 0u);
  ASSERT_EQ(map_->Release(index), Status::kOk);
  EXPECT_EQ(Collect().freed, 1u);
}

// The socket is in no table and has no descriptor.
TEST_F(CollectorTest, MeetsSocketsUnderWay) {
  const Channel channel;
  FileDescriptor udp = OpenSocket(SOCK_DGRAM);
  Set(udp, 1);
  channel.Send(std::move(udp));
  EXPECT_EQ(Collect().freed, 0u);
  EXPECT_EQ(RateOf(channel.Receive()), 1u);
  EXPECT_EQ(Collect().freed, 1u);
}

// Nobody has accepted the child, and the listener has another value by now.
TEST_F(CollectorTest, MeetsChildrenThatNobodyAccepted) {
  Server server;
  Set(server.listener, 1);
  server.Listen();
  const FileDescriptor client = server.Connect();
  Set(server.listener, 2);
  const LiveCollector::MapReport report = Collect();
  EXPECT_EQ(report.freed, 0u);
  EXPECT_EQ(report.users.at(0), 1u);
  const FileDescriptor child(accept(server.listener.get(), nullptr, nullptr));
  EXPECT_EQ(RateOf(child), 1u);
}

// Its peer has reset the connection, so it is in no table any more.
TEST_F(CollectorTest, MeetsChildrenThatWereReset) {
  Server server;
  Set(server.listener, 1);
  server.Listen();
  {
    const FileDescriptor client = server.Connect();
    const linger reset = {1, 0};
    ASSERT_EQ(setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
  }
  Set(server.listener, 2);
  EXPECT_EQ(Collect().freed, 0u);
  const FileDescriptor child(accept(server.listener.get(), nullptr, nullptr));
  EXPECT_EQ(RateOf(child), 1u);
}

// Nothing but sockets keeps the namespace, and only its own table of TCP sockets has the child.
// Without ids: the kernel opens no namespace by its id, as Linux 6.12.
class NamespaceTest : public CollectorTest, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Collector, NamespaceTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "WithoutIds" : "AsItIs"; });

TEST_P(NamespaceTest, MeetsSocketsOfNamespacesWithoutProcesses) {
  Server server;
  FileDescriptor client;
  std::thread([&] {
    live_kernel::EnterScratchNetwork();
    server.listener = OpenSocket(SOCK_STREAM);
    Set(server.listener, 1);
    server.Listen();
    client = server.Connect();
    Set(server.listener, 2);
  }).join();
  const LiveCollector::Report report = CollectEverywhere(GetParam());
  EXPECT_EQ(report.maps.at(0).users.at(0), 1u) << report.reason;
  EXPECT_EQ(report.maps.at(0).freed, 0u);
}

// The namespace's only socket is under way in a message, so that nothing leads there but an id.
TEST_P(NamespaceTest, FreesNothingIfANamespaceCannotBeEntered) {
  const Channel channel;
  Intern(2);
  std::thread([&] {
    live_kernel::EnterScratchNetwork();
    FileDescriptor udp = OpenSocket(SOCK_DGRAM);
    Set(udp, 1);
    channel.Send(std::move(udp));
  }).join();
  const LiveCollector::Report report = CollectEverywhere(GetParam());
  EXPECT_EQ(report.maps.at(0).users.at(1), 1u) << report.reason;
  if (!GetParam()) return;
  EXPECT_FALSE(report.complete);
  EXPECT_NE(report.reason.find("cannot be entered"), std::string::npos) << report.reason;
  EXPECT_EQ(report.maps.at(0).freed, 0u);
}

// An incomplete census: a socket comes during every one.
TEST_F(CollectorTest, FreesNothingIfTheCensusIsIncomplete) {
  Intern(1);
  std::vector<FileDescriptor> come;
  CollectorMutation mutation;
  mutation.after_files = [&](int) { come.push_back(OpenSocket(SOCK_DGRAM)); };
  std::unique_ptr<LiveCollector> collector;
  ASSERT_EQ(LiveCollector::Create(
                {map_.get()},
                {.most_attempts = 3, .only_namespaces = {namespace_.get()}, .mutation = &mutation},
                &collector),
            Status::kOk);
  LiveCollector::Report report;
  ASSERT_EQ(collector->Collect(&report), Status::kOk);
  EXPECT_FALSE(report.complete);
  EXPECT_NE(report.reason, "");
  EXPECT_EQ(report.maps.at(0).freed, 0u);
  EXPECT_EQ(come.size(), 4u);
  EXPECT_EQ(map_->CountValues().values, 1u);
}

TEST_F(CollectorTest, OneCollectsAtATime) {
  std::unique_ptr<LiveCollector> other;
  ASSERT_EQ(LiveCollector::Create({map_.get()}, {.only_namespaces = {namespace_.get()}}, &other),
            Status::kOk);
  CollectorMutation mutation;
  LiveCollector::Report report;
  mutation.before_walks = [&](int) { EXPECT_EQ(other->Collect(&report), Status::kExists); };
  Collect(&mutation);
  EXPECT_EQ(other->Collect(&report), Status::kOk);
}

// --- each of these is right without a mutation, and wrong with it ---

class MutationTest : public CollectorTest, public testing::WithParamInterface<bool> {
 protected:
  bool mutated() const { return GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Collector, MutationTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "Mutated" : "AsItIs"; });

// The connection is in TIME_WAIT, and its socket gone.
TEST_P(MutationTest, TimeWait) {
  Server server;
  server.Listen();
  {
    FileDescriptor client = server.Connect();
    Set(client, 1);
    const FileDescriptor child(accept(server.listener.get(), nullptr, nullptr));
    client = FileDescriptor();  // closes it first, so that it is the one that waits
    char byte = 0;
    EXPECT_EQ(recv(child.get(), &byte, 1, 0), 0);
  }
  CollectorMutation mutation;
  mutation.no_time_wait = mutated();
  EXPECT_EQ(Collect(&mutation).freed, mutated() ? 1u : 0u);
}

// A connection that the server has answered, and that waits for data (TCP_DEFER_ACCEPT): only a
// request, which has the listener's mark of the time of the SYN.
TEST_P(MutationTest, Requests) {
  Server server;
  Set(server.listener, 1);
  const int seconds = 30;
  ASSERT_EQ(
      setsockopt(server.listener.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)),
      0);
  server.Listen();
  const FileDescriptor client = server.Connect();
  Set(server.listener, 2);
  CollectorMutation mutation;
  mutation.no_requests = mutated();
  EXPECT_EQ(Collect(&mutation).freed, mutated() ? 1u : 0u);
  // The child gets the value from the mark; in the mutated world, that of another one.
  Intern(3);
  const char byte = 0;
  ASSERT_EQ(send(client.get(), &byte, 1, 0), 1);
  const FileDescriptor child(accept(server.listener.get(), nullptr, nullptr));
  EXPECT_EQ(RateOf(child), mutated() ? 3u : 1u);
}

// A socket that no table has arrives from a message when the walk over descriptors is over, and
// before the walk over messages. The first census is as large as it should be, since another socket
// has come before it and gone.
TEST_P(MutationTest, OneCensus) {
  const Channel channel;
  FileDescriptor udp = OpenSocket(SOCK_DGRAM);
  Set(udp, 1);
  // The census that proposes must not meet it either: it gets a value that looks unused only then.
  CollectorMutation mutation;
  mutation.one_census = mutated();
  const FileDescriptor other = OpenSocket(SOCK_DGRAM);
  Set(other, 2);
  channel.Send(std::move(udp));
  FileDescriptor comes_and_goes;
  FileDescriptor arrived;
  mutation.before_walks = [&](int census) {
    if (census <= 2) comes_and_goes = OpenSocket(SOCK_DGRAM);
  };
  mutation.after_files = [&](int census) {
    if (census > 2) return;
    comes_and_goes = FileDescriptor();
    arrived = channel.Receive();
  };
  // Between the first two: back under way. A hook before the next walk is early enough.
  const auto open_before = mutation.before_walks;
  mutation.before_walks = [&](int census) {
    if (census == 2) channel.Send(std::move(arrived));
    open_before(census);
  };
  EXPECT_EQ(Collect(&mutation).freed, mutated() ? 1u : 0u);
  EXPECT_EQ(map_->CountValues().values, mutated() ? 1u : 2u);
}

// A program has found the value's index, and sets it later.
TEST_P(MutationTest, GracePeriods) {
  object_.Attach("slow_set", cgroup_.fd());
  // The collector waits for the program, or the program for the collector.
  exchange_->wait_ns = mutated() ? 15'000'000'000 : 500'000'000;
  Intern(1);
  const FileDescriptor udp = OpenSocket(SOCK_DGRAM);
  CollectorMutation mutation;
  mutation.no_grace_periods = mutated();
  std::thread setting;
  mutation.before_walks = [&](int census) {
    // After the hints are cleared; so the program looks like one that the collector has not seen.
    if (census != 1) return;
    setting = std::thread([&] {
      exchange_->in_setsockopt = {1, 0};
      const int unused = 0;
      setsockopt(udp.get(), kExchangeLevel, kSetSlowly, &unused, sizeof(unused));
    });
    while (*static_cast<volatile __u32*>(&exchange_->waiting) == 0) std::this_thread::yield();
  };
  const LiveCollector::MapReport report = Collect(&mutation);
  const bool waiting = exchange_->waiting == 1;
  exchange_->go_on = 1;
  setting.join();
  EXPECT_EQ(report.freed, mutated() ? 1u : 0u);
  EXPECT_EQ(waiting, mutated());
  Intern(2);
  EXPECT_EQ(RateOf(udp), mutated() ? 2u : 1u);
}

}  // namespace
}  // namespace inlay::live_maps
