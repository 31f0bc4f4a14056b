// Specific to the single-pointer layout: one object for all maps of a socket.

#include "inlay/emulated/single_pointer_map.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "tests/engine/sockets/sockets_fixture.h"
#include "tests/failing_allocations.h"

namespace inlay {
namespace {

using Maps = std::vector<std::unique_ptr<SinglePointerMap>>;

constexpr uint32_t kHeaderBytes = 32;

// The bytes of an object with offsets up to map number `last`, from the picture in the header.
constexpr uint32_t ObjectBytes(uint32_t last, std::initializer_list<uint32_t> lengths) {
  uint32_t bytes = kHeaderBytes + (4 * (last + 1) + 7) / 8 * 8;
  for (const uint32_t length : lengths) bytes += (length + 7) / 8 * 8;
  return bytes;
}
static_assert(ObjectBytes(0, {100}) == 32 + 8 + 104);

class SinglePointerMapTest : public SocketsTest {
 protected:
  void SetUp() override { MakeTable({.inline_bits = 0, .optmem_max_bytes = 1 << 30}); }
  std::unique_ptr<SinglePointerMap> MakeSingle(uint32_t value_bytes, bool clone = false) {
    return MakeMap<SinglePointerMap>({.value_bytes = value_bytes, .clone = clone});
  }
  Maps MakeMaps(size_t count, uint32_t value_bytes, bool clone = false) {
    Maps maps;
    while (maps.size() < count) maps.push_back(MakeSingle(value_bytes, clone));
    return maps;
  }
  // The object stays until a write to the socket.
  static const SingleObject* ObjectOf(const Socket& socket) {
    return socket.sk_single_object.load();
  }
  // The number of a map, read from the object of a fresh socket.
  uint32_t NumberOf(SinglePointerMap& map) {
    const int fd = Open();
    EXPECT_EQ(Put(map, SocketOf(fd), 1), Status::kOk);
    const uint32_t number = ObjectOf(SocketOf(fd))->maps - 1;
    EXPECT_EQ(table_->Close(fd), Status::kOk);
    return number;
  }
};

// --- the object

TEST_F(SinglePointerMapTest, OneObjectHoldsTheValuesOfAllMapsBehindTheirOffsets) {
  Maps maps;
  for (const uint32_t bytes : {100U, 5U, 8U, 1U}) maps.push_back(MakeSingle(bytes));
  Socket& socket = OpenSocket();
  EXPECT_EQ(ObjectOf(socket), nullptr);
  for (const size_t i : {3U, 0U, 2U, 1U}) ASSERT_EQ(Put(*maps[i], socket, i), Status::kOk);
  const SingleObject& object = *ObjectOf(socket);
  EXPECT_EQ(object.maps, 4U);
  EXPECT_EQ(object.object_bytes, ObjectBytes(3, {100, 5, 8, 1}));
  std::vector<bool> taken(object.object_bytes);
  for (uint32_t i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    const uint32_t offset = object.offset_bytes(i).load();
    EXPECT_EQ(offset % 8, 0U);
    EXPECT_GE(offset, kHeaderBytes + 4 * 4);
    EXPECT_LE(offset + maps[i]->value_bytes(), object.object_bytes);
    for (uint32_t at = offset; at < offset + maps[i]->value_bytes(); ++at) {
      EXPECT_FALSE(taken[at]) << "two values at " << at;
      taken[at] = true;
    }
    ReadSection section;
    EXPECT_EQ(maps[i]->Get(socket), reinterpret_cast<const std::byte*>(&object) + offset);
    EXPECT_EQ(object.Find(i), maps[i]->Get(socket));
    EXPECT_EQ(Held(*maps[i], socket), Value(*maps[i], i));
  }
  EXPECT_EQ(object.Find(4), nullptr) << "beyond the last";
}

TEST_F(SinglePointerMapTest, AnObjectEndsWithTheHighestNumberedMapThatHasAValue) {
  const Maps maps = MakeMaps(30, 8);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*maps[2], socket, 1), Status::kOk);
  EXPECT_EQ(ObjectOf(socket)->maps, 3U);
  ASSERT_EQ(Put(*maps[29], socket, 1), Status::kOk);
  EXPECT_EQ(ObjectOf(socket)->maps, 30U);
  EXPECT_EQ(ObjectOf(socket)->object_bytes, ObjectBytes(29, {8, 8}));
  ASSERT_EQ(maps[29]->Delete(socket), Status::kOk);
  EXPECT_EQ(ObjectOf(socket)->maps, 3U);
  EXPECT_EQ(ObjectOf(socket)->object_bytes, ObjectBytes(2, {8}));
  ASSERT_EQ(maps[2]->Delete(socket), Status::kOk);
  EXPECT_EQ(ObjectOf(socket), nullptr);
}

