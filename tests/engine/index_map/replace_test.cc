// IndexMap::Replace() and ReplaceAll(): a value changes for all its owners at once.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "inlay/account.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/shared_map.h"
#include "inlay/store.h"
#include "tests/engine/index_map/six_index_map.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

template <typename Owners>
class ReplaceTest : public SixIndexMap<Owners> {
 protected:
  using Owner = typename Owners::Owner;

  ReplaceTest() : SixIndexMap<Owners>(true) {}
  Owner& Add(uint64_t n) {
    auto& owner = this->owners_.Add();
    EXPECT_EQ(this->Update(owner, n), Status::kOk);
    return owner;
  }
  Status Replace(uint64_t from, uint64_t to) {
    return this->map_->Replace(this->Value(from), this->Value(to));
  }
  ValueTableCounts Counts() { return this->map_->table().counts(); }
};
TYPED_TEST_SUITE(ReplaceTest, AllOwnerKinds, OwnerKindName);

TYPED_TEST(ReplaceTest, OneCallChangesTheValueOfAllOwners) {
  std::vector<typename TypeParam::Owner*> owners;
  for (uint64_t i = 0; i < 20; ++i) owners.push_back(&this->Add(i % 2));
  const uint32_t code = this->Code(*owners[0]);
  ASSERT_EQ(this->Replace(0, 7), Status::kOk);
  for (uint64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(this->Held(*owners[i]), this->Value(i % 2 == 0 ? 7 : 1));
  }
  EXPECT_EQ(this->Code(*owners[0]), code) << "no owner is touched";
  EXPECT_EQ(this->Counts().live, 2U);
  EXPECT_EQ(this->Counts().replaced, 1U);
}

TYPED_TEST(ReplaceTest, WhoUpdatesToTheNewValueSharesIt) {
  auto& first = this->Add(1);
  ASSERT_EQ(this->Replace(1, 2), Status::kOk);
  auto& second = this->Add(2);
  EXPECT_EQ(this->Code(first), this->Code(second)) << "V1";
  EXPECT_EQ(this->Counts().live, 1U);
}

TYPED_TEST(ReplaceTest, WhoUpdatesToTheOldValueHasThat) {
  auto& first = this->Add(1);
  ASSERT_EQ(this->Replace(1, 2), Status::kOk);
  auto& second = this->Add(1);
  EXPECT_EQ(this->Held(first), this->Value(2));
  EXPECT_EQ(this->Held(second), this->Value(1));
  ASSERT_EQ(this->Replace(1, 3), Status::kOk);
  EXPECT_EQ(this->Held(first), this->Value(2));
  EXPECT_EQ(this->Held(second), this->Value(3));
}

TYPED_TEST(ReplaceTest, ValuesThatBecomeEqualMergeAsOwnersWrite) {
  auto& first = this->Add(1);
  auto& second = this->Add(2);
  auto& third = this->Add(1);
  ASSERT_EQ(this->Replace(1, 2), Status::kOk);
  EXPECT_EQ(this->Held(first), this->Value(2));
  EXPECT_NE(this->Code(first), this->Code(second));
  EXPECT_EQ(this->Counts().duplicates, 1U);
  this->ExpectSound();
  // A new owner gets the one that searches find; a write brings the others there.
  auto& fourth = this->Add(2);
  EXPECT_EQ(this->Code(fourth), this->Code(second));
  ASSERT_EQ(this->Update(first, 2), Status::kOk);
  ASSERT_EQ(this->Update(third, 2), Status::kOk);
  EXPECT_EQ(this->Code(first), this->Code(second));
  EXPECT_EQ(this->Counts().live, 1U);
  EXPECT_EQ(this->map_->Reclaim(), 1U);
  EXPECT_EQ(this->Counts().duplicates, 0U);
}

TYPED_TEST(ReplaceTest, ADuplicateIsReplacedWithItsEqual) {
  auto& first = this->Add(1);
  auto& second = this->Add(2);
  ASSERT_EQ(this->Replace(1, 2), Status::kOk);
  ASSERT_EQ(this->Replace(2, 3), Status::kOk);
  EXPECT_EQ(this->Held(first), this->Value(3));
  EXPECT_EQ(this->Held(second), this->Value(3));
  this->ExpectSound();
}

TYPED_TEST(ReplaceTest, ADuplicateTakesThePlaceOfItsEqual) {
  auto& first = this->Add(1);
  auto& second = this->Add(2);
  ASSERT_EQ(this->Replace(1, 2), Status::kOk);
  ASSERT_EQ(this->map_->Delete(second), Status::kOk);
  EXPECT_EQ(this->map_->Reclaim(), 1U);
  EXPECT_EQ(this->Counts().duplicates, 0U);
  auto& third = this->Add(2);
  EXPECT_EQ(this->Code(third), this->Code(first));
}

