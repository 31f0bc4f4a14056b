// Maps whose values hold a lock (MapOptions::spin_lock), on every layout. The lock's four bytes
// read as 0 whatever a caller stores, the rest is an ordinary value, and no two sockets share one.

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/contract/contract_fixture.h"

namespace inlay {
namespace {

template <typename L>
class SpinLockTest : public ContractTest<L> {
 protected:
  using Map = typename L::Map;

  static MapOptions Options(uint32_t value_bytes, bool clone = true) {
    MapOptions options;
    options.name = "locked";
    options.value_bytes = value_bytes;
    options.width_bits = L::kWidthBits;
    options.clone = clone;
    options.spin_lock = true;
    return options;
  }
  std::unique_ptr<Map> MakeLocked(uint32_t value_bytes) {
    std::unique_ptr<Map> map;
    EXPECT_EQ(Map::Create(*this->table_, Options(value_bytes), &map), Status::kOk);
    return map;
  }
  // No byte is 0, not even in the lock.
  static Bytes Stored(uint64_t n, uint32_t bytes) {
    Bytes value = NumberedValue(n, bytes);
    std::fill_n(value.begin(), kSpinLockBytes, std::byte{0xff});
    return value;
  }
  // The value that a get returns for Stored().
  static Bytes Read(uint64_t n, uint32_t bytes) {
    Bytes value = Stored(n, bytes);
    std::fill_n(value.begin(), kSpinLockBytes, std::byte{0});
    return value;
  }