TEST_F(SinglePointerMapTest, NoWriteChangesAnObjectUnderItsReaders) {
  const Maps maps = MakeMaps(4, 100);
  Socket& socket = OpenSocket();
  for (size_t i = 0; i < maps.size(); ++i) ASSERT_EQ(Put(*maps[i], socket, i), Status::kOk);
  ReadSection section;
  const SingleObject* const object = ObjectOf(socket);
  const auto* const bytes = reinterpret_cast<const std::byte*>(object);
  // Without the header, which says how to free the object.
  const size_t from = offsetof(SingleObject, object_bytes);
  const Bytes before(bytes + from, bytes + object->object_bytes);
  for (uint64_t n = 10; n < 40; ++n) {
    ASSERT_EQ(Put(*maps[0], socket, n), Status::kOk);
    ASSERT_EQ(ModifyTo(*maps[1], socket, n), Status::kOk);
    ASSERT_EQ(maps[2]->Delete(socket), Status::kOk);
    ASSERT_EQ(Put(*maps[2], socket, n), Status::kOk);
  }
  EXPECT_NE(ObjectOf(socket), object);
  EXPECT_EQ(Bytes(bytes + from, bytes + before.size() + from), before);
  EXPECT_EQ(Held(*maps[3], socket), Value(*maps[3], 3));
}

TEST_F(SinglePointerMapTest, RandomWritesOfOneMapLeaveTheOthers) {
  std::mt19937_64 random(1);
  Maps maps;
  for (uint32_t i = 0; i < 20; ++i) maps.push_back(MakeSingle(1 + i * 13));
  Socket& socket = OpenSocket();
  std::map<size_t, Bytes> model;
  for (int step = 0; step < 2000; ++step) {
    const size_t i = random() % maps.size();
    const uint64_t n = random() % 250;
    if (random() % 3 == 0) {
      ASSERT_EQ(maps[i]->Delete(socket), model.erase(i) == 1 ? Status::kOk : Status::kNotFound);
    } else {
      ASSERT_EQ(Put(*maps[i], socket, n), Status::kOk);
      model[i] = Value(*maps[i], n);
    }
    uint32_t values_bytes = 0;
    for (size_t at = 0; at < maps.size(); ++at) {
      const Bytes expected = model.contains(at) ? model[at] : Bytes();
      ASSERT_EQ(Held(*maps[at], socket), expected) << "map " << at << ", step " << step;
      values_bytes += (static_cast<uint32_t>(expected.size()) + 7) / 8 * 8;
    }
    const SingleObject* const object = ObjectOf(socket);
    ASSERT_EQ(object == nullptr, model.empty());
    if (object == nullptr) continue;
    const auto last = static_cast<uint32_t>(model.rbegin()->first);
    ASSERT_EQ(object->object_bytes, ObjectBytes(last, {}) + values_bytes);
  }
}

TEST_F(SinglePointerMapTest, AModifyThatWasOvertakenByAnotherMapsWriteRunsAgain) {
  const Maps maps = MakeMaps(2, 100);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*maps[0], socket, 1), Status::kOk);
  int calls = 0;
  ASSERT_EQ(maps[0]->Modify(socket,
                            [&](std::span<std::byte> value) {
                              EXPECT_EQ(Bytes(value.begin(), value.end()), Value(*maps[0], 1));
                              if (calls++ == 0) {
                                EXPECT_EQ(Put(*maps[1], socket, 2), Status::kOk);
                              }
                              value[50] = std::byte{7};
                            }),
            Status::kOk);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(Held(*maps[0], socket)[50], std::byte{7});
  EXPECT_EQ(Held(*maps[1], socket), Value(*maps[1], 2)) << "not lost with the object it was in";
}

// --- numbers

