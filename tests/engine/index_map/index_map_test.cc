// IndexMap and SharedMap<T>, except for the contract (tests/contract) and the overflow ladder.

#include "inlay/index_map.h"

#include <gtest/gtest.h>

#include <optional>
#include <span>
#include <thread>

#include "inlay/emulated/socket.h"
#include "inlay/rcu.h"
#include "inlay/shared_map.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"

namespace inlay {
namespace {

using Owner = PlainOwner<64>;

struct Policy {
  uint32_t rate_limit = 0;
  uint16_t priority = 0;
  uint16_t flags = 0;
};
struct alignas(8) Aligned {
  uint64_t words[8] = {};
};

class IndexMapTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(Store::Create({.reserved_bits = 64}, &store_), Status::kOk); }
  Status Create(uint32_t value_bytes, uint32_t width_bits, uint32_t alignment,
                std::unique_ptr<IndexMap>* map) {
    MapOptions options;
    options.value_bytes = value_bytes;
    options.width_bits = width_bits;
    options.alignment = alignment;
    return IndexMap::Create(*store_, options, map);
  }
  std::unique_ptr<Store> store_;
};

TEST_F(IndexMapTest, OptionsOutOfRange) {
  std::unique_ptr<IndexMap> map;
  EXPECT_EQ(Create(0, 9, 8, &map), Status::kInvalid);
  EXPECT_EQ(Create(8, 1, 8, &map), Status::kInvalid);
  EXPECT_EQ(Create(8, 17, 8, &map), Status::kInvalid);
  EXPECT_EQ(Create(8, 9, 3, &map), Status::kInvalid);
  EXPECT_EQ(Create(8, 9, 0, &map), Status::kInvalid);
  EXPECT_EQ(Create(kMaxValueBytes + 1, 9, 8, &map), Status::kTooBig);
  EXPECT_EQ(map, nullptr);
  EXPECT_EQ(Create(kMaxValueBytes, 2, 4096, &map), Status::kOk);
}

TEST_F(IndexMapTest, EveryValueIsAlignedAsAskedAlsoWhenItSpills) {
  for (const uint32_t alignment : {1U, 8U, 16U, 32U, 64U, 4096U}) {
    SCOPED_TRACE(alignment);
    std::unique_ptr<IndexMap> map;
    ASSERT_EQ(Create(64, 2, alignment, &map), Status::kOk);
    std::deque<Owner> owners(8);
    for (uint64_t i = 0; i < owners.size(); ++i) {
      ASSERT_EQ(map->Update(owners[i], NumberedValue(i, 64), UpdateFlag::kAny), Status::kOk);
      ReadSection section;
      const std::byte* const value = map->Get(owners[i]);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(value) % alignment, 0U);
      EXPECT_EQ(Copied(value, 64), NumberedValue(i, 64));
    }
    EXPECT_EQ(map->stats().spilled_now, owners.size() - 2);
    for (Owner& owner : owners) store_->Close(owner);
    EXPECT_EQ(map->memory_usage().private_bytes, 0U);
  }
  // Values that spill into storages have the kernel's alignment, so more is refused.
  std::unique_ptr<SocketTable> sockets;
  ASSERT_EQ(SocketTable::Create({.inline_bits = 16}, &sockets), Status::kOk);
  std::unique_ptr<IndexMap> map;
  EXPECT_EQ(IndexMap::Create(*sockets, {.value_bytes = 64, .alignment = 16}, &map),
            Status::kInvalid);
  EXPECT_EQ(map, nullptr);
}

TEST_F(IndexMapTest, EqualValuesOfManyOwnersAreStoredOnce) {
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Create(100, 9, 8, &map), Status::kOk);
  std::deque<Owner> owners;
  for (uint64_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(map->Update(owners.emplace_back(), NumberedValue(i % 7, 100), UpdateFlag::kAny),
              Status::kOk);
  }
  EXPECT_EQ(map->stats().table.live, 7U);
  EXPECT_EQ(map->table().total_references(), 1000U);
  ReadSection section;
  EXPECT_EQ(map->Get(owners[0]), map->Get(owners[7])) << "one copy";
  EXPECT_NE(map->Get(owners[0]), map->Get(owners[1]));
  for (Owner& owner : owners) store_->Close(owner);
  EXPECT_EQ(map->stats().table.live, 0U);
}

