// KeyedMap: the states of keys and owners, one after the other.

#include "inlay/keyed_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "tests/engine/keyed/keyed_fixture.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

// Six indexes.
template <typename Owners>
class KeyedMapTest : public KeyedFixture<Owners> {
 protected:
  void SetUp() override { this->MakeMap(); }
};
TYPED_TEST_SUITE(KeyedMapTest, AllOwnerKinds, OwnerKindName);

TYPED_TEST(KeyedMapTest, AnUnknownKey) {
  auto& owner = this->owners_.Add();
  KeyRef ref;
  EXPECT_EQ(this->Assign(owner, 1), Status::kNotFound);
  EXPECT_EQ(this->map_->Erase(this->Key(1)), Status::kNotFound);
  EXPECT_EQ(this->map_->Find(this->Key(1), &ref), Status::kNotFound);
  EXPECT_FALSE(ref);
  EXPECT_TRUE(this->ValueOf(1).empty());
  EXPECT_TRUE(this->Held(owner).empty());
  EXPECT_TRUE(this->KeyOf(owner).empty());
  EXPECT_EQ(this->map_->Delete(owner), Status::kNotFound);
  EXPECT_TRUE(this->All().empty());
  EXPECT_EQ(this->map_->stats().keys.live, 0U) << "a key that is asked for is not added";
}

TYPED_TEST(KeyedMapTest, OneSetChangesTheValueOfAllOwnersOfTheKey) {
  std::vector<typename TypeParam::Owner*> owners;
  ASSERT_EQ(this->Set(1, 10), Status::kOk);
  ASSERT_EQ(this->Set(2, 20), Status::kOk);
  for (uint64_t i = 0; i < 20; ++i) {
    owners.push_back(&this->owners_.Add());
    ASSERT_EQ(this->Assign(*owners.back(), 1 + i % 2), Status::kOk);
  }
  for (uint64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(this->Held(*owners[i]), this->Value(i % 2 == 0 ? 10 : 20));
    EXPECT_EQ(this->KeyOf(*owners[i]), this->Key(1 + i % 2));
  }
  const uint64_t references = this->map_->keys().total_references();
  ASSERT_EQ(this->Set(1, 11), Status::kOk);
  for (uint64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(this->Held(*owners[i]), this->Value(i % 2 == 0 ? 11 : 20));
  }
  EXPECT_EQ(this->ValueOf(1), this->Value(11));
  EXPECT_EQ(this->map_->keys().total_references(), references) << "no owner was touched";
  EXPECT_EQ(this->map_->stats().values, 2U);
  EXPECT_EQ(this->map_->stats().replaced, 1U);
  const auto all = this->All();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all.at(this->Key(1)), (std::pair{this->Value(11), 10U}));
  EXPECT_EQ(all.at(this->Key(2)), (std::pair{this->Value(20), 10U}));
}

TYPED_TEST(KeyedMapTest, AReaderKeepsTheValueThatItHasFound) {
  auto& owner = this->owners_.Add();
  ASSERT_EQ(this->Set(1, 10), Status::kOk);
  ASSERT_EQ(this->Assign(owner, 1), Status::kOk);
  const ReadSection section;
  const std::byte* const before = this->map_->Get(owner);
  ASSERT_EQ(this->Set(1, 11), Status::kOk);
  const std::byte* const after = this->map_->Get(owner);
  ASSERT_EQ(this->map_->Erase(this->Key(1)), Status::kOk);
  EXPECT_EQ(this->map_->Get(owner), nullptr);
  EXPECT_EQ(Copied(before, kKeyedValueBytes), this->Value(10));
  EXPECT_EQ(Copied(after, kKeyedValueBytes), this->Value(11));
}

