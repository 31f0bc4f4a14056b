// The charges of a socket beyond its reservation on each layout, and the limit. The numbers follow
// from the rule in the layout's header. socket_charge_test.cc tests the pointer layout.

#include <gtest/gtest.h>

#include <memory>

#include "inlay/emulated/value_map.h"
#include "tests/engine/sockets/sockets_fixture.h"

namespace inlay {
namespace {

constexpr uint32_t kChargedValueBytes = 100;
constexpr UpdateFlag kAllFlags[] = {UpdateFlag::kAny, UpdateFlag::kNoExist, UpdateFlag::kExist};

// --- inline: the reserved tail, and nothing else

class InlineChargeTest : public SocketsTest {
 protected:
  void SetUp() override {
    MakeTable({.inline_bits = 64, .tail_bytes = 112});
    map_ = MakeMap<InlineMap>({.value_bytes = kChargedValueBytes, .clone = true});
    ASSERT_TRUE(map_->is_inline());
  }
  std::unique_ptr<InlineMap> map_;
};

TEST_F(InlineChargeTest, NothingIsChargedBeyondTheTailAndNoLimitMatters) {
  table_->set_optmem_max_bytes(0);
  const int listener = OpenListener();
  Socket& socket = SocketOf(listener);
  EXPECT_EQ(socket.sk_omem_alloc.load(), 64 / 8 + 112);
  ReadSection section;  // copies stay copies
  ASSERT_EQ(Put(*map_, socket, 1), Status::kOk);
  EXPECT_EQ(Charged(socket), 0);
  ASSERT_EQ(Put(*map_, socket, 2), Status::kOk);
  ASSERT_EQ(ModifyTo(*map_, socket, 3), Status::kOk);
  EXPECT_EQ(map_->copies(), 2U);
  EXPECT_EQ(Charged(socket), 0) << "copies wait for readers, uncharged";
  Socket& child = Accept(listener);
  EXPECT_EQ(child.sk_omem_alloc.load(), 64 / 8 + 112);
  ASSERT_EQ(map_->Delete(socket), Status::kOk);
  ASSERT_EQ(GetOrCreateStatus(*map_, socket, {}), Status::kOk);
  EXPECT_EQ(Charged(socket), 0);
  EXPECT_EQ(Put(*map_, socket, 4, UpdateFlag::kNoExist), Status::kExists);
}

// --- single pointer: 32 + offsets + values, as long as there is any value

class SingleChargeTest : public SocketsTest {
 protected:
  void SetUp() override { MakeTable({.inline_bits = 64}); }
  std::unique_ptr<SinglePointerMap> Make(uint32_t value_bytes, bool clone = false) {
    return MakeMap<SinglePointerMap>({.value_bytes = value_bytes, .clone = clone});
  }
  static constexpr int32_t kOne = 32 + 8 + 104;    // 100 bytes in map 0
  static constexpr int32_t kTwo = kOne + 24;       // and 20 in map 1
  static constexpr int32_t kThree = kTwo + 8 + 8;  // and 1 in map 2, whose offset needs room
  static constexpr int32_t kThird = 32 + 16 + 8;   // the one in map 2 alone
  static constexpr int32_t kFirstAndThird = kThree - 24;
};

TEST_F(SingleChargeTest, TheObjectIsChargedHeaderAndOffsetsIncluded) {
  const auto first = Make(100);
  const auto second = Make(20);
  const auto third = Make(1);
  Socket& socket = OpenSocket();
  EXPECT_EQ(Charged(socket), 0);
  ASSERT_EQ(Put(*first, socket, 1), Status::kOk);
  EXPECT_EQ(Charged(socket), kOne);
  ASSERT_EQ(Put(*second, socket, 1), Status::kOk);
  EXPECT_EQ(Charged(socket), kTwo);
  ASSERT_EQ(GetOrCreateStatus(*third, socket, {}), Status::kOk);
  EXPECT_EQ(Charged(socket), kThree);
  ASSERT_EQ(Put(*first, socket, 2), Status::kOk);
  ASSERT_EQ(ModifyTo(*second, socket, 2), Status::kOk);
  EXPECT_EQ(Charged(socket), kThree);
  ASSERT_EQ(second->Delete(socket), Status::kOk);
  EXPECT_EQ(Charged(socket), kFirstAndThird);
  ASSERT_EQ(first->Delete(socket), Status::kOk);
  EXPECT_EQ(Charged(socket), kThird);
  ASSERT_EQ(third->Delete(socket), Status::kOk);
  EXPECT_EQ(Charged(socket), 0);
}

TEST_F(SingleChargeTest, AnObjectThatGrowsNeedsRoomForTheDifferenceOnly) {
  const auto first = Make(100);
  const auto second = Make(20);
  Socket& socket = OpenSocket();
  LimitTo(kOne - 1);
  EXPECT_EQ(Put(*first, socket, 1), Status::kOwnerLimit);
  EXPECT_EQ(GetOrCreateStatus(*first, socket, {}), Status::kOwnerLimit);
  EXPECT_EQ(Charged(socket), 0);
  LimitTo(kOne);
  ASSERT_EQ(Put(*first, socket, 1), Status::kOk);
  LimitTo(kTwo - 1);
  EXPECT_EQ(Put(*second, socket, 1), Status::kOwnerLimit);
  EXPECT_EQ(Charged(socket), kOne);
  EXPECT_TRUE(Held(*second, socket).empty());
  LimitTo(kTwo);
  EXPECT_EQ(Put(*second, socket, 1), Status::kOk);
  EXPECT_EQ(Charged(socket), kTwo);
}

TEST_F(SingleChargeTest, WhatDoesNotGrowNeedsNoRoom) {
  const auto first = Make(100);
  const auto second = Make(20);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*first, socket, 1), Status::kOk);
  ASSERT_EQ(Put(*second, socket, 1), Status::kOk);
  table_->set_optmem_max_bytes(0);
  EXPECT_EQ(Put(*first, socket, 2), Status::kOk);
  EXPECT_EQ(ModifyTo(*second, socket, 2), Status::kOk);
  EXPECT_EQ(Held(*first, socket), Value(*first, 2));
  EXPECT_EQ(Charged(socket), kTwo);
  EXPECT_EQ(second->Delete(socket), Status::kOk);
  EXPECT_EQ(Charged(socket), kOne);
}

