// V2: a table reuses an index only after a grace period. Also tests when it reclaims unreferenced
// values.

#include <gtest/gtest.h>

#include <bit>
#include <deque>
#include <optional>
#include <semaphore>
#include <thread>
#include <vector>

#include "inlay/rcu.h"
#include "inlay/value_table.h"
#include "tests/engine/table/made_table.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"
#include "tests/section_elsewhere.h"

namespace inlay {
namespace {

TEST(ValueTableReclaimTest, V2AnIndexIsNotReusedWhileAnOldSectionIsOpen) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 1});
  SectionElsewhere section;
  ValueIndex index = kNoIndex;
  ASSERT_EQ(table->Intern(NumberedValue(1, 8), &index), Status::kOk);
  ASSERT_EQ(index, 1U);
  table->Release(index);
  ASSERT_EQ(table->Reclaim(), 1U);
  for (int i = 0; i < 50; ++i) {
    ValueIndex other = kNoIndex;
    ASSERT_EQ(table->Intern(NumberedValue(2, 8), &other), Status::kNoIndexes);
    ASSERT_EQ(Copied(table->At(index), 8), NumberedValue(1, 8));
    table->Reclaim();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(table->stats().retired, 1U);
  section.End();
  Synchronize();
  ValueIndex other = kNoIndex;
  EXPECT_EQ(table->Intern(NumberedValue(2, 8), &other), Status::kOk);
  EXPECT_EQ(other, index);
  ExpectSound(*table);
}

// A section that begins after a value is retired cannot find the value. It delays only a grace
// period that begins during it.
TEST(ValueTableReclaimTest, ARetiredValueIsAddedAnewUnderAnotherIndex) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 10});
  ReadSection section;
  ValueIndex first = kNoIndex;
  ASSERT_EQ(table->Intern(NumberedValue(1, 8), &first), Status::kOk);
  table->Release(first);
  ASSERT_EQ(table->Reclaim(), 1U);
  ValueIndex second = kNoIndex;
  ASSERT_EQ(table->Intern(NumberedValue(1, 8), &second), Status::kOk);
  EXPECT_NE(first, second);
  EXPECT_EQ(Copied(table->At(first), 8), Copied(table->At(second), 8));
}

TEST(ValueTableReclaimTest, TogglingBetweenZeroAndOneReferencesReclaimsNothing) {
  const auto table = MakeTable({.value_bytes = 100, .max_values = 510});
  ValueIndex others = kNoIndex;
  for (uint64_t n = 1000; n < 1300; ++n) {
    ASSERT_EQ(table->Intern(NumberedValue(n, 100), &others), Status::kOk);
  }
  ValueIndex first = kNoIndex;
  ASSERT_EQ(table->Intern(NumberedValue(1, 100), &first), Status::kOk);
  table->Release(first);
  const ValueTableStats before = table->stats();
  for (int i = 0; i < 100000; ++i) {
    ValueIndex index = kNoIndex;
    ASSERT_EQ(table->Intern(NumberedValue(1, 100), &index), Status::kOk);
    ASSERT_EQ(index, first);
    table->Release(index);
  }
  const ValueTableStats after = table->stats();
  EXPECT_EQ(after.reclaimed, before.reclaimed);
  EXPECT_EQ(after.unreferenced, 1U);
  EXPECT_EQ(after.never_used, before.never_used);
  EXPECT_EQ(after.memory.total_bytes(), before.memory.total_bytes());
}

// A few values come and go in a table with room for all: the table reclaims none.
TEST(ValueTableReclaimTest, FewUnreferencedValuesAreKeptWhileThereIsRoom) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 1000});
  for (uint64_t n = 0; n < 500; ++n) {
    ValueIndex index = kNoIndex;
    ASSERT_EQ(table->Intern(NumberedValue(n, 8), &index), Status::kOk);
    if (n % 25 == 0) table->Release(index);
  }
  EXPECT_EQ(table->stats().reclaimed, 0U);
}

TEST(ValueTableReclaimTest, MoreValuesThanIndexesPassThroughOverTime) {
  constexpr uint32_t kMaxValues = 2000;
  const auto table = MakeTable({.value_bytes = 8, .max_values = kMaxValues});
  int waits = 0;
  for (uint64_t n = 0; n < 20000; ++n) {
    ValueIndex index = kNoIndex;
    Status status = table->Intern(NumberedValue(n, 8), &index);
    for (int tries = 0; IsNoMemory(status) && tries < 3; ++tries) {
      ++waits;
      Synchronize();
      status = table->Intern(NumberedValue(n, 8), &index);
    }
    ASSERT_EQ(status, Status::kOk) << n;
    ASSERT_LE(index, kMaxValues);
    ASSERT_EQ(Copied(table->At(index), 8), NumberedValue(n, 8));
    table->Release(index);
  }
  const ValueTableStats stats = table->stats();
  EXPECT_GE(stats.reclaimed, 20000U - kMaxValues);
  EXPECT_LT(waits, 5000) << "new values share grace periods";
  ExpectSound(*table);
}

