// An attacker varies values, beside ordinary owners of the same map: no value is ever wrong, the
// cost in steps and bytes is bounded, and the map recovers by itself after the attack.

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kAttackBytes = 48;
constexpr size_t kOrdinaryOwners = 200;
constexpr uint64_t kOrdinaryValues = 20;

struct Attack {
  uint32_t width_bits;
  size_t attackers;
  size_t table_limit_bytes;  // of the store's account
};

class CardinalityAttackTest : public testing::TestWithParam<Attack> {
 protected:
  using Owner = PlainOwner<16>;

  void SetUp() override { Make(false); }
  void Make(bool background) {
    map_.reset();
    ASSERT_EQ(
        Store::Create({.reserved_bits = 16, .table_limit_bytes = GetParam().table_limit_bytes},
                      &store_),
        Status::kOk);
    MapOptions options;
    options.value_bytes = kAttackBytes;
    options.width_bits = GetParam().width_bits;
    options.background = background;
    ASSERT_EQ(IndexMap::Create(*store_, options, &map_), Status::kOk);
    ordinary_.resize(kOrdinaryOwners);
    attackers_.resize(GetParam().attackers);
  }
  void TearDown() override {
    for (Owner& owner : ordinary_) store_->Close(owner);
    for (Owner& owner : attackers_) store_->Close(owner);
    EXPECT_EQ(map_->table().total_references(), 0U);
    EXPECT_EQ(map_->stats().spilled_now, 0U);
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    map_.reset();
    EXPECT_EQ(store_->account().used_bytes(), 0U);
  }

  // New ones in each round, so that they need indexes that others have given up.
  static Bytes OrdinaryValue(size_t owner, uint64_t round) {
    return NumberedValue(1'000'000'000 + round * kOrdinaryValues + owner % kOrdinaryValues,
                         kAttackBytes);
  }
  // Whether the owner holds exactly this.
  bool Holds(const Owner& owner, const Bytes& value) const {
    const ReadSection section;
    return Copied(map_->Get(owner), kAttackBytes) == value;
  }
  void UpdateOrdinary(uint64_t round) {
    for (size_t i = 0; i < ordinary_.size(); ++i) {
      ASSERT_EQ(map_->Update(ordinary_[i], OrdinaryValue(i, round), UpdateFlag::kAny), Status::kOk);
    }
    for (size_t i = 0; i < ordinary_.size(); ++i) {
      ASSERT_TRUE(Holds(ordinary_[i], OrdinaryValue(i, round))) << "owner " << i;
    }
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
  std::deque<Owner> ordinary_;
  std::deque<Owner> attackers_;
};

TEST_P(CardinalityAttackTest, NeverAWrongValueBoundedStepsAndBackToNormal) {
  ASSERT_NO_FATAL_FAILURE(UpdateOrdinary(0));
  ASSERT_EQ(map_->stats().spilled_now, 0U) << "the ordinary owners do not fit";

  constexpr uint64_t kRounds = 2;
  uint64_t next = 0;
  for (uint64_t round = 1; round <= kRounds; ++round) {
    SCOPED_TRACE(round);
    const uint64_t first = next;
    for (Owner& owner : attackers_) {
      ASSERT_EQ(map_->Update(owner, NumberedValue(next++, kAttackBytes), UpdateFlag::kAny),
                Status::kOk);
    }
    ASSERT_NO_FATAL_FAILURE(UpdateOrdinary(round));
    for (size_t i = 0; i < attackers_.size(); ++i) {
      ASSERT_TRUE(Holds(attackers_[i], NumberedValue(first + i, kAttackBytes))) << "attacker " << i;
    }
    // Steps: the hash index keeps its fill limit, so searches stay short.
    const IndexMapStats stats = map_->stats();
    const ValueTableStats& table = stats.table;
    EXPECT_LE(3 * uint64_t{table.live + table.unreferenced + table.tombstones},
              2 * uint64_t{table.slots} + 3);
    EXPECT_LT(table.mean_probe, 4.0);
    EXPECT_GT(stats.spilled_now, 0U) << "there is no attack";
    // Bytes.
    EXPECT_LE(store_->account().used_bytes(), GetParam().table_limit_bytes);
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
  }

  // The attack ends without cleanup. Ordinary writes and grace periods bring all owners back into
  // the table.
  for (Owner& owner : attackers_) ASSERT_EQ(map_->Delete(owner), Status::kOk);
  constexpr uint64_t kRoundsToRecover = 4;
  for (uint64_t round = 0; round < kRoundsToRecover; ++round) {
    ASSERT_NO_FATAL_FAILURE(UpdateOrdinary(kRounds + 1 + round));
    Synchronize();
  }
  const uint64_t spilled_before = map_->stats().spilled;
  ASSERT_NO_FATAL_FAILURE(UpdateOrdinary(100));
  const IndexMapStats stats = map_->stats();
  EXPECT_EQ(stats.spilled_now, 0U);
  EXPECT_EQ(stats.spilled, spilled_before);
  EXPECT_EQ(stats.table.live, kOrdinaryValues);
}

// With the library's thread nobody needs to write: those that the attack has driven out of the
// table come back when it ends.
TEST_P(CardinalityAttackTest, TheLibrarysThreadBringsAllHomeAfterTheAttack) {
  ASSERT_NO_FATAL_FAILURE(Make(true));
  uint64_t next = 0;
  for (Owner& owner : attackers_) {
    ASSERT_EQ(map_->Update(owner, NumberedValue(next++, kAttackBytes), UpdateFlag::kAny),
              Status::kOk);
  }
  ASSERT_NO_FATAL_FAILURE(UpdateOrdinary(1));
  ASSERT_GT(map_->stats().spilled_now, 0U) << "there is no attack";
  for (Owner& owner : attackers_) store_->Close(owner);
  constexpr int kManySteps = 20'000;
  for (int step = 0; step < kManySteps && map_->stats().spilled_now > 0; ++step) RetireBarrier();
  EXPECT_EQ(map_->stats().spilled_now, 0U);
  for (size_t i = 0; i < ordinary_.size(); ++i) {
    EXPECT_TRUE(Holds(ordinary_[i], OrdinaryValue(i, 1))) << "owner " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Widths, CardinalityAttackTest,
    testing::Values(Attack{9, 1000, Account::kUnlimited}, Attack{9, 1000, 16U << 10},
                    Attack{12, 8000, Account::kUnlimited}, Attack{12, 8000, 128U << 10},
                    Attack{16, 67'000, Account::kUnlimited}, Attack{16, 10'000, 512U << 10}),
    [](const testing::TestParamInfo<Attack>& attack) {
      return std::to_string(attack.param.width_bits) + "Bits" +
             (attack.param.table_limit_bytes == Account::kUnlimited ? "" : "Limited");
    });

}  // namespace
}  // namespace inlay
