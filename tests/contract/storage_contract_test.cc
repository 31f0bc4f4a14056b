// One test for each cell of the table in inlay/emulated/value_map.h, on every layout.

#include <gtest/gtest.h>

#include <cstring>

#include "tests/contract/contract_fixture.h"

namespace inlay {
namespace {

template <typename L>
class StorageContractTest : public ContractTest<L> {};
TYPED_TEST_SUITE(StorageContractTest, AllLayouts, LayoutName);

// --- Get

TYPED_TEST(StorageContractTest, GetOnAbsentReturnsNull) {
  EXPECT_TRUE(this->Held(this->OpenSocket()).empty());
}

TYPED_TEST(StorageContractTest, GetOnPresentReturnsTheBytes) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(1));
}

TYPED_TEST(StorageContractTest, GetTwiceReturnsOnePointer) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  ReadSection section;
  EXPECT_EQ(this->map_->Get(socket), this->map_->Get(socket));
}

TYPED_TEST(StorageContractTest, GetReturnsAnAlignedPointer) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  ReadSection section;
  EXPECT_EQ(reinterpret_cast<uintptr_t>(this->map_->Get(socket)) % 8, 0U);
}

// --- GetOrCreate

TYPED_TEST(StorageContractTest, GetOrCreateOnAbsentInsertsInit) {
  Socket& socket = this->OpenSocket();
  Status status = Status::kInvalid;
  EXPECT_EQ(this->Created(*this->map_, socket, this->Value(1), &status), this->Value(1));
  EXPECT_EQ(status, Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(1));
}

TYPED_TEST(StorageContractTest, GetOrCreateOnAbsentWithoutInitInsertsZeroes) {
  Socket& socket = this->OpenSocket();
  EXPECT_EQ(this->Created(*this->map_, socket, {}, nullptr), Zeroes(this->kValueBytes));
  EXPECT_EQ(this->Held(socket), Zeroes(this->kValueBytes));
}

TYPED_TEST(StorageContractTest, GetOrCreateOnPresentReturnsExistingAndIgnoresInit) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  Status status = Status::kInvalid;
  EXPECT_EQ(this->Created(*this->map_, socket, this->Value(2), &status), this->Value(1));
  EXPECT_EQ(status, Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(1));
}

TYPED_TEST(StorageContractTest, GetOrCreateOnPresentIgnoresInitOfAnySize) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  const Bytes wrong_size = this->Value(2, 7);
  EXPECT_EQ(this->Created(*this->map_, socket, wrong_size, nullptr), this->Value(1));
}

// --- Update

TYPED_TEST(StorageContractTest, UpdateAnyOnAbsentInserts) {
  Socket& socket = this->OpenSocket();
  EXPECT_EQ(this->Put(socket, 1, UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(1));
}

TYPED_TEST(StorageContractTest, UpdateAnyOnPresentReplaces) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  EXPECT_EQ(this->Put(socket, 2, UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(2));
}

TYPED_TEST(StorageContractTest, UpdateToTheValueItHasIsOk) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  EXPECT_EQ(this->Put(socket, 1, UpdateFlag::kExist), Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(1));
  EXPECT_EQ(this->map_->Delete(socket), Status::kOk);
  EXPECT_EQ(this->map_->Delete(socket), Status::kNotFound);
}

TYPED_TEST(StorageContractTest, UpdateNoExistOnAbsentInserts) {
  Socket& socket = this->OpenSocket();
  EXPECT_EQ(this->Put(socket, 1, UpdateFlag::kNoExist), Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(1));
}