// A mix of absent, interned and spilled owners, in numbers around those that are prefetched at
// once.
TEST_F(IndexMapTest, GetManyAnswersAsGet) {
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Create(24, 3, 8, &map), Status::kOk);  // 6 indexes, so that most values spill
  std::deque<Owner> owners(100);
  for (size_t i = 0; i < owners.size(); ++i) {
    if (i % 5 == 0) continue;
    ASSERT_EQ(map->Update(owners[i], NumberedValue(i % 13, 24), UpdateFlag::kAny), Status::kOk);
  }
  EXPECT_GT(map->stats().spilled_now, 0U);
  std::vector<const Owner*> asked;
  for (const Owner& owner : owners) asked.push_back(&owner);
  for (const size_t count :
       {size_t{0}, size_t{1}, IndexMap::kGetAtOnce, IndexMap::kGetAtOnce + 1, owners.size()}) {
    const std::byte untouched{};
    std::vector<const std::byte*> found(owners.size(), &untouched);
    ReadSection section;
    map->GetMany(std::span<const Owner* const>(asked).first(count), std::span(found));
    for (size_t i = 0; i < owners.size(); ++i) {
      EXPECT_EQ(found[i], i < count ? map->Get(owners[i]) : &untouched) << i << " of " << count;
    }
  }
  for (Owner& owner : owners) store_->Close(owner);
}

TEST_F(IndexMapTest, GetManyOfASharedMap) {
  std::unique_ptr<SharedMap<Policy>> map;
  ASSERT_EQ(SharedMap<Policy>::Create(*store_, MapOptions{}, &map), Status::kOk);
  std::deque<Owner> owners(70);
  std::vector<const Owner*> asked;
  for (Owner& owner : owners) {
    if (asked.size() % 3 != 0) {
      ASSERT_EQ(map->Update(owner, Policy{.rate_limit = static_cast<uint32_t>(asked.size())}),
                Status::kOk);
    }
    asked.push_back(&owner);
  }
  {
    ReadSection section;
    std::vector<const Policy*> found(owners.size());
    map->GetMany(std::span<const Owner* const>(asked), std::span(found));
    for (size_t i = 0; i < owners.size(); ++i) EXPECT_EQ(found[i], map->Get(owners[i])) << i;
    EXPECT_EQ(found[0], nullptr);
    EXPECT_EQ(found[67]->rate_limit, 67U);
  }
  for (Owner& owner : owners) store_->Close(owner);
}

TEST_F(IndexMapTest, LoadCopiesOutsideOfASection) {
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Create(24, 2, 8, &map), Status::kOk);
  std::deque<Owner> owners(4);  // absent, two interned, and a spilled one
  for (uint64_t i = 1; i < owners.size(); ++i) {
    ASSERT_EQ(map->Update(owners[i], NumberedValue(i, 24), UpdateFlag::kAny), Status::kOk);
  }
  ASSERT_EQ(map->stats().spilled_now, 1U);
  ASSERT_FALSE(InReadSection());
  Bytes copy = NumberedValue(99, 24);
  EXPECT_EQ(map->Load(owners[0], copy), Status::kNotFound);
  EXPECT_EQ(map->Load(owners[1], std::span(copy).first(23)), Status::kInvalid);
  EXPECT_EQ(copy, NumberedValue(99, 24)) << "a failure changes nothing";
  for (uint64_t i = 1; i < owners.size(); ++i) {
    EXPECT_EQ(map->Load(owners[i], copy), Status::kOk);
    EXPECT_EQ(copy, NumberedValue(i, 24));
  }
  for (Owner& owner : owners) store_->Close(owner);
}

