// Trim(): what a burst took goes back to the system, and the table works on.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "inlay/rcu.h"
#include "inlay/value_table.h"
#include "tests/engine/table/made_table.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"
#include "tests/section_elsewhere.h"

namespace inlay {
namespace {

constexpr uint32_t kTrimmedValueBytes = 1000;

class TrimTest : public testing::Test {
 protected:
  ~TrimTest() override {
    ExpectSound(*table_);
    table_.reset();
    EXPECT_EQ(account_.used_bytes(), 0U);
    RetireBarrier();
    EXPECT_EQ(pending_.used_bytes(), 0U);
  }

  std::vector<ValueIndex> Add(uint64_t first, size_t count) {
    std::vector<ValueIndex> indexes(count);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(table_->Intern(NumberedValue(first + i, kTrimmedValueBytes), &indexes[i]),
                Status::kOk);
    }
    return indexes;
  }
  void Release(const std::vector<ValueIndex>& indexes) {
    for (const ValueIndex index : indexes) table_->Release(index);
  }
  void ExpectValues(const std::vector<ValueIndex>& indexes, uint64_t first) {
    for (size_t i = 0; i < indexes.size(); ++i) {
      ASSERT_EQ(Copied(table_->At(indexes[i]), kTrimmedValueBytes),
                NumberedValue(first + i, kTrimmedValueBytes));
    }
  }
  // Of the addresses of the first `values` values: bytes in pages that have memory.
  size_t ResidentBytes(size_t values) const {
    const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> pages(values * table_->stride_bytes() / page_bytes);
    void* const base = const_cast<std::byte*>(table_->base());
    EXPECT_EQ(mincore(base, pages.size() * page_bytes, pages.data()), 0);
    size_t resident = 0;
    for (const unsigned char page : pages) resident += page & 1;
    return resident * page_bytes;
  }

