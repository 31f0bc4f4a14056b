// INLAY_BRING_HOME(): TCP sockets with a value of their own get an index at the end of a pass.

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/membarrier.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "inlay/bpf_map_state.h"
#include "inlay/live_collector.h"
#include "inlay/live_map.h"
#include "tests/bpf/collector_fixture.h"
#include "tests/bpf/send_as_peer.h"

INLAY_EMBED_OBJECT(inlay_homing_object)

namespace inlay::live_maps {

std::span<const std::byte> CollectedObject() { return inlay_homing_object(); }

namespace {

constexpr uint64_t kOwnRate = 100;

class BringHomeTest : public CollectorTest {
 protected:
  BringHomeTest() {
    EXPECT_EQ(LiveMap::Open(object_.get(), "kinds", &kinds_), Status::kOk);
    server_.Listen();
    client_ = server_.Connect();
  }

  // Holds all indexes of `policies`.
  void Fill() {
    for (uint64_t rate = 1; rate <= kMostPolicies; ++rate) held_.push_back(Hold(rate));
  }
  uint32_t Hold(uint64_t rate) {
    const Policy policy = {rate, 0};
    uint32_t index = 0;
    EXPECT_EQ(map_->Intern(std::as_bytes(std::span(&policy, 1)), &index), Status::kOk);
    return index;
  }
  void Release() {
    for (const uint32_t index : held_) EXPECT_EQ(map_->Release(index), Status::kOk);
    held_.clear();
  }
  LiveCollector::Report CollectBoth(const CollectorMutation* mutation = nullptr) {
    std::unique_ptr<LiveCollector> collector;
    EXPECT_EQ(
        LiveCollector::Create(
            {map_.get(), kinds_.get()},
            {.most_attempts = 20, .only_namespaces = {namespace_.get()}, .mutation = mutation},
            &collector),
        Status::kOk);
    LiveCollector::Report report;
    EXPECT_EQ(collector->Collect(&report), Status::kOk);
    return report;
  }
  uint64_t StoredRate(const char* map, const FileDescriptor& fd) const {
    Policy policy = {};
    const int key = fd.get();
    const int storage = bpf_object__find_map_fd_by_name(object_.get(), map);
    return bpf_map_lookup_elem(storage, &key, &policy) == 0 ? policy.rate : 0;
  }
  static uint32_t CodeOf(const LiveMap& map, const FileDescriptor& fd) {
    uint32_t mark = 0;
    socklen_t bytes = sizeof(mark);
    EXPECT_EQ(getsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, &bytes), 0);
    return map.field().CodeIn(mark);
  }
  bool IsSpilled(const FileDescriptor& fd) const {
    return CodeOf(*map_, fd) == map_->field().most_code();
  }
  // By a program.
  void SetByProgram(int option, const FileDescriptor& fd, uint64_t rate) {
    exchange_->in_setsockopt = {rate, 0};
    const int unused = 0;
    ASSERT_EQ(setsockopt(fd.get(), kExchangeLevel, option, &unused, sizeof(unused)), 0);
    ASSERT_EQ(exchange_->result, 0);
  }
  static uint64_t KindOf(const LiveMap& kinds, const FileDescriptor& fd) {
    Policy policy = {};
    const Status status = kinds.Get(fd.get(), std::as_writable_bytes(std::span(&policy, 1)));
    return status == Status::kOk ? policy.rate : 0;
  }
  // The client gets a packet, and a value from the packet path.
  void CreateInPacket(uint64_t rate, const FileDescriptor& peer) {
    exchange_->create_in_packet = {rate, 0};
    const char byte = 0;
    ASSERT_EQ(send(peer.get(), &byte, 1, 0), 1);
  }

