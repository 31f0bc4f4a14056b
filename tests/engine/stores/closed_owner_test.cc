// Stores that mark closed owners: no value is created in one any more.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <new>
#include <string>

#include "inlay/index_map.h"
#include "inlay/keyed_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"

namespace inlay {
namespace {

constexpr uint32_t kClosedBytes = 16;

template <typename Owner>
class ClosedOwnerTest : public testing::Test {
 protected:
  static constexpr uint32_t kBits = sizeof(Owner) * 8;

  void Make(uint32_t width_bits) {
    ASSERT_EQ(Store::Create({.reserved_bits = kBits, .mark_closed = true}, &store_), Status::kOk);
    ASSERT_EQ(Create(width_bits, &map_), Status::kOk);
  }
  Status Create(uint32_t width_bits, std::unique_ptr<IndexMap>* map) {
    return IndexMap::Create(
        *store_, {.value_bytes = kClosedBytes, .width_bits = width_bits, .clone = true}, map);
  }
  Status Update(Owner& owner, uint64_t n, UpdateFlag flag = UpdateFlag::kAny) {
    return map_->Update(owner, NumberedValue(n, kClosedBytes), flag);
  }
  void ExpectRefused(Owner& owner) {
    EXPECT_EQ(Update(owner, 7), Status::kNotFound);
    EXPECT_EQ(Update(owner, 7, UpdateFlag::kNoExist), Status::kNotFound);
    Status status = Status::kOk;
    const ReadSection section;
    EXPECT_EQ(map_->GetOrCreate(owner, NumberedValue(7, kClosedBytes), &status), nullptr);
    EXPECT_EQ(status, Status::kNotFound);
    EXPECT_EQ(map_->Get(section, owner), nullptr);
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
};

using ClosedOwners =
    testing::Types<PlainOwner<16>, PlainOwner<32>, PlainOwner<64>, PlainOwner<128>>;
TYPED_TEST_SUITE(ClosedOwnerTest, ClosedOwners);

TYPED_TEST(ClosedOwnerTest, GetsNoValue) {
  this->Make(9);
  TypeParam owner;
  ASSERT_EQ(this->Update(owner, 1), Status::kOk);
  this->store_->Close(owner);
  this->ExpectRefused(owner);
  EXPECT_EQ(this->map_->table().total_references(), 0U) << "no value has leaked";
  this->store_->Close(owner);
  this->ExpectRefused(owner);
}

TYPED_TEST(ClosedOwnerTest, NeverHadAValue) {
  this->Make(9);
  TypeParam owner;
  this->store_->Close(owner);
  this->ExpectRefused(owner);
}

TYPED_TEST(ClosedOwnerTest, IsOpenAgainWhenItIsConstructedOrReopened) {
  this->Make(9);
  TypeParam owner;
  this->store_->Close(owner);
  owner.~TypeParam();
  new (&owner) TypeParam;
  EXPECT_EQ(this->Update(owner, 1), Status::kOk);
  this->store_->Close(owner);
  this->store_->Reopen(owner);
  EXPECT_EQ(this->Update(owner, 2), Status::kOk);
  this->store_->Reopen(owner);
  Bytes copy(kClosedBytes);
  EXPECT_EQ(this->map_->Load(owner, copy), Status::kOk);
  EXPECT_EQ(copy, NumberedValue(2, kClosedBytes));
  this->store_->Close(owner);
}

TYPED_TEST(ClosedOwnerTest, IsRefusedAlsoAPrivateValue) {
  this->Make(2);
  TypeParam owners[3];
  for (uint64_t n = 0; n < 3; ++n) ASSERT_EQ(this->Update(owners[n], n), Status::kOk);
  this->store_->Close(owners[2]);
  this->ExpectRefused(owners[2]);
  EXPECT_EQ(this->map_->stats().spilled_now, 0U);
  for (TypeParam& owner : owners) this->store_->Close(owner);
}

TYPED_TEST(ClosedOwnerTest, AFailedCloneClosesNobody) {
  this->Make(2);
  TypeParam owners[4];
  for (uint64_t n = 0; n < 3; ++n) ASSERT_EQ(this->Update(owners[n], n), Status::kOk);
  TypeParam& child = owners[3];
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(this->store_->Clone(owners[2], child), Status::kNoMemory);
  SetAllocationsLeftForTest(-1);
  EXPECT_EQ(this->store_->Clone(owners[2], child), Status::kOk);
  for (TypeParam& owner : owners) this->store_->Close(owner);
}

// Neither a child nor a parent may be closed, as long as one is marked.
TYPED_TEST(ClosedOwnerTest, IsNotCloned) {
  this->Make(9);
  TypeParam parent;
  TypeParam child;
  ASSERT_EQ(this->Update(parent, 1), Status::kOk);
  this->store_->Close(child);
  EXPECT_EQ(this->store_->Clone(parent, child), Status::kNotFound);
  EXPECT_EQ(this->map_->Clone(parent, child), Status::kNotFound);
  this->ExpectRefused(child);
  EXPECT_EQ(this->map_->table().total_references(), 1U);

  this->store_->Close(parent);
  this->store_->Reopen(child);
  EXPECT_EQ(this->store_->Clone(parent, child), Status::kNotFound);
  EXPECT_EQ(this->map_->Clone(parent, child), Status::kNotFound);
  this->store_->Reopen(parent);
  EXPECT_EQ(this->store_->Clone(parent, child), Status::kOk);
}

TYPED_TEST(ClosedOwnerTest, IsNotClonedAlsoAPrivateValue) {
  this->Make(2);
  TypeParam owners[3];
  TypeParam child;
  for (uint64_t n = 0; n < 3; ++n) ASSERT_EQ(this->Update(owners[n], n), Status::kOk);
  ASSERT_EQ(this->map_->stats().spilled_now, 1U);
  this->store_->Close(child);
  EXPECT_EQ(this->store_->Clone(owners[2], child), Status::kNotFound);
  EXPECT_EQ(this->map_->Clone(owners[2], child), Status::kNotFound);
  EXPECT_EQ(this->map_->stats().spilled_now, 1U);
  for (TypeParam& owner : owners) this->store_->Close(owner);
}

TYPED_TEST(ClosedOwnerTest, IsNotMoved) {
  this->Make(9);
  TypeParam from;
  TypeParam to;
  ASSERT_EQ(this->Update(from, 1), Status::kOk);
  this->store_->Close(to);
  EXPECT_EQ(this->store_->Move(from, to), Status::kNotFound);
  this->ExpectRefused(to);
  EXPECT_EQ(this->Update(from, 2, UpdateFlag::kExist), Status::kOk) << "nothing has moved";
  this->store_->Reopen(to);
  EXPECT_EQ(this->store_->Move(from, to), Status::kOk);
  TypeParam next;
  EXPECT_EQ(this->store_->Move(from, next), Status::kNotFound) << "it was moved, and so is closed";
  this->store_->Close(to);
}

TYPED_TEST(ClosedOwnerTest, GetsNoKey) {
  this->Make(2);
  std::unique_ptr<KeyedIndexMap> keyed;
  ASSERT_EQ(
      KeyedIndexMap::Create(*this->store_, 8,
                            {.value_bytes = kClosedBytes, .width_bits = 4, .clone = true}, &keyed),
      Status::kOk);
  const Bytes key = NumberedValue(1, 8);
  ASSERT_EQ(keyed->Set(key, NumberedValue(1, kClosedBytes)), Status::kOk);
  TypeParam parent;
  TypeParam child;
  ASSERT_EQ(keyed->Assign(parent, key), Status::kOk);
  this->store_->Close(child);
  EXPECT_EQ(keyed->Assign(child, key), Status::kNotFound);
  EXPECT_EQ(keyed->Clone(parent, child), Status::kNotFound);
  EXPECT_EQ(this->store_->Clone(parent, child), Status::kNotFound);
  EXPECT_EQ(this->store_->Move(parent, child), Status::kNotFound);
  this->store_->Close(parent);
}

// The mark has the last bit of the first word, and no map's field.
TYPED_TEST(ClosedOwnerTest, TheMarkIsNoMapsField) {
  this->Make(2);
  constexpr uint32_t kWordBits = sizeof(typename decltype(TypeParam::words)::Word) * 8;
  const InlineField mark = this->store_->closed_field();
  EXPECT_EQ(mark, (InlineField{0, kWordBits - 1, 1}));
  uint32_t maps = 1;
  std::unique_ptr<IndexMap> others[TestFixture::kBits / 2];
  while (this->Create(2, &others[maps]) == Status::kOk) {
    const InlineField field = others[maps]->field();
    EXPECT_FALSE(field.word == 0 && field.shift + field.width_bits > mark.shift);
    ++maps;
  }
  EXPECT_EQ(maps, TestFixture::kBits / 2 - 1);
}

TEST(ClosedStoreTest, NeedsABit) {
  std::unique_ptr<Store> store;
  EXPECT_EQ(Store::Create({.reserved_bits = 0, .mark_closed = true}, &store), Status::kInvalid);
  ASSERT_EQ(Store::Create({.reserved_bits = 16, .mark_closed = true}, &store), Status::kOk);
  std::unique_ptr<IndexMap> map;
  EXPECT_EQ(IndexMap::Create(*store, {.value_bytes = 8, .width_bits = 16}, &map), Status::kNoBits);
  EXPECT_EQ(IndexMap::Create(*store, {.value_bytes = 8, .width_bits = 15}, &map), Status::kOk);
}

TEST(ClosedStoreTest, MarksNobodyUnlessAsked) {
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  EXPECT_EQ(store->closed_field().width_bits, 0);
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = 8}, &map), Status::kOk);
  PlainOwner<16> owner;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(map->Update(owner, NumberedValue(1, 8), UpdateFlag::kAny), Status::kOk);
    store->Close(owner);
  }
}

// A map that has fallen back keeps its values behind the owner's pointer.
TEST(ClosedStoreTest, AMapThatHasFallenBackRefusesThemToo) {
  struct SlotOwner {
    InlineWords<16> words;
    StoragePointer slot{nullptr};
    auto& inline_words() { return words; }
    auto& inline_words() const { return words; }
    StoragePointer& storage_pointer() { return slot; }
  };
  LocalStorageDomain domain;
  std::unique_ptr<Store> store;
  ASSERT_EQ(
      Store::Create({.reserved_bits = 16, .private_values = &domain, .mark_closed = true}, &store),
      Status::kOk);
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = 8, .width_bits = 16}, &map), Status::kOk);
  ASSERT_FALSE(map->is_interned());
  SlotOwner owner;
  ASSERT_EQ(map->Update(owner, NumberedValue(1, 8), UpdateFlag::kAny), Status::kOk);
  store->Close(owner);
  EXPECT_EQ(map->Update(owner, NumberedValue(1, 8), UpdateFlag::kAny), Status::kNotFound);
  EXPECT_EQ(owner.slot.load(), nullptr);
}

}  // namespace
}  // namespace inlay
