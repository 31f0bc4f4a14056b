// The storage below PointerMap: cache slots, the list behind them, and the order of frees.

#include "inlay/local_storage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "inlay/rcu.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kLocalValueBytes = 100;

Bytes Value(uint64_t n) { return NumberedValue(n, kLocalValueBytes); }

// Counts charges, and refuses them if told to.
class CountingCharger final : public StorageCharger {
 public:
  bool Charge(StoragePointer&, uint32_t bytes) noexcept override {
    if (full) return false;
    charged += bytes;
    return true;
  }
  void Uncharge(StoragePointer&, uint32_t bytes) noexcept override { charged -= bytes; }
  std::atomic<int64_t> charged{0};
  bool full = false;
};

class LocalStorageTest : public testing::Test {
 protected:
  ~LocalStorageTest() override { EXPECT_EQ(charger_.charged, 0); }

  std::unique_ptr<LocalStorageMap> MakeMap(bool clone = false) {
    MapOptions options;
    options.value_bytes = kLocalValueBytes;
    options.clone = clone;
    std::unique_ptr<LocalStorageMap> map;
    EXPECT_EQ(LocalStorageMap::Create(domain_, options, &map), Status::kOk);
    return map;
  }
  static Bytes Held(const LocalStorageMap& map, const StoragePointer& owner) {
    ReadSection section;
    return Copied(map.Get(owner), kLocalValueBytes);
  }
  static Status Put(LocalStorageMap& map, StoragePointer& owner, uint64_t n) {
    return map.Update(owner, Value(n), UpdateFlag::kAny);
  }

  CountingCharger charger_;
  LocalStorageDomain domain_{&charger_};
};

TEST_F(LocalStorageTest, MapsTakeTheLeastUsedCacheSlot) {
  std::vector<std::unique_ptr<LocalStorageMap>> maps;
  std::set<uint32_t> slots;
  for (uint32_t i = 0; i < kStorageCacheSlots; ++i) {
    maps.push_back(MakeMap());
    slots.insert(maps.back()->cache_slot());
  }
  EXPECT_EQ(slots.size(), kStorageCacheSlots);
  const uint32_t freed = maps[5]->cache_slot();
  maps[5].reset();
  maps[5] = MakeMap();
  EXPECT_EQ(maps[5]->cache_slot(), freed);
  std::vector<uint32_t> users(kStorageCacheSlots);
  for (uint32_t i = 0; i < 2 * kStorageCacheSlots; ++i) maps.push_back(MakeMap());
  for (const auto& map : maps) ++users[map->cache_slot()];
  EXPECT_EQ(users, std::vector<uint32_t>(kStorageCacheSlots, 3));
}

TEST_F(LocalStorageTest, FortyMapsOnOneOwnerShareSlotsAndKeepTheirValues) {
  std::vector<std::unique_ptr<LocalStorageMap>> maps;
  for (int i = 0; i < 40; ++i) maps.push_back(MakeMap());
  StoragePointer owner{nullptr};
  for (uint64_t i = 0; i < 40; ++i) ASSERT_EQ(Put(*maps[i], owner, i), Status::kOk);
  for (int round = 0; round < 3; ++round) {  // the maps evict each other from the cache slot
    for (uint64_t i = 0; i < 40; ++i) EXPECT_EQ(Held(*maps[i], owner), Value(i));
  }
  for (uint64_t i = 0; i < 40; i += 2) ASSERT_EQ(maps[i]->Delete(owner), Status::kOk);
  for (uint64_t i = 0; i < 40; ++i) {
    EXPECT_EQ(Held(*maps[i], owner), i % 2 == 0 ? Bytes() : Value(i));
  }
  maps.erase(maps.begin() + 1);  // removes the map from all caches
  for (size_t i = 1; i < maps.size(); ++i) EXPECT_EQ(Held(*maps[i], owner).empty(), i % 2 == 1);
  domain_.ReleaseOwner(owner);
}