  Server server_;
  FileDescriptor client_;
  std::unique_ptr<LiveMap> kinds_;
  std::vector<uint32_t> held_;
};

TEST_F(BringHomeTest, WhenThereIsRoom) {
  const FileDescriptor child(accept(server_.listener.get(), nullptr, nullptr));
  Fill();
  Set(client_, kOwnRate);
  Set(child, kOwnRate + 1);
  ASSERT_TRUE(IsSpilled(client_));
  LiveCollector::MapReport report = Collect();
  EXPECT_EQ(report.came_home, 0u);
  EXPECT_EQ(RateOf(client_), kOwnRate);
  EXPECT_TRUE(IsSpilled(client_));
  Release();
  report = Collect();
  EXPECT_EQ(report.spilled, 2u);
  EXPECT_EQ(report.freed, uint32_t{kMostPolicies});
  EXPECT_EQ(report.came_home, 2u);
  using Expected = std::pair<const FileDescriptor*, uint64_t>;
  for (const auto& [fd, rate] : {Expected(&client_, kOwnRate), Expected(&child, kOwnRate + 1)}) {
    EXPECT_FALSE(IsSpilled(*fd));
    EXPECT_EQ(RateOf(*fd), rate);
    EXPECT_EQ(StoredRate("policies", *fd), 0u);
  }
  report = Collect();
  EXPECT_EQ(report.spilled, 0u);
  EXPECT_EQ(report.came_home, 0u);
  EXPECT_EQ(map_->CountValues().values, 2u);
}

// There is room for one of two values.
TEST_F(BringHomeTest, AsManyAsThereIsRoomFor) {
  const FileDescriptor child(accept(server_.listener.get(), nullptr, nullptr));
  Fill();
  Set(client_, kOwnRate);
  Set(child, kOwnRate + 1);
  ASSERT_EQ(map_->Release(held_.back()), Status::kOk);
  held_.pop_back();
  EXPECT_EQ(Collect().came_home, 1u);
  EXPECT_NE(IsSpilled(client_), IsSpilled(child));
  EXPECT_EQ(RateOf(client_), kOwnRate);
  EXPECT_EQ(RateOf(child), kOwnRate + 1);
  Release();
  EXPECT_EQ(Collect().came_home, 1u);
  EXPECT_FALSE(IsSpilled(client_) || IsSpilled(child));
  EXPECT_EQ(RateOf(client_), kOwnRate);
  EXPECT_EQ(RateOf(child), kOwnRate + 1);
}

// A client that has sent its SYN to a spilled listener has its mark: the child needs the storage.
TEST_F(BringHomeTest, AListenerKeepsItsStorageForItsChildren) {
  Server server;
  const int seconds = 30;
  ASSERT_EQ(
      setsockopt(server.listener.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)),
      0);
  server.Listen();
  Fill();
  Set(server.listener, kOwnRate);
  const FileDescriptor client = server.Connect();
  Release();
  EXPECT_EQ(Collect().came_home, 1u);
  EXPECT_FALSE(IsSpilled(server.listener));
  EXPECT_EQ(RateOf(server.listener), kOwnRate);
  const char byte = 0;
  ASSERT_EQ(send(client.get(), &byte, 1, 0), 1);
  const FileDescriptor first(accept(server.listener.get(), nullptr, nullptr));
  EXPECT_TRUE(IsSpilled(first));
  EXPECT_EQ(RateOf(first), kOwnRate);
  // One that comes later has the index, and a copy that it does not need.
  const FileDescriptor other = server.Connect();
  ASSERT_EQ(send(other.get(), &byte, 1, 0), 1);
  const FileDescriptor second(accept(server.listener.get(), nullptr, nullptr));
  EXPECT_FALSE(IsSpilled(second));
  EXPECT_EQ(Collect().came_home, 1u);
  for (const FileDescriptor* child : {&first, &second}) {
    EXPECT_FALSE(IsSpilled(*child));
    EXPECT_EQ(RateOf(*child), kOwnRate);
    EXPECT_EQ(StoredRate("policies", *child), 0u);
  }
}

// --- a socket whose value changes meanwhile keeps the newest ---

class ChangesMeanwhileTest : public BringHomeTest {
 protected:
  ChangesMeanwhileTest() {
    object_.Attach("in_setsockopt", cgroup_.fd());
    Fill();
    Set(client_, kOwnRate);
    Release();
  }
  // As a collector would: frees the last index if it has a value that is not the client's.
  void FreeLast(uint64_t own) {
    const uint32_t last = kMostPolicies;
    Policy policy = {};
    const std::span value(&policy, 1);
    uint32_t found = 0;
    ASSERT_EQ(map_->Read(last, std::as_writable_bytes(value)), Status::kOk);
    if (policy.rate == own || map_->Find(std::as_bytes(value), &found) != Status::kOk) return;
    const int codes = bpf_object__find_map_fd_by_name(object_.get(), "policies_codes");
    const int free = bpf_object__find_map_fd_by_name(object_.get(), "policies_free");
    ASSERT_EQ(bpf_map_delete_elem(codes, &policy), 0);
    ASSERT_EQ(bpf_map_update_elem(free, nullptr, &last, BPF_ANY), 0);
  }
  // Has got an index, and still has its storage.
  void CollectWith(std::function<void()> change) {
    CollectorMutation mutation;
    mutation.between_home_walks = [&] {
      EXPECT_FALSE(IsSpilled(client_));
      EXPECT_EQ(StoredRate("policies", client_), kOwnRate);
      change();
    };
    EXPECT_EQ(Collect(&mutation).came_home, 1u);
  }
};