TEST_F(SinglePointerMapTest, AFreedMapsNumberIsUsedAgainAndItsValuesAreNot) {
  Maps maps = MakeMaps(4, 24);
  const std::vector<Socket*> sockets = OpenSockets(10);
  for (uint32_t i = 0; i < maps.size(); ++i) {
    EXPECT_EQ(NumberOf(*maps[i]), i);
    for (Socket* const socket : sockets) ASSERT_EQ(Put(*maps[i], *socket, i), Status::kOk);
  }
  maps[1].reset();
  maps[2].reset();
  for (Socket* const socket : sockets) {
    EXPECT_EQ(ObjectOf(*socket)->object_bytes, ObjectBytes(3, {24, 24}));
  }
  const uint32_t other_bytes = 100;  // larger than the old values
  for (const size_t i : {1U, 2U}) {
    maps[i] = MakeSingle(other_bytes);
    EXPECT_EQ(NumberOf(*maps[i]), i) << "the lowest that is free";
    for (Socket* const socket : sockets) {
      EXPECT_TRUE(Held(*maps[i], *socket).empty());
      ASSERT_EQ(Put(*maps[i], *socket, 9), Status::kOk);
    }
  }
  for (Socket* const socket : sockets) {
    EXPECT_EQ(Held(*maps[0], *socket), Value(*maps[0], 0));
    EXPECT_EQ(Held(*maps[3], *socket), Value(*maps[3], 3));
  }
}

TEST_F(SinglePointerMapTest, AFreedMapsMemoryComesBack) {
  Maps maps = MakeMaps(3, 5000);
  const std::vector<Socket*> sockets = OpenSockets(20);
  for (auto& map : maps) {
    for (Socket* const socket : sockets) ASSERT_EQ(Put(*map, *socket, 1), Status::kOk);
  }
  for (size_t left = maps.size(); left-- > 0;) {
    maps.pop_back();
    Settle();
    size_t bytes = 0;
    for (Socket* const socket : sockets) {
      const SingleObject* const object = ObjectOf(*socket);
      ASSERT_EQ(object == nullptr, left == 0);
      if (object != nullptr) bytes += KmallocBytes(object->object_bytes);
      EXPECT_EQ(Charged(*socket),
                object != nullptr ? static_cast<int32_t>(object->object_bytes) : 0);
    }
    EXPECT_EQ(table_->private_usage().private_bytes, bytes);
  }
}

// --- many and large

TEST_F(SinglePointerMapTest, TwoHundredMapsOnOneSocket) {
  Maps maps = MakeMaps(200, 10, true);
  const int listener = OpenListener();
  Socket& socket = SocketOf(listener);
  for (size_t i = 0; i < maps.size(); ++i) ASSERT_EQ(Put(*maps[i], socket, i), Status::kOk);
  EXPECT_EQ(ObjectOf(socket)->object_bytes, 32U + 200 * 4 + 200 * 16);
  for (size_t i = 0; i < maps.size(); i += 2) ASSERT_EQ(maps[i]->Delete(socket), Status::kOk);
  Socket& child = Accept(listener);
  for (size_t i = 0; i < maps.size(); ++i) {
    const Bytes expected = i % 2 == 0 ? Bytes() : Value(*maps[i], i);
    EXPECT_EQ(Held(*maps[i], socket), expected);
    EXPECT_EQ(Held(*maps[i], child), expected);
  }
}

TEST_F(SinglePointerMapTest, AnObjectMayBeFourMegabytesAndNoMore) {
  // 4 MiB have room for 32 + 4 * 64 + 64 * 65400 bytes, and for no further value of this size.
  constexpr uint32_t kBytes = 65400;
  const Maps maps = MakeMaps(65, kBytes, true);
  const int listener = OpenListener();
  Socket& socket = SocketOf(listener);
  for (size_t i = 0; i < 64; ++i) ASSERT_EQ(Put(*maps[i], socket, i), Status::kOk) << i;
  const SingleObject* const object = ObjectOf(socket);
  EXPECT_EQ(object->object_bytes, ObjectBytes(63, {}) + 64 * kBytes);
  EXPECT_EQ(Put(*maps[64], socket, 64), Status::kNoMemory);
  EXPECT_EQ(GetOrCreateStatus(*maps[64], socket, {}), Status::kNoMemory);
  EXPECT_EQ(ObjectOf(socket), object) << "nothing changed";
  EXPECT_EQ(Charged(socket), static_cast<int32_t>(object->object_bytes));
  EXPECT_TRUE(Held(*maps[64], socket).empty());
  Socket& child = Accept(listener);
  for (size_t i = 0; i < 64; ++i) {
    ASSERT_EQ(Held(*maps[i], socket), Value(*maps[i], i));
    ASSERT_EQ(Held(*maps[i], child), Value(*maps[i], i));
  }
  ASSERT_EQ(maps[10]->Delete(socket), Status::kOk);
  EXPECT_EQ(Put(*maps[64], socket, 64), Status::kOk) << "there is room again";
  EXPECT_EQ(Held(*maps[64], socket), Value(*maps[64], 64));
}