  static constexpr uint32_t kBytes = 100;
};
TYPED_TEST_SUITE(SpinLockTest, AllLayouts, LayoutName);

TYPED_TEST(SpinLockTest, AValueMustHaveRoomForTheLock) {
  using M = typename TypeParam::Map;
  std::unique_ptr<M> map;
  for (const uint32_t bytes : {0U, 1U, 2U, 3U}) {
    EXPECT_EQ(M::Create(*this->table_, TestFixture::Options(bytes), &map), Status::kInvalid);
    EXPECT_EQ(map, nullptr);
  }
  EXPECT_EQ(M::Create(*this->table_, TestFixture::Options(kMaxValueBytes + 1), &map),
            Status::kTooBig);
  EXPECT_EQ(map, nullptr);
  this->MakeLocked(kSpinLockBytes);
}

TYPED_TEST(SpinLockTest, TheLockLiesWhereTheTypeHasIt) {
  using M = typename TypeParam::Map;
  std::unique_ptr<M> map;
  MapOptions options = TestFixture::Options(12);
  for (const uint32_t offset : {1U, 2U, 9U, 12U, 0xffff'fffcU}) {
    options.spin_lock_offset = offset;
    EXPECT_EQ(M::Create(*this->table_, options, &map), Status::kInvalid) << offset;
    EXPECT_EQ(map, nullptr);
  }
  for (const uint32_t offset : {0U, 4U, 8U}) {
    SCOPED_TRACE(offset);
    options.spin_lock_offset = offset;
    ASSERT_EQ(M::Create(*this->table_, options, &map), Status::kOk);
    Socket& socket = this->OpenSocket();
    const Bytes stored(12, std::byte{0xff});
    Bytes read = stored;
    std::fill_n(read.begin() + offset, kSpinLockBytes, std::byte{0});
    ASSERT_EQ(map->Update(socket, stored, UpdateFlag::kAny), Status::kOk);
    EXPECT_EQ(this->Held(*map, socket), read);
    ASSERT_EQ(map->Modify(socket,
                          [](std::span<std::byte> value) {
                            std::fill(value.begin(), value.end(), std::byte{0xff});
                          }),
              Status::kOk);
    EXPECT_EQ(this->Held(*map, socket), read);
    map.reset();
  }
  options.spin_lock = false;
  options.spin_lock_offset = 4;
  EXPECT_EQ(M::Create(*this->table_, options, &map), Status::kInvalid);
}

TYPED_TEST(SpinLockTest, OtherOptionsAreCheckedAsWithoutALock) {
  using M = typename TypeParam::Map;
  for (const uint32_t alignment : {0U, 3U, 8U, 64U, 8192U}) {
    SCOPED_TRACE(alignment);
    std::unique_ptr<M> plain;
    std::unique_ptr<M> locked;
    MapOptions options = TestFixture::Options(100);
    options.alignment = alignment;
    const Status with_lock = M::Create(*this->table_, options, &locked);
    options.spin_lock = false;
    EXPECT_EQ(with_lock, M::Create(*this->table_, options, &plain));
  }
}

TYPED_TEST(SpinLockTest, TheLockReadsZeroHoweverTheValueWasStored) {
  for (const uint32_t bytes : {kSpinLockBytes, 5U, 8U, 12U, 100U, 5000U}) {
    SCOPED_TRACE(bytes);
    const auto map = this->MakeLocked(bytes);
    Socket& socket = this->OpenSocket();
    const auto stored = [&](uint64_t n) { return TestFixture::Stored(n, bytes); };
    const auto read = [&](uint64_t n) { return TestFixture::Read(n, bytes); };
    EXPECT_EQ(this->Created(*map, socket, stored(1), nullptr), read(1));
    EXPECT_EQ(this->Held(*map, socket), read(1));
    EXPECT_EQ(map->Update(socket, stored(2), UpdateFlag::kNoExist), Status::kExists);
    ASSERT_EQ(map->Update(socket, stored(2), UpdateFlag::kExist), Status::kOk);
    EXPECT_EQ(this->Held(*map, socket), read(2));
    ASSERT_EQ(map->Modify(socket,
                          [&](std::span<std::byte> value) {
                            EXPECT_EQ(Bytes(value.begin(), value.end()), read(2));
                            const Bytes after = stored(3);
                            std::memcpy(value.data(), after.data(), bytes);
                          }),
              Status::kOk);
    EXPECT_EQ(this->Held(*map, socket), read(3));
    this->Settle();  // copies that move must have no lock either
    EXPECT_EQ(this->Held(*map, socket), read(3));
    ASSERT_EQ(map->Delete(socket), Status::kOk);
    ASSERT_EQ(map->Update(socket, stored(4), UpdateFlag::kAny), Status::kOk);
    EXPECT_EQ(this->Held(*map, socket), read(4));
    ASSERT_EQ(map->Delete(socket), Status::kOk);
    EXPECT_EQ(this->Created(*map, socket, {}, nullptr), Zeroes(bytes));
  }
}

TYPED_TEST(SpinLockTest, ClonesHaveTheValueAndALockOfTheirOwn) {
  const auto map = this->MakeLocked(TestFixture::kBytes);
  const int listener = this->OpenListener();
  Socket& parent = this->SocketOf(listener);
  ASSERT_EQ(map->Update(parent, this->Stored(1, TestFixture::kBytes), UpdateFlag::kAny),
            Status::kOk);
  Socket& accepted = this->SocketOf(this->Accept(listener));
  Socket& cloned = this->OpenSocket();
  ASSERT_EQ(map->Clone(parent, cloned), Status::kOk);
  for (Socket* const child : {&accepted, &cloned}) {
    EXPECT_EQ(this->Held(*map, *child), this->Read(1, TestFixture::kBytes));
    ReadSection section;
    EXPECT_NE(map->Get(*child), map->Get(parent));
  }
}

TYPED_TEST(SpinLockTest, NoTwoSocketsShareAValue) {
  const auto map = this->MakeLocked(TestFixture::kBytes);
  Socket& one = this->OpenSocket();
  Socket& other = this->OpenSocket();
  for (Socket* const socket : {&one, &other}) {
    ASSERT_EQ(map->Update(*socket, this->Stored(1, TestFixture::kBytes), UpdateFlag::kAny),
              Status::kOk);
  }
  ReadSection section;
  EXPECT_NE(map->Get(one), map->Get(other));
}

// On layouts that share values the map falls back; on the inline layout it does not.
TYPED_TEST(SpinLockTest, OnlyLayoutsThatShareKeepItElsewhere) {
  const auto map = this->MakeLocked(TestFixture::kBytes);
  if constexpr (requires { map->is_shared(); }) {
    EXPECT_FALSE(map->is_shared());
  }
  if constexpr (requires { map->is_interned(); }) {
    EXPECT_FALSE(map->is_interned());
    EXPECT_EQ(map->field(), InlineField());
  }
  if constexpr (requires { map->is_inline(); }) {
    EXPECT_TRUE(map->is_inline());
  }
  std::unique_ptr<typename TypeParam::Map> plain;
  ASSERT_EQ(this->CreateMap(TestFixture::kBytes, false, &plain), Status::kOk);
  if constexpr (requires { plain->is_shared(); }) {
    EXPECT_TRUE(plain->is_shared());
  }
  if constexpr (requires { plain->is_interned(); }) {
    EXPECT_TRUE(plain->is_interned());
  }
}

TYPED_TEST(SpinLockTest, ANeighbourWithoutALockKeepsItsFirstBytes) {
  const auto locked = this->MakeLocked(TestFixture::kBytes);
  Socket& socket = this->OpenSocket();
  const Bytes stored = this->Stored(1, this->kValueBytes);
  ASSERT_EQ(this->map_->Update(socket, stored, UpdateFlag::kAny), Status::kOk);
  ASSERT_EQ(locked->Update(socket, this->Stored(2, TestFixture::kBytes), UpdateFlag::kAny),
            Status::kOk);
  EXPECT_EQ(this->Held(socket), stored);
  EXPECT_EQ(this->Held(*locked, socket), this->Read(2, TestFixture::kBytes));
}

// --- layouts that share: resources that the map must not take

TEST(SpinLockRoomTest, AnIndexMapTakesNoBits) {
  std::unique_ptr<SocketTable> table;
  ASSERT_EQ(SocketTable::Create({.inline_bits = 16}, &table), Status::kOk);
  std::unique_ptr<IndexMap> locked;
  std::unique_ptr<IndexMap> plain;
  ASSERT_EQ(IndexMap::Create(*table, {.value_bytes = 8, .spin_lock = true}, &locked), Status::kOk);
  ASSERT_EQ(IndexMap::Create(*table, {.value_bytes = 8}, &plain), Status::kOk);
  EXPECT_FALSE(locked->is_interned());
  EXPECT_TRUE(plain->is_interned());
  EXPECT_EQ(plain->field().width_bits, 16);
}

TEST(SpinLockRoomTest, ASharedPointerMapTakesNoTail) {
  std::unique_ptr<SocketTable> table;
  ASSERT_EQ(SocketTable::Create({.tail_bytes = 8}, &table), Status::kOk);
  std::unique_ptr<SharedPointerMap> locked;
  std::unique_ptr<SharedPointerMap> plain;
  ASSERT_EQ(SharedPointerMap::Create(*table, {.value_bytes = 8, .spin_lock = true}, &locked),
            Status::kOk);
  ASSERT_EQ(SharedPointerMap::Create(*table, {.value_bytes = 8}, &plain), Status::kOk);
  EXPECT_FALSE(locked->is_shared());
  EXPECT_TRUE(plain->is_shared());
}

TEST(SpinLockRoomTest, OwnersWithoutAStorageSlotCannotHaveOne) {
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 64}, &store), Status::kOk);
  std::unique_ptr<IndexMap> map;
  EXPECT_EQ(IndexMap::Create(*store, {.value_bytes = 8, .spin_lock = true}, &map),
            Status::kInvalid);
  EXPECT_EQ(map, nullptr);
  EXPECT_EQ(store->account().used_bytes(), 0U);
}

}  // namespace
}  // namespace inlay
