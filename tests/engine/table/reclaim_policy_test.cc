#include "engine/table/reclaim_policy.h"

#include <gtest/gtest.h>

namespace inlay {
namespace {

TEST(DemandTest, RemembersTheHighestAndForgetsItSlowly) {
  Demand demand;
  EXPECT_EQ(demand.highest(), 0U);
  for (int i = 0; i < 50; ++i) demand.Ask(1000);
  EXPECT_EQ(demand.highest(), 50U) << "a period counts before it is over";
  demand.EndPeriod();
  EXPECT_EQ(demand.highest(), 50U);
  // A period with a demand of 32 forgets 2 of the 50; one without any forgets 1.
  for (int i = 0; i < 32; ++i) demand.Ask(1000);
  demand.EndPeriod();
  EXPECT_EQ(demand.highest(), 48U);
  demand.EndPeriod();
  EXPECT_EQ(demand.highest(), 47U);
  for (int i = 0; i < 47; ++i) demand.EndPeriod();
  EXPECT_EQ(demand.highest(), 0U);
  demand.EndPeriod();
  EXPECT_EQ(demand.highest(), 0U);
}

TEST(DemandTest, AskedForOverALongTimeIsNotADemand) {
  Demand demand;
  for (int i = 0; i < 100; ++i) {
    demand.Restart();
    demand.Ask(1000);
  }
  EXPECT_EQ(demand.highest(), 1U);
}

TEST(DemandTest, IsNeverMoreThanThereAreIndexes) {
  Demand demand;
  for (int i = 0; i < 10; ++i) demand.Ask(4);
  EXPECT_EQ(demand.highest(), 4U);
}

// A table of 510 indexes, nearly full: 40 unreferenced values of 490.
ReclaimState NearlyFull() {
  return {.max_values = 510, .used = 490, .live = 490, .unreferenced = 40, .demand = 10};
}

bool Sweeps(const ReclaimState& table) { return PlanReclaim(table).steps > 0; }

TEST(PlanReclaimTest, WantsThreeDemandsAtHand) {
  ReclaimState table = NearlyFull();
  EXPECT_TRUE(Sweeps(table));  // 20 at hand
  table.coming = 10;
  EXPECT_TRUE(Sweeps(table)) << "30 are not more than three demands";
  table.coming = 11;
  EXPECT_FALSE(Sweeps(table));
  table.coming = 0;
  table.free = 11;
  EXPECT_FALSE(Sweeps(table));
}

TEST(PlanReclaimTest, SweepsNothingIfEveryValueIsReferenced) {
  ReclaimState table = NearlyFull();
  for (const int64_t unreferenced : {0, -3}) {
    table.unreferenced = unreferenced;
    EXPECT_FALSE(Sweeps(table));
  }
}

TEST(PlanReclaimTest, WantsAFourthOfTheUsedIndexesAtMost) {
  ReclaimState table = NearlyFull();
  table.demand = 500;
  table.coming = 490 / kMostWantedShare - 20;
  EXPECT_TRUE(Sweeps(table));
  ++table.coming;
  EXPECT_FALSE(Sweeps(table));
}

TEST(PlanReclaimTest, WantsAReserveHoweverSmallTheDemand) {
  ReclaimState table = NearlyFull();
  table.demand = 1;
  table.used = table.live = 503;  // 7 left, and a 64th is 7
  EXPECT_TRUE(Sweeps(table));
  table.used = table.live = 502;
  EXPECT_FALSE(Sweeps(table));
}

TEST(PlanReclaimTest, ATableUnderChurnStopsGrowing) {
  // More than half as many values are dead as are referenced: indexes that were never used do not
  // count.
  ReclaimState table{.max_values = 510, .used = 200, .live = 200, .unreferenced = 100, .demand = 1};
  EXPECT_TRUE(Sweeps(table));
  table.unreferenced = kKeptUnreferenced;
  EXPECT_FALSE(Sweeps(table));
}

TEST(PlanReclaimTest, WithoutAnIndexTheHandGoesRound) {
  ReclaimState table = NearlyFull();
  table.used = table.live = 510;
  EXPECT_EQ(PlanReclaim(table).steps, 1020U);
  EXPECT_EQ(PlanReclaim(table).enough, 31U);
  table = NearlyFull();
  table.starved = true;  // 20 indexes are left that the table cannot have
  EXPECT_EQ(PlanReclaim(table).steps, 980U);
  EXPECT_EQ(PlanReclaim(table).enough, 31U);
  EXPECT_EQ(PlanReclaim(NearlyFull()).enough, kSweepYield);
}

TEST(PlanReclaimTest, TheLessIsAtHandTheFartherTheHandGoes) {
  ReclaimState table = NearlyFull();  // wants 30
  table.free = 10;
  EXPECT_EQ(PlanReclaim(table).steps, kSweepStep) << "30 at hand";
  table.free = 0;
  EXPECT_EQ(PlanReclaim(table).steps, (1 + kSweepHaste * 10 / 30) * kSweepStep) << "20 at hand";
  table.used = 509;
  EXPECT_EQ(PlanReclaim(table).steps, (1 + kSweepHaste * 29 / 30) * kSweepStep) << "1 at hand";
  EXPECT_EQ(PlanReclaim(table).enough, kSweepYield);
}

TEST(PlanReclaimTest, DemandIsMeasuredWhenItMatters) {
  ReclaimState table = NearlyFull();
  EXPECT_FALSE(MustKnowDemand(table)) << "40 unreferenced values are kept anyway";
  table.unreferenced = kKeptUnreferenced;
  EXPECT_FALSE(MustKnowDemand(table));
  table.unreferenced = kKeptUnreferenced + 1;
  EXPECT_TRUE(MustKnowDemand(table));
  table.used = table.live = 408;  // 102 left, and 102 may be wanted
  EXPECT_TRUE(MustKnowDemand(table));
  table.used = table.live = 407;
  EXPECT_FALSE(MustKnowDemand(table));
}

// 500 values are referenced, and their 500 predecessors are not.
ReclaimState Reloaded() {
  return {.max_values = 1022, .used = 1000, .live = 1000, .unreferenced = 500};
}

TEST(PlanIdleReclaimTest, PreparesForAReloadOfAllReferencedValues) {
  ReclaimState table = Reloaded();
  EXPECT_TRUE(FewAtHand(table));
  EXPECT_EQ(PlanIdleReclaim(table).enough, 478U) << "22 were never used";
  EXPECT_EQ(PlanIdleReclaim(table).steps, 1000U);
  table.coming = 478;
  table.live = 522;
  table.unreferenced = 22;
  EXPECT_FALSE(FewAtHand(table));
  EXPECT_EQ(PlanIdleReclaim(table).steps, 0U);
}

TEST(PlanIdleReclaimTest, KeepsUnreferencedValuesWhileThereIsRoom) {
  ReclaimState table = Reloaded();
  table.max_values = 1500;
  EXPECT_FALSE(FewAtHand(table)) << "500 indexes were never used";
  EXPECT_EQ(PlanIdleReclaim(table).steps, 0U);
  table.starved = true;
  EXPECT_TRUE(FewAtHand(table)) << "the table cannot have them";
  EXPECT_EQ(PlanIdleReclaim(table).enough, 500U);
}

TEST(PlanIdleReclaimTest, KeepsAFewUnreferencedValuesHoweverFullTheTableIs) {
  ReclaimState table = Reloaded();
  table.unreferenced = kKeptUnreferenced;
  EXPECT_EQ(PlanIdleReclaim(table).steps, 0U);
  table.unreferenced = kKeptUnreferenced + 1;
  EXPECT_EQ(PlanIdleReclaim(table).enough, 1022 / kMostIdleShare - 22) << "a share at most";
}

TEST(PlanIdleReclaimTest, ValuesThatNobodyNeedsRoomForStay) {
  ReclaimState table = Reloaded();
  table.unreferenced = 1000;
  EXPECT_EQ(PlanIdleReclaim(table).steps, 0U) << "nothing is referenced that could be replaced";
  table.unreferenced = 1003;  // a count that is being changed
  EXPECT_EQ(PlanIdleReclaim(table).steps, 0U);
}

TEST(PlanIdleReclaimTest, AStepIsBounded) {
  const ReclaimState table{
      .max_values = 65534, .used = 65534, .live = 65534, .unreferenced = 30000};
  EXPECT_EQ(PlanIdleReclaim(table).steps, kIdleSteps);
  EXPECT_EQ(PlanIdleReclaim(table).enough, kIdleYield);
}

}  // namespace
}  // namespace inlay
