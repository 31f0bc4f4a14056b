// Specific to the inline layout: the place of the value, and the copies that wait for readers.

#include "inlay/emulated/inline_map.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/engine/sockets/sockets_fixture.h"
#include "tests/failing_allocations.h"
#include "tests/section_elsewhere.h"

namespace inlay {
namespace {

constexpr size_t kWordBytes = 8;  // of a place, before the value

class InlineMapTest : public SocketsTest {
 protected:
  void SetUp() override { MakeTable({.inline_bits = 0, .tail_bytes = 256}); }

  std::unique_ptr<InlineMap> MakeInline(uint32_t value_bytes, bool clone = false) {
    auto map = MakeMap<InlineMap>({.value_bytes = value_bytes, .clone = clone});
    EXPECT_TRUE(map->is_inline());
    return map;
  }
  // Whether the value is in the socket itself. REQUIRES: present.
  bool IsInPlace(const InlineMap& map, const Socket& socket) const {
    ReadSection section;
    const std::byte* const found = map.Get(socket);
    EXPECT_NE(found, nullptr);
    if (!IsInTail(socket, found)) return false;
    EXPECT_EQ(found, reinterpret_cast<const std::byte*>(&socket) + map.offset_bytes() + kWordBytes);
    return true;
  }
};

// --- the place of a value

TEST_F(InlineMapTest, AValueIsInItsPlaceInSocketsOfEveryFamily) {
  const auto first = MakeInline(100);
  const auto second = MakeInline(5);
  EXPECT_EQ(first->offset_bytes(), sizeof(Socket));
  EXPECT_EQ(second->offset_bytes(), sizeof(Socket) + kWordBytes + 104);
  for (size_t i = 0; i < kSocketFamilies; ++i) {
    const auto family = static_cast<SocketFamily>(i);
    SCOPED_TRACE(ProtocolOf(family).name);
    Socket& socket = OpenSocket(family);
    for (InlineMap* const map : {first.get(), second.get()}) {
      ReadSection section;
      EXPECT_EQ(InlineMap::GetAt(socket, map->offset_bytes()), nullptr);
      ASSERT_EQ(Put(*map, socket, i), Status::kOk);
      EXPECT_TRUE(IsInPlace(*map, socket));
      EXPECT_EQ(InlineMap::GetAt(socket, map->offset_bytes()), map->Get(socket));
      // Also while the value is a copy, and after it is deleted.
      ASSERT_EQ(Put(*map, socket, i + 100), Status::kOk);
      EXPECT_EQ(InlineMap::GetAt(socket, map->offset_bytes()), map->Get(socket));
      EXPECT_EQ(Held(*map, socket), Value(*map, i + 100));
      ASSERT_EQ(map->Delete(socket), Status::kOk);
      EXPECT_EQ(InlineMap::GetAt(socket, map->offset_bytes()), nullptr);
    }
  }
}

TEST_F(InlineMapTest, WhatIsMadeByGetOrCreateAndByAcceptIsInItsPlace) {
  const auto map = MakeInline(100, true);
  const int listener = OpenListener();
  ASSERT_EQ(GetOrCreateStatus(*map, SocketOf(listener), {}), Status::kOk);
  EXPECT_TRUE(IsInPlace(*map, SocketOf(listener)));
  EXPECT_EQ(Held(*map, SocketOf(listener)), Zeroes(100));
  // The parent's value may still be a copy, but the child's place is clean.
  ReadSection section;
  ASSERT_EQ(Put(*map, SocketOf(listener), 1), Status::kOk);
  ASSERT_FALSE(IsInPlace(*map, SocketOf(listener)));
  Socket& child = Accept(listener);
  EXPECT_TRUE(IsInPlace(*map, child));
  EXPECT_EQ(Held(*map, child), Value(*map, 1));
  EXPECT_EQ(map->copies(), 1U);
}

// --- copies

TEST_F(InlineMapTest, AnUpdateOfAPresentValueWaitsElsewhereUntilReadersAreDone) {
  const auto map = MakeInline(100);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*map, socket, 1), Status::kOk);
  EXPECT_EQ(map->copies(), 0U);
  SectionElsewhere reader;
  ASSERT_EQ(Put(*map, socket, 2), Status::kOk);
  EXPECT_EQ(map->copies(), 1U);
  EXPECT_FALSE(IsInPlace(*map, socket));
  EXPECT_EQ(Held(*map, socket), Value(*map, 2));
  EXPECT_GT(map->memory_usage().private_bytes, 100U);
  reader.End();
  Settle();
  EXPECT_EQ(map->copies(), 0U);
  EXPECT_TRUE(IsInPlace(*map, socket)) << "it moves without another call";
  EXPECT_EQ(Held(*map, socket), Value(*map, 2));
  EXPECT_EQ(map->memory_usage().private_bytes, 0U);
}

