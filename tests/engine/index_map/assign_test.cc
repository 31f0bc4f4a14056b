// IndexMap::Intern() and Assign(): a value that is interned once and given to many owners. Assign()
// must answer as Update() with the same bytes, in every state of an owner of every kind.

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

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

constexpr uint32_t kAssignedBytes = 12;

template <typename Owners>
class AssignTest : public SixIndexMap<Owners> {
 protected:
  AssignTest() : SixIndexMap<Owners>(false) {}
};
TYPED_TEST_SUITE(AssignTest, AllOwnerKinds, OwnerKindName);

TYPED_TEST(AssignTest, AnswersAsUpdateInEveryState) {
  this->ref_ = this->Intern(1);
  for (const bool present : {false, true}) {
    for (const UpdateFlag flag : {UpdateFlag::kAny, UpdateFlag::kNoExist, UpdateFlag::kExist}) {
      auto& owner = this->owners_.Add();
      if (present) {
        ASSERT_EQ(this->Update(owner, 0), Status::kOk);
      }
      const Status expected = CheckUpdateFlag(flag, present);
      EXPECT_EQ(this->map_->Assign(owner, this->ref_, flag), expected);
      EXPECT_EQ(this->Held(owner), expected == Status::kOk ? this->Value(1)
                                   : present               ? this->Value(0)
                                                           : Bytes());
      this->ExpectSound();
    }
  }
}

TYPED_TEST(AssignTest, EveryOwnerHasAReferenceOfItsOwn) {
  auto& first = this->owners_.Add();
  auto& second = this->owners_.Add();
  {
    const ValueRef ref = this->Intern(7);
    ASSERT_EQ(this->map_->Assign(first, ref), Status::kOk);
    ASSERT_EQ(this->map_->Assign(second, ref), Status::kOk);
    ASSERT_EQ(this->map_->Assign(second, ref), Status::kOk);  // which has it already
    EXPECT_EQ(this->map_->table().total_references(), 3U);
    EXPECT_EQ(this->map_->table().open_refs(), 1U);
    this->ExpectSound();
  }
  EXPECT_EQ(this->map_->table().total_references(), 2U);
  EXPECT_EQ(this->Held(first), this->Value(7));
  EXPECT_EQ(this->Held(second), this->Value(7));
}

TYPED_TEST(AssignTest, AnOpenReferenceKeepsTheValueThatNoOwnerHas) {
  this->ref_ = this->Intern(7);
  const ValueIndex index = this->ref_.index();
  EXPECT_EQ(this->map_->Reclaim(), 0U);
  auto& owner = this->owners_.Add();
  ASSERT_EQ(this->Update(owner, 7), Status::kOk);
  EXPECT_EQ(owner.inline_words().Load(this->map_->field()), index) << "V1";
  ASSERT_EQ(this->map_->Delete(owner), Status::kOk);
  ASSERT_EQ(this->map_->Assign(owner, this->ref_), Status::kOk);
  EXPECT_EQ(this->Held(owner), this->Value(7));
  ASSERT_EQ(this->map_->Delete(owner), Status::kOk);
  this->ref_.Reset();
  EXPECT_EQ(this->map_->Reclaim(), 1U);
}

TYPED_TEST(AssignTest, AReferenceToNothingOrToAnotherMapIsInvalid) {
  std::unique_ptr<IndexMap> other;
  ASSERT_EQ(IndexMap::Create(this->owners_.store(), this->Options(), &other), Status::kOk);
  auto& owner = this->owners_.Add();
  ValueRef ref;
  EXPECT_EQ(this->map_->Assign(owner, ref), Status::kInvalid);
  ASSERT_EQ(other->Intern(this->Value(1), &ref), Status::kOk);
  EXPECT_EQ(this->map_->Assign(owner, ref), Status::kInvalid);
  ref = this->Intern(1);
  const ValueRef moved = std::move(ref);
  EXPECT_EQ(this->map_->Assign(owner, ref), Status::kInvalid);  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(this->Held(owner).empty());
  EXPECT_EQ(this->map_->Assign(owner, moved), Status::kOk);
}