  Account account_;
  Account pending_;
  std::unique_ptr<ValueTable> table_ =
      MakeTable({.value_bytes = kTrimmedValueBytes, .account = &account_, .pending = &pending_});
};

TEST_F(TrimTest, GivesTheMemoryOfABurstBack) {
  constexpr uint32_t kKept = 8;
  const size_t empty_bytes = account_.used_bytes();
  const std::vector<ValueIndex> kept = Add(0, kKept);
  const size_t few_bytes = account_.used_bytes();
  const size_t few_total = table_->stats().memory.total_bytes();
  Release(Add(1000, 20000));
  EXPECT_GE(ResidentBytes(20000), 20000 * size_t{kTrimmedValueBytes} * 9 / 10);
  const size_t burst_total = table_->stats().memory.total_bytes();
  const size_t returned = table_->Trim();
  EXPECT_EQ(account_.used_bytes(), few_bytes);
  EXPECT_EQ(table_->stats().memory.total_bytes(), few_total);
  EXPECT_EQ(returned, burst_total - few_total);
  EXPECT_LE(ResidentBytes(20000), kKept * size_t{kTrimmedValueBytes} + 8192);
  EXPECT_EQ(table_->stats().never_used, table_->max_values() - kKept);
  ExpectValues(kept, 0);
  ExpectSound(*table_);
  EXPECT_EQ(table_->Trim(), 0U) << "nothing is left to give back";
  // And again.
  const std::vector<ValueIndex> more = Add(5000, 3000);
  ExpectValues(more, 5000);
  ExpectValues(kept, 0);
  Release(more);
  Release(kept);
  EXPECT_GT(table_->Trim(), 0U);
  EXPECT_EQ(account_.used_bytes(), empty_bytes);
  EXPECT_EQ(ResidentBytes(20000), 0U);
}

TEST_F(TrimTest, KeepsWhatLiesInFrontOfAValueThatStays) {
  const std::vector<ValueIndex> burst = Add(0, 5000);
  for (size_t i = 0; i < burst.size(); ++i) {
    if (i != 2500) table_->Release(burst[i]);
  }
  table_->Trim();
  EXPECT_EQ(table_->stats().never_used, table_->max_values() - burst[2500]);
  EXPECT_EQ(table_->stats().free, burst[2500] - 1);
  ExpectSound(*table_);
  // New values take the first indexes, so that the next call can drop more.
  const std::vector<ValueIndex> low = Add(10000, 5);
  for (const ValueIndex index : low) EXPECT_LE(index, 5U);
  table_->Release(burst[2500]);
  table_->Trim();
  EXPECT_EQ(table_->stats().never_used, table_->max_values() - 5);
  Release(low);
}

// What a reader has found stays until its section ends: Trim() waits for it.
TEST_F(TrimTest, WaitsForReaders) {
  std::vector<ValueIndex> burst = Add(0, 3000);
  std::atomic<bool> done{false};
  std::thread trimming;
  {
    const ReadSection section;
    const std::byte* const found = table_->At(burst.back());
    Release(burst);
    trimming = std::thread([&] {
      table_->Trim();
      done = true;
    });
    for (int i = 0; i < 1000; ++i) {
      std::this_thread::yield();
      ASSERT_EQ(Copied(found, kTrimmedValueBytes), NumberedValue(2999, kTrimmedValueBytes));
    }
    EXPECT_FALSE(done);
  }
  trimming.join();
  EXPECT_EQ(table_->stats().never_used, table_->max_values());
}

TEST_F(TrimTest, V4WithoutMemoryForASmallerHashIndexItStays) {
  const std::vector<ValueIndex> kept = Add(0, 10);
  Release(Add(1000, 3000));
  const uint32_t slots = table_->stats().slots;
  SetAllocationsLeftForTest(0);
  const size_t returned = table_->Trim();
  SetAllocationsLeftForTest(-1);
  EXPECT_GT(returned, 0U);
  EXPECT_EQ(table_->stats().slots, slots);
  ExpectSound(*table_);
  ExpectValues(kept, 0);
  EXPECT_GT(table_->Trim(), 0U);
  EXPECT_LT(table_->stats().slots, slots);
  ExpectValues(kept, 0);
  Release(kept);
}

// The limit on what waits for readers knows old arrays of the hash index.
TEST_F(TrimTest, AnOldHashIndexThatWaitsIsCharged) {
  const SectionElsewhere section;
  const std::vector<ValueIndex> some = Add(0, 100);
  EXPECT_GT(pending_.used_bytes(), 100 * kHashSlotBytes);
  Release(some);
}

// Threads add, read and release values whose bytes prove themselves, while another one trims.
TEST_F(TrimTest, BesideReadersAndWriters) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 3000;
  std::atomic<int> running{kThreads};
  std::atomic<uint64_t> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<uint64_t>(t));
      std::vector<std::pair<ValueIndex, uint64_t>> held;
      for (int round = 0; round < kRounds; ++round) {
        const uint64_t n = random() % 400;
        const Bytes value = NumberedValue(n, kTrimmedValueBytes);
        ValueIndex index = kNoIndex;
        if (table_->Intern(value, &index) == Status::kOk) held.emplace_back(index, n);
        for (const auto& [at, number] : held) {
          wrong += Copied(table_->At(at), kTrimmedValueBytes) !=
                   NumberedValue(number, kTrimmedValueBytes);
        }
        {
          const ReadSection section;
          const ValueIndex found = table_->Find(value);
          wrong += found != kNoIndex && Copied(table_->At(found), kTrimmedValueBytes) != value;
        }
        while (held.size() > random() % 20) {
          table_->Release(held.back().first);
          held.pop_back();
        }
      }
      for (const auto& [at, number] : held) table_->Release(at);
      --running;
    });
  }
  while (running > 0) table_->Trim();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
  table_->Trim();
  EXPECT_EQ(table_->stats().never_used, table_->max_values());
}

}  // namespace
}  // namespace inlay
