// The overflow ladder of an IndexMap: reclaim, spill, kNoMemory; for every width at its boundaries
// and on every kind of owner. The library's thread must not help: the tests count.

#include <gtest/gtest.h>

#include "inlay/index_map.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"

namespace inlay {
namespace {

constexpr uint32_t kOverflowValueBytes = 5;

Bytes Value(uint64_t n) { return NumberedValue(n, kOverflowValueBytes); }

template <typename Owners>
class IndexMapOverflowTest : public testing::Test {
 protected:
  using Owner = typename Owners::Owner;

  void MakeMap(uint32_t width_bits) {
    map_.reset();
    ASSERT_EQ(IndexMap::Create(owners_.store(),
                               {.value_bytes = kOverflowValueBytes,
                                .width_bits = width_bits,
                                .background = false,
                                .clone = true},
                               &map_),
              Status::kOk);
  }
  void TearDown() override {
    ExpectSound();
    owners_.CloseAll();
    EXPECT_EQ(map_->table().total_references(), 0U);
    EXPECT_EQ(map_->stats().spilled_now, 0U);
    map_.reset();
    EXPECT_EQ(owners_.store().account().used_bytes(), 0U);
  }
  void ExpectSound() {
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    EXPECT_TRUE(owners_.store().CheckInvariants(&reason)) << reason;
  }

  bool Spilled(const Owner& owner) {
    return owner.inline_words().Load(map_->field()) == map_->field().spilled_code();
  }
  Bytes Held(const Owner& owner) {
    ReadSection section;
    return Copied(map_->Get(owner), kOverflowValueBytes);
  }
  Status Put(Owner& owner, uint64_t n, UpdateFlag flag = UpdateFlag::kAny) {
    return map_->Update(owner, Value(n), flag);
  }
  // Adds owners until `count` of them hold values 0 .. count-1.
  void FillTo(uint64_t count) {
    while (owner_.size() < count) {
      owner_.push_back(&owners_.Add());
      ASSERT_EQ(Put(*owner_.back(), owner_.size() - 1), Status::kOk);
    }
  }