TYPED_TEST(AssignTest, ASpilledOwnerComesHome) {
  std::vector<typename TypeParam::Owner*> owners;
  for (uint64_t n = 0; n < 7; ++n) {
    owners.push_back(&this->owners_.Add());
    ASSERT_EQ(this->Update(*owners.back(), n), Status::kOk);
  }
  auto& spilled = *owners.back();
  ASSERT_TRUE(this->Spilled(spilled));
  ASSERT_TRUE(this->map_->Intern(this->Value(7), &this->ref_) == Status::kNoIndexes);
  EXPECT_FALSE(this->ref_);
  EXPECT_EQ(this->map_->stats().no_indexes, 2U);
  EXPECT_EQ(this->map_->stats().no_memory, 1U);
  this->ref_ = this->Intern(3);
  EXPECT_EQ(this->map_->Assign(spilled, this->ref_, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(this->Held(spilled), this->Value(6));
  EXPECT_EQ(this->map_->Assign(spilled, this->ref_, UpdateFlag::kExist), Status::kOk);
  EXPECT_FALSE(this->Spilled(spilled));
  EXPECT_EQ(this->Held(spilled), this->Value(3));
  EXPECT_EQ(this->map_->stats().spilled_now, 0U);
  this->ExpectSound();
}

TYPED_TEST(AssignTest, AChildClonesAnAssignedValue) {
  this->ref_ = this->Intern(3);
  auto& parent = this->owners_.Add();
  auto& child = this->owners_.Add();
  ASSERT_EQ(this->map_->Assign(parent, this->ref_), Status::kOk);
  ASSERT_EQ(this->map_->Clone(parent, child), Status::kOk);
  EXPECT_EQ(this->Held(child), this->Value(3));
}

TYPED_TEST(AssignTest, V4InternThatFailsChangesNothing) {
  auto& owner = this->owners_.Add();
  ASSERT_EQ(this->Update(owner, 0), Status::kOk);
  uint64_t n = 1;
  EXPECT_EQ(this->map_->Intern(NumberedValue(1, this->kBytes + 1), &this->ref_), Status::kInvalid);
  FailEachAllocation([&] { return this->map_->Intern(this->Value(n), &this->ref_); },
                     [&] {
                       EXPECT_FALSE(this->ref_);
                       EXPECT_EQ(this->map_->table().open_refs(), 0U);
                       EXPECT_EQ(this->Held(owner), this->Value(0));
                       this->ExpectSound();
                     });
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(this->map_->Assign(owner, this->ref_), Status::kOk) << "needs no memory";
  SetAllocationsLeftForTest(-1);
  EXPECT_EQ(this->Held(owner), this->Value(1));
}

// --- special owners and maps

struct DyingPlainOwner {
  InlineWords<16> words;
  bool dying = false;
  auto& inline_words() { return words; }
  const auto& inline_words() const { return words; }
  bool is_dying() const { return dying; }
};

TEST(AssignToSpecialOwnersTest, ADyingPlainOwnerGetsNoValueAndMayChangeTheOneItHas) {
  std::unique_ptr<Store> store;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = kAssignedBytes, .width_bits = 9}, &map),
            Status::kOk);
  DyingPlainOwner owner;
  owner.dying = true;
  ValueRef one;
  ValueRef two;
  ASSERT_EQ(map->Intern(NumberedValue(1, kAssignedBytes), &one), Status::kOk);
  ASSERT_EQ(map->Intern(NumberedValue(2, kAssignedBytes), &two), Status::kOk);
  EXPECT_EQ(map->Assign(owner, one), Status::kNotFound);
  EXPECT_EQ(map->table().total_references(), 2U);
  owner.dying = false;
  ASSERT_EQ(map->Assign(owner, one), Status::kOk);
  owner.dying = true;
  EXPECT_EQ(map->Assign(owner, two), Status::kOk);
  store->Close(owner);
  EXPECT_EQ(map->table().total_references(), 2U);
}

TEST(AssignToSpecialOwnersTest, AnOwnerWithoutTheFieldIsInvalid) {
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 128}, &store), Status::kOk);
  std::unique_ptr<IndexMap> map;
  const InlineField second_word{.word = 1, .shift = 0, .width_bits = 10};
  ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = kAssignedBytes, .field = second_word}, &map),
            Status::kOk);
  PlainOwner<64> owner;
  ValueRef ref;
  ASSERT_EQ(map->Intern(NumberedValue(1, kAssignedBytes), &ref), Status::kOk);
  EXPECT_EQ(map->Assign(owner, ref), Status::kInvalid);
  EXPECT_EQ(map->table().total_references(), 1U);
}

TEST(AssignToSpecialOwnersTest, AMapThatHasFallenBackInternsNothing) {
  std::unique_ptr<SocketTable> sockets;
  ASSERT_EQ(SocketTable::Create({.inline_bits = 0}, &sockets), Status::kOk);
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(IndexMap::Create(*sockets, {.value_bytes = kAssignedBytes}, &map), Status::kOk);
  ASSERT_FALSE(map->is_interned());
  ValueRef ref;
  EXPECT_EQ(map->Intern(NumberedValue(1, kAssignedBytes), &ref), Status::kUnsupported);
  EXPECT_FALSE(ref);
  int fd = -1;
  ASSERT_EQ(sockets->Open(SocketFamily::kUdp, &fd), Status::kOk);
  {
    const ReadSection section;
    Socket* socket = nullptr;
    ASSERT_EQ(sockets->Find(fd, &socket), Status::kOk);
    EXPECT_EQ(map->Assign(*socket, ref), Status::kInvalid);
  }
  EXPECT_EQ(sockets->Close(fd), Status::kOk);
}

TEST(AssignToSpecialOwnersTest, ATypedMapHasTypedReferences) {
  struct Limit {
    uint32_t rate = 0;
    uint32_t burst = 0;
  };
  std::unique_ptr<Store> store;
  std::unique_ptr<SharedMap<Limit>> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  ASSERT_EQ(SharedMap<Limit>::Create(*store, {.width_bits = 10}, &map), Status::kOk);
  std::vector<PlainOwner<16>> owners(3);
  {
    TypedRef<Limit> limit;
    EXPECT_FALSE(limit);
    EXPECT_EQ(map->Assign(owners[0], limit), Status::kInvalid);
    ASSERT_EQ(map->Intern({.rate = 5, .burst = 6}, &limit), Status::kOk);
    EXPECT_EQ(limit->rate, 5U);
    EXPECT_EQ((*limit).burst, 6U);
    const TypedRef<Limit> second = limit.Share();
    limit.Reset();
    for (auto& owner : owners) ASSERT_EQ(map->Assign(owner, second), Status::kOk);
    EXPECT_EQ(map->Assign(owners[0], second, UpdateFlag::kNoExist), Status::kExists);
  }
  EXPECT_EQ(map->bytes().table().total_references(), owners.size());
  {
    const ReadSection section;
    for (auto& owner : owners) EXPECT_EQ(map->Get(owner)->rate, 5U);
  }
  for (auto& owner : owners) store->Close(owner);
}

}  // namespace
}  // namespace inlay
