// V4 on the second rung of the ladder: fails every allocation of an operation that spills, on both
// kinds of owners, and of the objects that hold maps and owners.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kLadderValueBytes = 5000;

template <typename Owners>
class SpilledNoMemoryTest : public testing::Test {
 protected:
  using Owner = typename Owners::Owner;

  void SetUp() override {
    MapOptions options;
    options.value_bytes = kLadderValueBytes;
    options.width_bits = 2;
    options.background = false;  // it takes memory when it likes
    options.clone = true;
    ASSERT_EQ(IndexMap::Create(owners_.store(), options, &map_), Status::kOk);
    // Both indexes are taken for good.
    ASSERT_EQ(Put(owners_.Add(), 1), Status::kOk);
    ASSERT_EQ(Put(owners_.Add(), 2), Status::kOk);
  }
  void TearDown() override {
    SetAllocationsLeftForTest(-1);
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    EXPECT_TRUE(owners_.store().CheckInvariants(&reason)) << reason;
    // Closing and freeing need no memory.
    SetAllocationsLeftForTest(0);
    owners_.CloseAll();
    EXPECT_EQ(map_->stats().spilled_now, 0U);
    EXPECT_EQ(map_->table().total_references(), 0U);
    map_.reset();
    SetAllocationsLeftForTest(-1);
    EXPECT_EQ(owners_.store().account().used_bytes(), 0U);
  }

  // The least number of failures in `spills` spills. Each spill fails if private values have
  // allocations of their own; sockets take theirs from slabs, which allocate many at a time.
  static int Least(int spills) { return std::is_same_v<Owners, SocketOwners> ? 0 : spills; }

  static Bytes Value(uint64_t n) { return NumberedValue(n, kLadderValueBytes); }
  Status Put(Owner& owner, uint64_t n, UpdateFlag flag = UpdateFlag::kAny) {
    return map_->Update(owner, Value(n), flag);
  }
  Bytes Held(const Owner& owner) {
    const ReadSection section;
    return Copied(map_->Get(owner), kLadderValueBytes);
  }
  // The walk, with the invariants after each failure.
  template <typename Attempt>
  int Walk(Owner& owner, const Bytes& held, Attempt&& attempt) {
    const uint64_t spilled = map_->stats().spilled_now;
    return FailEachAllocation(attempt, [&] {
      EXPECT_EQ(Held(owner), held);
      EXPECT_EQ(map_->stats().spilled_now, spilled);
      std::string reason;
      EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    });
  }

  Owners owners_;
  std::unique_ptr<IndexMap> map_;
};
using LadderOwners = testing::Types<SocketOwners, PlainOwners<16>>;
TYPED_TEST_SUITE(SpilledNoMemoryTest, LadderOwners);

TYPED_TEST(SpilledNoMemoryTest, TheFirstSpillAndManyMore) {
  int failures = 0;
  for (uint64_t n = 3; n < 200; ++n) {
    auto& owner = this->owners_.Add();
    failures += this->Walk(owner, Bytes(), [&] { return this->Put(owner, n); });
    ASSERT_EQ(this->Held(owner), this->Value(n));
  }
  EXPECT_GE(failures, std::max(this->Least(197), 2));
  EXPECT_EQ(this->map_->stats().spilled_now, 197U);
}

TYPED_TEST(SpilledNoMemoryTest, OnePrivateValueOverAnother) {
  auto& owner = this->owners_.Add();
  ASSERT_EQ(this->Put(owner, 3), Status::kOk);
  int failures = 0;
  for (uint64_t n = 4; n < 30; ++n) {
    failures += this->Walk(owner, this->Value(n - 1),
                           [&] { return this->Put(owner, n, UpdateFlag::kExist); });
    ASSERT_EQ(this->Held(owner), this->Value(n));
  }
  EXPECT_GE(failures, this->Least(26));
}

TYPED_TEST(SpilledNoMemoryTest, AnIndexGivesWayToAPrivateValue) {
  auto& owner = this->owners_.Add();
  for (uint64_t n = 3; n < 30; ++n) {
    ASSERT_EQ(this->Put(owner, 1), Status::kOk);
    EXPECT_GE(this->Walk(owner, this->Value(1), [&] { return this->Put(owner, n); }),
              this->Least(1));
    ASSERT_EQ(this->Held(owner), this->Value(n));
  }
}

