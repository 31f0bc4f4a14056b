// LiveMap::Replace() whose process is killed: the next pass of a collector makes keys and values
// agree again.

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <thread>

#include "engine/live_maps/map_lock.h"
#include "inlay/live_map.h"
#include "tests/bpf/collector_fixture.h"

namespace inlay::live_maps {
namespace {

class KilledReplaceTest : public CollectorTest {
 protected:
  KilledReplaceTest() {
    Set(udp_, 1);
    index_ = IndexOf(1);
  }

  static Policy WithRate(uint64_t rate) { return {rate, 0}; }
  static std::span<const std::byte> Bytes(const Policy& policy) {
    return std::as_bytes(std::span(&policy, 1));
  }
  // 0: the value has none.
  uint32_t IndexOf(uint64_t rate) {
    const Policy policy = WithRate(rate);
    uint32_t index = 0;
    return map_->Find(Bytes(policy), &index) == Status::kOk ? index : 0;
  }
  int codes() { return bpf_object__find_map_fd_by_name(object_.get(), "policies_codes"); }
  void AddKey(uint64_t rate) {
    const Policy policy = WithRate(rate);
    EXPECT_EQ(bpf_map_update_elem(codes(), &policy, &index_, BPF_NOEXIST), 0);
  }
  void RemoveKey(uint64_t rate) {
    const Policy policy = WithRate(rate);
    EXPECT_EQ(bpf_map_delete_elem(codes(), &policy), 0);
  }
  Policy* values() { return static_cast<Policy*>(object_.Section(".data.policies")); }

  // The socket has one of both values as a whole; it is known under that, and the other one is not.
  void ExpectSound(uint64_t former, uint64_t replaced) {
    const uint64_t rate = RateOf(udp_);
    EXPECT_TRUE(rate == former || rate == replaced) << rate;
    EXPECT_EQ(IndexOf(rate), index_);
    EXPECT_EQ(map_->CountValues().values, 1u);
    // All other indexes can be taken.
    for (uint64_t other = 0; other + 1 < kMostPolicies; ++other) EXPECT_NE(Intern(100 + other), 0u);
    EXPECT_EQ(Collect().freed, kMostPolicies - 1);
  }

  const FileDescriptor udp_ = OpenSocket(SOCK_DGRAM);
  uint32_t index_ = 0;
};

TEST_F(KilledReplaceTest, BeforeTheValueIsWritten) {
  AddKey(2);
  Collect();
  EXPECT_EQ(RateOf(udp_), 1u);
  ExpectSound(1, 2);
}

TEST_F(KilledReplaceTest, WhileTheValueIsWritten) {
  AddKey(2);
  values()[index_ - 1] = {2, 77};
  Collect();
  ExpectSound(1, 2);
}

TEST_F(KilledReplaceTest, AfterTheValueIsWritten) {
  AddKey(2);
  values()[index_ - 1] = WithRate(2);
  Collect();
  EXPECT_EQ(RateOf(udp_), 2u);
  ExpectSound(1, 2);
}

// In a full table the former key goes first.
TEST_F(KilledReplaceTest, WithoutAKey) {
  RemoveKey(1);
  Collect();
  EXPECT_EQ(RateOf(udp_), 1u);
  ExpectSound(1, 2);
}

TEST_F(KilledReplaceTest, WithTheNewKeyAlone) {
  RemoveKey(1);
  AddKey(2);
  Collect();
  ExpectSound(1, 2);
}

TEST_F(KilledReplaceTest, AtAnyMoment) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const Policy policies[] = {WithRate(1), WithRate(2)};
      const char byte = 0;
      if (write(ends[1], &byte, 1) != 1) _exit(1);
      for (int i = 1;; ++i) {
        if (map_->Replace(index_, Bytes(policies[i % 2])) != Status::kOk) _exit(1);
      }
    }
    char byte = 0;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    close(ends[1]);
    usleep(static_cast<useconds_t>(random() % 500));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    Collect();
    const uint64_t rate = RateOf(udp_);
    EXPECT_TRUE(rate == 1 || rate == 2) << rate;
    EXPECT_EQ(IndexOf(rate), index_);
    EXPECT_EQ(map_->CountValues().values, 1u);
  }
  ExpectSound(1, 2);
}

// A process that lives has the lock, and does the rest itself.
TEST_F(KilledReplaceTest, TheStepsOfALivingOneStay) {
  const int state = bpf_object__find_map_fd_by_name(object_.get(), ".data.policies_state");
  std::unique_ptr<MapLock> lock;
  ASSERT_EQ(MapLock::Take(state, MapLock::Of::kReplacing, true, &lock), Status::kOk);
  AddKey(2);
  Collect();
  const Policy incoming = WithRate(2);
  uint32_t found = 0;
  EXPECT_EQ(bpf_map_lookup_elem(codes(), &incoming, &found), 0);
  EXPECT_EQ(found, index_);
  RemoveKey(1);
  Collect();
  EXPECT_EQ(map_->CountValues().values, 1u);
  lock.reset();
  Collect();
  ExpectSound(1, 2);
}

// A program takes an index, stands still, and makes the value known when a pass has found nobody
// who has it.
TEST_F(KilledReplaceTest, AnIndexThatBecomesKnownDuringAPassStays) {
  const uint32_t taken = Intern(5);
  RemoveKey(5);
  CollectorMutation mutation;
  mutation.before_walks = [&](int census) {
    const Policy policy = WithRate(5);
    if (census == 2) {
      EXPECT_EQ(bpf_map_update_elem(codes(), &policy, &taken, BPF_NOEXIST), 0);
    }
  };
  EXPECT_EQ(Collect(&mutation).freed, 0u);
  EXPECT_EQ(IndexOf(5), taken);
  EXPECT_EQ(Collect().freed, 1u);
  EXPECT_EQ(IndexOf(5), 0u);
}

TEST_F(KilledReplaceTest, OneReplacesAtATime) {
  const int state = bpf_object__find_map_fd_by_name(object_.get(), ".data.policies_state");
  std::unique_ptr<MapLock> lock;
  ASSERT_EQ(MapLock::Take(state, MapLock::Of::kReplacing, true, &lock), Status::kOk);
  std::atomic<bool> is_replaced = false;
  std::thread other([&] {
    const Policy policy = WithRate(2);
    EXPECT_EQ(map_->Replace(index_, Bytes(policy)), Status::kOk);
    is_replaced = true;
  });
  usleep(50'000);
  EXPECT_FALSE(is_replaced);
  EXPECT_EQ(RateOf(udp_), 1u);
  lock.reset();
  other.join();
  EXPECT_EQ(RateOf(udp_), 2u);
}

}  // namespace
}  // namespace inlay::live_maps