TYPED_TEST(ReplaceTest, AValueThatNobodyHoldsIsNoReasonForADuplicate) {
  auto& first = this->Add(2);
  ASSERT_EQ(this->Update(first, 1), Status::kOk);  // 2 stays in the table
  ASSERT_EQ(this->Replace(1, 2), Status::kOk);
  auto& second = this->Add(2);
  EXPECT_EQ(this->Code(second), this->Code(first));
  this->ExpectSound();
}

TYPED_TEST(ReplaceTest, AReaderKeepsTheBytesThatItHasFound) {
  auto& owner = this->Add(1);
  for (const uint64_t n : {uint64_t{2}, uint64_t{3}}) {  // the first bytes, and then a copy
    const ReadSection section;
    const std::byte* const before = this->map_->Get(section, owner);
    ASSERT_EQ(this->Replace(n - 1, n), Status::kOk);
    EXPECT_EQ(Copied(before, this->kBytes), this->Value(n - 1));
    EXPECT_EQ(Copied(this->map_->Get(section, owner), this->kBytes), this->Value(n));
  }
}

TYPED_TEST(ReplaceTest, AReferenceShowsTheNewValueAndGivesIt) {
  ASSERT_EQ(this->map_->Intern(this->Value(1), &this->ref_), Status::kOk);
  ASSERT_EQ(this->Replace(1, 2), Status::kOk) << "a reference holds the value";
  {
    const ReadSection section;
    EXPECT_EQ(Copied(this->ref_.bytes().data(), this->kBytes), this->Value(2));
  }
  auto& owner = this->owners_.Add();
  ASSERT_EQ(this->map_->Assign(owner, this->ref_), Status::kOk);
  EXPECT_EQ(this->Held(owner), this->Value(2));
}

TYPED_TEST(ReplaceTest, ModifyAndCloneSeeTheNewValue) {
  auto& parent = this->Add(1);
  ASSERT_EQ(this->Replace(1, 2), Status::kOk);
  auto& child = this->owners_.Add();
  ASSERT_EQ(this->map_->Clone(parent, child), Status::kOk);
  EXPECT_EQ(this->Held(child), this->Value(2));
  Bytes seen;
  const auto modify = [&](std::span<std::byte> value) {
    seen.assign(value.begin(), value.end());
    const Bytes three = this->Value(3);
    std::copy(three.begin(), three.end(), value.begin());
  };
  ASSERT_EQ(this->map_->Modify(parent, modify), Status::kOk);
  EXPECT_EQ(seen, this->Value(2));
  EXPECT_EQ(this->Held(parent), this->Value(3));
  EXPECT_EQ(this->Held(child), this->Value(2));
}

TYPED_TEST(ReplaceTest, WhatCannotBeReplaced) {
  auto& owner = this->Add(1);
  EXPECT_EQ(this->Replace(5, 6), Status::kNotFound);
  EXPECT_EQ(this->Replace(1, 1), Status::kOk);
  EXPECT_EQ(this->map_->Replace(this->Value(1), Zeroes(3)), Status::kInvalid);
  EXPECT_EQ(this->map_->Replace(Zeroes(3), this->Value(1)), Status::kInvalid);
  EXPECT_EQ(this->Counts().replaced, 0U);
  ASSERT_EQ(this->map_->Delete(owner), Status::kOk);
  EXPECT_EQ(this->Replace(1, 2), Status::kNotFound) << "nobody holds it";
  auto& again = this->Add(1);
  EXPECT_EQ(this->Held(again), this->Value(1));
}

TYPED_TEST(ReplaceTest, AMapWithoutTheOptionRefuses) {
  std::unique_ptr<IndexMap> plain;
  ASSERT_EQ(IndexMap::Create(this->owners_.store(), {.value_bytes = this->kBytes, .width_bits = 3},
                             &plain),
            Status::kOk);
  EXPECT_EQ(plain->Replace(this->Value(1), this->Value(2)), Status::kUnsupported);
  EXPECT_EQ(plain->ReplaceAll([](std::span<std::byte>) { return true; }), Status::kUnsupported);
}