TYPED_TEST(KeyedMapTest, LoadCopiesTheValue) {
  auto& owner = this->owners_.Add();
  Bytes copy(kKeyedValueBytes);
  EXPECT_EQ(this->map_->Load(owner, copy), Status::kNotFound);
  ASSERT_EQ(this->Set(1, 10), Status::kOk);
  ASSERT_EQ(this->Assign(owner, 1), Status::kOk);
  EXPECT_EQ(this->map_->Load(owner, std::span(copy).first(8)), Status::kInvalid);
  EXPECT_EQ(copy, Zeroes(kKeyedValueBytes));
  EXPECT_EQ(this->map_->Load(owner, copy), Status::kOk);
  EXPECT_EQ(copy, this->Value(10));
}

TYPED_TEST(KeyedMapTest, AssignAnswersAsItsFlagSays) {
  ASSERT_EQ(this->Set(1, 10), Status::kOk);
  ASSERT_EQ(this->Set(2, 20), Status::kOk);
  KeyRef two;
  ASSERT_EQ(this->map_->Find(this->Key(2), &two), Status::kOk);
  for (const bool by_ref : {false, true}) {
    for (const bool present : {false, true}) {
      for (const UpdateFlag flag : {UpdateFlag::kAny, UpdateFlag::kNoExist, UpdateFlag::kExist}) {
        auto& owner = this->owners_.Add();
        if (present) {
          ASSERT_EQ(this->Assign(owner, 1), Status::kOk);
        }
        const Status expected = CheckUpdateFlag(flag, present);
        EXPECT_EQ(by_ref ? this->map_->Assign(owner, two, flag) : this->Assign(owner, 2, flag),
                  expected);
        EXPECT_EQ(this->Held(owner), expected == Status::kOk ? this->Value(20)
                                     : present               ? this->Value(10)
                                                             : Bytes());
      }
    }
  }
  this->ExpectSound();
}

TYPED_TEST(KeyedMapTest, DeleteTakesTheKeyFromOneOwner) {
  auto& owner = this->owners_.Add();
  auto& other = this->owners_.Add();
  ASSERT_EQ(this->Set(1, 10), Status::kOk);
  ASSERT_EQ(this->Assign(owner, 1), Status::kOk);
  ASSERT_EQ(this->Assign(other, 1), Status::kOk);
  EXPECT_EQ(this->map_->Delete(owner), Status::kOk);
  EXPECT_EQ(this->map_->Delete(owner), Status::kNotFound);
  EXPECT_TRUE(this->Held(owner).empty());
  EXPECT_TRUE(this->KeyOf(owner).empty());
  EXPECT_EQ(this->Held(other), this->Value(10));
  EXPECT_EQ(this->All().at(this->Key(1)).second, 1U);
}

