// Owners that move in memory: Store::Move() takes all their values along.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/memory/allocate.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"

namespace inlay {
namespace {

constexpr uint32_t kMovedBytes = 24;

struct MovedSlotOwner {
  InlineWords<64> words;
  StoragePointer slot{nullptr};
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
  StoragePointer& storage_pointer() { return slot; }
};

// Three maps: one has an index for every value, and two for two each, so that others spill.
template <typename Owner>
class MovedOwnerTest : public testing::Test {
 protected:
  static constexpr bool kHasSlots = std::is_same_v<Owner, MovedSlotOwner>;

  void Make(StoreOptions options = {}) {
    options.reserved_bits = 64;
    options.private_values = kHasSlots ? &domain_ : nullptr;
    ASSERT_EQ(Store::Create(options, &store_), Status::kOk);
    const uint32_t widths[kMaps] = {9, 2, 2};
    for (size_t i = 0; i < kMaps; ++i) {
      ASSERT_EQ(
          IndexMap::Create(
              *store_, {.value_bytes = kMovedBytes, .width_bits = widths[i], .background = false},
              &maps_[i]),
          Status::kOk);
      for (uint64_t n = 0; n < 2; ++n) Update(i, keepers_[n], n);
    }
  }
  ~MovedOwnerTest() override {
    for (Owner& owner : keepers_) store_->Close(owner);
    for (auto& map : maps_) {
      if (map == nullptr) continue;
      EXPECT_EQ(map->table().total_references(), 0U);
      EXPECT_EQ(map->stats().spilled_now, 0U);
      EXPECT_EQ(map->stats().missing_private, 0U);
      EXPECT_EQ(map->memory_usage().private_bytes, 0U);
      map.reset();
    }
    EXPECT_EQ(store_->spill_account().used_bytes(), 0U);
  }

  void Update(size_t map, Owner& owner, uint64_t n) {
    ASSERT_EQ(maps_[map]->Update(owner, NumberedValue(n, kMovedBytes), UpdateFlag::kAny),
              Status::kOk);
  }
  Bytes Held(size_t map, const Owner& owner) {
    Bytes copy(kMovedBytes);
    return maps_[map]->Load(owner, copy) == Status::kOk ? copy : Bytes();
  }

