#include "inlay/store.h"

#include <gtest/gtest.h>

#include <deque>
#include <thread>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"

namespace inlay {
namespace {

constexpr uint32_t kStoreValueBytes = 8;
using Owner = PlainOwner<64>;

// Owners that the store can enumerate.
class Population final : public OwnerPopulation {
 public:
  explicit Population(size_t count) : owners_(count) {}
  void ForEachOwner(FunctionRef<void(const OwnerRef& owner)> visit) override {
    for (Owner& owner : owners_) visit(OwnerRef(owner));
  }
  size_t owners() const override { return owners_.size(); }
  Owner& operator[](size_t at) { return owners_[at]; }

 private:
  std::deque<Owner> owners_;
};

std::unique_ptr<Store> MakeStore(const StoreOptions& options) {
  std::unique_ptr<Store> store;
  EXPECT_EQ(Store::Create(options, &store), Status::kOk);
  return store;
}

Status CreateMap(Store& store, uint32_t width_bits, std::unique_ptr<IndexMap>* map) {
  MapOptions options;
  options.value_bytes = kStoreValueBytes;
  options.width_bits = width_bits;
  options.clone = true;
  return IndexMap::Create(store, options, map);
}

Bytes Held(const IndexMap& map, const Owner& owner) {
  ReadSection section;
  return Copied(map.Get(owner), kStoreValueBytes);
}
Status Put(IndexMap& map, Owner& owner, uint64_t n) {
  return map.Update(owner, NumberedValue(n, kStoreValueBytes), UpdateFlag::kAny);
}

TEST(StoreTest, SizesThatNoOwnerReservesAreInvalid) {
  for (const uint32_t bits : {1U, 8U, 24U, 48U, 65U, 96U}) {
    std::unique_ptr<Store> store;
    EXPECT_EQ(Store::Create({.reserved_bits = bits}, &store), Status::kInvalid) << bits;
    EXPECT_EQ(store, nullptr);
  }
  std::unique_ptr<Store> store;
  EXPECT_EQ(Store::Create({.reserved_bits = 32, .word_bits = 16}, &store), Status::kInvalid);
  EXPECT_EQ(Store::Create({.reserved_bits = 16, .word_bits = 8}, &store), Status::kInvalid);
  for (const uint32_t word : {16U, 32U, 64U}) {
    EXPECT_EQ(Store::Create({.reserved_bits = 16, .word_bits = word}, &store), Status::kOk);
  }
}

TEST(StoreTest, EveryAllocationOfCreateCanFail) {
  std::unique_ptr<Store> store;
  EXPECT_GE(FailEachAllocation([&] { return Store::Create({}, &store); },
                               [&] { EXPECT_EQ(store, nullptr); }),
            3);
}

TEST(StoreTest, SevenFieldsOfNineBitsFitOneWordAndNoEighth) {
  const auto store = MakeStore({.reserved_bits = 64});
  std::vector<std::unique_ptr<IndexMap>> maps(7);
  Owner owner;
  for (size_t i = 0; i < maps.size(); ++i) {
    ASSERT_EQ(CreateMap(*store, 9, &maps[i]), Status::kOk);
    EXPECT_EQ(maps[i]->field(), (InlineField{0, static_cast<uint8_t>(9 * i), 9}));
    ASSERT_EQ(Put(*maps[i], owner, i), Status::kOk);
  }
  const size_t used = store->account().used_bytes();
  std::unique_ptr<IndexMap> eighth;
  EXPECT_EQ(CreateMap(*store, 9, &eighth), Status::kNoBits);
  EXPECT_EQ(eighth, nullptr);
  EXPECT_EQ(store->account().used_bytes(), used);
  for (size_t i = 0; i < maps.size(); ++i) {
    EXPECT_EQ(Held(*maps[i], owner), NumberedValue(i, kStoreValueBytes));
  }
  store->Close(owner);
}

TEST(StoreTest, WidthsOutOfRangeAreInvalid) {
  const auto store = MakeStore({.reserved_bits = 64});
  std::unique_ptr<IndexMap> map;
  for (const uint32_t width : {0U, 1U, 17U, 32U}) {
    EXPECT_EQ(CreateMap(*store, width, &map), Status::kInvalid) << width;
  }
  InlineField field;
  EXPECT_EQ(store->Register(nullptr, 0, &field), Status::kInvalid);
  EXPECT_EQ(store->Register(nullptr, 17, &field), Status::kInvalid);
}

// --- freed maps and their bits

TEST(StoreTest, WithAPopulationTheBitsOfAFreedMapComeBackAtOnce) {
  Population owners(100);
  const auto store = MakeStore({.reserved_bits = 64, .population = &owners});
  for (int round = 0; round < 30; ++round) {
    std::vector<std::unique_ptr<IndexMap>> maps(4);
    for (auto& map : maps) ASSERT_EQ(CreateMap(*store, 16, &map), Status::kOk);
    for (size_t i = 0; i < 100; ++i) {
      EXPECT_TRUE(Held(*maps[i % 4], owners[i]).empty()) << "the new map sees an old code";
      ASSERT_EQ(Put(*maps[i % 4], owners[i], i), Status::kOk);
    }
    std::string reason;
    EXPECT_TRUE(store->CheckInvariants(&reason)) << reason;
  }
}

TEST(StoreTest, WithoutAPopulationTheyComeBackWithTheLastOwnerThatHoldsACode) {
  const auto store = MakeStore({.reserved_bits = 16, .word_bits = 64});
  std::vector<Owner> owners(3);
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(CreateMap(*store, 16, &map), Status::kOk);
  for (Owner& owner : owners) ASSERT_EQ(Put(*map, owner, 1), Status::kOk);
  map.reset();
  for (Owner& owner : owners) {
    EXPECT_EQ(CreateMap(*store, 16, &map), Status::kNoBits) << "an owner still holds a code";
    store->Close(owner);
  }
  ASSERT_EQ(CreateMap(*store, 16, &map), Status::kOk);
  for (Owner& owner : owners) EXPECT_TRUE(Held(*map, owner).empty());
}

TEST(StoreTest, OwnersWithoutACodeGiveNoneUp) {
  const auto store = MakeStore({.reserved_bits = 16, .word_bits = 64});
  Owner holder;
  Owner others[3];
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(CreateMap(*store, 16, &map), Status::kOk);
  ASSERT_EQ(Put(*map, holder, 1), Status::kOk);
  map.reset();
  for (Owner& owner : others) {
    store->Close(owner);
    EXPECT_EQ(CreateMap(*store, 16, &map), Status::kNoBits) << "an owner still holds a code";
  }
  store->Close(holder);
  store->Close(holder);
  EXPECT_EQ(CreateMap(*store, 16, &map), Status::kOk);
}

TEST(StoreTest, AMapWithoutValuesGivesItsBitsBackAtOnce) {
  const auto store = MakeStore({.reserved_bits = 16, .word_bits = 64});
  for (int round = 0; round < 20; ++round) {
    std::unique_ptr<IndexMap> map;
    ASSERT_EQ(CreateMap(*store, 16, &map), Status::kOk);
    Owner owner;
    ASSERT_EQ(Put(*map, owner, 1), Status::kOk);
    ASSERT_EQ(map->Delete(owner), Status::kOk);
  }
}

// --- owners

TEST(StoreTest, CloseReleasesTheValuesOfAllMaps) {
  const auto store = MakeStore({.reserved_bits = 64});
  std::unique_ptr<IndexMap> one;
  std::unique_ptr<IndexMap> other;
  ASSERT_EQ(CreateMap(*store, 9, &one), Status::kOk);
  ASSERT_EQ(CreateMap(*store, 2, &other), Status::kOk);
  std::vector<Owner> owners(4);
  for (size_t i = 0; i < owners.size(); ++i) {  // the other map spills from the third on
    ASSERT_EQ(Put(*one, owners[i], i), Status::kOk);
    ASSERT_EQ(Put(*other, owners[i], i), Status::kOk);
  }
  ASSERT_EQ(other->stats().spilled_now, 2U);
  for (Owner& owner : owners) {
    store->Close(owner);
    store->Close(owner);  // releases nothing the second time
    EXPECT_TRUE(Held(*one, owner).empty());
    EXPECT_TRUE(Held(*other, owner).empty());
  }
  EXPECT_EQ(one->table().total_references(), 0U);
  EXPECT_EQ(other->table().total_references(), 0U);
  EXPECT_EQ(other->stats().spilled_now, 0U);
}

TEST(StoreTest, V3AChildHasAReferenceOfItsOwn) {
  const auto store = MakeStore({.reserved_bits = 64});
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(CreateMap(*store, 9, &map), Status::kOk);
  Owner parent;
  Owner child;
  ASSERT_EQ(Put(*map, parent, 1), Status::kOk);
  ASSERT_EQ(store->Clone(parent, child), Status::kOk);
  EXPECT_EQ(map->table().total_references(), 2U);
  store->Close(parent);
  EXPECT_EQ(map->table().total_references(), 1U);
  EXPECT_EQ(map->Reclaim(), 0U);
  EXPECT_EQ(Held(*map, child), NumberedValue(1, kStoreValueBytes));
  store->Close(child);
  EXPECT_EQ(map->table().total_references(), 0U);
}

TEST(StoreTest, ACloneThatFailsLeavesTheChildEmpty) {
  const auto store = MakeStore({.reserved_bits = 64});
  std::unique_ptr<IndexMap> interned;
  std::unique_ptr<IndexMap> spilled;
  ASSERT_EQ(CreateMap(*store, 9, &interned), Status::kOk);
  ASSERT_EQ(CreateMap(*store, 2, &spilled), Status::kOk);
  std::vector<Owner> owners(4);
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(Put(*interned, owners[i], i), Status::kOk);
    ASSERT_EQ(Put(*spilled, owners[i], i), Status::kOk);
  }
  Owner& child = owners[3];
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(store->Clone(owners[2], child), Status::kNoMemory);
  SetAllocationsLeftForTest(-1);
  EXPECT_TRUE(Held(*interned, child).empty());
  EXPECT_EQ(interned->table().total_references(), 3U);
  EXPECT_EQ(store->Clone(owners[2], child), Status::kOk);
  EXPECT_EQ(Held(*spilled, child), NumberedValue(2, kStoreValueBytes));
  for (Owner& owner : owners) store->Close(owner);
}

TEST(StoreTest, ATableLimitIsNoMemoryAndChangesNothing) {
  std::unique_ptr<Store> store = MakeStore({.reserved_bits = 64, .table_limit_bytes = 2000});
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(CreateMap(*store, 16, &map), Status::kOk);
  std::deque<Owner> owners;
  for (uint64_t n = 0; n < 500; ++n) {  // beyond the limit, values are private
    ASSERT_EQ(Put(*map, owners.emplace_back(), n), Status::kOk);
    ASSERT_LE(store->account().used_bytes(), 2000U);
  }
  EXPECT_GT(map->stats().spilled_now, 300U);
  for (uint64_t n = 0; n < 500; ++n)
    EXPECT_EQ(Held(*map, owners[n]), NumberedValue(n, kStoreValueBytes));
  std::unique_ptr<IndexMap> second;
  const size_t used = store->account().used_bytes();
  if (CreateMap(*store, 16, &second) == Status::kNoBits) {
    EXPECT_EQ(store->account().used_bytes(), used);
  }
  for (Owner& owner : owners) store->Close(owner);
  second.reset();
  map.reset();
  EXPECT_EQ(store->account().used_bytes(), 0U);
}

TEST(StoreTest, CheckInvariantsFindsACodeThatNobodyCounted) {
  Population owners(2);
  const auto store = MakeStore({.reserved_bits = 64, .population = &owners});
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(CreateMap(*store, 9, &map), Status::kOk);
  ASSERT_EQ(Put(*map, owners[0], 1), Status::kOk);
  std::string reason;
  EXPECT_TRUE(store->CheckInvariants(&reason));
  const InlineWordsRef words(owners[1].words);
  for (const uint32_t forged : {1U, 2U, 511U}) {
    words.Exchange(map->field(), forged);
    EXPECT_FALSE(store->CheckInvariants(&reason)) << forged;
    EXPECT_NE(reason.find("V3"), std::string::npos) << reason;
  }
  words.Exchange(map->field(), kAbsentCode);
  EXPECT_TRUE(store->CheckInvariants(&reason));
}

TEST(StoreTest, MapsAreFreedWhileOwnersClose) {
  for (int round = 0; round < 40; ++round) {
    const auto store = MakeStore({.reserved_bits = 64});
    std::unique_ptr<IndexMap> kept;
    std::unique_ptr<IndexMap> map;
    ASSERT_EQ(CreateMap(*store, 16, &kept), Status::kOk);
    ASSERT_EQ(CreateMap(*store, 3, &map), Status::kOk);
    std::vector<Owner> owners(200);
    for (size_t i = 0; i < owners.size(); ++i) {
      ASSERT_EQ(Put(*map, owners[i], i % 20), Status::kOk);
      ASSERT_EQ(Put(*kept, owners[i], i % 20), Status::kOk);
    }
    std::thread closing([&] {
      for (Owner& owner : owners) store->Close(owner);
    });
    map.reset();
    closing.join();
    EXPECT_EQ(kept->table().total_references(), 0U);
    std::vector<std::unique_ptr<IndexMap>> refilled(3);  // all bits are free again
    for (auto& again : refilled) ASSERT_EQ(CreateMap(*store, 16, &again), Status::kOk);
  }
}

// --- an embedder's owners with a storage pointer, and maps that fall back to it

struct SlotOwner {
  InlineWords<16> words;
  StoragePointer slot{nullptr};
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
  StoragePointer& storage_pointer() { return slot; }
};

TEST(StoreWithSlotsTest, CloseAndCloneReachTheValuesOfMapsThatHaveFallenBack) {
  LocalStorageDomain domain;
  const auto store = MakeStore({.reserved_bits = 16, .private_values = &domain});
  std::unique_ptr<IndexMap> interned;
  std::unique_ptr<IndexMap> fallen;
  ASSERT_EQ(CreateMap(*store, 16, &interned), Status::kOk);
  ASSERT_EQ(CreateMap(*store, 16, &fallen), Status::kOk);
  ASSERT_FALSE(fallen->is_interned());
  auto parent = std::make_unique<SlotOwner>();
  auto child = std::make_unique<SlotOwner>();
  for (IndexMap* const map : {interned.get(), fallen.get()}) {
    ASSERT_EQ(map->Update(*parent, NumberedValue(7, kStoreValueBytes), UpdateFlag::kAny),
              Status::kOk);
  }
  ASSERT_EQ(store->Clone(*parent, *child), Status::kOk);
  store->Close(*parent);
  EXPECT_EQ(parent->slot.load(), nullptr);
  parent.reset();
  {
    ReadSection section;
    EXPECT_EQ(Copied(interned->Get(*child), kStoreValueBytes), NumberedValue(7, kStoreValueBytes));
    EXPECT_EQ(Copied(fallen->Get(*child), kStoreValueBytes), NumberedValue(7, kStoreValueBytes));
  }
  store->Close(*child);
  child.reset();
  fallen.reset();  // would access freed owners if Close() had left their values
  RetireBarrier();
  EXPECT_EQ(domain.memory_usage().private_bytes, 0U);
}

}  // namespace
}  // namespace inlay