TEST_F(ChangesMeanwhileTest, AProcessSetsAnother) {
  CollectWith([&] { Set(client_, kOwnRate + 1); });
  EXPECT_EQ(RateOf(client_), kOwnRate + 1);
  EXPECT_EQ(StoredRate("policies", client_), 0u);
}

TEST_F(ChangesMeanwhileTest, AProcessSpillsIt) {
  CollectWith([&] {
    for (uint64_t rate = 1; rate < kMostPolicies; ++rate) held_.push_back(Hold(rate));
    Set(client_, kOwnRate + 1);
  });
  EXPECT_TRUE(IsSpilled(client_));
  EXPECT_EQ(RateOf(client_), kOwnRate + 1);
}

TEST_F(ChangesMeanwhileTest, AProgramSpillsIt) {
  CollectWith([&] {
    for (uint64_t rate = 1; rate < kMostPolicies; ++rate) held_.push_back(Hold(rate));
    SetByProgram(kSet, client_, kOwnRate + 1);
  });
  EXPECT_TRUE(IsSpilled(client_));
  EXPECT_EQ(RateOf(client_), kOwnRate + 1);
}

TEST_F(ChangesMeanwhileTest, AProcessTakesItAway) {
  CollectWith([&] { EXPECT_EQ(map_->Delete(client_.get()), Status::kOk); });
  EXPECT_EQ(RateOf(client_), 0u);
}

// As a process that has read the mark before, and writes it back.
TEST_F(ChangesMeanwhileTest, AProcessWritesTheFormerMarkBack) {
  uint32_t former = 0;
  socklen_t bytes = sizeof(former);
  ASSERT_EQ(getsockopt(client_.get(), SOL_SOCKET, SO_MARK, &former, &bytes), 0);
  CollectWith([&] {
    EXPECT_EQ(setsockopt(client_.get(), SOL_SOCKET, SO_MARK, &former, sizeof(former)), 0);
  });
  EXPECT_TRUE(IsSpilled(client_));
  EXPECT_EQ(RateOf(client_), kOwnRate);
  EXPECT_EQ(Collect().came_home, 1u);
  EXPECT_EQ(RateOf(client_), kOwnRate);
}

// In the midst of LiveMap::Set().
TEST_F(ChangesMeanwhileTest, NothingHappensWhileAProcessChangesTheMap) {
  auto* const head = static_cast<inlay_map_state*>(object_.Section(".data.policies_state"));
  head->changing = 1;
  EXPECT_EQ(Collect().came_home, 0u);
  EXPECT_TRUE(IsSpilled(client_));
  head->changing = 0;
  CollectWith([&] { head->changing = 1; });
  EXPECT_EQ(StoredRate("policies", client_), kOwnRate);  // it may write the former mark back
  EXPECT_EQ(RateOf(client_), kOwnRate);
  head->changing = 0;
  EXPECT_EQ(Collect().came_home, 0u);
  EXPECT_EQ(StoredRate("policies", client_), 0u);
  EXPECT_EQ(RateOf(client_), kOwnRate);
}

// The same, of another map that shares the mark.
TEST_F(ChangesMeanwhileTest, StoragesStayWhileAProcessChangesAnotherMap) {
  auto* const head = static_cast<inlay_map_state*>(object_.Section(".data.kinds_state"));
  CollectorMutation mutation;
  mutation.between_home_walks = [&] { head->changing = 1; };
  EXPECT_EQ(CollectBoth(&mutation).maps.at(0).came_home, 1u);
  EXPECT_EQ(StoredRate("policies", client_), kOwnRate);
  head->changing = 0;
  EXPECT_EQ(CollectBoth().maps.at(0).came_home, 0u);
  EXPECT_EQ(StoredRate("policies", client_), 0u);
}

