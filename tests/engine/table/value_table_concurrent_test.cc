// Threads on one ValueTable, with so few values and indexes that they collide.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "inlay/rcu.h"
#include "inlay/value_table.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr int kTableThreads = 4;
constexpr uint32_t kConcurrentValueBytes = 40;

// Runs body(thread number) on kTableThreads threads.
template <typename Body>
void RunThreads(Body&& body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kTableThreads; ++t) threads.emplace_back([&, t] { body(t); });
  for (std::thread& thread : threads) thread.join();
}

// Interns and releases `values` values, `rounds` times, in a table of `max_values`, and checks the
// bytes under each reference. Keeps the references that it holds at the end.
void InternAndRelease(uint32_t max_values, uint64_t values, int rounds) {
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(
      ValueTable::Create({.value_bytes = kConcurrentValueBytes, .max_values = max_values}, &table),
      Status::kOk);
  std::atomic<uint64_t> wrong_bytes{0};
  std::atomic<uint64_t> held_at_end{0};
  RunThreads([&](int t) {
    std::mt19937_64 random(static_cast<uint64_t>(t));
    std::vector<std::pair<ValueIndex, uint64_t>> held;
    for (int round = 0; round < rounds; ++round) {
      const uint64_t n = random() % values;
      ValueIndex index = kNoIndex;
      if (held.size() < 8 &&
          table->Intern(NumberedValue(n, kConcurrentValueBytes), &index) == Status::kOk) {
        held.emplace_back(index, n);
      }
      for (const auto& [at, number] : held) {
        if (Copied(table->At(at), kConcurrentValueBytes) !=
            NumberedValue(number, kConcurrentValueBytes))
          ++wrong_bytes;
      }
      if (held.size() > random() % 8) {
        table->Release(held.front().first);
        held.erase(held.begin());
      }
      if (random() % 1000 == 0) table->Reclaim();
    }
    held_at_end += held.size();
  });
  EXPECT_EQ(wrong_bytes, 0U);
  EXPECT_EQ(table->total_references(), held_at_end);
  std::string reason;
  EXPECT_TRUE(table->CheckInvariants(&reason)) << reason;
}

TEST(ValueTableConcurrentTest, FewValuesWithRoom) { InternAndRelease(1000, 10, 20000); }
TEST(ValueTableConcurrentTest, MoreValuesThanIndexes) { InternAndRelease(24, 100, 20000); }
TEST(ValueTableConcurrentTest, ManyValuesWhileTheTableGrows) {
  InternAndRelease(60000, 50000, 8000);
}

// Two threads add the same new value at once. Values are large, so that the other thread searches
// while one is added.
TEST(ValueTableConcurrentTest, V1AllThreadsGetOneIndexForANewValue) {
  constexpr uint32_t kLargeBytes = 32768;
  constexpr uint32_t kValues = 500;
  constexpr uint32_t kAdders = 2;
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(ValueTable::Create({.value_bytes = kLargeBytes, .max_values = 2 * kValues}, &table),
            Status::kOk);
  std::vector<std::vector<ValueIndex>> indexes(kAdders, std::vector<ValueIndex>(kValues));
  std::atomic<uint32_t> arrived{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < kAdders; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t n = 0; n < kValues; ++n) {
        const Bytes value = NumberedValue(n, kLargeBytes);
        ++arrived;
        for (int spins = 0; arrived.load() < (n + 1) * kAdders; ++spins) {
          if (spins > 10000) std::this_thread::yield();
        }
        EXPECT_EQ(table->Intern(value, &indexes[t][n]), Status::kOk);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(indexes[0], indexes[1]);
  EXPECT_EQ(table->stats().live, kValues);
  EXPECT_EQ(table->total_references(), kAdders * kValues);
  std::string reason;
  EXPECT_TRUE(table->CheckInvariants(&reason)) << reason;
}

// V2: the bytes that a reader finds do not change until the end of its section, whatever writers
// do.
TEST(ValueTableConcurrentTest, V2BytesDoNotChangeInsideASection) {
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(ValueTable::Create({.value_bytes = kConcurrentValueBytes, .max_values = 8}, &table),
            Status::kOk);
  std::atomic<bool> done{false};
  std::atomic<uint64_t> wrong{0};
  std::atomic<uint64_t> found{0};
  std::thread writer([&] {
    for (uint64_t n = 0; n < 20000; ++n) {
      ValueIndex index = kNoIndex;
      if (table->Intern(NumberedValue(n % 20, kConcurrentValueBytes), &index) != Status::kOk) {
        std::this_thread::yield();
        continue;
      }
      table->Release(index);
    }
    done = true;
  });
  std::thread reader([&] {
    std::mt19937_64 random(1);
    do {
      ReadSection section;
      const uint64_t n = random() % 20;
      const ValueIndex index = table->Find(NumberedValue(n, kConcurrentValueBytes));
      if (index == kNoIndex) continue;
      ++found;
      for (int i = 0; i < 10; ++i) {
        if (Copied(table->At(index), kConcurrentValueBytes) !=
            NumberedValue(n, kConcurrentValueBytes))
          ++wrong;
        if (i == 5) std::this_thread::yield();
      }
    } while (!done);
  });
  writer.join();
  reader.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(found, 0U);
  std::string reason;
  EXPECT_TRUE(table->CheckInvariants(&reason)) << reason;
}

}  // namespace
}  // namespace inlay
