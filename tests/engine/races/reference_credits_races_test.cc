// Threads that keep references to a much-used value for themselves (reference_credits.h): when they
// begin, and that nothing that they keep outlives the value's last user.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/table/reference_credits.h"
#include "inlay/rcu.h"
#include "inlay/value_table.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kCreditValueBytes = 24;
constexpr int kManyReferences = 4000;

// A table with one value that has many references.
class ReferenceCreditsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EndDrains();
    const ValueTableOptions options{.value_bytes = kCreditValueBytes, .background = false};
    ASSERT_EQ(ValueTable::Create(options, &table_), Status::kOk);
    for (int i = 0; i < kManyReferences; ++i) InternOne();
    ASSERT_EQ(table_->total_references(), kManyReferences);
  }

  // Waits until drains that were asked for are over. A step raises the epoch, the next one takes
  // back: each of them after a grace period.
  static void EndDrains() {
    for (int round = 0; round < 3; ++round) RetireBarrier();
  }
  void InternOne() {
    ASSERT_EQ(table_->Intern(NumberedValue(1, kCreditValueBytes), &index_), Status::kOk);
  }
  void Release(int references) {
    for (int i = 0; i < references; ++i) table_->Release(index_);
  }
  // Takes a reference, and finds that another thread takes one at the same moment.
  void InternAtTheSameMoment() {
    bool other_has_taken = false;
    {
      const AtTestPoint meets("try_ref.seen", [&] {
        std::thread([this] { InternOne(); }).join();
        other_has_taken = true;
      });
      InternOne();
    }
    ASSERT_TRUE(other_has_taken);
  }
  static uint32_t kept() { return ReferenceCredits::KeptInAll(); }

  void ExpectSound(uint64_t references) {
    std::string reason;
    EXPECT_TRUE(table_->CheckInvariants(&reason)) << reason;
    EXPECT_EQ(table_->total_references(), references);
    std::vector<uint64_t> counted(size_t{table_->max_values()} + 1);
    counted[index_] = references;
    EXPECT_TRUE(table_->CheckReferences(counted, &reason)) << reason;
  }

  std::unique_ptr<ValueTable> table_;
  ValueIndex index_ = kNoIndex;
};

TEST_F(ReferenceCreditsTest, AThreadThatMeetsNobodyKeepsNothing) {
  InternOne();
  Release(1);
  EXPECT_EQ(kept(), 0U);
  ExpectSound(kManyReferences);
}

TEST_F(ReferenceCreditsTest, AThreadThatMeetsAnotherKeepsReferencesThatNobodyHolds) {
  InternAtTheSameMoment();
  EXPECT_EQ(kept(), ReferenceCredits::kLoan);
  ExpectSound(kManyReferences + 2);
  InternOne();
  EXPECT_EQ(kept(), ReferenceCredits::kLoan - 1);
  Release(2);
  EXPECT_EQ(kept(), ReferenceCredits::kLoan + 1);
  ExpectSound(kManyReferences + 1);
}

TEST_F(ReferenceCreditsTest, AThreadKeepsAtMostSoMany) {
  InternAtTheSameMoment();
  uint32_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    Release(1);
    most = std::max(most, kept());
  }
  EXPECT_EQ(most, ReferenceCredits::kMost);
  for (int i = 0; i < 1000; ++i) InternOne();
  EXPECT_LE(kept(), ReferenceCredits::kMost);
  ExpectSound(kManyReferences + 2);
}

TEST_F(ReferenceCreditsTest, AValueWithFewReferencesLendsNone) {
  Release(kManyReferences - 100);
  InternAtTheSameMoment();
  EXPECT_EQ(kept(), 0U);
  ExpectSound(102);
}

TEST_F(ReferenceCreditsTest, AThreadGivesBackWhenTheCountFalls) {
  InternAtTheSameMoment();
  Release(kManyReferences + 1);
  EndDrains();
  EXPECT_EQ(kept(), 0U);
  ExpectSound(1);
  Release(1);
  EXPECT_EQ(table_->stats().unreferenced, 1U);
}

// No drain can begin while the section is open.
TEST_F(ReferenceCreditsTest, AThreadGivesBackWhenTheCountFallsWithoutADrain) {
  InternAtTheSameMoment();
  const ReadSection section;
  Release(kManyReferences + 1);
  EXPECT_EQ(kept(), 0U);
  ExpectSound(1);
}

