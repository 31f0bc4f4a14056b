// LiveCollector: what a census meets, and which indexes it frees. Each mutation of the collector
// must free an index that is in use.

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_network.h"
#include "engine/live_maps/collector_mutation.h"
#include "inlay/live_collector.h"
#include "tests/bpf/collector_fixture.h"
#include "tests/bpf/every_context.h"

INLAY_EMBED_OBJECT(inlay_collected_object)

namespace inlay::live_maps {

std::span<const std::byte> CollectedObject() { return inlay_collected_object(); }

namespace {

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

// An incomplete census: a socket goes before each of them walks, and nothing shows that.
TEST_F(CollectorTest, FreesNothingIfTheCensusIsIncomplete) {
  Intern(1);
  std::vector<FileDescriptor> going;
  for (int i = 0; i < 10; ++i) going.push_back(OpenSocket(SOCK_DGRAM));
  CollectorMutation mutation;
  mutation.only_connections = true;
  mutation.before_walks = [&](int) { going.pop_back(); };
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
  EXPECT_EQ(going.size(), 2u);  // four censuses to find candidates, and four to be sure
  EXPECT_EQ(map_->CountValues().values, 1u);
}

// A build that embeds an old object must not seem to meet no sockets.
TEST_F(CollectorTest, RefusesProgramsOfAnotherVersion) {
  CollectorMutation mutation;
  mutation.other_version = true;
  std::unique_ptr<LiveCollector> collector;
  EXPECT_EQ(LiveCollector::Create({map_.get()}, {.mutation = &mutation}, &collector),
            Status::kInvalid);
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

// Its process is the first one of its own namespace, as in a container, and so is the next one.
TEST_F(CollectorTest, OneCollectsAtATimeInAllNamespacesOfProcesses) {
  for (int round = 0; round < 2; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const auto child = static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
    ASSERT_GE(child, 0);
    if (child == 0) {
      CollectorMutation mutation;
      mutation.before_walks = [&](int) {
        const char byte = 0;
        if (write(ends[1], &byte, 1) == 1) pause();
      };
      Collect(&mutation);
      _exit(1);
    }
    close(ends[1]);
    char byte = 0;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    std::unique_ptr<LiveCollector> other;
    ASSERT_EQ(LiveCollector::Create({map_.get()}, {.only_namespaces = {namespace_.get()}}, &other),
              Status::kOk);
    LiveCollector::Report report;
    EXPECT_EQ(other->Collect(&report), Status::kExists);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    EXPECT_EQ(other->Collect(&report), Status::kOk);
  }
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

// The census that proposes does not meet the listener, which is under way; it looks complete, since
// another socket comes and goes. Then a client sends a SYN, and the listener gets another value.
// While a complete census walks, the request turns into a child, is accepted behind the walk over
// descriptors, and is reset before that over tables.
class ChildBehindTheWalkTest : public CollectorTest {
 protected:
  ChildBehindTheWalkTest() {
    mutation_.before_walks = [&](int census) {
      if (census == 1) comes_and_goes_ = OpenSocket(SOCK_DGRAM);
      if (census != 2) return;
      server_.Listen();
      client_ = server_.Connect();
      Set(server_.listener, 2);
    };
    mutation_.after_files = [&](int census) {
      if (census == 1) {
        comes_and_goes_ = FileDescriptor();
        server_.listener = channel_.Receive();
      }
      if (census == 3) MoveChild();
    };
  }
  // How many were freed.
  uint32_t Play() {
    Set(server_.listener, 1);
    const int seconds = 30;
    EXPECT_EQ(setsockopt(server_.listener.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
                         sizeof(seconds)),
              0);
    channel_.Send(std::move(server_.listener));
    const uint32_t freed = Collect(&mutation_).freed;
    Intern(3);
    return freed;
  }
  void MoveChild() {
    const char byte = 0;
    EXPECT_EQ(send(client_.get(), &byte, 1, 0), 1);
    child_ = FileDescriptor(accept(server_.listener.get(), nullptr, nullptr));
    EXPECT_TRUE(child_.ok());
    const linger reset = {1, 0};
    EXPECT_EQ(setsockopt(client_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    client_ = FileDescriptor();
  }

  const Channel channel_;
  Server server_;
  FileDescriptor comes_and_goes_;
  FileDescriptor client_;
  FileDescriptor child_;
  CollectorMutation mutation_;
};

// Where the kernel lets nobody watch, two censuses do not miss it, and one does.
class OneCensusTest : public ChildBehindTheWalkTest, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Collector, OneCensusTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "Mutated" : "AsItIs"; });

TEST_P(OneCensusTest, NeedsTwo) {
  mutation_.no_watch = true;
  mutation_.one_census = GetParam();
  EXPECT_EQ(Play(), GetParam() ? 1u : 0u);
  EXPECT_EQ(RateOf(child_), GetParam() ? 3u : 1u);
}

// A watch sees the child when it comes, so that even one census does not miss it.
TEST_F(ChildBehindTheWalkTest, IsSeenByTheWatch) {
  mutation_.one_census = true;
  EXPECT_EQ(Play(), 0u);
  EXPECT_EQ(RateOf(child_), 1u);
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
  mutation.only_connections = true;  // to stop to follow a function takes a grace period too
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

// A socket got the index late, from a program that had found it before. Another program finds the
// value by it, and still reads it when the socket has lost the index.
TEST_P(MutationTest, SecondGracePeriod) {
  object_.Attach("slow_get", cgroup_.fd());
  exchange_->wait_ns = mutated() ? 15'000'000'000 : 500'000'000;
  const uint32_t index = Intern(1);
  const FileDescriptor udp = OpenSocket(SOCK_DGRAM);
  const auto set_mark = [&](uint32_t mark) {
    EXPECT_EQ(setsockopt(udp.get(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
  };
  CollectorMutation mutation;
  mutation.no_second_grace_period = mutated();
  mutation.only_connections = true;  // to stop to follow a function takes a grace period too
  std::thread getting;
  mutation.before_walks = [&](int census) {
    if (census != 2) return;  // after the first grace period
    set_mark(index << map_->field().shift);
    getting = std::thread([&] {
      sockaddr_in discard = {};
      discard.sin_family = AF_INET;
      discard.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      discard.sin_port = htons(9);
      const char byte = 0;
      sendto(udp.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&discard), sizeof(discard));
    });
    while (*static_cast<volatile __u32*>(&exchange_->waiting) == 0) std::this_thread::yield();
    set_mark(0);
  };
  // The index is free. To bring sockets home takes a grace period of its own.
  mutation.before_home_walks = [&] {
    EXPECT_EQ(exchange_->waiting == 1, mutated());
    EXPECT_EQ(Intern(2), index);
    exchange_->go_on = 1;
  };
  EXPECT_EQ(Collect(&mutation).freed, 1u);
  getting.join();
  EXPECT_EQ(exchange_->seen.rate, mutated() ? 2u : 1u);
}

}  // namespace
}  // namespace inlay::live_maps