TYPED_TEST(StorageContractTest, UpdateNoExistOnPresentReturnsExists) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  EXPECT_EQ(this->Put(socket, 2, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(this->Put(socket, 1, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(this->Held(socket), this->Value(1));
}

TYPED_TEST(StorageContractTest, UpdateExistOnAbsentReturnsNotFound) {
  Socket& socket = this->OpenSocket();
  EXPECT_EQ(this->Put(socket, 1, UpdateFlag::kExist), Status::kNotFound);
  EXPECT_TRUE(this->Held(socket).empty());
}

TYPED_TEST(StorageContractTest, UpdateExistOnAbsentAmongOtherMapsReturnsNotFound) {
  std::unique_ptr<typename TypeParam::Map> other;
  ASSERT_EQ(this->CreateMap(this->kValueBytes, false, &other), Status::kOk);
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(other->Update(socket, this->Value(9), UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(this->Put(socket, 1, UpdateFlag::kExist), Status::kNotFound);
  EXPECT_EQ(this->Held(*other, socket), this->Value(9));
}

TYPED_TEST(StorageContractTest, UpdateExistOnPresentReplaces) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  EXPECT_EQ(this->Put(socket, 2, UpdateFlag::kExist), Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(2));
}

TYPED_TEST(StorageContractTest, UpdateOfOneOwnerLeavesEqualValuesOfOthers) {
  Socket& one = this->OpenSocket();
  Socket& other = this->OpenSocket();
  ASSERT_EQ(this->Put(one, 1), Status::kOk);
  ASSERT_EQ(this->Put(other, 1), Status::kOk);
  ASSERT_EQ(this->Put(one, 2), Status::kOk);
  EXPECT_EQ(this->Held(other), this->Value(1));
  ASSERT_EQ(this->map_->Delete(one), Status::kOk);
  EXPECT_EQ(this->Held(other), this->Value(1));
}

// --- Modify

TYPED_TEST(StorageContractTest, ModifyOnAbsentReturnsNotFound) {
  Socket& socket = this->OpenSocket();
  int calls = 0;
  EXPECT_EQ(this->map_->Modify(socket, [&](std::span<std::byte>) { ++calls; }), Status::kNotFound);
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(this->Held(socket).empty());
}

TYPED_TEST(StorageContractTest, ModifyOnPresentPublishesWhatTheFunctionMadeOfACopy) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  const Status status = this->map_->Modify(socket, [&](std::span<std::byte> value) {
    EXPECT_EQ(Bytes(value.begin(), value.end()), this->Value(1));
    const Bytes next = this->Value(2);
    std::memcpy(value.data(), next.data(), next.size());
    EXPECT_EQ(this->Held(socket), this->Value(1)) << "visible before the function returned";
  });
  EXPECT_EQ(status, Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(2));
}

TYPED_TEST(StorageContractTest, ModifyThatChangesNothingIsOk) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  EXPECT_EQ(this->map_->Modify(socket, [](std::span<std::byte>) {}), Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(1));
}

TYPED_TEST(StorageContractTest, ModifyOfOneOwnerLeavesEqualValuesOfOthers) {
  Socket& one = this->OpenSocket();
  Socket& other = this->OpenSocket();
  ASSERT_EQ(this->Put(one, 1), Status::kOk);
  ASSERT_EQ(this->Put(other, 1), Status::kOk);
  ASSERT_EQ(this->map_->Modify(one, [](std::span<std::byte> value) { value[3] = std::byte{7}; }),
            Status::kOk);
  EXPECT_NE(this->Held(one), this->Value(1));
  EXPECT_EQ(this->Held(other), this->Value(1));
}

// --- Delete

TYPED_TEST(StorageContractTest, DeleteOnAbsentReturnsNotFound) {
  EXPECT_EQ(this->map_->Delete(this->OpenSocket()), Status::kNotFound);
}

TYPED_TEST(StorageContractTest, DeleteOnPresentMakesAbsent) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  EXPECT_EQ(this->map_->Delete(socket), Status::kOk);
  EXPECT_TRUE(this->Held(socket).empty());
  EXPECT_EQ(this->map_->Delete(socket), Status::kNotFound);
}

TYPED_TEST(StorageContractTest, DeletedValueCanBeMadeAgain) {
  Socket& socket = this->OpenSocket();
  for (int round = 0; round < 100; ++round) {
    ASSERT_EQ(this->Put(socket, 1, UpdateFlag::kNoExist), Status::kOk);
    ASSERT_EQ(this->Held(socket), this->Value(1));
    ASSERT_EQ(this->map_->Delete(socket), Status::kOk);
  }
}

// --- Clone

TYPED_TEST(StorageContractTest, CloneOfPresentWithFlagGivesAnEqualValueOfItsOwn) {
  std::unique_ptr<typename TypeParam::Map> map;
  ASSERT_EQ(this->CreateMap(this->kValueBytes, true, &map), Status::kOk);
  Socket& parent = this->OpenSocket();
  Socket& child = this->OpenSocket();
  ASSERT_EQ(map->Update(parent, this->Value(1), UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(map->Clone(parent, child), Status::kOk);
  EXPECT_EQ(this->Held(*map, child), this->Value(1));
  ASSERT_EQ(map->Update(parent, this->Value(2), UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(this->Held(*map, child), this->Value(1));
  ASSERT_EQ(map->Delete(child), Status::kOk);
  EXPECT_EQ(this->Held(*map, parent), this->Value(2));
}

TYPED_TEST(StorageContractTest, CloneOfAbsentGivesNothing) {
  std::unique_ptr<typename TypeParam::Map> map;
  ASSERT_EQ(this->CreateMap(this->kValueBytes, true, &map), Status::kOk);
  Socket& child = this->OpenSocket();
  EXPECT_EQ(map->Clone(this->OpenSocket(), child), Status::kOk);
  EXPECT_TRUE(this->Held(*map, child).empty());
}

TYPED_TEST(StorageContractTest, CloneWithoutFlagGivesNothing) {
  Socket& parent = this->OpenSocket();
  Socket& child = this->OpenSocket();
  ASSERT_EQ(this->Put(parent, 1), Status::kOk);
  EXPECT_EQ(this->map_->Clone(parent, child), Status::kOk);
  EXPECT_TRUE(this->Held(child).empty());
}

TYPED_TEST(StorageContractTest, AcceptClonesTheMapsWithTheFlagOnly) {
  std::unique_ptr<typename TypeParam::Map> cloned;
  std::unique_ptr<typename TypeParam::Map> cloned_but_absent;
  ASSERT_EQ(this->CreateMap(8, true, &cloned), Status::kOk);
  ASSERT_EQ(this->CreateMap(8, true, &cloned_but_absent), Status::kOk);
  const int listener = this->OpenListener();
  ASSERT_EQ(this->Put(this->SocketOf(listener), 1), Status::kOk);
  ASSERT_EQ(cloned->Update(this->SocketOf(listener), this->Value(2, 8), UpdateFlag::kAny),
            Status::kOk);
  Socket& child = this->SocketOf(this->Accept(listener));
  EXPECT_EQ(this->Held(*cloned, child), this->Value(2, 8));
  EXPECT_TRUE(this->Held(*cloned_but_absent, child).empty());
  EXPECT_TRUE(this->Held(child).empty());
}

TYPED_TEST(StorageContractTest, AcceptedChildKeepsItsValueWhenTheListenerCloses) {
  std::unique_ptr<typename TypeParam::Map> map;
  ASSERT_EQ(this->CreateMap(this->kValueBytes, true, &map), Status::kOk);
  const int listener = this->OpenListener();
  ASSERT_EQ(map->Update(this->SocketOf(listener), this->Value(1), UpdateFlag::kAny), Status::kOk);
  Socket& child = this->SocketOf(this->Accept(listener));
  ASSERT_EQ(this->table_->Close(listener), Status::kOk);
  RetireBarrier();
  EXPECT_EQ(this->Held(*map, child), this->Value(1));
}

// --- a value of the wrong size, in every state

TYPED_TEST(StorageContractTest, WrongSizeIsInvalidInEveryState) {
  Socket& absent = this->OpenSocket();
  Socket& present = this->OpenSocket();
  ASSERT_EQ(this->Put(present, 1), Status::kOk);
  for (const UpdateFlag flag : {UpdateFlag::kAny, UpdateFlag::kNoExist}) {
    for (const uint32_t bytes : {0U, 1U, this->kValueBytes - 1, this->kValueBytes + 1}) {
      SCOPED_TRACE(testing::Message() << bytes << " bytes, flag " << static_cast<int>(flag));
      EXPECT_EQ(this->map_->Update(absent, this->Value(2, bytes), flag), Status::kInvalid);
      EXPECT_EQ(this->map_->Update(present, this->Value(2, bytes), flag), Status::kInvalid);
    }
  }
  EXPECT_TRUE(this->Held(absent).empty());
  EXPECT_EQ(this->Held(present), this->Value(1));
}

TYPED_TEST(StorageContractTest, GetOrCreateOnAbsentWithInitOfWrongSizeIsInvalid) {
  Socket& socket = this->OpenSocket();
  Status status = Status::kOk;
  EXPECT_TRUE(this->Created(*this->map_, socket, this->Value(1, 7), &status).empty());
  EXPECT_EQ(status, Status::kInvalid);
  EXPECT_TRUE(this->Held(socket).empty());
}

// --- an owner without references, which readers may still find

template <typename L>
class DyingOwnerTest : public ContractTest<L> {
 protected:
  // Drops the last reference without releasing values: the state between the two steps of Put().
  void MakeDying(Socket& socket) { socket.common.skc_refcnt.store(0); }
  void Revive(Socket& socket) { socket.common.skc_refcnt.store(1); }
};
TYPED_TEST_SUITE(DyingOwnerTest, AllLayouts, LayoutName);

TYPED_TEST(DyingOwnerTest, CreatesReturnNotFound) {
  Socket& socket = this->OpenSocket();
  this->MakeDying(socket);
  EXPECT_EQ(this->Put(socket, 1), Status::kNotFound);
  EXPECT_EQ(this->Put(socket, 1, UpdateFlag::kNoExist), Status::kNotFound);
  EXPECT_EQ(this->Put(socket, 1, UpdateFlag::kExist), Status::kNotFound);
  Status status = Status::kOk;
  EXPECT_TRUE(this->Created(*this->map_, socket, this->Value(1), &status).empty());
  EXPECT_EQ(status, Status::kNotFound);
  EXPECT_TRUE(this->Created(*this->map_, socket, {}, &status).empty());
  EXPECT_EQ(status, Status::kNotFound);
  EXPECT_TRUE(this->Held(socket).empty());
  this->Revive(socket);
}

TYPED_TEST(DyingOwnerTest, GetStillFindsTheValue) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  this->MakeDying(socket);
  EXPECT_EQ(this->Held(socket), this->Value(1));
  EXPECT_EQ(this->Created(*this->map_, socket, this->Value(2), nullptr), this->Value(1));
  this->Revive(socket);
}

TYPED_TEST(DyingOwnerTest, WrongSizeIsInvalid) {
  Socket& socket = this->OpenSocket();
  this->MakeDying(socket);
  EXPECT_EQ(this->map_->Update(socket, this->Value(1, 7), UpdateFlag::kAny), Status::kInvalid);
  this->Revive(socket);
}

// --- making a map

TYPED_TEST(StorageContractTest, MapOfNoBytesIsInvalid) {
  std::unique_ptr<typename TypeParam::Map> map;
  EXPECT_EQ(this->CreateMap(0, false, &map), Status::kInvalid);
  EXPECT_EQ(map, nullptr);
}

TYPED_TEST(StorageContractTest, MapAboveTheLargestValueIsTooBig) {
  std::unique_ptr<typename TypeParam::Map> map;
  EXPECT_EQ(this->CreateMap(kMaxValueBytes + 1, false, &map), Status::kTooBig);
  EXPECT_EQ(this->CreateMap(UINT32_MAX, false, &map), Status::kTooBig);
  EXPECT_EQ(map, nullptr);
}

TYPED_TEST(StorageContractTest, EveryKindOfSocketHoldsValues) {
  for (size_t family = 0; family < kSocketFamilies; ++family) {
    SCOPED_TRACE(ProtocolOf(static_cast<SocketFamily>(family)).name);
    Socket& socket = this->OpenSocket(static_cast<SocketFamily>(family));
    EXPECT_EQ(this->Put(socket, family), Status::kOk);
    EXPECT_EQ(this->Held(socket), this->Value(family));
  }
}

TYPED_TEST(StorageContractTest, ValuesOfAllSizesAreKeptWhole) {
  this->table_->set_optmem_max_bytes(1 << 20);  // room for two of the largest at a time
  for (const uint32_t bytes : {1U, 2U, 3U, 7U, 8U, 9U, 24U, 56U, 120U, 121U, 184U, 511U, 512U, 513U,
                               4095U, 4096U, 32768U, kMaxValueBytes}) {
    SCOPED_TRACE(bytes);
    std::unique_ptr<typename TypeParam::Map> map;
    ASSERT_EQ(this->CreateMap(bytes, false, &map), Status::kOk);
    EXPECT_EQ(map->value_bytes(), bytes);
    Socket& one = this->OpenSocket();
    Socket& other = this->OpenSocket();
    ASSERT_EQ(map->Update(one, this->Value(1, bytes), UpdateFlag::kAny), Status::kOk);
    ASSERT_EQ(map->Update(other, this->Value(200, bytes), UpdateFlag::kAny), Status::kOk);
    EXPECT_EQ(this->Held(*map, one), this->Value(1, bytes));
    EXPECT_EQ(this->Held(*map, other), this->Value(200, bytes));
    ASSERT_EQ(map->Modify(other, [](std::span<std::byte> value) { value.back() = std::byte{3}; }),
              Status::kOk);
    EXPECT_EQ(this->Held(*map, other).back(), std::byte{3});
    EXPECT_EQ(this->Held(*map, one), this->Value(1, bytes));
  }
}

}  // namespace
}  // namespace inlay