TEST_F(InlineMapTest, AModifiedValueWaitsElsewhereUntilReadersAreDone) {
  const auto map = MakeInline(100);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*map, socket, 1), Status::kOk);
  SectionElsewhere reader;
  ASSERT_EQ(ModifyTo(*map, socket, 2), Status::kOk);
  EXPECT_EQ(map->copies(), 1U);
  EXPECT_FALSE(IsInPlace(*map, socket));
  reader.End();
  Settle();
  EXPECT_EQ(map->copies(), 0U);
  EXPECT_TRUE(IsInPlace(*map, socket));
  EXPECT_EQ(Held(*map, socket), Value(*map, 2));
}

TEST_F(InlineMapTest, OfManyCopiesTheLastMovesIn) {
  const auto map = MakeInline(100);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*map, socket, 0), Status::kOk);
  {
    ReadSection section;
    const std::byte* const found = map->Get(socket);
    for (uint64_t n = 1; n <= 50; ++n) {
      ASSERT_EQ(n % 2 == 0 ? Put(*map, socket, n) : ModifyTo(*map, socket, n), Status::kOk);
      ASSERT_EQ(map->copies(), n);
    }
    EXPECT_EQ(Copied(found, 100), Value(*map, 0));
  }
  Settle();
  EXPECT_EQ(map->copies(), 0U);
  EXPECT_TRUE(IsInPlace(*map, socket));
  EXPECT_EQ(Held(*map, socket), Value(*map, 50));
  EXPECT_EQ(table_->private_usage().private_bytes, 0U);
}

TEST_F(InlineMapTest, AModifyThatOverwritesAnUpdateSeesIt) {
  const auto map = MakeInline(100);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*map, socket, 1), Status::kOk);
  int calls = 0;
  ASSERT_EQ(map->Modify(socket,
                        [&](std::span<std::byte> value) {
                          EXPECT_EQ(Bytes(value.begin(), value.end()),
                                    Value(*map, calls == 0 ? 1 : 2));
                          if (calls++ == 0) {
                            EXPECT_EQ(Put(*map, socket, 2), Status::kOk);
                          }
                          value[50] = std::byte{7};
                        }),
            Status::kOk);
  EXPECT_EQ(calls, 2);
  Bytes expected = Value(*map, 2);
  expected[50] = std::byte{7};
  EXPECT_EQ(Held(*map, socket), expected);
  Settle();
  EXPECT_EQ(Held(*map, socket), expected);
  EXPECT_EQ(map->copies(), 0U);
}

// --- places that readers may still be in

TEST_F(InlineMapTest, AValueMadeAtOnceAfterADeleteWaitsElsewhere) {
  const auto map = MakeInline(100);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*map, socket, 1), Status::kOk);
  {
    ReadSection section;
    const std::byte* const found = map->Get(socket);
    ASSERT_EQ(map->Delete(socket), Status::kOk);
    EXPECT_EQ(map->Get(socket), nullptr);
    ASSERT_EQ(Put(*map, socket, 2, UpdateFlag::kNoExist), Status::kOk);
    EXPECT_FALSE(IsInPlace(*map, socket));
    EXPECT_EQ(Copied(found, 100), Value(*map, 1));
  }
  Settle();
  EXPECT_TRUE(IsInPlace(*map, socket));
  EXPECT_EQ(Held(*map, socket), Value(*map, 2));
}