TYPED_TEST(SpilledNoMemoryTest, ModifyOfAnInternedAndOfAPrivateValue) {
  auto& owner = this->owners_.Add();
  for (const uint64_t from : {uint64_t{1}, uint64_t{7}}) {
    ASSERT_EQ(this->Put(owner, from), Status::kOk);
    const auto modify = [&] {
      return this->map_->Modify(owner, [](std::span<std::byte> value) { value[1] = std::byte{9}; });
    };
    EXPECT_GE(this->Walk(owner, this->Value(from), modify), 1 + this->Least(1))
        << "a buffer, and a private value";
    Bytes expected = this->Value(from);
    expected[1] = std::byte{9};
    ASSERT_EQ(this->Held(owner), expected);
  }
}

TYPED_TEST(SpilledNoMemoryTest, GetOrCreate) {
  for (uint64_t n = 3; n < 30; ++n) {
    auto& owner = this->owners_.Add();
    const Bytes init = n % 2 == 0 ? this->Value(n) : Bytes();
    const auto create = [&] {
      const ReadSection section;
      Status status = Status::kOk;
      const bool made = this->map_->GetOrCreate(owner, init, &status) != nullptr;
      EXPECT_EQ(made, status == Status::kOk);
      return status;
    };
    EXPECT_GE(this->Walk(owner, Bytes(), create), this->Least(1));
    ASSERT_EQ(this->Held(owner), init.empty() ? Zeroes(kLadderValueBytes) : init);
  }
}

TYPED_TEST(SpilledNoMemoryTest, CloneOfASpilledOwner) {
  auto& parent = this->owners_.Add();
  for (uint64_t n = 3; n < 30; ++n) {
    ASSERT_EQ(this->Put(parent, n), Status::kOk);
    auto& child = this->owners_.Add();
    const auto clone = [&] { return this->owners_.store().Clone(parent, child); };
    EXPECT_GE(this->Walk(child, Bytes(), clone), this->Least(1));
    ASSERT_EQ(this->Held(child), this->Value(n));
  }
}

TYPED_TEST(SpilledNoMemoryTest, DeleteAndTheWayHomeNeedNone) {
  auto& first = this->owners_.Add();
  auto& other = this->owners_.Add();
  ASSERT_EQ(this->Put(first, 3), Status::kOk);
  ASSERT_EQ(this->Put(other, 4), Status::kOk);
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(this->map_->Delete(first), Status::kOk);
  EXPECT_EQ(this->Put(other, 1), Status::kOk) << "a value that is interned already";
  SetAllocationsLeftForTest(-1);
  EXPECT_TRUE(this->Held(first).empty());
  EXPECT_EQ(this->Held(other), this->Value(1));
  EXPECT_EQ(this->map_->stats().spilled_now, 0U);
}

TYPED_TEST(SpilledNoMemoryTest, CreateOfAMap) {
  TypeParam others;
  MapOptions options;
  options.value_bytes = kLadderValueBytes;
  options.width_bits = 2;
  std::unique_ptr<IndexMap> map;
  // All the bits must have come back after each failure.
  EXPECT_GE(FailEachAllocation([&] { return IndexMap::Create(others.store(), options, &map); },
                               [&] {
                                 EXPECT_EQ(map, nullptr);
                                 EXPECT_EQ(others.store().account().used_bytes(), 0U);
                               }),
            4);
  EXPECT_TRUE(map->is_interned()) << "a failure kept the bits";
}

TEST(StoreNoMemoryTest, CreateOfAStoreAndOfASocketTable) {
  std::unique_ptr<Store> store;
  EXPECT_GE(FailEachAllocation([&] { return Store::Create({.reserved_bits = 64}, &store); },
                               [&] { EXPECT_EQ(store, nullptr); }),
            4);
  std::unique_ptr<SocketTable> table;
  const SocketTableOptions options{.inline_bits = 256, .tail_bytes = 64};
  EXPECT_GE(FailEachAllocation([&] { return SocketTable::Create(options, &table); },
                               [&] { EXPECT_EQ(table, nullptr); }),
            5);
  int failures = 0;
  int last = -1;
  for (size_t n = 0; n < 3000; ++n) {
    int fd = -1;
    failures += FailEachAllocation([&] { return table->Open(SocketFamily::kTcp, &fd); },
                                   [&] {
                                     EXPECT_EQ(fd, -1);
                                     EXPECT_EQ(table->sockets(), n);
                                   });
    ASSERT_EQ(fd, last + 1) << "a failure kept a descriptor";
    last = fd;
  }
  EXPECT_GE(failures, 2);
}

}  // namespace
}  // namespace inlay