TYPED_TEST(KeyedMapTest, AnErasedKeyStaysWithItsOwners) {
  auto& owner = this->owners_.Add();
  auto& late = this->owners_.Add();
  ASSERT_EQ(this->Set(1, 10), Status::kOk);
  ASSERT_EQ(this->Assign(owner, 1), Status::kOk);
  ASSERT_EQ(this->map_->Erase(this->Key(1)), Status::kOk);
  EXPECT_EQ(this->map_->Erase(this->Key(1)), Status::kNotFound);
  EXPECT_TRUE(this->Held(owner).empty());
  EXPECT_EQ(this->KeyOf(owner), this->Key(1));
  EXPECT_TRUE(this->ValueOf(1).empty());
  EXPECT_EQ(this->Assign(late, 1), Status::kNotFound);
  EXPECT_EQ(this->All().at(this->Key(1)), (std::pair{Bytes(), 1U}));
  EXPECT_EQ(this->map_->stats().values, 0U);
  EXPECT_EQ(this->map_->stats().erased, 1U);
  // An owner with an erased key is present.
  ASSERT_EQ(this->Set(2, 20), Status::kOk);
  EXPECT_EQ(this->Assign(owner, 2, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(this->map_->Reclaim(), 0U) << "an owner names it";
  this->ExpectSound();
  ASSERT_EQ(this->Set(1, 11), Status::kOk);
  EXPECT_EQ(this->Held(owner), this->Value(11)) << "the key is back";
  ASSERT_EQ(this->map_->Erase(this->Key(1)), Status::kOk);
  EXPECT_EQ(this->map_->Delete(owner), Status::kOk);
  EXPECT_EQ(this->map_->Reclaim(), 1U);
  EXPECT_EQ(this->All().size(), 1U);
}

TYPED_TEST(KeyedMapTest, AKeyRefNamesAKeyAsAnOwnerDoes) {
  auto& owner = this->owners_.Add();
  KeyRef ref;
  ASSERT_EQ(this->Set(1, 10, &ref), Status::kOk);
  EXPECT_TRUE(ref);
  EXPECT_EQ(this->map_->Set(ref, this->Value(11)), Status::kOk);
  EXPECT_EQ(this->map_->Assign(owner, ref), Status::kOk);
  EXPECT_EQ(this->map_->Assign(owner, ref), Status::kOk) << "which has it already";
  EXPECT_EQ(this->Held(owner), this->Value(11));
  EXPECT_EQ(this->All().at(this->Key(1)).second, 2U);
  this->ExpectSound();
  EXPECT_EQ(this->map_->Erase(ref), Status::kOk);
  EXPECT_EQ(this->map_->Erase(ref), Status::kNotFound);
  EXPECT_EQ(this->map_->Assign(owner, ref), Status::kNotFound);
  ASSERT_EQ(this->map_->Delete(owner), Status::kOk);
  EXPECT_EQ(this->map_->Reclaim(), 0U);
  EXPECT_EQ(this->map_->Set(ref, this->Value(12)), Status::kOk) << "the key is back";
  EXPECT_EQ(this->ValueOf(1), this->Value(12));
  KeyRef second = ref.Share();
  ref.Reset();
  EXPECT_EQ(this->map_->Assign(owner, ref), Status::kInvalid);
  EXPECT_EQ(this->map_->Assign(owner, second), Status::kOk);
  EXPECT_EQ(this->Held(owner), this->Value(12));
}

TYPED_TEST(KeyedMapTest, WhatIsInvalid) {
  auto& owner = this->owners_.Add();
  const Bytes short_key(kKeyBytes - 1);
  KeyRef ref;
  EXPECT_EQ(this->map_->Set(short_key, this->Value(1)), Status::kInvalid);
  EXPECT_EQ(this->map_->Set(this->Key(1), Bytes(kKeyedValueBytes - 1)), Status::kInvalid);
  EXPECT_EQ(this->map_->Set(ref, this->Value(1)), Status::kInvalid);
  EXPECT_EQ(this->map_->Erase(short_key), Status::kInvalid);
  EXPECT_EQ(this->map_->Erase(ref), Status::kInvalid);
  EXPECT_EQ(this->map_->Find(short_key, &ref), Status::kInvalid);
  EXPECT_EQ(this->map_->Assign(owner, short_key), Status::kInvalid);
  EXPECT_EQ(this->map_->Assign(owner, ref), Status::kInvalid);
  std::unique_ptr<KeyedIndexMap> other;
  ASSERT_EQ(KeyedIndexMap::Create(this->owners_.store(), kKeyBytes, this->Options(3), &other),
            Status::kOk);
  KeyRef of_other;
  ASSERT_EQ(other->Set(this->Key(1), this->Value(1), &of_other), Status::kOk);
  EXPECT_EQ(this->map_->Assign(owner, of_other), Status::kInvalid);
  EXPECT_EQ(this->map_->Set(of_other, this->Value(1)), Status::kInvalid);
  EXPECT_EQ(this->map_->Erase(of_other), Status::kInvalid);
  EXPECT_TRUE(this->All().empty());
}

TYPED_TEST(KeyedMapTest, AChildNamesItsParentsKeyErasedOrNot) {
  auto& parent = this->owners_.Add();
  auto& before = this->owners_.Add();
  auto& child = this->owners_.Add();
  auto& late = this->owners_.Add();
  ASSERT_EQ(this->owners_.store().Clone(parent, before), Status::kOk);
  EXPECT_TRUE(this->KeyOf(before).empty());
  ASSERT_EQ(this->Set(1, 10), Status::kOk);
  ASSERT_EQ(this->Assign(parent, 1), Status::kOk);
  ASSERT_EQ(this->owners_.store().Clone(parent, child), Status::kOk);
  EXPECT_EQ(this->Held(child), this->Value(10));
  ASSERT_EQ(this->map_->Erase(this->Key(1)), Status::kOk);
  ASSERT_EQ(this->map_->Clone(parent, late), Status::kOk);
  EXPECT_EQ(this->KeyOf(late), this->Key(1));
  ASSERT_EQ(this->Set(1, 11), Status::kOk);
  for (const auto* owner : {&parent, &child, &late}) {
    EXPECT_EQ(this->Held(*owner), this->Value(11));
  }
  EXPECT_EQ(this->All().at(this->Key(1)).second, 3U);
}

TYPED_TEST(KeyedMapTest, ACloseReleasesTheKey) {
  auto& owner = this->owners_.Add();
  ASSERT_EQ(this->Set(1, 10), Status::kOk);
  ASSERT_EQ(this->Assign(owner, 1), Status::kOk);
  this->owners_.CloseAll();
  EXPECT_EQ(this->All().at(this->Key(1)), (std::pair{this->Value(10), 0U}));
}

// Owners that still have codes when their map goes do not show them to the next map.
TYPED_TEST(KeyedMapTest, AFreedMapIsAbsentInItsOwners) {
  auto& owner = this->owners_.Add();
  ASSERT_EQ(this->Set(1, 10), Status::kOk);
  ASSERT_EQ(this->Assign(owner, 1), Status::kOk);
  this->map_.reset();
  EXPECT_EQ(this->owners_.store().account().used_bytes(), 0U);
  this->owners_.CloseAll();
  ASSERT_NO_FATAL_FAILURE(this->MakeMap());
  EXPECT_TRUE(this->Held(this->owners_.Add()).empty());
}

// --- maps and owners of other shapes

TEST(KeyedMapShapeTest, OptionsOutOfRange) {
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 64}, &store), Status::kOk);
  std::unique_ptr<KeyedIndexMap> map;
  const auto create = [&](uint32_t key_bytes, const MapOptions& options) {
    return KeyedIndexMap::Create(*store, key_bytes, options, &map);
  };
  EXPECT_EQ(create(0, {.value_bytes = 8}), Status::kInvalid);
  EXPECT_EQ(create(kMaxValueBytes + 1, {.value_bytes = 8}), Status::kTooBig);
  EXPECT_EQ(create(8, {.value_bytes = 0}), Status::kInvalid);
  EXPECT_EQ(create(8, {.value_bytes = kMaxValueBytes + 1}), Status::kTooBig);
  EXPECT_EQ(create(8, {.value_bytes = 8, .width_bits = 1}), Status::kInvalid);
  EXPECT_EQ(create(8, {.value_bytes = 8, .width_bits = 17}), Status::kInvalid);
  EXPECT_EQ(create(8, {.value_bytes = 8, .alignment = 3}), Status::kInvalid);
  EXPECT_EQ(create(8, {.value_bytes = 8, .spin_lock = true}), Status::kInvalid);
  const InlineField beyond{.word = 1, .shift = 0, .width_bits = 8};
  EXPECT_EQ(create(8, {.value_bytes = 8, .field = beyond}), Status::kNoBits);
  EXPECT_EQ(map, nullptr);
  ASSERT_EQ(create(8, {.value_bytes = 8, .width_bits = 16}), Status::kOk);
  std::vector<std::unique_ptr<KeyedIndexMap>> more(4);
  for (size_t i = 0; i < more.size(); ++i) {
    EXPECT_EQ(KeyedIndexMap::Create(*store, 8, {.value_bytes = 8}, &more[i]),
              i < 3 ? Status::kOk : Status::kNoBits);
  }
}

