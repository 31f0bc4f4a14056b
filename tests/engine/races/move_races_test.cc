// An owner moves while the library brings it home.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "engine/sync/owner_locks.h"
#include "inlay/index_map.h"
#include "inlay/store.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/engine/races/two_value_map.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct MovingOwner {
  InlineWords<16> words;
  InlineWords<16>& inline_words() { return words; }
  const InlineWords<16>& inline_words() const { return words; }
};

// A table of two values: one has an owner, the other index is free, and `from_` has spilled.
class MoveRacesTest : public TwoValueMap<MovingOwner> {
 protected:
  MoveRacesTest() {
    MovingOwner other;
    Update(keeper_, 0);
    Update(other, 1);
    Update(from_, 2);
    store_->Close(other);
    EXPECT_EQ(map_->Reclaim(), 1U);
  }
  ~MoveRacesTest() override {
    store_->Close(keeper_);
    store_->Close(to_);
  }

  void ExpectMoved(bool is_spilled) {
    EXPECT_EQ(Get(to_), 2U);
    EXPECT_EQ(IsSpilled(to_), is_spilled);
    EXPECT_EQ(map_->stats().spilled_now, is_spilled ? 1U : 0U);
    EXPECT_EQ(map_->table().total_references(), is_spilled ? 1U : 2U);
    EXPECT_EQ(map_->stats().missing_private, 0U);
  }

  // A place whose lock is not that of `from_`, so that a thread may hold one and wait for the
  // other.
  MovingOwner& Elsewhere() {
    OwnerLocks locks;
    size_t at = 1;
    while (&locks.Of(&places_[at]) == &locks.Of(&places_[0])) ++at;
    return places_[at];
  }

  MovingOwner keeper_;
  MovingOwner places_[64];
  MovingOwner& from_ = places_[0];
  MovingOwner& to_ = Elsewhere();
};

// A step has found the value, and would swap the code. The move is first, and waits for the step to
// leave the owner alone.
TEST_F(MoveRacesTest, AMoveWaitsForAStepThatHasFoundTheValue) {
  for (const char* const point : {"bring_home.value_found", "bring_home.interned"}) {
    SCOPED_TRACE(point);
    StoppedThread step(point, [this] { map_->BringHome(1); });
    ASSERT_TRUE(step.stopped());
    Status status = Status::kInvalid;
    StoppedThread move("mutex.waits", [&] { status = store_->Move(from_, to_); });
    ASSERT_TRUE(move.stopped());
    step.Finish();
    move.Finish();
    EXPECT_EQ(status, Status::kOk);
    ExpectMoved(true);
    ASSERT_EQ(store_->Move(to_, from_), Status::kOk);
  }
  ASSERT_EQ(store_->Move(from_, to_), Status::kOk);
}

// A step brings the owner home between the copy of its private value and the move of its code.
TEST_F(MoveRacesTest, AnOwnerThatComesHomeMeanwhileMovesItsIndex) {
  StoppedThread move("move.prepared", [this] { EXPECT_EQ(store_->Move(from_, to_), Status::kOk); });
  ASSERT_TRUE(move.stopped());
  EXPECT_EQ(map_->BringHome(10), 1U) << "the copy for the new place is nobody's yet";
  move.Finish();
  ExpectMoved(false);
}

// A step finds the copy before the code is in its new place.
TEST_F(MoveRacesTest, AStepLeavesACopyAloneThatNoCodeNames) {
  StoppedThread move("move.code_taken",
                     [this] { EXPECT_EQ(store_->Move(from_, to_), Status::kOk); });
  ASSERT_TRUE(move.stopped());
  EXPECT_EQ(map_->BringHome(10), 0U);
  move.Finish();
  ExpectMoved(true);
  EXPECT_EQ(map_->BringHome(10), 1U);
  ExpectMoved(false);
}

// A get of the old place finds the value or none, at every moment.
TEST_F(MoveRacesTest, AGetOfTheOldPlaceEnds) {
  for (const char* const point : {"move.prepared", "move.code_taken"}) {
    SCOPED_TRACE(point);
    StoppedThread move(point, [this] { EXPECT_EQ(store_->Move(from_, to_), Status::kOk); });
    ASSERT_TRUE(move.stopped());
    EXPECT_EQ(Get(from_), std::string(point) == "move.prepared" ? 2U : kAbsent);
    move.Finish();
    EXPECT_EQ(Get(from_), kAbsent);
    ASSERT_EQ(store_->Move(to_, from_), Status::kOk);
  }
  ASSERT_EQ(store_->Move(from_, to_), Status::kOk);
}

}  // namespace
}  // namespace inlay
