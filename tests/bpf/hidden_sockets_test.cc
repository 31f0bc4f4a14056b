// LiveCollector while sockets are hidden from every walk, and while sockets come and go: one that
// was met must not stand for one that was not.

#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/live_maps/collector_mutation.h"
#include "inlay/live_collector.h"
#include "tests/bpf/collector_fixture.h"

namespace inlay::live_maps {
namespace {

// Registered with an io_uring, and without a descriptor: met by no walk.
class Ring {
 public:
  // False: this kernel, or this process, has no io_uring.
  bool Hide(FileDescriptor socket) {
    io_uring_params parameters = {};
    fd_ = FileDescriptor(static_cast<int>(syscall(SYS_io_uring_setup, 1, &parameters)));
    const int registered = socket.get();
    return fd_.ok() &&
           syscall(SYS_io_uring_register, fd_.get(), IORING_REGISTER_FILES, &registered, 1) == 0;
  }
  void Close() {
    syscall(SYS_io_uring_register, fd_.get(), IORING_UNREGISTER_FILES, nullptr, 0);
    fd_ = FileDescriptor();
  }

 private:
  FileDescriptor fd_;
};

// Connections that are opened, accepted and closed, thousands a second. `open` of them are open at
// any time: one that comes closes the oldest, by a reset or in order, which leaves a TIME_WAIT.
class Churn {
 public:
  explicit Churn(size_t open = 0, bool resets = true) {
    server_.Listen();
    thread_ = std::thread([this, open, resets] {
      std::deque<std::pair<FileDescriptor, FileDescriptor>> connections;
      while (!ending_) {
        FileDescriptor client = server_.Connect();
        FileDescriptor child(accept(server_.listener.get(), nullptr, nullptr));
        const linger reset = {1, 0};
        if (resets) setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        connections.emplace_back(std::move(client), std::move(child));
        if (connections.size() > open) connections.pop_front();
        ++connections_;
        usleep(20);
      }
    });
  }
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;
  ~Churn() {
    ending_ = true;
    thread_.join();
  }
  uint64_t connections() const { return connections_; }

 private:
  Server server_;
  std::atomic<bool> ending_ = false;
  std::atomic<uint64_t> connections_ = 0;
  std::thread thread_;
};

class HiddenTest : public CollectorTest {
 protected:
  // Passes until one frees something, at most so many. How many it freed.
  uint32_t CollectUntilFreed(int most_passes, const CollectorMutation* mutation = nullptr) {
    std::unique_ptr<LiveCollector> collector;
    EXPECT_EQ(LiveCollector::Create({map_.get()},
                                    {.only_namespaces = {namespace_.get()}, .mutation = mutation},
                                    &collector),
              Status::kOk);
    LiveCollector::Report report;
    for (passes_ = 0; passes_ < most_passes; ++passes_) {
      EXPECT_EQ(collector->Collect(&report), Status::kOk);
      complete_ += report.complete ? 1 : 0;
      reason_ = report.reason;
      if (report.maps.at(0).freed != 0) return report.maps.at(0).freed;
    }
    return 0;
  }
  void Hide(uint64_t rate) {
    FileDescriptor udp = OpenSocket(SOCK_DGRAM);
    Set(udp, rate);
    if (!ring_.Hide(std::move(udp))) GTEST_SKIP() << "no io_uring: " << std::strerror(errno);
  }

  static uint64_t SocketsUsed() {
    std::ifstream file("/proc/thread-self/net/sockstat");
    std::string word;
    uint64_t used = 0;
    file >> word >> word >> used;
    return used;
  }