TEST(KeyedMapShapeTest, ValuesOfEverySizeAndAlignment) {
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  for (const uint32_t alignment : {1U, 8U, 16U, 64U, 4096U}) {
    for (const uint32_t bytes : {1U, 7U, 100U, 4096U, kMaxValueBytes}) {
      std::unique_ptr<KeyedIndexMap> map;
      ASSERT_EQ(
          KeyedIndexMap::Create(
              *store, 3, {.value_bytes = bytes, .width_bits = 2, .alignment = alignment}, &map),
          Status::kOk);
      for (uint64_t n = 0; n < 4; ++n) {  // of two keys
        ASSERT_EQ(map->Set(NumberedValue(n % 2, 3), NumberedValue(n, bytes)), Status::kOk);
      }
      const ReadSection section;
      for (uint64_t n = 2; n < 4; ++n) {
        const std::byte* const found = map->ValueOf(NumberedValue(n % 2, 3));
        EXPECT_EQ(reinterpret_cast<uintptr_t>(found) % alignment, 0U);
        EXPECT_EQ(Copied(found, bytes), NumberedValue(n, bytes));
      }
    }
  }
}

struct DyingKeyedOwner {
  InlineWords<16> words;
  bool dying = false;
  auto& inline_words() { return words; }
  const auto& inline_words() const { return words; }
  bool is_dying() const { return dying; }
};