// --- without memory

// Each size class allocates chunks. So without allocations, an object of an unused class cannot be
// made.
TEST_F(SinglePointerMapTest, ADeleteWithoutMemoryLeavesTheBytesToTheNextWrite) {
  const auto large = MakeSingle(9000, true);
  const auto small = MakeSingle(100, true);
  const int listener = OpenListener();
  Socket& socket = SocketOf(listener);
  ASSERT_EQ(Put(*large, socket, 1), Status::kOk);
  ASSERT_EQ(Put(*small, socket, 2), Status::kOk);
  const SingleObject* const object = ObjectOf(socket);
  const uint32_t both = ObjectBytes(1, {9000, 100});
  {
    ReadSection section;
    const std::byte* const found = large->Get(socket);
    SetAllocationsLeftForTest(0);
    EXPECT_EQ(large->Delete(socket), Status::kOk);
    SetAllocationsLeftForTest(-1);
    EXPECT_EQ(Copied(found, 9000), Value(*large, 1)) << "a reader may have the old value";
  }
  EXPECT_EQ(ObjectOf(socket), object);
  EXPECT_EQ(object->offset_bytes(0).load(), 0U);
  EXPECT_EQ(Charged(socket), static_cast<int32_t>(both)) << "the object keeps its size and charge";
  EXPECT_TRUE(Held(*large, socket).empty());
  EXPECT_EQ(large->Delete(socket), Status::kNotFound);
  EXPECT_EQ(Put(*large, socket, 3, UpdateFlag::kExist), Status::kNotFound);
  EXPECT_EQ(large->memory_usage().private_bytes, 0U);
  EXPECT_EQ(Held(*small, socket), Value(*small, 2));

  Socket& child = Accept(listener);
  EXPECT_EQ(ObjectOf(child)->object_bytes, ObjectBytes(1, {100}));
  EXPECT_TRUE(Held(*large, child).empty());

  ASSERT_EQ(Put(*small, socket, 4), Status::kOk);
  EXPECT_EQ(ObjectOf(socket)->object_bytes, ObjectBytes(1, {100}));
  EXPECT_EQ(Charged(socket), static_cast<int32_t>(ObjectBytes(1, {100})));
  EXPECT_EQ(Held(*small, socket), Value(*small, 4));
}

TEST_F(SinglePointerMapTest, TheLastValueIsDeletedWithoutMemoryAndLeavesNothing) {
  const auto map = MakeSingle(9000);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*map, socket, 1), Status::kOk);
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(map->Delete(socket), Status::kOk);
  SetAllocationsLeftForTest(-1);
  EXPECT_EQ(ObjectOf(socket), nullptr);
  EXPECT_EQ(Charged(socket), 0);
}

TEST_F(SinglePointerMapTest, AMapIsFreedWithoutMemoryAndItsNumberUsedAgain) {
  auto large = MakeSingle(9000);
  const auto small = MakeSingle(100);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*large, socket, 1), Status::kOk);
  ASSERT_EQ(Put(*small, socket, 2), Status::kOk);
  SetAllocationsLeftForTest(0);
  large.reset();
  SetAllocationsLeftForTest(-1);
  ASSERT_EQ(ObjectOf(socket)->object_bytes, ObjectBytes(1, {9000, 100})) << "not compacted";
  const auto other = MakeSingle(40);
  ASSERT_EQ(NumberOf(*other), 0U);
  EXPECT_TRUE(Held(*other, socket).empty());
  ASSERT_EQ(Put(*other, socket, 3), Status::kOk);
  EXPECT_EQ(ObjectOf(socket)->object_bytes, ObjectBytes(1, {40, 100}));
  EXPECT_EQ(Held(*small, socket), Value(*small, 2));
}