  Owners owners_;
  std::unique_ptr<IndexMap> map_;
  std::vector<Owner*> owner_;
};
TYPED_TEST_SUITE(IndexMapOverflowTest, AllOwnerKinds, OwnerKindName);

// --- boundaries

TYPED_TEST(IndexMapOverflowTest, EveryWidthAtItsBoundaries) {
  for (uint32_t width = IndexMap::kMinWidthBits; width <= 16; ++width) {
    SCOPED_TRACE(testing::Message() << "width " << width);
    this->owners_.CloseAll();
    this->owner_.clear();
    ASSERT_NO_FATAL_FAILURE(this->MakeMap(width));
    const uint64_t codes = uint64_t{1} << width;
    const uint64_t indexes = codes - 2;
    for (const uint64_t distinct : {codes - 3, codes - 2, codes - 1, codes}) {
      SCOPED_TRACE(testing::Message() << distinct << " distinct values");
      ASSERT_NO_FATAL_FAILURE(this->FillTo(distinct));
      const uint64_t over = distinct > indexes ? distinct - indexes : 0;
      const IndexMapStats stats = this->map_->stats();
      EXPECT_EQ(stats.table.live, distinct - over);
      EXPECT_EQ(stats.spilled_now, over);
      EXPECT_EQ(stats.spilled, over);
      EXPECT_EQ(stats.reclaimed, 0U);
      EXPECT_EQ(stats.no_memory, 0U);
      for (uint64_t n = 0; n < distinct; ++n) {
        ASSERT_EQ(this->Held(*this->owner_[n]), Value(n)) << "value " << n;
        ASSERT_EQ(this->Spilled(*this->owner_[n]), n >= indexes) << "value " << n;
      }
      this->ExpectSound();
    }
    // The table reclaims one index. A spilled owner gets it with its next update; another stays
    // spilled.
    ASSERT_EQ(this->map_->Delete(*this->owner_[0]), Status::kOk);
    EXPECT_EQ(this->map_->Reclaim(), 1U);
    ASSERT_EQ(this->Put(*this->owner_[codes - 1], 1'000'000), Status::kOk);
    EXPECT_FALSE(this->Spilled(*this->owner_[codes - 1]));
    EXPECT_EQ(this->Held(*this->owner_[codes - 1]), Value(1'000'000));
    ASSERT_EQ(this->Put(*this->owner_[codes - 2], 1'000'001), Status::kOk);
    EXPECT_TRUE(this->Spilled(*this->owner_[codes - 2]));
    EXPECT_EQ(this->Held(*this->owner_[codes - 2]), Value(1'000'001));
    EXPECT_EQ(this->map_->stats().spilled_now, 1U);
    EXPECT_EQ(this->map_->stats().reclaimed, 1U);
    this->ExpectSound();
  }
}

// --- spilled owners

template <typename Owners>
class SpilledValueTest : public IndexMapOverflowTest<Owners> {
 protected:
  // Width 3 has six indexes; owner 6 has spilled.
  void SetUp() override {
    this->MakeMap(3);
    this->FillTo(7);
    ASSERT_TRUE(this->Spilled(spilled()));
  }
  typename Owners::Owner& spilled() { return *this->owner_[6]; }
};
TYPED_TEST_SUITE(SpilledValueTest, AllOwnerKinds, OwnerKindName);

TYPED_TEST(SpilledValueTest, AnswersAsThePresentColumnSays) {
  auto& owner = this->spilled();
  EXPECT_EQ(this->Held(owner), Value(6));
  EXPECT_EQ(this->Put(owner, 9, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(this->Held(owner), Value(6));
  EXPECT_EQ(this->Put(owner, 9, UpdateFlag::kExist), Status::kOk);
  EXPECT_EQ(this->Held(owner), Value(9));
  EXPECT_TRUE(this->Spilled(owner));
  {
    ReadSection section;
    EXPECT_EQ(Copied(this->map_->GetOrCreate(owner, Value(10)), kOverflowValueBytes), Value(9));
  }
  EXPECT_EQ(this->map_->Delete(owner), Status::kOk);
  EXPECT_TRUE(this->Held(owner).empty());
  EXPECT_EQ(this->map_->Delete(owner), Status::kNotFound);
  EXPECT_EQ(this->Put(owner, 9, UpdateFlag::kExist), Status::kNotFound);
  EXPECT_EQ(this->map_->stats().spilled_now, 0U);
}

TYPED_TEST(SpilledValueTest, ReturnsToTheTableWithAnUpdateToAValueThatIsThere) {
  ASSERT_EQ(this->Put(this->spilled(), 2), Status::kOk);
  EXPECT_FALSE(this->Spilled(this->spilled()));
  EXPECT_EQ(this->Held(this->spilled()), Value(2));
  EXPECT_EQ(this->map_->stats().spilled_now, 0U);
}

TYPED_TEST(SpilledValueTest, ReturnsToTheTableWithAModify) {
  const auto become_third = [](std::span<std::byte> value) {
    EXPECT_EQ(Bytes(value.begin(), value.end()), Value(6));
    value[0] = std::byte{3};
  };
  ASSERT_EQ(this->map_->Modify(this->spilled(), become_third), Status::kOk);
  EXPECT_FALSE(this->Spilled(this->spilled()));
  EXPECT_EQ(this->Held(this->spilled()), Value(3));
}

TYPED_TEST(SpilledValueTest, ModifyOfASpilledValueWithoutRoomStaysPrivate) {
  const auto become_another = [](std::span<std::byte> value) { value[0] = std::byte{99}; };
  ASSERT_EQ(this->map_->Modify(this->spilled(), become_another), Status::kOk);
  EXPECT_TRUE(this->Spilled(this->spilled()));
  EXPECT_EQ(this->Held(this->spilled()), Value(99));
}

TYPED_TEST(SpilledValueTest, AModifyOfAnInternedValueCanSpill) {
  auto& owner = *this->owner_[0];
  const auto become_another = [](std::span<std::byte> value) { value[0] = std::byte{99}; };
  ASSERT_EQ(this->map_->Modify(owner, become_another), Status::kOk);
  EXPECT_TRUE(this->Spilled(owner));
  EXPECT_EQ(this->Held(owner), Value(99));
  EXPECT_EQ(this->map_->stats().spilled_now, 2U);
}

TYPED_TEST(SpilledValueTest, IsClonedToAChildWithAPrivateValueOfItsOwn) {
  auto& child = this->owners_.Add();
  ASSERT_EQ(this->owners_.store().Clone(this->spilled(), child), Status::kOk);
  EXPECT_TRUE(this->Spilled(child));
  EXPECT_EQ(this->Held(child), Value(6));
  ASSERT_EQ(this->map_->Delete(this->spilled()), Status::kOk);
  EXPECT_EQ(this->Held(child), Value(6));
}

TYPED_TEST(SpilledValueTest, PointersStayValidWhileTheValueMovesBackAndForth) {
  ReadSection section;
  const std::byte* const at_private = this->map_->Get(this->spilled());
  ASSERT_EQ(this->Put(this->spilled(), 2), Status::kOk);
  const std::byte* const at_interned = this->map_->Get(this->spilled());
  ASSERT_EQ(this->Put(this->spilled(), 50), Status::kOk);
  EXPECT_EQ(Copied(at_private, kOverflowValueBytes), Value(6));
  EXPECT_EQ(Copied(at_interned, kOverflowValueBytes), Value(2));
  EXPECT_EQ(this->Held(this->spilled()), Value(50));
}

TYPED_TEST(SpilledValueTest, FreeingTheMapFreesPrivateValuesToo) {
  this->MakeMap(3);
  for (auto* owner : this->owner_) EXPECT_TRUE(this->Held(*owner).empty());
  EXPECT_EQ(this->map_->stats().spilled_now, 0U);
}

// --- the rungs

TYPED_TEST(IndexMapOverflowTest, EachRungIsCounted) {
  this->MakeMap(3);
  this->FillTo(6);
  // A new value needs the index of an unreferenced one: retired now, reusable after a grace period.
  ASSERT_EQ(this->map_->Delete(*this->owner_[0]), Status::kOk);
  {
    ReadSection holds_the_index_back;
    ASSERT_EQ(this->Put(*this->owner_[0], 10), Status::kOk);
  }
  EXPECT_EQ(this->map_->stats().reclaimed, 1U);
  EXPECT_EQ(this->map_->stats().spilled, 1U);
  EXPECT_EQ(this->map_->stats().no_memory, 0U);
  Synchronize();
  ASSERT_EQ(this->Put(*this->owner_[0], 11), Status::kOk);
  EXPECT_FALSE(this->Spilled(*this->owner_[0]));
  EXPECT_EQ(this->map_->stats().spilled, 1U);
  EXPECT_EQ(this->map_->stats().spilled_now, 0U);
}

TYPED_TEST(IndexMapOverflowTest, WithoutMemoryForAPrivateValueNothingChanges) {
  this->MakeMap(2);
  this->FillTo(2);
  auto& absent = this->owners_.Add();
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(this->Put(absent, 5), Status::kNoMemory);
  EXPECT_EQ(this->Put(*this->owner_[1], 5), Status::kNoMemory);
  EXPECT_EQ(this->Put(*this->owner_[1], 5, UpdateFlag::kNoExist), Status::kExists);
  {
    ReadSection section;
    Status status = Status::kOk;
    EXPECT_EQ(this->map_->GetOrCreate(absent, Value(5), &status), nullptr);
    EXPECT_EQ(status, Status::kNoMemory);
  }
  EXPECT_EQ(this->map_->Modify(*this->owner_[1],
                               [](std::span<std::byte> value) { value[0] = std::byte{5}; }),
            Status::kNoMemory);
  // A value that is already in the table needs no memory.
  EXPECT_EQ(this->Put(absent, 0), Status::kOk);
  SetAllocationsLeftForTest(-1);
  EXPECT_EQ(this->map_->stats().no_memory, 4U);
  EXPECT_EQ(this->Held(absent), Value(0));
  EXPECT_EQ(this->Held(*this->owner_[0]), Value(0));
  EXPECT_EQ(this->Held(*this->owner_[1]), Value(1));
  EXPECT_EQ(this->map_->stats().spilled, 0U);
}

TYPED_TEST(IndexMapOverflowTest, EveryAllocationOfASpillCanFail) {
  this->MakeMap(2);
  this->FillTo(2);
  auto& owner = this->owners_.Add();
  const int failures = FailEachAllocation([&] { return this->Put(owner, 5); },
                                          [&] {
                                            EXPECT_TRUE(this->Held(owner).empty());
                                            this->ExpectSound();
                                          });
  EXPECT_GE(failures, 1);
  EXPECT_TRUE(this->Spilled(owner));
  EXPECT_EQ(this->map_->stats().no_memory, static_cast<uint64_t>(failures));
}

// Reclaim() waits until the indexes are reusable, even if others were retired before.
TYPED_TEST(IndexMapOverflowTest, ReclaimWaitsForAllThatItRetired) {
  this->MakeMap(2);
  for (int round = 0; round < 10; ++round) {
    this->owners_.CloseAll();
    this->owner_.clear();
    this->map_->Reclaim();
    this->FillTo(3);
    ASSERT_EQ(this->map_->Delete(*this->owner_[0]), Status::kOk);
    {
      ReadSection section;
      ASSERT_EQ(this->Put(*this->owner_[2], 10), Status::kOk);  // retires value 0, spills
    }
    ASSERT_EQ(this->map_->Delete(*this->owner_[1]), Status::kOk);
    this->map_->Reclaim();
    ASSERT_EQ(this->Put(*this->owner_[0], 11), Status::kOk);
    ASSERT_EQ(this->Put(*this->owner_[1], 12), Status::kOk);
    EXPECT_FALSE(this->Spilled(*this->owner_[0]));
    EXPECT_FALSE(this->Spilled(*this->owner_[1]));
  }
}

// --- sockets: private values are charged to them

TEST(IndexMapSocketOverflowTest, ASpillPastTheSocketsLimitIsNoMemoryAndChangesNothing) {
  SocketOwners owners;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(
      IndexMap::Create(owners.table(), {.value_bytes = kOverflowValueBytes, .width_bits = 2}, &map),
      Status::kOk);
  Socket* const sockets[] = {&owners.Add(), &owners.Add(), &owners.Add()};
  ASSERT_EQ(map->Update(*sockets[0], Value(0), UpdateFlag::kAny), Status::kOk);
  ASSERT_EQ(map->Update(*sockets[1], Value(1), UpdateFlag::kAny), Status::kOk);
  const int32_t reserved = owners.table().reserved_bytes();
  EXPECT_EQ(sockets[0]->sk_omem_alloc.load(), reserved) << "an index has no private charge";
  const int32_t spilled = reserved + 72 + static_cast<int32_t>(kOverflowValueBytes) + 176;
  owners.table().set_optmem_max_bytes(spilled);
  EXPECT_EQ(map->Update(*sockets[2], Value(2), UpdateFlag::kAny), Status::kOwnerLimit);
  EXPECT_EQ(map->Update(*sockets[1], Value(2), UpdateFlag::kAny), Status::kOwnerLimit);
  EXPECT_EQ(map->stats().no_memory, 2U);
  EXPECT_EQ(sockets[2]->sk_omem_alloc.load(), reserved);
  {
    ReadSection section;
    EXPECT_EQ(map->Get(*sockets[2]), nullptr);
    EXPECT_EQ(Copied(map->Get(*sockets[1]), kOverflowValueBytes), Value(1));
  }
  owners.table().set_optmem_max_bytes(spilled + 1);
  EXPECT_EQ(map->Update(*sockets[2], Value(2), UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(sockets[2]->sk_omem_alloc.load(), spilled);
  EXPECT_EQ(map->Update(*sockets[2], Value(0), UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(sockets[2]->sk_omem_alloc.load(), reserved) << "back in the table";
  owners.CloseAll();
}

}  // namespace
}  // namespace inlay