TYPED_TEST(ReplaceTest, AFullMapRefusesNewValuesAndReplacesOldOnes) {
  std::vector<typename TypeParam::Owner*> owners;
  for (uint64_t i = 0; i < 6; ++i) owners.push_back(&this->Add(i));
  auto& one_more = this->owners_.Add();
  EXPECT_EQ(this->Update(one_more, 6), Status::kNoIndexes);
  EXPECT_EQ(this->Update(*owners[0], 6), Status::kNoIndexes);
  EXPECT_EQ(this->map_->Update(*owners[0], this->Value(6), UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(this->Held(*owners[0]), this->Value(0));
  EXPECT_TRUE(this->Held(one_more).empty());
  EXPECT_EQ(this->map_->stats().spilled, 0U);
  for (uint64_t i = 0; i < 6; ++i) {
    ASSERT_EQ(this->Replace(i, 10 + i), Status::kOk);
    EXPECT_EQ(this->Held(*owners[i]), this->Value(10 + i));
  }
}

TYPED_TEST(ReplaceTest, ReplaceAllCallsOncePerValue) {
  std::vector<typename TypeParam::Owner*> owners;
  for (uint64_t i = 0; i < 40; ++i) owners.push_back(&this->Add(i % 4));
  std::multiset<Bytes> seen;
  uint32_t replaced = 99;
  const auto change = [&](std::span<std::byte> value) {
    seen.emplace(value.begin(), value.end());
    value[1] = std::byte{1};
    return value[0] != std::byte{3};
  };
  ASSERT_EQ(this->map_->ReplaceAll(change, &replaced), Status::kOk);
  EXPECT_EQ(replaced, 3U);
  EXPECT_EQ(seen.size(), 4U);
  for (uint64_t i = 0; i < 4; ++i) EXPECT_EQ(seen.count(this->Value(i)), 1U);
  for (uint64_t i = 0; i < 40; ++i) {
    Bytes expected = this->Value(i % 4);
    if (i % 4 != 3) expected[1] = std::byte{1};
    EXPECT_EQ(this->Held(*owners[i]), expected);
  }
}

TYPED_TEST(ReplaceTest, ReplaceAllCanSwapValues) {
  auto& first = this->Add(1);
  auto& second = this->Add(2);
  const auto swap = [&](std::span<std::byte> value) {
    const Bytes other = this->Value(value[0] == std::byte{1} ? 2 : 1);
    std::copy(other.begin(), other.end(), value.begin());
    return true;
  };
  uint32_t replaced = 0;
  ASSERT_EQ(this->map_->ReplaceAll(swap, &replaced), Status::kOk);
  EXPECT_EQ(replaced, 2U);
  EXPECT_EQ(this->Held(first), this->Value(2));
  EXPECT_EQ(this->Held(second), this->Value(1));
  EXPECT_EQ(this->Counts().duplicates, 0U);
}

TYPED_TEST(ReplaceTest, WithoutMemoryNothingChanges) {
  auto& first = this->Add(1);
  auto& second = this->Add(2);
  auto& third = this->Add(3);
  ASSERT_EQ(this->Replace(1, 2), Status::kOk);
  const auto unchanged = [&] {
    EXPECT_EQ(this->Held(first), this->Value(2));
    EXPECT_EQ(this->Held(second), this->Value(2));
    EXPECT_EQ(this->Held(third), this->Value(3));
    this->ExpectSound();
  };
  EXPECT_GE(FailEachAllocation([&] { return this->Replace(2, 4); }, unchanged), 3);
  EXPECT_EQ(this->Held(first), this->Value(4));
  EXPECT_EQ(this->Held(second), this->Value(4));
}

TYPED_TEST(ReplaceTest, TrimAndReuseForgetWhatWasReplaced) {
  for (uint64_t round = 0; round < 3; ++round) {
    std::vector<typename TypeParam::Owner*> owners;
    for (uint64_t i = 0; i < 6; ++i) owners.push_back(&this->Add(100 * round + i));
    for (uint64_t i = 0; i < 6; ++i) {
      ASSERT_EQ(this->Replace(100 * round + i, 100 * round + 50 + i), Status::kOk);
    }
    this->ExpectSound();
    for (auto* owner : owners) ASSERT_EQ(this->map_->Delete(*owner), Status::kOk);
    round % 2 == 0 ? static_cast<void>(this->map_->Trim())
                   : static_cast<void>(this->map_->Reclaim());
    this->ExpectSound();
  }
}

// Random operations beside a model that has one value for each owner.
TYPED_TEST(ReplaceTest, AgreesWithAModel) {
  constexpr size_t kOwners = 12;
  constexpr uint64_t kValues = 8;  // for six indexes
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::vector<typename TypeParam::Owner*> owners;
  for (size_t i = 0; i < kOwners; ++i) owners.push_back(&this->owners_.Add());
  constexpr uint64_t kAbsent = kValues;
  std::vector<uint64_t> model(kOwners, kAbsent);
  for (int step = 0; step < 4000; ++step) {
    const size_t i = random() % kOwners;
    const uint64_t from = random() % kValues;
    const uint64_t to = random() % kValues;
    switch (random() % 6) {
      case 0:
      case 1: {
        const Status status = this->Update(*owners[i], to);
        if (status == Status::kOk) model[i] = to;
        if (status != Status::kOk) {
          ASSERT_EQ(status, Status::kNoIndexes);
        }
        break;
      }
      case 2:
        ASSERT_EQ(this->map_->Delete(*owners[i]),
                  model[i] == kAbsent ? Status::kNotFound : Status::kOk);
        model[i] = kAbsent;
        break;
      case 3: {
        const bool held = std::count(model.begin(), model.end(), from) > 0;
        ASSERT_EQ(this->Replace(from, to), held ? Status::kOk : Status::kNotFound);
        std::replace(model.begin(), model.end(), from, to);
        break;
      }
      case 4: {
        const auto next = [&](uint64_t value) { return (value * (1 + from) + to) % kValues; };
        const auto change = [&](std::span<std::byte> value) {
          const Bytes changed = this->Value(next(static_cast<uint64_t>(value[0])));
          std::copy(changed.begin(), changed.end(), value.begin());
          return true;
        };
        ASSERT_EQ(this->map_->ReplaceAll(change), Status::kOk);
        for (uint64_t& value : model) {
          if (value != kAbsent) value = next(value);
        }
        break;
      }
      default:
        if (random() % 4 == 0) this->map_->Reclaim();
        break;
    }
    for (size_t owner = 0; owner < kOwners; ++owner) {
      ASSERT_EQ(this->Held(*owners[owner]),
                model[owner] == kAbsent ? Bytes() : this->Value(model[owner]))
          << "step " << step << ", owner " << owner;
    }
    if (step % 50 == 0) this->ExpectSound();
  }
}

// One value that many have become is found as fast as any other.
TEST(ReplaceableTable, ManyDuplicatesLengthenNoSearch) {
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(ValueTable::Create({.value_bytes = 8, .replaceable = true}, &table), Status::kOk);
  constexpr uint64_t kValues = 20'000;
  for (uint64_t n = 1; n <= kValues; ++n) {
    ValueIndex index = kNoIndex;
    ASSERT_EQ(table->Intern(NumberedValue(n, 8), &index), Status::kOk);
  }
  const uint32_t probes_before = table->stats().max_probe;
  const Bytes one = NumberedValue(1, 8);
  uint32_t replaced = 0;
  const auto change = [&](std::span<std::byte> value) {
    if (std::to_integer<int>(value[0]) % 2 != 0) return false;
    std::copy(one.begin(), one.end(), value.begin());
    return true;
  };
  ASSERT_EQ(table->ReplaceAll(change, &replaced), Status::kOk);
  EXPECT_EQ(replaced, kValues / 2);
  EXPECT_EQ(table->stats().duplicates, kValues / 2);
  EXPECT_LE(table->stats().max_probe, probes_before);
  ASSERT_EQ(table->Replace(one, NumberedValue(kValues + 1, 8)), Status::kOk);
  EXPECT_EQ(table->stats().duplicates, kValues / 2);
  std::string reason;
  EXPECT_TRUE(table->CheckInvariants(&reason)) << reason;
}

// --- limits

class ReplaceLimitsTest : public testing::Test {
 protected:
  using Owner = PlainOwner<16>;

  void Make(const StoreOptions& options, Account* account) {
    ASSERT_EQ(Store::Create(options, &store_), Status::kOk);
    MapOptions map_options = {
        .value_bytes = 100, .width_bits = 8, .background = false, .replaceable = true};
    map_options.account = account;
    ASSERT_EQ(IndexMap::Create(*store_, map_options, &map_), Status::kOk);
    ASSERT_EQ(map_->Update(owner_, NumberedValue(1, 100), UpdateFlag::kAny), Status::kOk);
  }
  void TearDown() override {
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    store_->Close(owner_);
    map_.reset();
    RetireBarrier();
  }
  Status Replace(uint64_t from, uint64_t to) {
    return map_->Replace(NumberedValue(from, 100), NumberedValue(to, 100));
  }

  static constexpr size_t kAccountBytes = 1 << 20;
  Account account_{kAccountBytes};
  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
  Owner owner_;
};

TEST_F(ReplaceLimitsTest, TheAccountPaysForTheCopy) {
  Make({.reserved_bits = 16}, &account_);
  const uint64_t before = account_.used_bytes();
  ASSERT_EQ(Replace(1, 2), Status::kOk);
  const uint64_t copy_bytes = account_.used_bytes() - before;
  EXPECT_GE(copy_bytes, 100U);
  // Beside a reader the old copy is charged too; after it, a copy has taken the other's place.
  {
    const ReadSection section;
    ASSERT_EQ(Replace(2, 3), Status::kOk);
    EXPECT_EQ(account_.used_bytes(), before + 2 * copy_bytes);
    EXPECT_EQ(map_->stats().pending_bytes, copy_bytes);
  }
  RetireBarrier();
  EXPECT_EQ(account_.used_bytes(), before + copy_bytes);
}

TEST_F(ReplaceLimitsTest, AtTheLimitNothingChanges) {
  Make({.reserved_bits = 16}, &account_);
  const size_t others = kAccountBytes - account_.used_bytes() - 10;
  ASSERT_TRUE(account_.Charge(others));
  EXPECT_EQ(Replace(1, 2), Status::kAccountLimit);
  account_.Uncharge(others);
  EXPECT_EQ(map_->stats().account_limit, 1U);
  EXPECT_EQ(map_->stats().no_memory, 1U);
  Bytes held(100);
  ASSERT_EQ(map_->Load(owner_, held), Status::kOk);
  EXPECT_EQ(held, NumberedValue(1, 100));
}

TEST_F(ReplaceLimitsTest, ASlowReaderBoundsWhatWaits) {
  Make({.reserved_bits = 16, .pending_limit_bytes = 1000}, nullptr);
  ASSERT_EQ(Replace(1, 2), Status::kOk);
  const ReadSection section;
  Status status = Status::kOk;
  uint64_t value = 2;
  for (; value < 50 && status == Status::kOk; ++value) status = Replace(value, value + 1);
  EXPECT_EQ(status, Status::kPendingLimit);
  Bytes held(100);
  ASSERT_EQ(map_->Load(owner_, held), Status::kOk);
  EXPECT_EQ(held, NumberedValue(value - 1, 100));
}

TEST(ReplaceableMap, NeedsAField) {
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  std::unique_ptr<IndexMap> other;
  ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = 8, .width_bits = 12}, &other), Status::kOk);
  std::unique_ptr<IndexMap> map;
  MapOptions options{.value_bytes = 8, .width_bits = 9, .replaceable = true};
  EXPECT_EQ(IndexMap::Create(*store, options, &map), Status::kNoBits);
  options.width_bits = 4;
  options.spin_lock = true;
  EXPECT_EQ(IndexMap::Create(*store, options, &map), Status::kInvalid);
}