TEST(KeyedMapShapeTest, ADyingKeyedOwnerGetsNoKeyAndMayChangeTheOneItHas) {
  std::unique_ptr<Store> store;
  std::unique_ptr<KeyedIndexMap> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  ASSERT_EQ(KeyedIndexMap::Create(*store, 8, {.value_bytes = 8}, &map), Status::kOk);
  DyingKeyedOwner owner;
  for (uint64_t n = 1; n <= 2; ++n) {
    ASSERT_EQ(map->Set(NumberedValue(n, 8), NumberedValue(n, 8)), Status::kOk);
  }
  owner.dying = true;
  EXPECT_EQ(map->Assign(owner, NumberedValue(1, 8)), Status::kNotFound);
  owner.dying = false;
  ASSERT_EQ(map->Assign(owner, NumberedValue(1, 8)), Status::kOk);
  owner.dying = true;
  EXPECT_EQ(map->Assign(owner, NumberedValue(2, 8)), Status::kOk);
  EXPECT_EQ(map->keys().total_references(), 3U);
  store->Close(owner);
  EXPECT_EQ(map->keys().total_references(), 2U);
}

TEST(KeyedMapShapeTest, AnOwnerWithoutTheFieldIsInvalid) {
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 128}, &store), Status::kOk);
  std::unique_ptr<KeyedIndexMap> map;
  const InlineField second_word{.word = 1, .shift = 0, .width_bits = 10};
  ASSERT_EQ(KeyedIndexMap::Create(*store, 8, {.value_bytes = 8, .field = second_word}, &map),
            Status::kOk);
  EXPECT_EQ(map->field(), second_word);
  PlainOwner<64> owner;
  KeyRef ref;
  ASSERT_EQ(map->Set(NumberedValue(1, 8), NumberedValue(1, 8), &ref), Status::kOk);
  EXPECT_EQ(map->Assign(owner, NumberedValue(1, 8)), Status::kInvalid);
  EXPECT_EQ(map->Assign(owner, ref), Status::kInvalid);
  EXPECT_EQ(map->Delete(owner), Status::kInvalid);
}

TEST(KeyedMapShapeTest, AMapWithoutTheFlagClonesNothing) {
  std::unique_ptr<Store> store;
  std::unique_ptr<KeyedIndexMap> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  ASSERT_EQ(KeyedIndexMap::Create(*store, 8, {.value_bytes = 8}, &map), Status::kOk);
  PlainOwner<16> parent;
  PlainOwner<16> child;
  ASSERT_EQ(map->Set(NumberedValue(1, 8), NumberedValue(1, 8)), Status::kOk);
  ASSERT_EQ(map->Assign(parent, NumberedValue(1, 8)), Status::kOk);
  EXPECT_EQ(store->Clone(parent, child), Status::kOk);
  const ReadSection section;
  EXPECT_EQ(map->KeyOf(child), nullptr);
  store->Close(parent);
}