TEST_F(SingleChargeTest, FlagsAreLookedAtBeforeTheCharge) {
  const auto present = Make(100);
  const auto absent = Make(100);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*present, socket, 1), Status::kOk);
  table_->set_optmem_max_bytes(0);
  EXPECT_EQ(Put(*present, socket, 2, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(Put(*absent, socket, 2, UpdateFlag::kExist), Status::kNotFound);
  EXPECT_EQ(Put(*absent, socket, 2, UpdateFlag::kNoExist), Status::kOwnerLimit);
}

TEST_F(SingleChargeTest, AChildIsChargedForWhatItInherits) {
  const auto first = Make(100, true);
  const auto second = Make(20, false);
  const auto third = Make(1, true);
  const int listener = OpenListener();
  for (auto* const map : {first.get(), second.get(), third.get()}) {
    ASSERT_EQ(Put(*map, SocketOf(listener), 1), Status::kOk);
  }
  LimitTo(kFirstAndThird - 1);
  int fd = -1;
  EXPECT_EQ(table_->Accept(listener, &fd), Status::kOwnerLimit);
  EXPECT_EQ(table_->sockets(), 1U);
  LimitTo(kFirstAndThird);
  EXPECT_EQ(Charged(Accept(listener)), kFirstAndThird);
  ASSERT_EQ(first->Delete(SocketOf(listener)), Status::kOk);
  ASSERT_EQ(third->Delete(SocketOf(listener)), Status::kOk);
  table_->set_optmem_max_bytes(0);
  EXPECT_EQ(Charged(Accept(listener)), 0) << "nothing to inherit";
}

// --- shared pointer: the tail, and a private value with its header of 32 bytes

class SharedChargeTest : public SocketsTest {
 protected:
  static constexpr int32_t kPrivate = 32 + kChargedValueBytes;

  void SetUp() override {
    MakeTable({.inline_bits = 0, .tail_bytes = 8, .table_limit_bytes = 2000});
    map_ = MakeMap<SharedPointerMap>({.value_bytes = kChargedValueBytes, .clone = true});
    ASSERT_TRUE(map_->is_shared());
    // As many values as the table has room for.
    while (map_->private_values() == 0) {
      ASSERT_LT(kept_, 100U);
      fd_ = OpenListener();
      ASSERT_EQ(Put(*map_, SocketOf(fd_), kept_++), Status::kOk);
    }
    ASSERT_EQ(Charged(SocketOf(fd_)), kPrivate);
    ASSERT_EQ(Put(*map_, SocketOf(fd_), 0), Status::kOk);
    ASSERT_EQ(Charged(SocketOf(fd_)), 0) << "a shared value charges its socket nothing";
  }
  // Has value 0, which is shared. Values from 1000 on find no room in the table.
  Socket& socket() { return SocketOf(fd_); }

  std::unique_ptr<SharedPointerMap> map_;
  int fd_ = -1;
  uint64_t kept_ = 0;
};

TEST_F(SharedChargeTest, AValueThatIsSharedNeedsNoRoom) {
  table_->set_optmem_max_bytes(0);
  Socket& other = OpenSocket();
  EXPECT_EQ(Put(*map_, other, 1), Status::kOk);
  EXPECT_EQ(ModifyTo(*map_, other, 0), Status::kOk);
  EXPECT_EQ(Charged(other), 0);
  EXPECT_EQ(Charged(Accept(fd_)), 0);
}

TEST_F(SharedChargeTest, APrivateValueThatHasNoRoomIsRefusedAndTheOldOneStays) {
  Socket& absent = OpenSocket();
  LimitTo(kPrivate - 1);
  for (const UpdateFlag flag : {UpdateFlag::kAny, UpdateFlag::kNoExist}) {
    EXPECT_EQ(Put(*map_, absent, 1000, flag), Status::kOwnerLimit);
  }
  EXPECT_EQ(GetOrCreateStatus(*map_, absent, Value(*map_, 1000)), Status::kOwnerLimit);
  EXPECT_EQ(Put(*map_, socket(), 1000), Status::kOwnerLimit);
  EXPECT_EQ(Put(*map_, socket(), 1000, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_TRUE(Held(*map_, absent).empty());
  EXPECT_EQ(Held(*map_, socket()), Value(*map_, 0));
  EXPECT_EQ(Charged(absent), 0);
  EXPECT_EQ(Charged(socket()), 0);
  LimitTo(kPrivate);
  EXPECT_EQ(Put(*map_, absent, 1000), Status::kOk);
  EXPECT_EQ(Put(*map_, socket(), 1000), Status::kOk);
  EXPECT_EQ(Charged(absent), kPrivate);
  EXPECT_EQ(Charged(socket()), kPrivate);
}

TEST_F(SharedChargeTest, OnePrivateValueAfterTheOtherIsChargedOnce) {
  ASSERT_EQ(Put(*map_, socket(), 1000), Status::kOk);
  table_->set_optmem_max_bytes(0);
  for (const UpdateFlag flag : {UpdateFlag::kAny, UpdateFlag::kExist}) {
    EXPECT_EQ(Put(*map_, socket(), 1001, flag), Status::kOk);
    EXPECT_EQ(Charged(socket()), kPrivate);
  }
  EXPECT_EQ(ModifyTo(*map_, socket(), 1002), Status::kOk);
  EXPECT_EQ(Charged(socket()), kPrivate);
  EXPECT_EQ(Held(*map_, socket()), Value(*map_, 1002));
  EXPECT_EQ(map_->Delete(socket()), Status::kOk);
  EXPECT_EQ(Charged(socket()), 0);
}

TEST_F(SharedChargeTest, AChildOfAPrivateValueIsChargedForItsOwn) {
  ASSERT_EQ(Put(*map_, socket(), 1000), Status::kOk);
  LimitTo(kPrivate - 1);
  int fd = -1;
  EXPECT_EQ(table_->Accept(fd_, &fd), Status::kOwnerLimit);
  LimitTo(kPrivate);
  EXPECT_EQ(Charged(Accept(fd_)), kPrivate);
}

// --- index: the bits, and a private value as in the pointer layout

class IndexChargeTest : public SocketsTest {
 protected:
  static constexpr int32_t kFurther = 72 + kChargedValueBytes;
  static constexpr int32_t kFirst = kFurther + 176;

  void SetUp() override {
    MakeTable({.inline_bits = 16});
    one_ = MakeFull();
    other_ = MakeFull();
    listener_ = OpenListener();
  }
  // Only values 0 and 1 have an index.
  std::unique_ptr<IndexMap> MakeFull() {
    auto map =
        MakeMap<IndexMap>({.value_bytes = kChargedValueBytes, .width_bits = 2, .clone = true});
    for (uint64_t n = 0; n < 2; ++n) EXPECT_EQ(Put(*map, OpenSocket(), n), Status::kOk);
    return map;
  }
  Socket& socket() { return SocketOf(listener_); }

  std::unique_ptr<IndexMap> one_;
  std::unique_ptr<IndexMap> other_;
  int listener_ = -1;
};

TEST_F(IndexChargeTest, AnIndexCostsNothingAndASpilledValueWhatThePointerLayoutTakes) {
  EXPECT_EQ(socket().sk_omem_alloc.load(), 16 / 8);
  ASSERT_EQ(Put(*one_, socket(), 0), Status::kOk);
  EXPECT_EQ(Charged(socket()), 0);
  ASSERT_EQ(Put(*one_, socket(), 5), Status::kOk);
  EXPECT_EQ(Charged(socket()), kFirst);
  ASSERT_EQ(GetOrCreateStatus(*other_, socket(), Value(*other_, 5)), Status::kOk);
  EXPECT_EQ(Charged(socket()), kFirst + kFurther) << "the storage exists";
  Socket& child = Accept(listener_);
  EXPECT_EQ(Charged(child), kFirst + kFurther);
  ASSERT_EQ(Put(*one_, socket(), 1), Status::kOk);
  EXPECT_EQ(Charged(socket()), kFirst);
  ASSERT_EQ(other_->Delete(socket()), Status::kOk);
  EXPECT_EQ(Charged(socket()), 0);
  one_.reset();
  EXPECT_EQ(Charged(child), kFirst);
  other_.reset();
  EXPECT_EQ(Charged(child), 0);
}

TEST_F(IndexChargeTest, OneSpilledValueAfterTheOtherIsChargedOnce) {
  LimitTo(kFirst - 1);
  EXPECT_EQ(Put(*one_, socket(), 5), Status::kOwnerLimit);
  LimitTo(kFirst);
  ASSERT_EQ(Put(*one_, socket(), 5), Status::kOk);
  EXPECT_EQ(Put(*one_, socket(), 6), Status::kOk);
  EXPECT_EQ(ModifyTo(*one_, socket(), 7), Status::kOk);
  EXPECT_EQ(Charged(socket()), kFirst);
  EXPECT_EQ(Put(*other_, socket(), 5), Status::kOwnerLimit);
  EXPECT_EQ(Held(*one_, socket()), Value(*one_, 7));
  EXPECT_EQ(Charged(socket()), kFirst);
}

TEST_F(IndexChargeTest, AChildWhoseValuesCannotBeChargedIsNotMade) {
  ASSERT_EQ(Put(*one_, socket(), 5), Status::kOk);
  ASSERT_EQ(Put(*other_, socket(), 6), Status::kOk);
  const size_t sockets = table_->sockets();
  for (const int32_t room : {0, kFirst, kFirst + kFurther - 1}) {
    LimitTo(room);
    int fd = -1;
    EXPECT_EQ(table_->Accept(listener_, &fd), Status::kOwnerLimit) << room;
    EXPECT_EQ(table_->sockets(), sockets);
    EXPECT_EQ(one_->stats().spilled_now, 1U);
    EXPECT_EQ(other_->stats().spilled_now, 1U);
  }
}

// --- fallen back: as the pointer layout, including the brief charge of an update

template <typename Map>
class FallenChargeTest : public SocketsTest {};
using FallingMaps = testing::Types<InlineMap, SharedPointerMap, IndexMap>;
TYPED_TEST_SUITE(FallenChargeTest, FallingMaps);

TYPED_TEST(FallenChargeTest, ReplacingNeedsRoomForBothForAMomentAndModifyNone) {
  constexpr int32_t kElement = 72 + kChargedValueBytes;
  constexpr int32_t kFirst = kElement + 176;
  this->MakeTable({.inline_bits = 0, .tail_bytes = 0});
  const auto map = this->template MakeMap<TypeParam>({.value_bytes = kChargedValueBytes});
  Socket& socket = this->OpenSocket();
  this->LimitTo(kFirst - 1);
  EXPECT_EQ(this->Put(*map, socket, 1), Status::kOwnerLimit);
  EXPECT_EQ(this->Put(*map, socket, 1, UpdateFlag::kExist), Status::kNotFound);
  this->LimitTo(kFirst);
  ASSERT_EQ(this->Put(*map, socket, 1), Status::kOk);
  EXPECT_EQ(this->Charged(socket), kFirst);
  this->LimitTo(kFirst + kElement - 1);
  for (const UpdateFlag flag : kAllFlags) {
    EXPECT_EQ(this->Put(*map, socket, 2, flag), Status::kOwnerLimit);
  }
  EXPECT_EQ(this->ModifyTo(*map, socket, 3), Status::kOk);
  this->LimitTo(kFirst + kElement);
  EXPECT_EQ(this->Put(*map, socket, 2, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(this->Put(*map, socket, 2), Status::kOk);
  EXPECT_EQ(this->Charged(socket), kFirst);
  ASSERT_EQ(map->Delete(socket), Status::kOk);
  EXPECT_EQ(this->Charged(socket), 0);
}

}  // namespace
}  // namespace inlay