  Ring ring_;
  int passes_ = 0;
  int complete_ = 0;
  std::string reason_;  // of the last pass
};

TEST_F(HiddenTest, FreesNothingWhileASocketIsHidden) {
  ASSERT_NO_FATAL_FAILURE(Hide(1));
  if (IsSkipped()) return;
  EXPECT_EQ(CollectUntilFreed(3), 0u);
  EXPECT_EQ(complete_, 0);
  const std::string who = "process " + std::to_string(getpid()) + " has files registered";
  EXPECT_NE(reason_.find(who), std::string::npos) << reason_;
  ring_.Close();
  EXPECT_EQ(CollectUntilFreed(1000), 1u);  // the kernel closes the socket later
}

// During each census one comes that it meets, and goes: the sockets that were met are as many as
// there were before and after.
TEST_F(HiddenTest, AnotherSocketDoesNotStandForIt) {
  ASSERT_NO_FATAL_FAILURE(Hide(1));
  if (IsSkipped()) return;
  FileDescriptor comes_and_goes;
  CollectorMutation mutation;
  mutation.before_walks = [&](int) { comes_and_goes = OpenSocket(SOCK_DGRAM); };
  mutation.after_files = [&](int) { comes_and_goes = FileDescriptor(); };
  EXPECT_EQ(CollectUntilFreed(5, &mutation), 0u);
}

TEST_F(HiddenTest, FreesNothingWhileOneIsHiddenAndOthersComeAndGo) {
  ASSERT_NO_FATAL_FAILURE(Hide(1));
  if (IsSkipped()) return;
  Intern(2);
  const Churn churn;
  EXPECT_EQ(CollectUntilFreed(2), 0u);
  EXPECT_EQ(complete_, 0);
  std::printf("%lu connections during %d passes\n", churn.connections(), passes_);
}

// The values of what comes and goes are not the unused one.
TEST_F(HiddenTest, FreesWhileConnectionsComeAndGo) {
  std::vector<FileDescriptor> stay;
  for (int i = 0; i < 100; ++i) Set(stay.emplace_back(OpenSocket(SOCK_DGRAM)), 1);
  Intern(2);
  const Churn churn;
  EXPECT_EQ(CollectUntilFreed(10000), 1u);
  std::printf("%lu connections until pass %d\n", churn.connections(), passes_ + 1);
}

// At no moment have all that are there been met by a walk before.
TEST_F(HiddenTest, FreesWhileConnectionsStayForAWhile) {
  Intern(2);
  const Churn churn(64);
  EXPECT_EQ(CollectUntilFreed(10), 1u) << reason_;
  std::printf("%lu connections until pass %d\n", churn.connections(), passes_ + 1);
}

// From two threads, of which one closes in order.
TEST_F(HiddenTest, FreesWhileConnectionsOfTwoThreadsStayForAWhile) {
  Intern(2);
  const Churn churn(64);
  const Churn other(64, false);
  EXPECT_EQ(CollectUntilFreed(10), 1u) << reason_;
  std::printf("%lu connections until pass %d\n", churn.connections() + other.connections(),
              passes_ + 1);
}

// A socket that stays from one census to the next: at no moment are all that are there met by two.
struct Kind {
  const char* name;
  int family;
  int type;
};
class KindTest : public HiddenTest, public testing::WithParamInterface<Kind> {
 protected:
  KindTest() {
    mutation_.before_walks = [this](int) {
      comes_ = OpenSocket(GetParam().type, GetParam().family);
    };
  }
  CollectorMutation mutation_;
  FileDescriptor comes_;
};
INSTANTIATE_TEST_SUITE_P(Collector, KindTest,
                         testing::Values(Kind{"Udp", AF_INET, SOCK_DGRAM},
                                         Kind{"Udp6", AF_INET6, SOCK_DGRAM},
                                         Kind{"Unix", AF_UNIX, SOCK_STREAM},
                                         Kind{"Packet", AF_PACKET, SOCK_DGRAM}),
                         [](const auto& test) { return std::string(test.param.name); });

constexpr char kUnwatched[] = "; this kernel shows only of TCP sockets when they come and go";

TEST_P(KindTest, Explained) {
  Intern(2);
  const uint32_t freed = CollectUntilFreed(10, &mutation_);
  if (freed == 0 && reason_.ends_with(kUnwatched)) GTEST_SKIP() << reason_;
  EXPECT_EQ(freed, 1u) << reason_;
}

TEST_P(KindTest, InTheWayIfUnwatched) {
  mutation_.only_connections = true;
  Intern(2);
  EXPECT_EQ(CollectUntilFreed(3, &mutation_), 0u);
  EXPECT_EQ(complete_, 0);
  EXPECT_TRUE(reason_.ends_with(kUnwatched)) << reason_;
}

TEST_P(KindTest, DoesNotStandForOneThatIsHidden) {
  ASSERT_NO_FATAL_FAILURE(Hide(1));
  if (IsSkipped()) return;
  Intern(2);
  EXPECT_EQ(CollectUntilFreed(3, &mutation_), 0u);
  EXPECT_EQ(complete_, 0);
}

// Children of MPTCP have the cookie of their listener: the next one is not the one before.
TEST_F(HiddenTest, AChildOfMptcpDoesNotStandForTheNext) {
  constexpr int kMptcp = 262;
  Server server;
  server.listener = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, kMptcp));
  if (!server.listener.ok()) GTEST_SKIP() << "no MPTCP: " << std::strerror(errno);
  server.Listen();
  ASSERT_NO_FATAL_FAILURE(Hide(1));
  if (IsSkipped()) return;
  const uint64_t used = SocketsUsed();
  std::atomic<bool> ending = false;
  std::thread churn([&] {
    while (!ending) {
      FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, kMptcp));
      EXPECT_EQ(connect(client.get(), server.at(), sizeof(server.address)), 0);
      FileDescriptor child(accept4(server.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      usleep(2000);
      const linger reset = {1, 0};
      setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
      setsockopt(child.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
      client = FileDescriptor();
      child = FileDescriptor();
      for (int i = 0; i < 400 && SocketsUsed() > used; ++i) usleep(1000);
      usleep(2000);
    }
  });
  EXPECT_EQ(CollectUntilFreed(5), 0u);
  ending = true;
  churn.join();
}

// The watch has seen it come, but knows of no later time at which it was there.
TEST_F(HiddenTest, FreesNothingWhileOneIsHiddenThatWasSeenToCome) {
  Intern(2);
  CollectorMutation mutation;
  bool is_hidden = false;
  mutation.before_walks = [&](int census) {
    if (census < 2 || is_hidden) return;
    is_hidden = true;
    Hide(1);
  };
  EXPECT_EQ(CollectUntilFreed(3, &mutation), 0u);
  EXPECT_TRUE(is_hidden);
  EXPECT_EQ(complete_, 0);
}

TEST_F(HiddenTest, FreesNothingWhileOneIsHiddenAndOthersStayForAWhile) {
  ASSERT_NO_FATAL_FAILURE(Hide(1));
  if (IsSkipped()) return;
  Intern(2);
  const Churn churn(64);
  EXPECT_EQ(CollectUntilFreed(2), 0u);
  EXPECT_EQ(complete_, 0);
  std::printf("%lu connections during %d passes\n", churn.connections(), passes_);
}

// Nothing is unused. A pass says nevertheless whether it has met all sockets.
TEST_F(HiddenTest, ReportsWhetherItIsCompleteWhileOthersStayForAWhile) {
  const FileDescriptor stays = OpenSocket(SOCK_DGRAM);
  Set(stays, 1);
  {
    const Churn churn(64);
    EXPECT_EQ(CollectUntilFreed(5), 0u);
    EXPECT_GT(complete_, 0) << reason_;
  }
  complete_ = 0;
  ASSERT_NO_FATAL_FAILURE(Hide(2));
  if (IsSkipped()) return;
  Set(stays, 2);
  const FileDescriptor another = OpenSocket(SOCK_DGRAM);
  Set(another, 1);
  const Churn churn(64);
  EXPECT_EQ(CollectUntilFreed(2), 0u);
  EXPECT_EQ(complete_, 0);
}

// One under way in a message is met: others are freed, and its value is not.
TEST_F(HiddenTest, KeepsOneUnderWayWhileOthersStayForAWhile) {
  const Channel channel;
  FileDescriptor udp = OpenSocket(SOCK_DGRAM);
  Set(udp, 1);
  channel.Send(std::move(udp));
  const Churn churn(64);
  for (uint64_t rate = 2; rate < 12; ++rate) {
    Intern(rate);
    EXPECT_EQ(CollectUntilFreed(10), 1u) << reason_;
  }
  EXPECT_EQ(RateOf(channel.Receive()), 1u);
}

}  // namespace
}  // namespace inlay::live_maps