// The clock hand still knows them as values without a reference.
TEST(ValueTableReclaimTest, ValuesThatAreReferencedAgainAreNotReclaimed) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 64, .background = false});
  for (uint64_t n = 0; n < 32; ++n) {
    ValueIndex index = kNoIndex;
    ValueIndex again = kNoIndex;
    ASSERT_EQ(table->Intern(NumberedValue(n, 8), &index), Status::kOk);
    table->Release(index);
    ASSERT_EQ(table->Intern(NumberedValue(n, 8), &again), Status::kOk);
    ASSERT_EQ(again, index);
  }
  EXPECT_EQ(table->Reclaim(), 0U);
  EXPECT_EQ(table->stats().live, 32U);
  ExpectSound(*table);
}

TEST(ValueTableReclaimTest, ReferencedValuesAreNeverReclaimed) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 64});
  std::vector<ValueIndex> kept;
  for (uint64_t n = 0; n < 32; ++n) {
    kept.push_back(kNoIndex);
    ASSERT_EQ(table->Intern(NumberedValue(n, 8), &kept.back()), Status::kOk);
  }
  for (uint64_t n = 100; n < 3000; ++n) {
    ValueIndex index = kNoIndex;
    if (table->Intern(NumberedValue(n, 8), &index) == Status::kOk) {
      table->Release(index);
    } else {
      Synchronize();
    }
    if (n % 500 == 0) table->Reclaim();
  }
  for (uint64_t n = 0; n < 32; ++n) {
    ValueIndex index = kNoIndex;
    ASSERT_EQ(table->Intern(NumberedValue(n, 8), &index), Status::kOk);
    EXPECT_EQ(index, kept[n]);
  }
}

// Tombstones that come and go with values must not make the hash index grow.
TEST(ValueTableReclaimTest, TheHashIndexDoesNotGrowWithTurnover) {
  constexpr uint32_t kMaxValues = 1000;
  const auto table = MakeTable({.value_bytes = 8, .max_values = kMaxValues});
  for (uint64_t n = 0; n < 20000; ++n) {
    ValueIndex index = kNoIndex;
    while (table->Intern(NumberedValue(n, 8), &index) != Status::kOk) Synchronize();
    table->Release(index);
  }
  EXPECT_LE(table->stats().slots, std::bit_ceil(2 * kMaxValues));
}

// However fast the test fills the table: it needs no grace period, and has room left.
TEST(ValueTableReclaimTest, FewUnreferencedValuesAreKeptInATableThatIsNineTenthsFull) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 10000});
  for (uint64_t n = 0; n < 9000; ++n) {
    ValueIndex index = kNoIndex;
    ASSERT_EQ(table->Intern(NumberedValue(n, 8), &index), Status::kOk);
    if (n % 450 == 0) table->Release(index);
  }
  EXPECT_EQ(table->stats().reclaimed, 0U);
  EXPECT_EQ(table->stats().unreferenced, 20U);
}

// New values live for one round beside others that stay. In one round of `slow_every` an open
// section makes the grace period as long as the round; in the other rounds a grace period passes
// with every tenth value. Returns how many values of the second half of the rounds found no index.
// The library's thread must not help: how often it runs depends on the machine.
struct Turnover {
  uint64_t staying = 0;
  uint64_t new_per_round = 0;
  int rounds = 0;
  int slow_every = 1;
};

uint32_t FailuresOfTurnover(ValueTable* table, const Turnover& turnover) {
  ValueIndex index = kNoIndex;
  for (uint64_t n = 0; n < turnover.staying; ++n) {
    EXPECT_EQ(table->Intern(NumberedValue(n, 8), &index), Status::kOk);
  }
  uint64_t next = turnover.staying;
  uint32_t failures = 0;
  std::vector<ValueIndex> living;
  for (int round = 0; round < 2 * turnover.rounds; ++round) {
    if (round == turnover.rounds) failures = 0;  // the first half is the warm-up
    std::optional<SectionElsewhere> section;
    const bool slow = round % turnover.slow_every == 0;
    if (slow) section.emplace();
    std::vector<ValueIndex> made;
    for (uint64_t n = 0; n < turnover.new_per_round; ++n) {
      if (table->Intern(NumberedValue(next++, 8), &index) == Status::kOk) {
        made.push_back(index);
      } else {
        ++failures;
      }
      if (!slow && n % 10 == 9) Synchronize();
    }
    for (const ValueIndex dead : living) table->Release(dead);
    living = std::move(made);
    section.reset();
    Synchronize();
  }
  ExpectSound(*table);
  return failures;
}