// After its grace period, the drain takes what is left of the credits from before.
TEST_F(ReferenceCreditsTest, AThreadUsesNoCreditFromBeforeADrain) {
  InternAtTheSameMoment();
  ASSERT_EQ(kept(), ReferenceCredits::kLoan);
  StoppedThread draining("synchronize.waits", [] { ReferenceCredits::Drain(); });
  ASSERT_TRUE(draining.stopped());
  InternOne();
  EXPECT_EQ(kept(), ReferenceCredits::kLoan) << "it has given the old ones back, and borrowed anew";
  draining.Finish();
  ExpectSound(kManyReferences + 3);
}

// The thread that keeps credits does nothing more; another one releases all that is held.
class IdleKeeperTest : public ReferenceCreditsTest {
 protected:
  void SetUp() override {
    ReferenceCreditsTest::SetUp();
    InternAtTheSameMoment();
    ASSERT_GT(kept(), 0U);
  }
  void ReleaseAllElsewhere() {
    std::thread([this] { Release(kManyReferences + 2); }).join();
  }
};

TEST_F(IdleKeeperTest, ADrainFindsThatNobodyUsesTheValue) {
  ReleaseAllElsewhere();
  EndDrains();
  EXPECT_EQ(kept(), 0U);
  EXPECT_EQ(table_->stats().unreferenced, 1U);
  ExpectSound(0);
}

TEST_F(IdleKeeperTest, ReclaimAndWaitDrainsFirst) {
  ReleaseAllElsewhere();
  EXPECT_EQ(table_->ReclaimAndWait(), 1U);
  EXPECT_EQ(table_->stats().free, 1U);
}

TEST_F(IdleKeeperTest, EnsureRoomDrainsFirst) {
  ReleaseAllElsewhere();
  EXPECT_EQ(table_->EnsureRoom(table_->max_values()), Status::kOk);
  EXPECT_EQ(table_->stats().live, 0U);
}

// The caller's own drain: that of the library's thread may come later.
TEST_F(IdleKeeperTest, WhoWaitsForRoomDrainsByItself) {
  bool drained = false;
  {
    const AtTestPoint drains("credits.taken_back", [&] { drained = true; });
    table_->ReclaimAndWait();
  }
  EXPECT_TRUE(drained);
  drained = false;
  const AtTestPoint drains("credits.taken_back", [&] { drained = true; });
  EXPECT_EQ(table_->EnsureRoom(1), Status::kOk);
  EXPECT_TRUE(drained);
}

TEST_F(IdleKeeperTest, ADrainLeavesTheValueToWhoHoldsIt) {
  ReferenceCredits::Drain();
  EXPECT_EQ(kept(), 0U);
  ExpectSound(kManyReferences + 2);
  InternOne();
  EXPECT_EQ(kept(), ReferenceCredits::kLoan) << "a thread that has met another borrows again";
  ExpectSound(kManyReferences + 3);
}

TEST_F(IdleKeeperTest, ATableThatGoesTakesItsCreditsAlong) {
  table_.reset();
  EXPECT_EQ(kept(), 0U);
  ReferenceCredits::Drain();
}