TEST_F(LocalStorageTest, AGetFillsTheCache) {
  const auto map = MakeMap();
  StoragePointer owner{nullptr};
  ASSERT_EQ(Put(*map, owner, 1), Status::kOk);
  ReadSection section;
  const auto cached = [&] {
    return reinterpret_cast<const LocalStorageCache*>(owner.load())
        ->slots[map->cache_slot()]
        .load();
  };
  const std::byte* const found = map->Get(owner);
  ASSERT_NE(cached(), nullptr);
  EXPECT_EQ(cached()->value(), found);
  ASSERT_EQ(Put(*map, owner, 2), Status::kOk);
  EXPECT_EQ(cached(), nullptr) << "the cache holds a replaced element";
  const std::byte* const replaced = map->Get(owner);
  EXPECT_EQ(cached()->value(), replaced);
  ASSERT_EQ(map->Delete(owner), Status::kOk);
  EXPECT_EQ(owner.load(), nullptr) << "the storage goes with its last element";
}

TEST_F(LocalStorageTest, ElementsAndStorageAreChargedAndCounted) {
  const auto one = MakeMap();
  const auto other = MakeMap();
  StoragePointer owner{nullptr};
  ASSERT_EQ(Put(*one, owner, 1), Status::kOk);
  EXPECT_EQ(charger_.charged, 348);
  ASSERT_EQ(Put(*other, owner, 1), Status::kOk);
  EXPECT_EQ(charger_.charged, 348 + 172);
  ASSERT_EQ(Put(*other, owner, 2), Status::kOk);
  EXPECT_EQ(charger_.charged, 348 + 172) << "both are charged only for a moment";
  EXPECT_EQ(one->elements(), 1U);
  RetireBarrier();
  EXPECT_EQ(domain_.memory_usage().private_bytes, 3 * 192U);
  EXPECT_EQ(one->memory_usage().private_bytes + other->memory_usage().private_bytes, 3 * 192U);
  ASSERT_EQ(one->Delete(owner), Status::kOk);
  EXPECT_EQ(charger_.charged, 348);
  ASSERT_EQ(other->Delete(owner), Status::kOk);
  EXPECT_EQ(charger_.charged, 0);
  RetireBarrier();
  EXPECT_EQ(domain_.memory_usage().private_bytes, 0U);
}

TEST_F(LocalStorageTest, WithoutRoomNothingChanges) {
  const auto map = MakeMap(true);
  StoragePointer owner{nullptr};
  StoragePointer child{nullptr};
  ASSERT_EQ(Put(*map, owner, 1), Status::kOk);
  charger_.full = true;
  EXPECT_EQ(Put(*map, owner, 2), Status::kOwnerLimit);
  EXPECT_EQ(map->Update(owner, Value(2), UpdateFlag::kNoExist), Status::kOwnerLimit)
      << "the charge precedes the flag if the owner has any value";
  EXPECT_EQ(map->Update(child, Value(2), UpdateFlag::kExist), Status::kNotFound);
  EXPECT_EQ(map->Modify(owner, [](std::span<std::byte>) {}), Status::kOk) << "needs no room";
  EXPECT_EQ(map->Modify(child, [](std::span<std::byte>) {}), Status::kNotFound);
  EXPECT_EQ(domain_.CloneOwner(owner, child), Status::kOwnerLimit);
  EXPECT_EQ(child.load(), nullptr);
  EXPECT_EQ(Held(*map, owner), Value(1));
  charger_.full = false;
  domain_.ReleaseOwner(owner);
}