TEST(ValueTableReclaimTest, SteadyNewValuesFindIndexesWhileManyAreDead) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 4094, .background = false});
  EXPECT_EQ(FailuresOfTurnover(table.get(), {.staying = 500, .new_per_round = 250, .rounds = 60}),
            0U);
  // Nor does the table grow forever.
  EXPECT_GT(table->stats().never_used, 2000U);
}

TEST(ValueTableReclaimTest, SteadyNewValuesFindIndexesInATableThatIsNearlyFull) {
  for (const int slow_every : {1, 1'000'000}) {
    const auto table = MakeTable({.value_bytes = 8, .max_values = 4094, .background = false});
    EXPECT_EQ(FailuresOfTurnover(
                  table.get(),
                  {.staying = 2800, .new_per_round = 250, .rounds = 60, .slow_every = slow_every}),
              0U);
  }
}

TEST(ValueTableReclaimTest, SteadyNewValuesFindIndexesInASmallTable) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 510, .background = false});
  EXPECT_EQ(FailuresOfTurnover(table.get(), {.staying = 300, .new_per_round = 40, .rounds = 200}),
            0U);
}

// Readers and the scheduler determine the length of a grace period. After some short ones the table
// is still prepared for a long one.
TEST(ValueTableReclaimTest, SteadyNewValuesFindIndexesThoughGracePeriodsDiffer) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 4094, .background = false});
  EXPECT_EQ(
      FailuresOfTurnover(table.get(),
                         {.staying = 2800, .new_per_round = 250, .rounds = 60, .slow_every = 4}),
      0U);
}

// A table that fills up for the first time: it must begin to reclaim before its indexes run out.
TEST(ValueTableReclaimTest, AFirstFillFindsIndexesWhileManyAreUnreferenced) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 510, .background = false});
  std::deque<ValueIndex> living;
  uint64_t next = 0;
  ValueIndex index = kNoIndex;
  for (; next < 400; ++next) {
    ASSERT_EQ(table->Intern(NumberedValue(next, 8), &index), Status::kOk);
    living.push_back(index);
  }
  for (int round = 0; round < 40; ++round) {
    Synchronize();
    const SectionElsewhere section;  // no grace period begins and ends within a round
    for (int n = 0; n < 10; ++n, ++next) {
      ASSERT_EQ(table->Intern(NumberedValue(next, 8), &index), Status::kOk)
          << "round " << round << ": " << table->stats().unreferenced << " are unreferenced";
      living.push_back(index);
      table->Release(living.front());
      living.pop_front();
    }
  }
  ExpectSound(*table);
}

// A reload replaces all values at once: half of the indexes hold the old ones, and half the new. In
// between nobody asks for an index, and the table makes room for the next reload.
TEST(ValueTableReclaimTest, AHundredReloadsOfHalfTheIndexesFindIndexes) {
  constexpr uint64_t kValues = 500;
  const auto table = MakeTable({.value_bytes = 100, .max_values = 1022});
  std::vector<ValueIndex> held;
  uint64_t next = 0;
  for (int reload = 0; reload < 100; ++reload) {
    std::vector<ValueIndex> made;
    for (uint64_t n = 0; n < kValues; ++n) {
      ValueIndex index = kNoIndex;
      ASSERT_EQ(table->Intern(NumberedValue(next++, 100), &index), Status::kOk)
          << "reload " << reload << ", value " << n;
      made.push_back(index);
    }
    for (const ValueIndex index : held) table->Release(index);
    held = std::move(made);
    int grace_periods = 0;
    for (ValueTableStats stats = table->stats();
         stats.free + stats.never_used + stats.retired < kValues; stats = table->stats()) {
      ASSERT_LT(++grace_periods, 100) << "reload " << reload;
      RetireBarrier();
    }
    // Both batches of retired indexes become reusable.
    for (int i = 0; i < 2; ++i) RetireBarrier();
  }
  for (const ValueIndex index : held) table->Release(index);
  ExpectSound(*table);
}