TEST_F(InlineMapTest, AValueMadeAGracePeriodAfterADeleteIsInItsPlaceAtOnce) {
  const auto map = MakeInline(100);
  for (const bool get_or_create : {false, true}) {
    Socket& socket = OpenSocket();
    ASSERT_EQ(Put(*map, socket, 1), Status::kOk);
    ASSERT_EQ(map->Delete(socket), Status::kOk);
    Settle();
    ReadSection section;
    ASSERT_EQ(
        get_or_create ? GetOrCreateStatus(*map, socket, Value(*map, 2)) : Put(*map, socket, 2),
        Status::kOk);
    EXPECT_TRUE(IsInPlace(*map, socket));
    EXPECT_EQ(Held(*map, socket), Value(*map, 2));
    EXPECT_EQ(map->copies(), 0U);
  }
}

TEST_F(InlineMapTest, ADeletedCopyDoesNotComeBack) {
  const auto map = MakeInline(100);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*map, socket, 1), Status::kOk);
  {
    ReadSection section;
    ASSERT_EQ(Put(*map, socket, 2), Status::kOk);
    ASSERT_EQ(map->Delete(socket), Status::kOk);
    EXPECT_EQ(map->copies(), 1U);
  }
  Settle();
  EXPECT_EQ(map->copies(), 0U);
  EXPECT_TRUE(Held(*map, socket).empty());
  EXPECT_EQ(map->Delete(socket), Status::kNotFound);
  ASSERT_EQ(Put(*map, socket, 3), Status::kOk);
  EXPECT_TRUE(IsInPlace(*map, socket));
}

// --- without memory