// LiveMap relies on it: while a program has the socket, SO_MARK waits, also if it changes nothing.
TEST_F(BringHomeTest, SoMarkWaitsForThePrograms) {
  object_.Attach("slow_set", cgroup_.fd());
  Set(client_, 1);
  exchange_->wait_ns = 300'000'000;
  exchange_->in_setsockopt = {1, 0};
  std::thread program([&] {
    const int unused = 0;
    setsockopt(client_.get(), kExchangeLevel, kSetSlowly, &unused, sizeof(unused));
  });
  const auto waiting = [&] { return *static_cast<volatile __u32*>(&exchange_->waiting); };
  while (waiting() == 0) std::this_thread::yield();
  uint32_t mark = 0;
  socklen_t bytes = sizeof(mark);
  EXPECT_EQ(getsockopt(client_.get(), SOL_SOCKET, SO_MARK, &mark, &bytes), 0);
  EXPECT_EQ(setsockopt(client_.get(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
  EXPECT_EQ(waiting(), 2u);
  program.join();
}

// One thread sets values, by programs and by descriptor, with an index and spilled, while another
// one brings the socket home all the time. After each set the socket has the value of that set.
TEST_F(ChangesMeanwhileTest, ASetAlwaysWins) {
  constexpr int kRounds = 10;
  constexpr int kWalks = 30;
  Fill();
  ASSERT_EQ(map_->Release(kMostPolicies), Status::kOk);
  const auto* const head = static_cast<inlay_map_state*>(object_.Section(".data.policies_state"));
  std::atomic<bool> is_over = false;
  std::thread homing([&] {
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < kWalks; ++i) object_.Walk("policies_home");
      syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
      while (*static_cast<const volatile __u32*>(&head->changing) != 0) std::this_thread::yield();
      for (int i = 0; i < kWalks; ++i) object_.Walk("policies_home_end");
    }
    is_over = true;
  });
  int wrong = 0;
  int came_home = 0;
  int spilled = 0;
  for (uint64_t rate = kOwnRate; !is_over; ++rate) {
    if (rate % 4 == 0) {
      SetByProgram(kSet, client_, rate);
    } else {
      Set(client_, rate);
    }
    const bool was_spilled = IsSpilled(client_);
    FreeLast(rate);
    if (RateOf(client_) != rate) ++wrong;
    spilled += was_spilled;
    came_home += was_spilled && !IsSpilled(client_);
  }
  homing.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(spilled, 0);
  std::printf("%d spilled, of which %d came home at once\n", spilled, came_home);
}

// --- values from the packet path ---

TEST_F(BringHomeTest, FromThePacketPath) {
  const FileDescriptor child(accept(server_.listener.get(), nullptr, nullptr));
  object_.Attach("in_packet", cgroup_.fd());
  CreateInPacket(kOwnRate, child);
  ASSERT_EQ(CodeOf(*kinds_, client_), 0u);
  ASSERT_EQ(StoredRate("kinds", client_), kOwnRate);
  EXPECT_GE(CollectBoth().maps.at(1).came_home, 1u);
  EXPECT_NE(CodeOf(*kinds_, client_), 0u);
  EXPECT_EQ(StoredRate("kinds", client_), 0u);
  EXPECT_EQ(KindOf(*kinds_, client_), kOwnRate);
  // The next packet finds it, and creates no other one.
  exchange_->kind = {};
  CreateInPacket(kOwnRate + 1, child);
  EXPECT_EQ(KindOf(*kinds_, client_), kOwnRate);
  EXPECT_EQ(StoredRate("kinds", client_), 0u);
}

TEST_F(BringHomeTest, FromThePacketPathAndTakenAway) {
  const FileDescriptor child(accept(server_.listener.get(), nullptr, nullptr));
  object_.Attach("in_packet", cgroup_.fd());
  CreateInPacket(kOwnRate, child);
  exchange_->create_in_packet = {};
  CollectorMutation mutation;
  mutation.between_home_walks = [&] { EXPECT_EQ(kinds_->Delete(client_.get()), Status::kOk); };
  CollectBoth(&mutation);
  EXPECT_EQ(KindOf(*kinds_, client_), 0u);
  CollectBoth();
  EXPECT_EQ(KindOf(*kinds_, client_), 0u);
}

// A packet's program has read the mark before the socket came home, and goes on when the pass waits
// for it; or, without grace periods, after the pass: then it finds no value, and creates another.
class SlowPacketTest : public BringHomeTest, public testing::WithParamInterface<bool> {
 protected:
  SlowPacketTest() { EXPECT_EQ(sched_getaffinity(0, sizeof(former_), &former_), 0); }
  ~SlowPacketTest() override { Stay(former_); }
  // The packet's program runs on one processor, and would not let the pass run there.
  bool KeepApart() {
    others_ = former_;
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&packets_) == 0; ++cpu) {
      if (!CPU_ISSET(cpu, &former_)) continue;
      CPU_SET(cpu, &packets_);
      CPU_CLR(cpu, &others_);
    }
    if (CPU_COUNT(&others_) == 0) return false;
    Stay(others_);
    return true;
  }
  static void Stay(const cpu_set_t& there) {
    EXPECT_EQ(sched_setaffinity(0, sizeof(there), &there), 0);
  }

  cpu_set_t former_ = {};
  cpu_set_t packets_ = {};
  cpu_set_t others_ = {};
};
INSTANTIATE_TEST_SUITE_P(Home, SlowPacketTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "Mutated" : "AsItIs"; });