// The only write that changes an object in place, beside a thread that copies the object: a child
// has the whole value or none.
TEST_F(SinglePointerMapTest, SocketsAreClonedBesideADeleteWithoutMemory) {
  const auto large = MakeSingle(9000, true);
  const auto small = MakeSingle(100, true);
  const int listener = OpenListener();
  Socket& socket = SocketOf(listener);
  ASSERT_EQ(Put(*large, socket, 1), Status::kOk);
  ASSERT_EQ(Put(*small, socket, 2), Status::kOk);
  // The size class keeps some chunks, so its objects come and go without allocations.
  const std::vector<Socket*> others = OpenSockets(500);
  for (Socket* const other : others) ASSERT_EQ(Put(*large, *other, 1), Status::kOk);
  for (size_t i = 0; i < others.size(); ++i) {
    if (i % 10 != 0) {
      ASSERT_EQ(large->Delete(*others[i]), Status::kOk);
    }
  }
  Settle();
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  SetAllocationsLeftForTest(0);
  std::thread cloning([&] {
    while (!done) {
      int fd = -1;
      if (table_->Accept(listener, &fd) != Status::kOk) continue;  // no room before a grace period
      const Socket& child = SocketOf(fd);
      const Bytes held = Held(*large, child);
      if (!held.empty() && held != Value(*large, 1)) ++wrong;
      if (Held(*small, child) != Value(*small, 2)) ++wrong;
      if (Charged(child) != static_cast<int32_t>(ObjectOf(child)->object_bytes)) ++wrong;
      if (table_->Close(fd) != Status::kOk) ++wrong;
    }
  });
  int deleted_in_place = 0;
  for (int i = 0; i < 10'000; ++i) {
    const SingleObject* const before = ObjectOf(socket);
    if (large->Delete(socket) == Status::kOk && ObjectOf(socket) == before) ++deleted_in_place;
    while (Put(*large, socket, 1) != Status::kOk) RetireBarrier();  // no room before a grace period
  }
  done = true;
  cloning.join();
  SetAllocationsLeftForTest(-1);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(deleted_in_place, 10'000);
}

TEST_F(SinglePointerMapTest, EveryAllocationOfAGrowingObjectCanFail) {
  const Maps maps = MakeMaps(12, 700);
  Socket& socket = OpenSocket();
  int failures = 0;
  for (size_t i = 0; i < maps.size(); ++i) {
    const SingleObject* const before = ObjectOf(socket);
    const int32_t charged = Charged(socket);
    failures += FailEachAllocation([&] { return Put(*maps[i], socket, i); },
                                   [&] {
                                     EXPECT_EQ(ObjectOf(socket), before);
                                     EXPECT_EQ(Charged(socket), charged);
                                     EXPECT_TRUE(Held(*maps[i], socket).empty());
                                   });
    for (size_t at = 0; at <= i; ++at) ASSERT_EQ(Held(*maps[at], socket), Value(*maps[at], at));
  }
  EXPECT_GE(failures, 4) << "at least one for each size class";
}

// --- memory

TEST_F(SinglePointerMapTest, MapsShareTheObjectsByTheirPartOfTheValues) {
  const auto one = MakeSingle(100);
  const auto other = MakeSingle(300);
  const std::vector<Socket*> sockets = OpenSockets(16);
  for (Socket* const socket : sockets) {
    ASSERT_EQ(Put(*one, *socket, 1), Status::kOk);
    ASSERT_EQ(Put(*other, *socket, 1), Status::kOk);
  }
  Settle();
  const size_t all = 16 * KmallocBytes(ObjectBytes(1, {100, 300}));
  EXPECT_EQ(table_->private_usage().private_bytes, all);
  EXPECT_EQ(one->memory_usage().private_bytes, all / 4);
  EXPECT_EQ(other->memory_usage().private_bytes, all * 3 / 4);
  EXPECT_EQ(one->memory_usage().inline_bytes, 16 * sizeof(void*) / 2) << "one pointer for both";
}

}  // namespace
}  // namespace inlay
