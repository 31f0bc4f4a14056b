// Handles of one table in several threads.

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "inlay/typed_table.h"
#include "tests/engine/table/made_table.h"

namespace inlay {
namespace {

using Numbers = TypedTable<uint64_t>;
using NumberRef = TypedRef<uint64_t>;

void ExpectNoReferences(const Numbers& numbers) {
  const std::vector<uint64_t> no_owners(size_t{numbers.bytes().max_values()} + 1);
  std::string reason;
  EXPECT_EQ(numbers.bytes().open_refs(), 0U);
  EXPECT_TRUE(numbers.bytes().CheckReferences(no_owners, &reason)) << reason;
  ExpectSound(numbers.bytes());
}

TEST(TypedTableThreadsTest, EqualValuesOfAllThreadsHaveEqualHandles) {
  constexpr uint64_t kNumbers = 500;
  constexpr size_t kThreads = 4;
  std::unique_ptr<Numbers> numbers;
  ASSERT_EQ(Numbers::Create({}, &numbers), Status::kOk);
  std::vector<std::vector<NumberRef>> made(kThreads);
  std::vector<std::thread> threads;
  for (std::vector<NumberRef>& refs : made) {
    refs.resize(kNumbers);
    threads.emplace_back([&] {
      for (uint64_t i = 0; i < kNumbers; ++i) {
        EXPECT_EQ(numbers->Intern(i, &refs[i]), Status::kOk);
        const NumberRef second = refs[i].Share();
        EXPECT_EQ(*second, i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (uint64_t i = 0; i < kNumbers; ++i) {
    for (const std::vector<NumberRef>& refs : made) EXPECT_TRUE(refs[i] == made[0][i]) << i;
  }
  EXPECT_EQ(numbers->bytes().open_refs(), kThreads * kNumbers);
  made.clear();
  ExpectNoReferences(*numbers);
}

// Threads that meet at one value take credits for it; what one thread shares another one releases.
TEST(TypedTableThreadsTest, AHotValueThatThreadsShareAndReleaseForEachOther) {
  constexpr int kRounds = 200;
  constexpr size_t kHandles = 300;
  std::unique_ptr<Numbers> numbers;
  ASSERT_EQ(Numbers::Create({}, &numbers), Status::kOk);
  NumberRef hot;
  ASSERT_EQ(numbers->Intern(7, &hot), Status::kOk);
  std::vector<NumberRef> handles;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<NumberRef> fresh(kHandles);
    std::thread releases([old = std::exchange(handles, {})]() mutable { old.clear(); });
    std::thread shares([&] {
      for (NumberRef& ref : fresh) ref = hot.Share();
    });
    const NumberRef mine = hot.Share();
    EXPECT_TRUE(mine == hot);
    releases.join();
    shares.join();
    handles = std::move(fresh);
    ASSERT_EQ(numbers->bytes().open_refs(), kHandles + 2);
  }
  handles.clear();
  hot.Reset();
  ExpectNoReferences(*numbers);
}

TEST(TypedTableThreadsTest, AHandleOfAThreadIsReleasedWhenTheThreadExits) {
  std::unique_ptr<Numbers> numbers;
  ASSERT_EQ(Numbers::Create({}, &numbers), Status::kOk);
  for (uint64_t i = 0; i < 50; ++i) {
    std::thread([&] {
      thread_local NumberRef of_thread;
      EXPECT_EQ(numbers->Intern(i, &of_thread), Status::kOk);
    }).join();
  }
  ExpectNoReferences(*numbers);
}

}  // namespace
}  // namespace inlay