TEST_P(SlowPacketTest, StillFindsTheValue) {
  if (!KeepApart()) GTEST_SKIP() << "there is one processor";
  const FileDescriptor child(accept(server_.listener.get(), nullptr, nullptr));
  object_.Attach("in_packet", cgroup_.fd());
  CreateInPacket(kOwnRate, child);
  object_.Detach();
  object_.Attach("slow_packet", cgroup_.fd());
  exchange_->wait_ns = GetParam() ? 15'000'000'000 : 500'000'000;
  exchange_->kind = {};
  std::thread packet;
  CollectorMutation mutation;
  mutation.no_grace_periods = GetParam();
  mutation.only_connections = true;  // to stop to follow a function takes a grace period too
  mutation.before_home_walks = [&] {
    exchange_->create_in_packet = {kOwnRate + 1, 0};
    packet = std::thread([&] {
      Stay(packets_);
      SendAsPeer(client_, kSlowBytes);
    });
    while (*static_cast<volatile __u32*>(&exchange_->waiting) == 0) std::this_thread::yield();
  };
  const LiveCollector::Report report = CollectBoth(&mutation);
  EXPECT_EQ(exchange_->waiting, GetParam() ? 1u : 2u);
  exchange_->go_on = 1;
  if (packet.joinable()) packet.join();
  EXPECT_GE(report.maps.at(1).came_home, 1u);
  EXPECT_EQ(exchange_->kind.rate, GetParam() ? kOwnRate + 1 : kOwnRate);
  EXPECT_EQ(KindOf(*kinds_, client_), kOwnRate);
}

// --- where the programs come from ---

class PinnedHomeTest : public BringHomeTest {
 protected:
  PinnedHomeTest() {
    EXPECT_EQ(unshare(CLONE_NEWNS), 0);
    EXPECT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    EXPECT_EQ(mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr), 0);
  }
  ~PinnedHomeTest() override { umount2("/sys/fs/bpf", MNT_DETACH); }
};

TEST_F(PinnedHomeTest, APinnedMapBringsItsSocketsHome) {
  const std::string folder = "/sys/fs/bpf";
  ASSERT_EQ(map_->Pin(folder), Status::kOk);
  EXPECT_EQ(access("/sys/fs/bpf/policies_home", F_OK), 0);
  EXPECT_EQ(access("/sys/fs/bpf/policies_home_end", F_OK), 0);
  EXPECT_EQ(LiveMap::NamesIn(folder), std::vector<std::string>{"policies"});
  map_.reset();
  ASSERT_EQ(LiveMap::Open(folder, "policies", &map_), Status::kOk);
  Fill();
  Set(client_, kOwnRate);
  Release();
  EXPECT_EQ(Collect().came_home, 1u);
  EXPECT_EQ(RateOf(client_), kOwnRate);
  EXPECT_EQ(LiveMap::Unpin(folder, "policies"), Status::kOk);
  EXPECT_NE(access("/sys/fs/bpf/policies_home", F_OK), 0);
  EXPECT_NE(access("/sys/fs/bpf/policies_home_end", F_OK), 0);
}

}  // namespace
}  // namespace inlay::live_maps
