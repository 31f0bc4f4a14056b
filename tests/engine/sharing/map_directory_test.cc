// Maps that modules open by name: handles, replacement by a map of another schema, and sweeping.

#include "inlay/map_directory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct OldPolicy {
  uint64_t rate = 0;
};
struct Policy {  // has grown
  uint64_t rate = 0;
  uint64_t burst = 0;
};

bool Grow(const SnapshotHeader& /*from*/, std::span<const std::byte> old,
          std::span<std::byte> value) {
  Policy grown;
  std::memcpy(&grown.rate, old.data(), sizeof(grown.rate));
  grown.burst = 2 * grown.rate;
  std::memcpy(value.data(), &grown, sizeof(grown));
  return true;
}

class MapDirectoryTest : public testing::Test {
 protected:
  using Owner = PlainOwner<64>;

  void SetUp() override {
    ASSERT_EQ(Store::Create({.reserved_bits = 64}, &store_), Status::kOk);
    ASSERT_EQ(MapDirectory::Create(*store_, &directory_), Status::kOk);
  }
  void TearDown() override {
    for (Owner& owner : owners_) store_->Close(owner);
    directory_.reset();
    EXPECT_EQ(store_->account().used_bytes(), 0U);
  }

  static OpenOptions Named(const char* name, uint64_t schema, bool keep = false,
                           uint32_t width_bits = 10) {
    OpenOptions options;
    options.map.name = name;
    options.map.width_bits = width_bits;
    options.map.background = false;
    options.schema = schema;
    options.keep = keep;
    return options;
  }
  template <typename T>
  Status Open(const OpenOptions& options, SharedMapHandle<T>* handle) {
    return OpenSharedMap(*directory_, options, handle, &error_, &opened_);
  }
  // One step of a walk over the owners.
  SweepResult Step(size_t most) {
    return directory_->Sweep(
        [this]() -> Owner* { return next_ < owners_.size() ? &owners_[next_++] : nullptr; }, most);
  }
  SweepResult WholeWalk() {
    next_ = 0;
    return Step(SIZE_MAX);
  }
  void FillOld(SharedMapHandle<OldPolicy>& map, uint64_t values) {
    for (size_t i = 0; i < owners_.size(); ++i) {
      ASSERT_EQ(map.Update(owners_[i], {.rate = i % values}), Status::kOk);
    }
  }
  void ExpectGrown(const SharedMapReader<Policy>& map, uint64_t values) {
    for (size_t i = 0; i < owners_.size(); ++i) {
      const std::optional<Policy> policy = map.Load(owners_[i]);
      ASSERT_TRUE(policy.has_value()) << i;
      EXPECT_EQ(policy->rate, i % values);
      EXPECT_EQ(policy->burst, 2 * (i % values));
    }
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<MapDirectory> directory_;
  std::vector<Owner> owners_{100};
  size_t next_ = 0;
  std::string error_;
  Opened opened_ = Opened::kMade;
};

// --- handles

TEST_F(MapDirectoryTest, ModulesThatOpenANameShareTheMap) {
  SharedMapHandle<Policy> one;
  SharedMapHandle<Policy> other;
  ASSERT_EQ(Open(Named("policy", 1), &one), Status::kOk);
  EXPECT_EQ(opened_, Opened::kMade);
  ASSERT_EQ(Open(Named("policy", 1), &other), Status::kOk);
  EXPECT_EQ(opened_, Opened::kFound);
  EXPECT_EQ(directory_->maps(), 1U);
  ASSERT_EQ(one.Update(owners_[0], {.rate = 5, .burst = 6}), Status::kOk);
  const SharedMapReader<Policy> reader(other);
  EXPECT_EQ(reader.Load(owners_[0])->burst, 6U);
  EXPECT_FALSE(reader.Load(owners_[1]).has_value());
  EXPECT_EQ(reader.stats().table.live, 1U);
  SharedMapHandle<Policy> third;
  ASSERT_EQ(Open(Named("third", 1), &third), Status::kOk);
  EXPECT_FALSE(SharedMapReader<Policy>(third).Load(owners_[0]).has_value());
}

TEST_F(MapDirectoryTest, TheLastHandleFreesTheMap) {
  {
    SharedMapReader<Policy> reader;
    EXPECT_FALSE(reader);
    {
      SharedMapHandle<Policy> one;
      ASSERT_EQ(Open(Named("policy", 1), &one), Status::kOk);
      ASSERT_EQ(one.Update(owners_[0], {.rate = 5, .burst = 6}), Status::kOk);
      SharedMapHandle<Policy> moved = std::move(one);
      reader = SharedMapReader<Policy>(moved);
    }
    EXPECT_EQ(directory_->maps(), 1U) << "a reader keeps it too";
    EXPECT_EQ(reader.Load(owners_[0])->rate, 5U);
    const SharedMapReader<Policy> copy = reader;
    reader.Close();
    EXPECT_EQ(copy.Load(owners_[0])->rate, 5U);
    EXPECT_EQ(directory_->maps(), 1U);
  }
  EXPECT_EQ(directory_->maps(), 0U);
  EXPECT_EQ(store_->account().used_bytes(), 0U);
  SharedMapHandle<Policy> again;
  ASSERT_EQ(Open(Named("policy", 1), &again), Status::kOk);
  EXPECT_EQ(opened_, Opened::kMade);
  EXPECT_FALSE(SharedMapReader<Policy>(again).Load(owners_[0]).has_value());
}

TEST_F(MapDirectoryTest, AMapThatIsKeptIsFoundAgain) {
  {
    SharedMapHandle<Policy> map;
    ASSERT_EQ(Open(Named("policy", 1, true), &map), Status::kOk);
    ASSERT_EQ(map.Update(owners_[0], {.rate = 5, .burst = 6}), Status::kOk);
  }
  EXPECT_EQ(directory_->maps(), 1U);
  SharedMapHandle<Policy> map;
  ASSERT_EQ(Open(Named("policy", 1), &map), Status::kOk);
  EXPECT_EQ(opened_, Opened::kFound);
  EXPECT_EQ(SharedMapReader<Policy>(map).Load(owners_[0])->rate, 5U);
  map.Close();
  EXPECT_EQ(directory_->maps(), 0U) << "who opened it last did not keep it";
}

TEST_F(MapDirectoryTest, ThreadsOpenAndCloseAtOnce) {
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([this, number] {
      for (uint64_t round = 0; round < 200; ++round) {
        SharedMapHandle<Policy> map;
        ASSERT_EQ(OpenSharedMap(*directory_, Named(round % 2 == 0 ? "even" : "odd", 1, false, 4),
                                &map, nullptr),
                  Status::kOk);
        Owner& owner = owners_[static_cast<size_t>(number)];
        ASSERT_EQ(map.Update(owner, {.rate = round, .burst = 0}), Status::kOk);
        const SharedMapReader<Policy> reader(map);
        ASSERT_EQ(reader.Load(owner)->rate, round);
        // A map that goes leaves its bits to those owners that still have a value.
        ASSERT_EQ(map.Delete(owner), Status::kOk);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(directory_->maps(), 0U);
}

// --- another schema

TEST_F(MapDirectoryTest, AnotherSchemaOrSizeIsRefusedWithTheReason) {
  SharedMapHandle<OldPolicy> old;
  ASSERT_EQ(Open(Named("policy", 1), &old), Status::kOk);
  SharedMapHandle<OldPolicy> same_size;
  EXPECT_EQ(Open(Named("policy", 2), &same_size), Status::kIncompatible);
  EXPECT_EQ(error_,
            "map 'policy': has values of 8 bytes with schema 1, and is opened with values "
            "of 8 bytes with schema 2");
  SharedMapHandle<Policy> grown;
  EXPECT_EQ(Open(Named("policy", 1), &grown), Status::kIncompatible);
  EXPECT_FALSE(grown);
  EXPECT_EQ(directory_->maps(), 1U);
}

TEST_F(MapDirectoryTest, AMigrationMovesTheOwnersInBoundedSteps) {
  SharedMapHandle<OldPolicy> old;
  ASSERT_EQ(Open(Named("policy", 1), &old), Status::kOk);
  FillOld(old, 7);
  const SharedMapReader<OldPolicy> old_reader(old);
  int calls = 0;
  OpenOptions options = Named("policy", 2);
  options.migrate = [&](const SnapshotHeader& from, auto before, auto value) {
    ++calls;
    EXPECT_EQ(from.name, "policy");
    EXPECT_EQ(from.schema, 1U);
    return Grow(from, before, value);
  };
  SharedMapHandle<Policy> grown;
  ASSERT_EQ(Open(options, &grown), Status::kOk) << error_;
  EXPECT_EQ(opened_, Opened::kReplaced);
  EXPECT_EQ(calls, 7);
  EXPECT_EQ(directory_->named_maps(), 1U);
  EXPECT_EQ(directory_->maps(), 2U);
  const SharedMapReader<Policy> reader(grown);
  EXPECT_FALSE(reader.Load(owners_[0]).has_value());

  // One owner at once, and one that has got a new value meanwhile.
  EXPECT_EQ(directory_->SweepOwner(owners_[50]).moved, 1U);
  EXPECT_EQ(reader.Load(owners_[50])->rate, 50U % 7);
  ASSERT_EQ(grown.Update(owners_[3], {.rate = 3, .burst = 6}), Status::kOk);
  for (size_t walked = 0; walked < 100; walked += 30) {
    const SweepResult step = Step(30);
    EXPECT_EQ(step.owners, std::min<size_t>(30, 100 - walked));
    EXPECT_EQ(step.walk_ended, walked == 90);
    EXPECT_EQ(step.failed, 0U);
    EXPECT_EQ(step.maps_freed, 0U) << "the old map is still open";
    if (walked == 0) {
      EXPECT_EQ(step.moved, 29U);
      EXPECT_EQ(step.dropped, 1U);
      EXPECT_FALSE(old_reader.Load(owners_[0]).has_value());
      EXPECT_TRUE(old_reader.Load(owners_[31]).has_value());
    }
  }
  ExpectGrown(reader, 7);
  EXPECT_EQ(calls, 7) << "once for each distinct value";
  EXPECT_EQ(reader.stats().table.live, 7U);
}

TEST_F(MapDirectoryTest, TheOldMapIsFreedWhenNothingIsLeft) {
  SharedMapHandle<OldPolicy> old;
  ASSERT_EQ(Open(Named("policy", 1), &old), Status::kOk);
  FillOld(old, 7);
  OpenOptions options = Named("policy", 2);
  options.migrate = Grow;
  SharedMapHandle<Policy> grown;
  ASSERT_EQ(Open(options, &grown), Status::kOk);
  old.Close();
  EXPECT_EQ(directory_->maps(), 2U) << "its values have not moved yet";
  EXPECT_EQ(Step(60).maps_freed, 0U);
  const SweepResult rest = Step(60);
  EXPECT_TRUE(rest.walk_ended);
  EXPECT_EQ(rest.maps_freed, 1U);
  EXPECT_EQ(directory_->maps(), 1U);
  ExpectGrown(SharedMapReader<Policy>(grown), 7);
  std::string reason;
  EXPECT_TRUE(grown.bytes().CheckInvariants(&reason)) << reason;
}

// A walk may pass over owners, for instance those that come meanwhile.
TEST_F(MapDirectoryTest, AWalkThatMissesOwnersLeavesTheOldMap) {
  SharedMapHandle<OldPolicy> old;
  ASSERT_EQ(Open(Named("policy", 1), &old), Status::kOk);
  FillOld(old, 7);
  OpenOptions options = Named("policy", 2);
  options.migrate = Grow;
  SharedMapHandle<Policy> grown;
  ASSERT_EQ(Open(options, &grown), Status::kOk);
  old.Close();
  const SweepResult empty = directory_->Sweep([]() -> Owner* { return nullptr; }, 10);
  EXPECT_TRUE(empty.walk_ended);
  EXPECT_EQ(empty.maps_freed, 0U);
  EXPECT_EQ(directory_->maps(), 2U);
  EXPECT_EQ(WholeWalk().moved, 100U);
  ExpectGrown(SharedMapReader<Policy>(grown), 7);
}

// Of spilled owners, whose values the table does not hold.
TEST_F(MapDirectoryTest, PrivateValuesAreMigratedOnceToo) {
  SharedMapHandle<OldPolicy> old;
  ASSERT_EQ(Open(Named("policy", 1, false, 2), &old), Status::kOk);
  FillOld(old, 7);
  ASSERT_GT(old.bytes().stats().spilled_now, 0U);
  int calls = 0;
  OpenOptions options = Named("policy", 2);
  options.migrate = [&](const auto&... of) { return ++calls, Grow(of...); };
  SharedMapHandle<Policy> grown;
  ASSERT_EQ(Open(options, &grown), Status::kOk);
  EXPECT_EQ(calls, 2);
  old.Close();
  const SweepResult walk = WholeWalk();
  EXPECT_EQ(walk.moved, 100U);
  EXPECT_EQ(walk.maps_freed, 1U);
  EXPECT_EQ(calls, 7);
  ExpectGrown(SharedMapReader<Policy>(grown), 7);
}

TEST_F(MapDirectoryTest, AReplacementOfAReplacementMovesOnInOneWalk) {
  SharedMapHandle<OldPolicy> first;
  ASSERT_EQ(Open(Named("policy", 1), &first), Status::kOk);
  FillOld(first, 7);
  OpenOptions options = Named("policy", 2);
  const auto add_one = [](const auto&, std::span<const std::byte> old, std::span<std::byte> value) {
    OldPolicy policy;
    std::memcpy(&policy, old.data(), sizeof(policy));
    policy.rate += 1;
    std::memcpy(value.data(), &policy, sizeof(policy));
    return true;
  };
  options.migrate = add_one;
  SharedMapHandle<OldPolicy> second;
  ASSERT_EQ(Open(options, &second), Status::kOk);
  Step(40);
  options.schema = 3;
  SharedMapHandle<OldPolicy> third;
  ASSERT_EQ(Open(options, &third), Status::kOk);
  first.Close();
  second.Close();
  WholeWalk();
  EXPECT_EQ(WholeWalk().walk_ended, true);
  EXPECT_EQ(directory_->maps(), 1U);
  const SharedMapReader<OldPolicy> reader(third);
  for (size_t i = 0; i < owners_.size(); ++i) EXPECT_EQ(reader.Load(owners_[i])->rate, i % 7 + 2);
}

TEST_F(MapDirectoryTest, AValueThatCannotBeMigratedChangesNothing) {
  SharedMapHandle<OldPolicy> old;
  ASSERT_EQ(Open(Named("policy", 1), &old), Status::kOk);
  FillOld(old, 7);
  OpenOptions options = Named("policy", 2);
  int calls = 0;
  options.migrate = [&](const auto&...) { return ++calls < 3; };
  SharedMapHandle<Policy> grown;
  EXPECT_EQ(Open(options, &grown), Status::kIncompatible);
  EXPECT_EQ(error_, "map 'policy': value 3 of 7 cannot be migrated");
  EXPECT_EQ(directory_->maps(), 1U);
  SharedMapHandle<OldPolicy> again;
  EXPECT_EQ(Open(Named("policy", 1), &again), Status::kOk);
  EXPECT_EQ(WholeWalk().moved, 0U);
  EXPECT_EQ(SharedMapReader<OldPolicy>(again).Load(owners_[5])->rate, 5U);
}

TEST_F(MapDirectoryTest, AReplacementWithoutAMigrationDropsTheValues) {
  SharedMapHandle<OldPolicy> old;
  ASSERT_EQ(Open(Named("policy", 1), &old), Status::kOk);
  FillOld(old, 7);
  OpenOptions options = Named("policy", 2);
  options.replace = true;
  SharedMapHandle<Policy> fresh;
  ASSERT_EQ(Open(options, &fresh), Status::kOk);
  EXPECT_EQ(opened_, Opened::kReplaced);
  old.Close();
  const SweepResult walk = WholeWalk();
  EXPECT_EQ(walk.dropped, 100U);
  EXPECT_EQ(walk.maps_freed, 1U);
  EXPECT_FALSE(SharedMapReader<Policy>(fresh).Load(owners_[0]).has_value());
}

TEST_F(MapDirectoryTest, WithoutBitsForBothMapsNothingIsReplaced) {
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store_), Status::kOk);
  ASSERT_EQ(MapDirectory::Create(*store_, &directory_), Status::kOk);
  SharedMapHandle<OldPolicy> old;
  ASSERT_EQ(Open(Named("policy", 1), &old), Status::kOk);
  OpenOptions options = Named("policy", 2);
  options.migrate = Grow;
  SharedMapHandle<Policy> grown;
  EXPECT_EQ(Open(options, &grown), Status::kNoBits);
  EXPECT_EQ(error_, "map 'policy': cannot be made: ENOMEM, no bits");
  SharedMapHandle<OldPolicy> again;
  EXPECT_EQ(Open(Named("policy", 1), &again), Status::kOk);
  owners_.clear();
}

// --- maps that nobody opens again

TEST_F(MapDirectoryTest, WhatNobodyOpensAgainIsSweptInBoundedSteps) {
  SharedMapHandle<Policy> used;
  ASSERT_EQ(Open(Named("used", 1, true), &used), Status::kOk);
  ASSERT_EQ(used.Update(owners_[0], {.rate = 1, .burst = 1}), Status::kOk);
  {
    SharedMapHandle<OldPolicy> left;
    ASSERT_EQ(Open(Named("left", 1, true), &left), Status::kOk);
    FillOld(left, 7);
  }
  EXPECT_EQ(Step(10).dropped, 0U) << "somebody may still open it";
  EXPECT_EQ(directory_->AbandonUnopened(), 1U);
  EXPECT_EQ(directory_->named_maps(), 1U);
  next_ = 0;
  const SweepResult step = Step(10);
  EXPECT_EQ(step.owners, 10U);
  EXPECT_EQ(step.dropped, 10U);
  // A new map of the name has nothing to do with it.
  SharedMapHandle<OldPolicy> again;
  ASSERT_EQ(Open(Named("left", 1), &again), Status::kOk);
  EXPECT_EQ(opened_, Opened::kMade);
  EXPECT_EQ(directory_->maps(), 3U);
  EXPECT_EQ(Step(1000).maps_freed, 1U);
  EXPECT_EQ(directory_->maps(), 2U);
  EXPECT_EQ(SharedMapReader<Policy>(used).Load(owners_[0])->rate, 1U);
}

TEST_F(MapDirectoryTest, TheNewMapMayGoBeforeTheValuesHaveMoved) {
  SharedMapHandle<OldPolicy> old;
  ASSERT_EQ(Open(Named("policy", 1), &old), Status::kOk);
  FillOld(old, 7);
  OpenOptions options = Named("policy", 2);
  options.migrate = Grow;
  SharedMapHandle<Policy> grown;
  ASSERT_EQ(Open(options, &grown), Status::kOk);
  grown.Close();
  old.Close();
  const SweepResult walk = WholeWalk();
  EXPECT_EQ(walk.dropped, 100U);
  EXPECT_EQ(walk.maps_freed, 1U);
  EXPECT_EQ(directory_->maps(), 0U);
}

TEST_F(MapDirectoryTest, V4AFailedAllocationLeavesTheOldMap) {
  SharedMapHandle<OldPolicy> old;
  ASSERT_EQ(Open(Named("policy", 1), &old), Status::kOk);
  FillOld(old, 7);
  OpenOptions options = Named("policy", 2);
  options.migrate = Grow;
  SharedMapHandle<Policy> grown;
  EXPECT_GE(FailEachAllocation([&] { return Open(options, &grown); },
                               [&] {
                                 EXPECT_EQ(directory_->maps(), 1U);
                                 EXPECT_EQ(SharedMapReader<OldPolicy>(old).Load(owners_[1])->rate,
                                           1U);
                               }),
            3);
  EXPECT_EQ(opened_, Opened::kReplaced);
}

}  // namespace
}  // namespace inlay
