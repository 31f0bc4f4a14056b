// Maps that fall back to the pointer layout, since sockets have no room for them in the tail or in
// the bits. Callers must see no difference except in memory.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "inlay/emulated/value_map.h"
#include "tests/engine/sockets/sockets_fixture.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"

namespace inlay {
namespace {

constexpr uint32_t kFallBackValueBytes = 100;
constexpr int32_t kElementCharge = 72 + kFallBackValueBytes;
constexpr int32_t kFirstCharge = kElementCharge + 176;

bool HasFallenBack(const InlineMap& map) { return !map.is_inline(); }
bool HasFallenBack(const SharedPointerMap& map) { return !map.is_shared(); }
bool HasFallenBack(const IndexMap& map) { return !map.is_interned(); }

template <typename M>
class FallBackTest : public SocketsTest {
 protected:
  using Map = M;
  // Room for two maps.
  static SocketTableOptions TwoMaps() {
    SocketTableOptions options;
    options.inline_bits = std::is_same_v<M, IndexMap> ? 32 : 0;
    options.tail_bytes = std::is_same_v<M, InlineMap>          ? 2 * (8 + 104)
                         : std::is_same_v<M, SharedPointerMap> ? 2 * 8
                                                               : 0;
    return options;
  }
  void SetUp() override { MakeTable(TwoMaps()); }