struct Rates {
  uint32_t rate = 0;
  uint32_t burst = 0;
};

TEST(ReplaceableMap, OfAType) {
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  std::unique_ptr<SharedMap<Rates>> map;
  ASSERT_EQ(SharedMap<Rates>::Create(*store, {.width_bits = 9, .replaceable = true}, &map),
            Status::kOk);
  PlainOwner<16> owner;
  ASSERT_EQ(map->Update(owner, {1, 10}), Status::kOk);
  TypedRef<Rates> ref;
  ASSERT_EQ(map->Intern({1, 10}, &ref), Status::kOk);
  ASSERT_EQ(map->Replace({1, 10}, {2, 20}), Status::kOk);
  EXPECT_EQ(map->Load(owner)->rate, 2U);
  {
    const ReadSection section;
    EXPECT_EQ(ref->burst, 20U);
    EXPECT_EQ(map->Get(section, owner)->burst, 20U);
  }
  uint32_t replaced = 0;
  ASSERT_EQ(map->ReplaceAll([](Rates& rates) { rates.burst = 5; }, &replaced), Status::kOk);
  EXPECT_EQ(replaced, 1U);
  EXPECT_EQ(map->Load(owner)->burst, 5U);
  ASSERT_EQ(map->ReplaceAll([](Rates& rates) { return rates.rate == 9; }, &replaced), Status::kOk);
  EXPECT_EQ(replaced, 0U);
  ref.Reset();
  store->Close(owner);
  constexpr InlineField kField{.word = 0, .shift = 0, .width_bits = 9};
  std::unique_ptr<SharedMap<Rates, kField>> fixed;
  EXPECT_EQ((SharedMap<Rates, kField>::Create(*store, {.replaceable = true}, &fixed)),
            Status::kInvalid);
}

}  // namespace
}  // namespace inlay