TEST_F(IndexMapTest, AGetTakesTheSectionInWhichItsValueIsValid) {
  std::unique_ptr<SharedMap<Policy>> map;
  ASSERT_EQ(SharedMap<Policy>::Create(*store_, MapOptions{}, &map), Status::kOk);
  Owner owner;
  EXPECT_EQ(map->Load(owner), std::nullopt);
  ASSERT_EQ(map->Update(owner, Policy{.rate_limit = 5}), Status::kOk);
  EXPECT_EQ(map->Load(owner)->rate_limit, 5U);
  {
    const ReadSection section;
    EXPECT_EQ(map->Get(section, owner)->rate_limit, 5U);
    EXPECT_EQ(map->bytes().Get(section, owner), map->bytes().Get(owner));
  }
  store_->Close(owner);
}

TEST_F(IndexMapTest, StatisticsTellWhatWaitsForReaders) {
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Create(8, 2, 8, &map), Status::kOk);
  std::deque<Owner> owners(3);
  for (uint64_t i = 0; i < owners.size(); ++i) {
    ASSERT_EQ(map->Update(owners[i], NumberedValue(i, 8), UpdateFlag::kAny), Status::kOk);
  }
  RetireBarrier();
  EXPECT_EQ(map->stats().pending_bytes, 0U);
  {
    const ReadSection section;
    ASSERT_EQ(map->Update(owners[2], NumberedValue(7, 8), UpdateFlag::kAny), Status::kOk);
    EXPECT_GT(map->stats().pending_bytes, 0U) << "the private value that was replaced";
    EXPECT_EQ(map->stats().pending_bytes, store_->pending_account().used_bytes());
  }
  RetireBarrier();
  EXPECT_EQ(map->stats().pending_bytes, 0U);
  for (Owner& owner : owners) store_->Close(owner);
}

#ifndef NDEBUG
TEST_F(IndexMapTest, AGetWithoutASectionIsFoundInBuildsWithAssertions) {
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Create(8, 9, 8, &map), Status::kOk);
  const Owner owner;
  EXPECT_DEATH(map->Get(owner), "InReadSection");
}
#endif