TEST_F(LocalStorageTest, CloneCopiesTheMapsWithTheFlag) {
  const auto cloned = MakeMap(true);
  const auto plain = MakeMap();
  const auto second = MakeMap(true);
  StoragePointer parent{nullptr};
  StoragePointer child{nullptr};
  ASSERT_EQ(domain_.CloneOwner(parent, child), Status::kOk);
  for (auto* map : {cloned.get(), plain.get(), second.get()}) {
    ASSERT_EQ(Put(*map, parent, map == second.get() ? 2 : 1), Status::kOk);
  }
  ASSERT_EQ(domain_.CloneOwner(parent, child), Status::kOk);
  EXPECT_EQ(Held(*cloned, child), Value(1));
  EXPECT_TRUE(Held(*plain, child).empty());
  EXPECT_EQ(Held(*second, child), Value(2));
  domain_.ReleaseOwner(parent);
  EXPECT_EQ(Held(*second, child), Value(2));
  domain_.ReleaseOwner(child);
}

// During a walk, an update adds the new element in front of it and removes the old one.
TEST_F(LocalStorageTest, AReplacedValueIsNotMissedByAClone) {
  std::vector<std::unique_ptr<LocalStorageMap>> maps;
  StoragePointer parent{nullptr};
  for (int i = 0; i < 8; ++i) {
    maps.push_back(MakeMap(true));
    ASSERT_EQ(Put(*maps.back(), parent, 1), Status::kOk);
  }
  std::atomic<bool> done{false};
  std::thread writing([&] {
    for (size_t n = 0; !done; ++n) {
      EXPECT_EQ(Put(*maps[n % maps.size()], parent, n % 100), Status::kOk);
    }
  });
  size_t missed = 0;
  for (int round = 0; round < 3000; ++round) {
    StoragePointer child{nullptr};
    ASSERT_EQ(domain_.CloneOwner(parent, child), Status::kOk);
    for (const auto& map : maps) missed += Held(*map, child).empty();
    domain_.ReleaseOwner(child);
  }
  done = true;
  writing.join();
  EXPECT_EQ(missed, 0U);
  domain_.ReleaseOwner(parent);
}

TEST_F(LocalStorageTest, AFreedMapTakesItsElementsOutOfEveryOwner) {
  const auto other = MakeMap();
  auto map = MakeMap();
  std::vector<StoragePointer> owners(1000);
  for (size_t i = 0; i < owners.size(); ++i) {
    ASSERT_EQ(Put(*map, owners[i], i), Status::kOk);
    if (i % 2 == 0) {
      ASSERT_EQ(Put(*other, owners[i], i), Status::kOk);
    }
  }
  map.reset();
  for (size_t i = 0; i < owners.size(); ++i) {
    EXPECT_EQ(Held(*other, owners[i]), i % 2 == 0 ? Value(i) : Bytes());
    EXPECT_EQ(owners[i].load() == nullptr, i % 2 == 1);
    domain_.ReleaseOwner(owners[i]);
  }
}

// One thread frees a map while others release and clone its owners.
TEST_F(LocalStorageTest, AMapIsFreedWhileOwnersAreReleasedAndCloned) {
  for (uint64_t round = 0; round < 50; ++round) {
    auto map = MakeMap(true);
    const auto other = MakeMap(true);
    std::vector<StoragePointer> owners(60);
    std::vector<StoragePointer> children(60);
    for (size_t i = 0; i < owners.size(); ++i) {
      ASSERT_EQ(Put(*map, owners[i], i), Status::kOk);
      if (i % 3 == 0) {
        ASSERT_EQ(Put(*other, owners[i], i), Status::kOk);
      }
    }
    std::thread closing([&] {
      for (size_t i = 0; i < 30; ++i) domain_.ReleaseOwner(owners[i]);
    });
    std::thread cloning([&] {
      for (size_t i = 30; i < 60; ++i) {
        EXPECT_EQ(domain_.CloneOwner(owners[i], children[i]), Status::kOk);
      }
    });
    map.reset();
    closing.join();
    cloning.join();
    for (size_t i = 30; i < 60; ++i) {
      EXPECT_EQ(Held(*other, children[i]), i % 3 == 0 ? Value(i) : Bytes());
      domain_.ReleaseOwner(owners[i]);
      domain_.ReleaseOwner(children[i]);
    }
  }
}

}  // namespace
}  // namespace inlay