TEST(ValueTableReclaimTest, ATableAtRestKeepsUnreferencedValuesWhileThereIsRoom) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 2000});
  std::vector<ValueIndex> held;
  for (uint64_t n = 0; n < 1000; ++n) {
    held.push_back(kNoIndex);
    ASSERT_EQ(table->Intern(NumberedValue(n, 8), &held.back()), Status::kOk);
  }
  for (size_t n = 0; n < 500; ++n) table->Release(held[n]);
  for (int i = 0; i < 50; ++i) RetireBarrier();
  EXPECT_EQ(table->stats().unreferenced, 500U);
  EXPECT_EQ(table->stats().reclaimed, 0U);
}

// A step of the library's thread may be under way, or wait, when the table goes.
TEST(ValueTableReclaimTest, ATableMayGoWhileItMakesRoom) {
  for (int round = 0; round < 50; ++round) {
    const auto table = MakeTable({.value_bytes = 8, .max_values = 510});
    std::vector<ValueIndex> held;
    for (uint64_t n = 0; n < 510; ++n) {
      held.push_back(kNoIndex);
      ASSERT_EQ(table->Intern(NumberedValue(n, 8), &held.back()), Status::kOk);
    }
    for (size_t n = 0; n < 200; ++n) table->Release(held[n]);
    for (int i = 0; i < round % 4; ++i) Synchronize();
  }
  RetireBarrier();
}

// All values die and come back in each round, with one new value a round, and all fit. The table
// may reclaim hardly any of them, and nor may the library's thread in the middle of a round, while
// some are dead and others are not.
TEST(ValueTableReclaimTest, ValuesThatComeBackAreNotDrivenOutByAFewNewOnes) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 510});
  constexpr int kRounds = 200;
  uint64_t next = 500;
  for (int round = 0; round < kRounds; ++round) {
    {
      const ReadSection one_grace_period_at_most;
      std::vector<ValueIndex> made;
      ValueIndex index = kNoIndex;
      for (uint64_t n = 0; n < 500; ++n) {
        if (table->Intern(NumberedValue(n, 8), &index) == Status::kOk) made.push_back(index);
      }
      if (table->Intern(NumberedValue(next++, 8), &index) == Status::kOk) made.push_back(index);
      for (const ValueIndex dead : made) table->Release(dead);
    }
    Synchronize();
  }
  EXPECT_LT(table->stats().reclaimed, 10U * kRounds);
}

// The table uses the indexes again that it kept free for a long one.
TEST(ValueTableReclaimTest, ALongGracePeriodIsForgottenInTheEnd) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 2000});
  uint64_t next = 0;
  const auto come_and_go = [&](uint64_t values) {
    for (uint64_t n = 0; n < values; ++n) {
      ValueIndex index = kNoIndex;
      if (table->Intern(NumberedValue(next++, 8), &index) == Status::kOk) table->Release(index);
    }
  };
  come_and_go(1000);
  {
    const SectionElsewhere section;
    come_and_go(300);
  }
  const auto quiet = [&](int grace_periods) {
    for (int i = 0; i < grace_periods; ++i) {
      Synchronize();
      come_and_go(1);
    }
  };
  quiet(20);
  EXPECT_GT(table->stats().free, 200U);
  quiet(3000);
  EXPECT_LT(table->stats().free, 20U);
}

// The table rebuilds a hash index full of tombstones although the account has no room for a second
// one.
TEST(ValueTableReclaimTest, TurnoverGoesOnAtAnAccountsLimit) {
  Account account(2000);
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(ValueTable::Create({.value_bytes = 8, .account = &account}, &table), Status::kOk);
  for (uint64_t n = 0; n < 5000; ++n) {
    ValueIndex index = kNoIndex;
    Status status = table->Intern(NumberedValue(n, 8), &index);
    for (int tries = 0; IsNoMemory(status) && tries < 3; ++tries) {
      Synchronize();
      status = table->Intern(NumberedValue(n, 8), &index);
    }
    ASSERT_EQ(status, Status::kOk) << n;
    table->Release(index);
  }
  ExpectSound(*table);
}

TEST(ValueTableReclaimTest, ReclaimReturnsHowManyAndMakesThemUsableAfterAGracePeriod) {
  const auto table = MakeTable({.value_bytes = 8, .max_values = 10});
  for (int round = 0; round < 20; ++round) {
    ValueIndex index[10];
    for (uint64_t n = 0; n < 10; ++n) {
      ASSERT_EQ(table->Intern(NumberedValue(n + 10 * static_cast<uint64_t>(round), 8), &index[n]),
                Status::kOk);
    }
    for (const ValueIndex i : index) table->Release(i);
    EXPECT_EQ(table->Reclaim(), 10U);
    EXPECT_EQ(table->Reclaim(), 0U);
    Synchronize();
  }
}

}  // namespace
}  // namespace inlay