// S2: a map does not see the values of another.
TEST_F(IndexMapTest, S2MapsDoNotShareATable) {
  std::unique_ptr<IndexMap> one;
  std::unique_ptr<IndexMap> other;
  ASSERT_EQ(Create(8, 9, 8, &one), Status::kOk);
  ASSERT_EQ(Create(8, 9, 8, &other), Status::kOk);
  Owner owner;
  ASSERT_EQ(one->Update(owner, NumberedValue(1, 8), UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(other->stats().table.live, 0U);
  ReadSection section;
  EXPECT_EQ(other->table().Find(NumberedValue(1, 8)), kNoIndex);
  store_->Close(owner);
}

TEST_F(IndexMapTest, ReclaimReturnsHowManyValuesWentAndMakesRoom) {
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Create(8, 9, 8, &map), Status::kOk);
  std::deque<Owner> owners;
  for (uint64_t i = 0; i < 510; ++i) {
    ASSERT_EQ(map->Update(owners.emplace_back(), NumberedValue(i, 8), UpdateFlag::kAny),
              Status::kOk);
  }
  for (size_t i = 0; i < 100; ++i) ASSERT_EQ(map->Delete(owners[i]), Status::kOk);
  EXPECT_EQ(map->Reclaim(), 100U);
  for (uint64_t i = 0; i < 100; ++i) {
    ASSERT_EQ(map->Update(owners[i], NumberedValue(1000 + i, 8), UpdateFlag::kAny), Status::kOk);
  }
  EXPECT_EQ(map->stats().spilled, 0U);
  EXPECT_EQ(map->Reclaim(), 0U);
  for (Owner& owner : owners) store_->Close(owner);
}

TEST_F(IndexMapTest, MapsOfOneStoreShareItsAccount) {
  std::unique_ptr<IndexMap> one;
  std::unique_ptr<IndexMap> other;
  ASSERT_EQ(Create(8, 9, 8, &one), Status::kOk);
  const size_t used = store_->account().used_bytes();
  ASSERT_EQ(Create(8, 9, 8, &other), Status::kOk);
  EXPECT_EQ(store_->account().used_bytes(), 2 * used);
  one.reset();
  other.reset();
  EXPECT_EQ(store_->account().used_bytes(), 0U);
}

TEST_F(IndexMapTest, InlineBytesAreSharedInProportionToWidths) {
  std::unique_ptr<SocketTable> table;
  ASSERT_EQ(SocketTable::Create({.inline_bits = 64}, &table), Status::kOk);
  std::unique_ptr<IndexMap> one;
  std::unique_ptr<IndexMap> other;
  MapOptions options;
  options.value_bytes = 8;
  ASSERT_EQ(IndexMap::Create(*table, options, &one), Status::kOk);
  int fd = -1;
  for (int i = 0; i < 30; ++i) ASSERT_EQ(table->Open(SocketFamily::kUdp, &fd), Status::kOk);
  EXPECT_EQ(one->memory_usage().inline_bytes, 30 * 8U);
  options.width_bits = 8;
  ASSERT_EQ(IndexMap::Create(*table, options, &other), Status::kOk);
  EXPECT_EQ(one->memory_usage().inline_bytes, 30 * 8U * 16 / 24);
  EXPECT_EQ(other->memory_usage().inline_bytes, 30 * 8U * 8 / 24);
}

// --- SharedMap<T>

TEST_F(IndexMapTest, SharedMapSpeaksInObjects) {
  std::unique_ptr<SharedMap<Policy>> map;
  ASSERT_EQ(SharedMap<Policy>::Create(*store_, MapOptions{}, &map), Status::kOk);
  EXPECT_EQ(map->bytes().value_bytes(), sizeof(Policy));
  Owner one;
  Owner other;
  {
    ReadSection section;
    EXPECT_EQ(map->Get(one), nullptr);
    const Policy* const made = map->GetOrCreate(one, Policy{.rate_limit = 5});
    ASSERT_NE(made, nullptr);
    EXPECT_EQ(made->rate_limit, 5U);
  }
  EXPECT_EQ(map->Update(other, Policy{.rate_limit = 5}), Status::kOk);
  EXPECT_EQ(map->Update(other, Policy{}, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(map->bytes().stats().table.live, 1U);
  EXPECT_EQ(map->Modify(other, [](Policy& policy) { policy.priority = 7; }), Status::kOk);
  {
    ReadSection section;
    EXPECT_EQ(map->Get(other)->rate_limit, 5U);
    EXPECT_EQ(map->Get(other)->priority, 7U);
    EXPECT_EQ(map->Get(one)->priority, 0U);
  }
  EXPECT_EQ(map->Delete(one), Status::kOk);
  EXPECT_EQ(map->Modify(one, [](Policy&) {}), Status::kNotFound);
  store_->Close(other);
}

constexpr InlineField kPolicyField{.word = 0, .shift = 3, .width_bits = 2};

// Two values have an index, and all others are spilled.
TEST_F(IndexMapTest, SharedMapWithAFieldReadsEveryState) {
  std::unique_ptr<SharedMap<Policy, kPolicyField>> map;
  ASSERT_EQ((SharedMap<Policy, kPolicyField>::Create(*store_, {.background = false}, &map)),
            Status::kOk);
  EXPECT_EQ(map->bytes().field(), kPolicyField);
  std::deque<Owner> owners(6);
  for (uint32_t i = 1; i < owners.size(); ++i) {
    ASSERT_EQ(map->Update(owners[i], Policy{.rate_limit = i}), Status::kOk);
  }
  EXPECT_EQ(map->bytes().stats().spilled_now, 3U);
  {
    ReadSection section;
    EXPECT_EQ(map->Get(owners[0]), nullptr);
    for (uint32_t i = 1; i < owners.size(); ++i) {
      ASSERT_NE(map->Get(owners[i]), nullptr);
      EXPECT_EQ(map->Get(owners[i])->rate_limit, i);
    }
  }
  for (Owner& owner : owners) store_->Close(owner);
}

TEST_F(IndexMapTest, AFieldThatIsTakenIsRefused) {
  std::unique_ptr<IndexMap> first;
  ASSERT_EQ(Create(8, 4, 8, &first), Status::kOk);
  std::unique_ptr<SharedMap<Policy, kPolicyField>> map;
  EXPECT_EQ((SharedMap<Policy, kPolicyField>::Create(*store_, {}, &map)), Status::kNoBits);
  EXPECT_EQ(map, nullptr);
  first.reset();
  EXPECT_EQ((SharedMap<Policy, kPolicyField>::Create(*store_, {}, &map)), Status::kOk);
}

// It would be read from a place that it does not have.
TEST_F(IndexMapTest, AMapWithAFieldDoesNotFallBack) {
  std::unique_ptr<SocketTable> sockets;
  ASSERT_EQ(SocketTable::Create({.inline_bits = 16}, &sockets), Status::kOk);
  std::unique_ptr<IndexMap> map;
  const InlineField outside{.word = 0, .shift = 8, .width_bits = 9};
  EXPECT_EQ(IndexMap::Create(*sockets, {.value_bytes = 8, .field = outside}, &map),
            Status::kNoBits);
  const InlineField inside{.word = 0, .shift = 0, .width_bits = 9};
  EXPECT_EQ(
      IndexMap::Create(*sockets, {.value_bytes = 8, .field = inside, .spin_lock = true}, &map),
      Status::kInvalid);
}

// Interned or spilled: with a width of 2 bits most of these owners have private values.
TEST_F(IndexMapTest, SharedMapKeepsTheAlignmentOfItsType) {
  std::unique_ptr<SharedMap<Aligned>> map;
  ASSERT_EQ(SharedMap<Aligned>::Create(*store_, {.width_bits = 2}, &map), Status::kOk);
  std::deque<Owner> owners;
  for (uint64_t i = 0; i < 100; ++i) {
    Aligned value;
    value.words[7] = i;
    ASSERT_EQ(map->Update(owners.emplace_back(), value), Status::kOk);
  }
  EXPECT_EQ(map->bytes().stats().spilled_now, 98U);
  ReadSection section;
  for (uint64_t i = 0; i < 100; ++i) {
    ASSERT_EQ(map->Modify(owners[i],
                          [](Aligned& value) {
                            EXPECT_EQ(reinterpret_cast<uintptr_t>(&value) % alignof(Aligned), 0U);
                            ++value.words[6];
                          }),
              Status::kOk);
    const Aligned* const found = map->Get(owners[i]);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(found) % alignof(Aligned), 0U);
    EXPECT_EQ(found->words[6], 1U);
    EXPECT_EQ(found->words[7], i);
  }
  for (Owner& owner : owners) store_->Close(owner);
}

// Spilled owners: threads move their values between the table and private places.
TEST_F(IndexMapTest, ValuesThatMoveBetweenTableAndPrivatePlacesAreAlwaysSeenWhole) {
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Create(40, 2, 8, &map), Status::kOk);
  std::vector<Owner> owners(4);
  for (uint64_t i = 0; i < 4; ++i) {
    ASSERT_EQ(map->Update(owners[i], NumberedValue(i, 40), UpdateFlag::kAny), Status::kOk);
  }
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> writers;
  for (uint64_t t = 0; t < 2; ++t) {
    writers.emplace_back([&, t] {
      for (uint64_t i = 0; i < 6000; ++i) {
        const Bytes value = NumberedValue((i * (t + 3)) % 8, 40);
        if (map->Update(owners[i % 4], value, UpdateFlag::kExist) != Status::kOk) ++wrong;
      }
    });
  }
  std::thread reader([&] {
    uint64_t i = 0;
    do {
      ReadSection section;
      const Bytes held = Copied(map->Get(owners[++i % 4]), 40);
      if (held.empty() || held != NumberedValue(static_cast<uint64_t>(held[0]), 40)) ++wrong;
    } while (!done);
  });
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  EXPECT_EQ(wrong, 0);
  for (Owner& owner : owners) store_->Close(owner);
  std::string reason;
  EXPECT_TRUE(map->CheckInvariants(&reason)) << reason;
  EXPECT_EQ(map->table().total_references(), 0U);
  EXPECT_EQ(map->stats().spilled_now, 0U);
}

}  // namespace
}  // namespace inlay