TEST_F(IdleKeeperTest, AChildOfForkGoesOnWithItsOwnCredits) {
  const pid_t child = fork();
  if (child == 0) {
    InternOne();
    Release(2);
    const bool right = table_->total_references() == kManyReferences + 1;
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  ExpectSound(kManyReferences + 2);
}

TEST_F(ReferenceCreditsTest, AThreadThatExitsGivesBack) {
  std::thread([this] {
    InternAtTheSameMoment();
    EXPECT_GT(kept(), 0U);
  }).join();
  EXPECT_EQ(kept(), 0U);
  ExpectSound(kManyReferences + 2);
}

TEST_F(ReferenceCreditsTest, AChildOfForkHasNoCreditsOfOtherThreads) {
  StoppedThread keeper("credits.takes", [this] {
    InternAtTheSameMoment();
    InternOne();
  });
  ASSERT_TRUE(keeper.stopped());
  const pid_t child = fork();
  if (child == 0) {
    const bool right = kept() == 0 && table_->total_references() > kManyReferences;
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  keeper.Finish();
  ExpectSound(kManyReferences + 3);
}

// A thread is stopped after it has looked at the epoch, before it takes its credit. Nobody may take
// the credits back meanwhile.
TEST_F(ReferenceCreditsTest, ADrainWaitsForAThreadThatTakesACredit) {
  StoppedThread taker("credits.takes", [this] {
    InternAtTheSameMoment();
    InternOne();
  });
  ASSERT_TRUE(taker.stopped());

  std::mutex mutex;
  std::condition_variable changed;
  bool waits = false;
  bool took_back = false;
  std::atomic<bool> taker_goes_on{false};
  bool took_back_too_early = false;
  std::thread drainer([&] {
    const TestPointHook hook = [&](std::string_view point) {
      std::lock_guard lock(mutex);
      waits = waits || point == "synchronize.waits";
      if (point == "credits.taken_back") {
        took_back = true;
        took_back_too_early = !taker_goes_on;
      }
      changed.notify_all();
    };
    test_point_hook = &hook;
    ReferenceCredits::Drain();
    test_point_hook = nullptr;
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return waits || took_back; });
  }
  taker_goes_on = true;
  taker.Finish();
  drainer.join();
  EXPECT_FALSE(took_back_too_early);
  ExpectSound(kManyReferences + 3);
}

// A thread's place for credits belongs to one value at a time.
TEST_F(ReferenceCreditsTest, ValuesThatShareAPlaceTakeTurns) {
  constexpr uint32_t kPlaces = 512;
  std::vector<ValueIndex> others;
  for (uint64_t number = 2; number <= kPlaces + 1; ++number) {
    ASSERT_EQ(table_->Intern(NumberedValue(number, kCreditValueBytes), &others.emplace_back()),
              Status::kOk);
  }
  ASSERT_EQ(others.back(), index_ + kPlaces);
  for (int i = 0; i < kManyReferences; ++i) {
    ReadSection section;
    ASSERT_TRUE(table_->TryRef(others.back()));
  }
  InternAtTheSameMoment();
  for (int turn = 0; turn < 200; ++turn) {
    const AtTestPoint meets("try_ref.seen", [&] {
      std::thread([&] {
        ReadSection section;
        EXPECT_TRUE(table_->TryRef(others.back()));
        table_->Release(others.back());
      }).join();
    });
    ReadSection section;
    ASSERT_TRUE(table_->TryRef(others.back()));
    table_->Release(others.back());
  }
  std::string reason;
  EXPECT_TRUE(table_->CheckInvariants(&reason)) << reason;
  EXPECT_EQ(table_->total_references(), uint64_t{2} * kManyReferences + 2 + kPlaces);
}

// Threads take and release so that the counts pass the floor again and again, while drains run.
TEST_F(ReferenceCreditsTest, TheCountsAreExactAfterThreadsHaveWorked) {
  constexpr int kThreads = 4;
  constexpr int kValues = 3;
  constexpr int kSteps = 300;
  Release(kManyReferences);
  std::array<std::atomic<int64_t>, kValues> held{};
  const auto work = [&](uint32_t seed) {
    std::minstd_rand random(seed);
    std::array<std::vector<ValueIndex>, kValues> own;
    for (int step = 0; step < kSteps; ++step) {
      const size_t number = random() % kValues;
      std::vector<ValueIndex>& refs = own[number];
      const size_t wanted = random() % 600;
      while (refs.size() > wanted) {
        table_->Release(refs.back());
        refs.pop_back();
      }
      while (refs.size() < wanted) {
        ASSERT_EQ(
            table_->Intern(NumberedValue(100 + number, kCreditValueBytes), &refs.emplace_back()),
            Status::kOk);
      }
      if (random() % 64 == 0) ReferenceCredits::Drain();
      if (random() % 64 == 0) table_->Reclaim();
    }
    for (size_t number = 0; number < kValues; ++number) {
      held[number] += static_cast<int64_t>(own[number].size());
    }
  };
  std::vector<std::thread> threads;
  for (uint32_t seed = 1; seed <= kThreads; ++seed) threads.emplace_back(work, seed);
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(kept(), 0U) << "all threads have ended";
  std::string reason;
  EXPECT_TRUE(table_->CheckInvariants(&reason)) << reason;
  for (int number = 0; number < kValues; ++number) {
    ValueIndex index = kNoIndex;
    ASSERT_EQ(table_->Intern(NumberedValue(100 + static_cast<uint64_t>(number), kCreditValueBytes),
                             &index),
              Status::kOk);
    table_->ForEach([&](ValueIndex at, std::span<const std::byte>, uint32_t count) {
      const int64_t others = held[static_cast<size_t>(number)];
      EXPECT_TRUE(at != index || count == others + 1) << count << " of " << others;
    });
    for (int64_t i = held[static_cast<size_t>(number)] + 1; i > 0; --i) table_->Release(index);
  }
  table_->ReclaimAndWait();
  EXPECT_EQ(table_->total_references(), 0U);
  EXPECT_EQ(table_->stats().live + table_->stats().unreferenced, 0U);
}

}  // namespace
}  // namespace inlay