TEST_F(InlineMapTest, WithoutMemoryForACopyTheOldValueStays) {
  const auto map = MakeInline(100);
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*map, socket, 1), Status::kOk);
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(Put(*map, socket, 2), Status::kNoMemory);
  EXPECT_EQ(Put(*map, socket, 2, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(ModifyTo(*map, socket, 2), Status::kNoMemory);
  EXPECT_EQ(Held(*map, socket), Value(*map, 1));
  EXPECT_TRUE(IsInPlace(*map, socket));
  {
    ReadSection section;
    EXPECT_EQ(map->Delete(socket), Status::kOk);
    EXPECT_EQ(Put(*map, socket, 2), Status::kNoMemory);
    EXPECT_EQ(GetOrCreateStatus(*map, socket, {}), Status::kNoMemory);
    EXPECT_TRUE(Held(*map, socket).empty());
  }
  EXPECT_EQ(map->copies(), 0U);
  Settle();
  EXPECT_EQ(Put(*map, socket, 3), Status::kOk) << "a clean place needs no memory";
  SetAllocationsLeftForTest(-1);
  EXPECT_EQ(Held(*map, socket), Value(*map, 3));
}

// --- sockets and maps freed while copies wait

TEST_F(InlineMapTest, ASocketIsClosedWhileItsCopyIsUnderWay) {
  const auto map = MakeInline(100);
  for (uint64_t round = 0; round < 20; ++round) {
    const int fd = Open();
    Socket& socket = SocketOf(fd);
    EXPECT_TRUE(AllZero(Tail(socket))) << "the new socket reuses memory";
    ASSERT_EQ(Put(*map, socket, 1), Status::kOk);
    {
      ReadSection section;
      const std::byte* const in_place = map->Get(socket);
      ASSERT_EQ(Put(*map, socket, round), Status::kOk);
      const std::byte* const copy = map->Get(socket);
      ASSERT_EQ(table_->Close(fd), Status::kOk);
      EXPECT_EQ(map->Get(socket), nullptr);
      EXPECT_EQ(map->copies(), 1U);
      EXPECT_EQ(Copied(in_place, 100), Value(*map, 1));
      EXPECT_EQ(Copied(copy, 100), Value(*map, round));
    }
    Settle();
    EXPECT_EQ(map->copies(), 0U);
  }
}

TEST_F(InlineMapTest, AMapIsFreedWhileCopiesAreUnderWay) {
  const std::vector<Socket*> sockets = OpenSockets(20);
  for (uint64_t round = 0; round < 3; ++round) {
    auto map = MakeInline(100);
    SectionElsewhere reader;
    for (Socket* const socket : sockets) {
      ASSERT_TRUE(Held(*map, *socket).empty());
      ASSERT_EQ(Put(*map, *socket, 1), Status::kOk);
      ASSERT_EQ(Put(*map, *socket, 2), Status::kOk);
    }
    EXPECT_EQ(map->copies(), sockets.size());
    std::thread freeing([&map] { map.reset(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    reader.End();
    freeing.join();
    for (Socket* const socket : sockets) EXPECT_TRUE(AllZero(Tail(*socket)));
    EXPECT_EQ(table_->private_usage().private_bytes, 0U);
  }
}

// --- places of freed maps

TEST_F(InlineMapTest, AFreedMapsPlaceIsZeroedWhateverTheSocketHeld) {
  auto map = MakeInline(100);
  const auto neighbour = MakeInline(100);
  const std::vector<Socket*> sockets = OpenSockets(6);
  for (size_t i = 1; i < sockets.size(); ++i) ASSERT_EQ(Put(*map, *sockets[i], i), Status::kOk);
  for (Socket* const socket : sockets) ASSERT_EQ(Put(*neighbour, *socket, 9), Status::kOk);
  // Never present; in its place; moved there; deleted; deleted and created again; a copy.
  ASSERT_EQ(Put(*map, *sockets[2], 20), Status::kOk);
  ASSERT_EQ(map->Delete(*sockets[3]), Status::kOk);
  ASSERT_EQ(map->Delete(*sockets[4]), Status::kOk);
  Settle();
  ASSERT_EQ(Put(*map, *sockets[4], 40), Status::kOk);
  ASSERT_EQ(Put(*map, *sockets[5], 50), Status::kOk);
  map.reset();
  for (Socket* const socket : sockets) {
    EXPECT_TRUE(AllZero(Tail(*socket).first(kWordBytes + 104)));
    EXPECT_EQ(Held(*neighbour, *socket), Value(*neighbour, 9));
  }
}

TEST_F(InlineMapTest, AFreedMapsBytesAreUsedByMapsOfOtherSizes) {
  auto large = MakeInline(100);            // 8 + 104 bytes
  const auto neighbour = MakeInline(133);  // 8 + 136: the tail is full
  const std::vector<Socket*> sockets = OpenSockets(10);
  for (uint64_t round = 0; round < 5; ++round) {
    for (Socket* const socket : sockets) {
      ASSERT_EQ(Put(*large, *socket, round), Status::kOk);
      ASSERT_EQ(Put(*neighbour, *socket, round), Status::kOk);
    }
    large.reset();
    auto one = MakeInline(43);  // 8 + 48
    auto other = MakeInline(48);
    EXPECT_EQ(one->offset_bytes(), sizeof(Socket));
    EXPECT_EQ(other->offset_bytes(), sizeof(Socket) + 56);
    for (Socket* const socket : sockets) {
      EXPECT_TRUE(Held(*one, *socket).empty());
      EXPECT_TRUE(Held(*other, *socket).empty());
      ASSERT_EQ(Put(*one, *socket, 300), Status::kOk);
      ASSERT_EQ(Put(*other, *socket, 300), Status::kOk);
      EXPECT_EQ(Held(*neighbour, *socket), Value(*neighbour, round));
    }
    one.reset();
    other.reset();
    large = MakeInline(100);
    for (Socket* const socket : sockets) EXPECT_TRUE(Held(*large, *socket).empty());
  }
}

TEST_F(InlineMapTest, InlineBytesAreSharedInProportionToPlaces) {
  const auto one = MakeInline(100);
  OpenSockets(30);
  EXPECT_EQ(one->memory_usage().inline_bytes, 30 * 256U);
  const auto other = MakeInline(40);
  EXPECT_EQ(one->memory_usage().inline_bytes, 30 * 256U * 112 / 160);
  EXPECT_EQ(other->memory_usage().inline_bytes, 30 * 256U * 48 / 160);
}

}  // namespace
}  // namespace inlay