  static constexpr size_t kMaps = 3;
  LocalStorageDomain domain_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> maps_[kMaps];
  Owner keepers_[2];
};

using MovedOwners = testing::Types<PlainOwner<64>, MovedSlotOwner>;
TYPED_TEST_SUITE(MovedOwnerTest, MovedOwners);

TYPED_TEST(MovedOwnerTest, TakesItsValuesAlong) {
  this->Make();
  auto from = std::make_unique<TypeParam>();
  for (uint64_t map = 0; map < 3; ++map) this->Update(map, *from, 10 + map);
  ASSERT_EQ(this->maps_[1]->stats().spilled_now, 1U);
  TypeParam to;
  EXPECT_EQ(this->store_->Move(*from, to), Status::kOk);
  for (size_t map = 0; map < 3; ++map) {
    EXPECT_EQ(this->Held(map, *from), Bytes());
    EXPECT_EQ(this->Held(map, to), NumberedValue(10 + map, kMovedBytes)) << map;
    EXPECT_EQ(this->maps_[map]->table().total_references(), map == 0 ? 3U : 2U);
    EXPECT_EQ(this->maps_[map]->stats().spilled_now, map == 0 ? 0U : 1U);
  }
  from.reset();
  this->Update(1, to, 20);
  EXPECT_EQ(this->maps_[1]->Delete(to), Status::kOk);
  EXPECT_EQ(this->Held(2, to), NumberedValue(12, kMovedBytes));
  this->store_->Close(to);
}

TYPED_TEST(MovedOwnerTest, MayHaveNoValue) {
  this->Make();
  TypeParam from;
  TypeParam to;
  EXPECT_EQ(this->store_->Move(from, to), Status::kOk);
  for (size_t map = 0; map < 3; ++map) EXPECT_EQ(this->Held(map, to), Bytes());
  this->Update(1, to, 5);
  this->store_->Close(to);
}

// As a vector of owners grows, again and again.
TYPED_TEST(MovedOwnerTest, MovesManyTimesWithOthers) {
  this->Make();
  constexpr size_t kOwners = 40;
  auto owners = std::make_unique<TypeParam[]>(kOwners);
  for (size_t i = 0; i < kOwners; ++i) {
    for (size_t map = 0; map < 3; ++map) this->Update(map, owners[i], i % (map + 3));
  }
  for (int round = 0; round < 5; ++round) {
    auto moved = std::make_unique<TypeParam[]>(kOwners);
    for (size_t i = 0; i < kOwners; ++i) {
      ASSERT_EQ(this->store_->Move(owners[i], moved[kOwners - 1 - i]), Status::kOk);
    }
    std::swap(owners, moved);
  }
  for (size_t i = 0; i < kOwners; ++i) {
    for (size_t map = 0; map < 3; ++map) {
      EXPECT_EQ(this->Held(map, owners[kOwners - 1 - i]),
                NumberedValue(i % (map + 3), kMovedBytes));
    }
    this->store_->Close(owners[kOwners - 1 - i]);
  }
}

TYPED_TEST(MovedOwnerTest, WithoutMemoryItStaysWhereItIs) {
  this->Make();
  TypeParam from;
  TypeParam to;
  for (uint64_t map = 0; map < 3; ++map) this->Update(map, from, 10 + map);
  RetireBarrier();
  const size_t spilled = this->store_->spill_account().used_bytes();
  const int failures =
      FailEachAllocation([&] { return this->store_->Move(from, to); },
                         [&] {
                           for (size_t map = 0; map < 3; ++map) {
                             EXPECT_EQ(this->Held(map, from), NumberedValue(10 + map, kMovedBytes));
                             EXPECT_EQ(this->Held(map, to), Bytes());
                           }
                           EXPECT_EQ(this->store_->spill_account().used_bytes(), spilled);
                         });
  EXPECT_EQ(failures, this->kHasSlots ? 0 : 2) << "one for each private value in a side table";
  for (size_t map = 0; map < 3; ++map) {
    EXPECT_EQ(this->Held(map, to), NumberedValue(10 + map, kMovedBytes));
  }
  EXPECT_EQ(this->store_->spill_account().used_bytes(), spilled);
  this->store_->Close(to);
}

// The limit of private values: the move needs no more of them.
TYPED_TEST(MovedOwnerTest, NeedsNoRoomUnderTheSpillLimit) {
  this->Make({.spill_limit_bytes = 160});
  TypeParam from;
  this->Update(1, from, 10);
  const size_t used = this->store_->spill_account().used_bytes();
  TypeParam to;
  EXPECT_EQ(this->store_->Move(from, to), Status::kOk);
  EXPECT_EQ(this->store_->spill_account().used_bytes(), used);
  EXPECT_EQ(this->Held(1, to), NumberedValue(10, kMovedBytes));
  this->store_->Close(to);
}

TYPED_TEST(MovedOwnerTest, LeavesAClosedOwner) {
  this->Make({.mark_closed = true});
  TypeParam from;
  TypeParam to;
  this->Update(0, from, 1);
  EXPECT_EQ(this->store_->Move(from, to), Status::kOk);
  EXPECT_EQ(this->maps_[0]->Update(from, NumberedValue(1, kMovedBytes), UpdateFlag::kAny),
            Status::kNotFound);
  this->Update(0, to, 2);
  this->store_->Close(to);
}

// The bits of a freed map come back with the last owner that holds one of its codes.
TYPED_TEST(MovedOwnerTest, TakesTheCodesOfAFreedMapAlong) {
  this->Make();
  TypeParam from;
  TypeParam to;
  this->Update(0, from, 5);
  for (TypeParam& keeper : this->keepers_) this->store_->Close(keeper);
  const InlineField field = this->maps_[0]->field();
  this->maps_[0].reset();
  ASSERT_NE(from.words.Load(field), kAbsentCode);
  EXPECT_EQ(this->store_->Move(from, to), Status::kOk);
  EXPECT_EQ(from.words.Load(field), kAbsentCode);
  EXPECT_NE(to.words.Load(field), kAbsentCode);
  std::unique_ptr<IndexMap> again;
  const MapOptions options{.value_bytes = 8, .field = field};
  EXPECT_EQ(IndexMap::Create(*this->store_, options, &again), Status::kNoBits);
  this->store_->Close(to);
  EXPECT_EQ(IndexMap::Create(*this->store_, options, &again), Status::kOk);
}

}  // namespace
}  // namespace inlay