// A keyed map and an index map in one word of an owner.
TEST(KeyedMapShapeTest, MapsOfBothKindsShareAWord) {
  std::unique_ptr<Store> store;
  std::unique_ptr<KeyedIndexMap> keyed;
  std::unique_ptr<IndexMap> index;
  ASSERT_EQ(Store::Create({.reserved_bits = 32}, &store), Status::kOk);
  ASSERT_EQ(
      KeyedIndexMap::Create(*store, 8, {.value_bytes = 8, .width_bits = 9, .clone = true}, &keyed),
      Status::kOk);
  ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = 8, .width_bits = 2, .clone = true}, &index),
            Status::kOk);
  std::vector<PlainOwner<32>> owners(8);
  for (uint64_t n = 0; n < 4; ++n) {
    ASSERT_EQ(keyed->Set(NumberedValue(n, 8), NumberedValue(n, 8)), Status::kOk);
    ASSERT_EQ(keyed->Assign(owners[n], NumberedValue(n, 8)), Status::kOk);
    ASSERT_EQ(index->Update(owners[n], NumberedValue(n, 8), UpdateFlag::kAny), Status::kOk);
    ASSERT_EQ(store->Clone(owners[n], owners[4 + n]), Status::kOk);
  }
  EXPECT_EQ(index->stats().spilled_now, 4U);
  {
    const ReadSection section;
    for (uint64_t n = 0; n < 8; ++n) {
      EXPECT_EQ(Copied(keyed->Get(owners[n]), 8), NumberedValue(n % 4, 8));
      EXPECT_EQ(Copied(index->Get(owners[n]), 8), NumberedValue(n % 4, 8));
    }
  }
  for (auto& owner : owners) store->Close(owner);
  EXPECT_EQ(index->stats().spilled_now, 0U);
}

// Values have padding and a double here, which an index map refuses.
TEST(KeyedMapShapeTest, ATypedMap) {
  struct Quota {
    char kind = 0;
    double rate = 0;
  };
  using Tenant = uint32_t;
  std::unique_ptr<Store> store;
  std::unique_ptr<KeyedMap<Tenant, Quota>> quotas;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  ASSERT_EQ((KeyedMap<Tenant, Quota>::Create(*store, {.width_bits = 12, .clone = true}, &quotas)),
            Status::kOk);
  PlainOwner<16> one;
  PlainOwner<16> other;
  {
    KeyRef seven;
    ASSERT_EQ(quotas->Set(7, {.kind = 'a', .rate = 0.5}, &seven), Status::kOk);
    ASSERT_EQ(quotas->Set(8, {.kind = 'b', .rate = 1.5}), Status::kOk);
    ASSERT_EQ(quotas->Assign(one, seven), Status::kOk);
    ASSERT_EQ(quotas->Assign(other, 8U), Status::kOk);
    ASSERT_EQ(quotas->Set(seven, {.kind = 'c', .rate = 2.5}), Status::kOk);
    KeyRef again;
    ASSERT_EQ(quotas->Find(7, &again), Status::kOk);
  }
  {
    const ReadSection section;
    EXPECT_EQ(quotas->Get(one)->kind, 'c');
    EXPECT_EQ(quotas->Get(one)->rate, 2.5);
    EXPECT_EQ(*quotas->KeyOf(one), 7U);
    EXPECT_EQ(quotas->ValueOf(8)->kind, 'b');
    EXPECT_EQ(quotas->Get(section, other), quotas->ValueOf(8));
  }
  EXPECT_EQ(quotas->Load(other)->rate, 1.5);
  ASSERT_EQ(quotas->Erase(8), Status::kOk);
  std::vector<std::array<uint32_t, 3>> seen;
  quotas->ForEach([&](const Tenant& tenant, const Quota* quota, uint32_t holders) {
    seen.push_back({tenant, quota != nullptr, holders});
  });
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<std::array<uint32_t, 3>>{{7, 1, 1}, {8, 0, 1}}));
  EXPECT_FALSE(quotas->Load(other).has_value());
  EXPECT_EQ(quotas->Delete(one), Status::kOk);
  store->Close(other);
}

}  // namespace
}  // namespace inlay