  std::unique_ptr<M> Make(bool clone = false) {
    return MakeMap<M>({.value_bytes = kFallBackValueBytes, .clone = clone});
  }
};
struct MapName {
  template <typename M>
  static std::string GetName(int /*position*/) {
    if (std::is_same_v<M, InlineMap>) return "inline";
    return std::is_same_v<M, IndexMap> ? "index" : "shared_pointer";
  }
};
using FallingMaps = testing::Types<InlineMap, SharedPointerMap, IndexMap>;
TYPED_TEST_SUITE(FallBackTest, FallingMaps, MapName);

TYPED_TEST(FallBackTest, TheFirstMapsHaveRoomAndTheNextOnesDoNot) {
  std::vector<std::unique_ptr<TypeParam>> maps;
  for (size_t i = 0; i < 5; ++i) {
    maps.push_back(this->Make());
    EXPECT_EQ(HasFallenBack(*maps.back()), i >= 2) << i;
  }
  // Later maps get freed room; maps that have fallen back stay in the pointer layout.
  maps[0].reset();
  EXPECT_TRUE(HasFallenBack(*maps[2]));
  maps[0] = this->Make();
  EXPECT_FALSE(HasFallenBack(*maps[0]));
  EXPECT_TRUE(HasFallenBack(*this->Make()));
}

TYPED_TEST(FallBackTest, WithNothingReservedEveryMapFallsBack) {
  this->MakeTable({.inline_bits = 0, .tail_bytes = 0});
  const auto map = this->Make();
  EXPECT_TRUE(HasFallenBack(*map));
  Socket& socket = this->OpenSocket();
  EXPECT_EQ(this->Put(*map, socket, 1), Status::kOk);
  EXPECT_EQ(this->Held(*map, socket), this->Value(*map, 1));
}

TYPED_TEST(FallBackTest, ItIsWhatThePointerLayoutIs) {
  const auto first = this->Make();
  const auto second = this->Make();
  const auto map = this->Make();
  const auto pointer = this->template MakeMap<PointerMap>({.value_bytes = kFallBackValueBytes});
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(*map, socket, 1), Status::kOk);
  EXPECT_NE(socket.sk_bpf_storage.load(), nullptr);
  EXPECT_EQ(this->Charged(socket), kFirstCharge);
  {
    ReadSection section;
    EXPECT_FALSE(this->IsInTail(socket, map->Get(socket)));
  }
  EXPECT_TRUE(TestFixture::AllZero(this->Tail(socket)));
  EXPECT_EQ(map->memory_usage().private_bytes, KmallocBytes(kElementCharge) + KmallocBytes(176));
  ASSERT_EQ(map->Delete(socket), Status::kOk);
  EXPECT_EQ(map->memory_usage().private_bytes, 0U);
  ASSERT_EQ(this->Put(*pointer, socket, 1), Status::kOk);
  ASSERT_EQ(this->Put(*map, socket, 1), Status::kOk);
  EXPECT_EQ(this->Charged(socket), kFirstCharge + kElementCharge) << "one storage for both";
  // Equal values are not shared.
  Socket& other = this->OpenSocket();
  ASSERT_EQ(this->Put(*map, other, 1), Status::kOk);
  ReadSection section;
  EXPECT_NE(map->Get(socket), map->Get(other));
}

TYPED_TEST(FallBackTest, AllOperationsAnswerAsTheContractSays) {
  const auto first = this->Make();
  const auto second = this->Make();
  const auto map = this->Make(true);
  ASSERT_TRUE(HasFallenBack(*map));
  Socket& socket = this->OpenSocket();
  EXPECT_TRUE(this->Held(*map, socket).empty());
  EXPECT_EQ(this->ModifyTo(*map, socket, 1), Status::kNotFound);
  EXPECT_EQ(map->Delete(socket), Status::kNotFound);
  EXPECT_EQ(this->Put(*map, socket, 1, UpdateFlag::kExist), Status::kNotFound);
  EXPECT_EQ(map->Update(socket, Zeroes(kFallBackValueBytes - 1), UpdateFlag::kAny),
            Status::kInvalid);
  EXPECT_EQ(this->GetOrCreateStatus(*map, socket, Zeroes(kFallBackValueBytes + 1)),
            Status::kInvalid);
  EXPECT_EQ(this->GetOrCreateStatus(*map, socket, this->Value(*map, 1)), Status::kOk);
  EXPECT_EQ(this->GetOrCreateStatus(*map, socket, this->Value(*map, 2)), Status::kOk);
  EXPECT_EQ(this->Held(*map, socket), this->Value(*map, 1));
  EXPECT_EQ(this->Put(*map, socket, 2, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(this->Put(*map, socket, 2, UpdateFlag::kExist), Status::kOk);
  EXPECT_EQ(this->ModifyTo(*map, socket, 3), Status::kOk);
  EXPECT_EQ(this->Held(*map, socket), this->Value(*map, 3));
  Socket& child = this->OpenSocket();
  EXPECT_EQ(map->Clone(socket, child), Status::kOk);
  EXPECT_EQ(this->Held(*map, child), this->Value(*map, 3));
  EXPECT_EQ(map->Delete(socket), Status::kOk);
  EXPECT_TRUE(this->Held(*map, socket).empty());
  EXPECT_EQ(this->Held(*map, child), this->Value(*map, 3));
  std::string reason;
  EXPECT_TRUE(map->CheckInvariants(&reason)) << reason;
  EXPECT_TRUE(this->table_->store().CheckInvariants(&reason)) << reason;

  socket.common.skc_refcnt.store(0);
  EXPECT_EQ(this->Put(*map, socket, 1), Status::kNotFound);
  EXPECT_EQ(this->GetOrCreateStatus(*map, socket, {}), Status::kNotFound);
  EXPECT_EQ(map->Update(socket, Zeroes(1), UpdateFlag::kAny), Status::kInvalid);
  socket.common.skc_refcnt.store(1);
}

// Both its own layout and the pointer layout know a map that has fallen back: a child must not get
// its value twice.
TYPED_TEST(FallBackTest, AcceptClonesAValueOnce) {
  const auto first = this->Make(true);
  const auto second = this->Make(false);
  const auto cloned = this->Make(true);
  const auto plain = this->Make(false);
  const int listener = this->OpenListener();
  Socket& parent = this->SocketOf(listener);
  uint64_t n = 0;
  for (auto* const map : {first.get(), second.get(), cloned.get(), plain.get()}) {
    ASSERT_EQ(this->Put(*map, parent, ++n), Status::kOk);
  }
  this->LimitTo(kFirstCharge);
  Socket& child = this->Accept(listener);
  EXPECT_EQ(this->Charged(child), kFirstCharge) << "one element, never two";
  EXPECT_EQ(this->Held(*first, child), this->Value(*first, 1));
  EXPECT_TRUE(this->Held(*second, child).empty());
  EXPECT_EQ(this->Held(*cloned, child), this->Value(*cloned, 3));
  EXPECT_TRUE(this->Held(*plain, child).empty());
  this->LimitTo(kFirstCharge - 1);
  int fd = -1;
  EXPECT_EQ(this->table_->Accept(listener, &fd), Status::kOwnerLimit);
  EXPECT_EQ(fd, -1);
  EXPECT_EQ(this->table_->sockets(), 2U);
  std::string reason;
  EXPECT_TRUE(this->table_->store().CheckInvariants(&reason)) << reason;
}

TYPED_TEST(FallBackTest, AFreedMapTakesItsValuesAlong) {
  const auto first = this->Make();
  const auto second = this->Make();
  auto map = this->Make();
  const std::vector<Socket*> sockets = this->OpenSockets(50);
  for (size_t i = 0; i < sockets.size(); ++i) {
    ASSERT_EQ(this->Put(*first, *sockets[i], i), Status::kOk);
    ASSERT_EQ(this->Put(*map, *sockets[i], i), Status::kOk);
  }
  map.reset();
  map = this->Make();
  ASSERT_TRUE(HasFallenBack(*map));
  for (size_t i = 0; i < sockets.size(); ++i) {
    EXPECT_TRUE(this->Held(*map, *sockets[i]).empty());
    EXPECT_EQ(this->Charged(*sockets[i]), 0);
    EXPECT_EQ(this->Held(*first, *sockets[i]), this->Value(*first, i));
  }
}

TYPED_TEST(FallBackTest, EveryAllocationOfCreateCanFail) {
  const auto first = this->Make();
  const auto second = this->Make();
  const size_t used = this->table_->store().account().used_bytes();
  std::unique_ptr<TypeParam> map;
  const int failures = FailEachAllocation(
      [&] { return TypeParam::Create(*this->table_, {.value_bytes = kFallBackValueBytes}, &map); },
      [&] {
        EXPECT_EQ(map, nullptr);
        EXPECT_EQ(this->table_->store().account().used_bytes(), used);
      });
  EXPECT_GE(failures, 2);
  EXPECT_TRUE(HasFallenBack(*map));
}

// --- index maps

class IndexFallBackTest : public SocketsTest {};

TEST_F(IndexFallBackTest, SixteenMapsOfSixteenBitsFitAndTheNextFallsBack) {
  MakeTable({.inline_bits = 256});
  std::vector<std::unique_ptr<IndexMap>> maps;
  for (size_t i = 0; i < 18; ++i) {
    maps.push_back(MakeMap<IndexMap>({.value_bytes = kFallBackValueBytes, .clone = true}));
    EXPECT_EQ(maps.back()->is_interned(), i < 16) << i;
  }
  EXPECT_EQ(maps[16]->field(), InlineField());
  const int listener = OpenListener();
  for (size_t i = 0; i < maps.size(); ++i) {
    ASSERT_EQ(Put(*maps[i], SocketOf(listener), i), Status::kOk);
  }
  Socket& child = Accept(listener);
  for (size_t i = 0; i < maps.size(); ++i) EXPECT_EQ(Held(*maps[i], child), Value(*maps[i], i));
  EXPECT_EQ(Charged(child), kFirstCharge + kElementCharge);
  EXPECT_EQ(maps[16]->stats().table.live, 0U);
  EXPECT_EQ(maps[16]->stats().spilled, 0U) << "it has no table that could be full";
  std::string reason;
  EXPECT_TRUE(table_->store().CheckInvariants(&reason)) << reason;
}

TEST_F(IndexFallBackTest, ANarrowerMapMayStillFit) {
  MakeTable({.inline_bits = 16});
  const auto wide = MakeMap<IndexMap>({.value_bytes = 8, .width_bits = 12});
  const auto too_wide = MakeMap<IndexMap>({.value_bytes = 8, .width_bits = 5});
  const auto narrow = MakeMap<IndexMap>({.value_bytes = 8, .width_bits = 4});
  EXPECT_TRUE(wide->is_interned());
  EXPECT_FALSE(too_wide->is_interned());
  EXPECT_TRUE(narrow->is_interned());
}

// A spilled value and a value of a map that has fallen back share a storage.
TEST_F(IndexFallBackTest, SpilledAndFallenBackValuesOfOneSocketAreKeptApart) {
  MakeTable({.inline_bits = 16});
  const auto narrow =
      MakeMap<IndexMap>({.value_bytes = kFallBackValueBytes, .width_bits = 2, .clone = true});
  const auto fallen =
      MakeMap<IndexMap>({.value_bytes = kFallBackValueBytes, .width_bits = 16, .clone = true});
  ASSERT_FALSE(fallen->is_interned());
  for (uint64_t n = 0; n < 2; ++n) ASSERT_EQ(Put(*narrow, OpenSocket(), n), Status::kOk);
  const int listener = OpenListener();
  Socket& socket = SocketOf(listener);
  ASSERT_EQ(Put(*narrow, socket, 5), Status::kOk);
  ASSERT_EQ(Put(*fallen, socket, 6), Status::kOk);
  ASSERT_EQ(narrow->stats().spilled_now, 1U);
  Socket& child = Accept(listener);
  EXPECT_EQ(Charged(child), kFirstCharge + kElementCharge);
  EXPECT_EQ(narrow->stats().spilled_now, 2U);
  for (Socket* const each : {&socket, &child}) {
    EXPECT_EQ(Held(*narrow, *each), Value(*narrow, 5));
    EXPECT_EQ(Held(*fallen, *each), Value(*fallen, 6));
  }
  ASSERT_EQ(Put(*narrow, socket, 0), Status::kOk);  // back into the table
  EXPECT_EQ(Held(*fallen, socket), Value(*fallen, 6));
  ASSERT_EQ(fallen->Delete(child), Status::kOk);
  EXPECT_EQ(Held(*narrow, child), Value(*narrow, 5));
  std::string reason;
  EXPECT_TRUE(table_->store().CheckInvariants(&reason)) << reason;
}

TEST_F(IndexFallBackTest, OwnersWithoutAStorageSlotHaveNothingToFallBackOn) {
  PlainOwners<16> owners;
  std::unique_ptr<IndexMap> first;
  ASSERT_EQ(IndexMap::Create(owners.store(), {.value_bytes = 8}, &first), Status::kOk);
  const size_t used = owners.store().account().used_bytes();
  std::unique_ptr<IndexMap> second;
  EXPECT_EQ(IndexMap::Create(owners.store(), {.value_bytes = 8}, &second), Status::kNoBits);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(owners.store().account().used_bytes(), used);
}

}  // namespace
}  // namespace inlay
