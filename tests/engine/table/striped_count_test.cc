#include "engine/table/striped_count.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <barrier>
#include <memory>
#include <thread>
#include <vector>

namespace inlay {
namespace {

TEST(StripedCountTest, IsTheSumOfAllThreads) {
  StripedCount count;
  EXPECT_EQ(count.Sum(), 0);
  count.Add(5);
  std::thread([&] { count.Add(-7); }).join();
  EXPECT_EQ(count.Sum(), -2);
  count.Add(2);
  EXPECT_EQ(count.Sum(), 0);
}

TEST(StripedCountTest, MoreThreadsThanStripesLoseNothing) {
  constexpr uint32_t kThreads = 2 * StripedCount::kOwnStripes + 3;
  constexpr int kAdds = 2000;
  StripedCount count;
  StripedCount other;
  std::barrier all_there(kThreads);  // all have a stripe, or none, at the same time
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      count.Add(1);
      all_there.arrive_and_wait();
      for (int add = 1; add < kAdds; ++add) {
        count.Add(1);
        other.Add(-1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count.Sum(), int64_t{kThreads} * kAdds);
  EXPECT_EQ(other.Sum(), -int64_t{kThreads} * (kAdds - 1));
}

TEST(StripedCountTest, AThreadGoesOnWithTheStripeOfOneThatExited) {
  StripedCount count;
  for (uint32_t i = 0; i < 4 * StripedCount::kOwnStripes; ++i)
    std::thread([&] { count.Add(3); }).join();
  EXPECT_EQ(count.Sum(), 12 * int64_t{StripedCount::kOwnStripes});
}

// Counts when its thread exits, in the destructor of a thread_local object and in one of a key that
// is made after the count's own, which runs later.
struct AddsAtExit {
  explicit AddsAtExit(StripedCount* of) : count(of) {}
  ~AddsAtExit() { count->Add(1); }
  AddsAtExit(const AddsAtExit&) = delete;
  AddsAtExit& operator=(const AddsAtExit&) = delete;
  StripedCount* const count;
};

TEST(StripedCountTest, CountsWhatDestructorsOfAThreadDo) {
  StripedCount count;
  count.Add(0);
  pthread_key_t key{};
  ASSERT_EQ(pthread_key_create(&key, [](void* of) { static_cast<StripedCount*>(of)->Add(10); }), 0);
  std::thread([&] {
    count.Add(100);
    thread_local std::unique_ptr<AddsAtExit> at_exit;
    at_exit = std::make_unique<AddsAtExit>(&count);
    ASSERT_EQ(pthread_setspecific(key, &count), 0);
  }).join();
  EXPECT_EQ(count.Sum(), 111);
  pthread_key_delete(key);
}

// The thread gives its stripe up in a destructor of the count's own key. One that runs later adds
// to the shared stripe, while another thread has the stripe already.
TEST(StripedCountTest, AStripeIsNotUsedAfterItWasGivenUp) {
  static StripedCount* count = nullptr;
  StripedCount counted;
  count = &counted;
  counted.Add(0);
  pthread_key_t key{};
  ASSERT_EQ(pthread_key_create(&key, [](void*) { EXPECT_FALSE(count->TryAdd(1)); }), 0);
  std::thread([&] {
    counted.Add(1);
    EXPECT_TRUE(counted.TryAdd(1));
    ASSERT_EQ(pthread_setspecific(key, &counted), 0);
  }).join();
  EXPECT_EQ(counted.Sum(), 2);
  pthread_key_delete(key);
}

}  // namespace
}  // namespace inlay
