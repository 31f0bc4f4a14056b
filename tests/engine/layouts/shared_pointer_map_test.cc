// Specific to the shared-pointer layout: one address for equal values, and private values when the
// table has no room.

#include "inlay/emulated/shared_pointer_map.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/engine/sockets/sockets_fixture.h"
#include "tests/failing_allocations.h"

namespace inlay {
namespace {

constexpr uint32_t kSharedPointerValueBytes = 100;
constexpr int32_t kPrivateCharge = 32 + kSharedPointerValueBytes;

class SharedPointerMapTest : public SocketsTest {
 protected:
  void SetUp() override { MakeTable({.inline_bits = 0, .tail_bytes = 16}); }

  std::unique_ptr<SharedPointerMap> MakeShared(uint32_t value_bytes = kSharedPointerValueBytes,
                                               bool clone = true) {
    auto map = MakeMap<SharedPointerMap>({.value_bytes = value_bytes, .clone = clone});
    EXPECT_TRUE(map->is_shared());
    return map;
  }
  static bool IsSound(const SharedPointerMap& map) {
    std::string reason;
    return map.CheckInvariants(&reason);
  }
  // REQUIRES: present. The address is for comparisons only.
  static const std::byte* AddressOf(const SharedPointerMap& map, const Socket& socket) {
    ReadSection section;
    const std::byte* const found = map.Get(socket);
    EXPECT_NE(found, nullptr);
    return found;
  }
  static bool IsPrivate(const SharedPointerMap& map, const Socket& socket) {
    ReadSection section;
    return map.table().Find(std::span(map.Get(socket), map.value_bytes())) == kNoIndex;
  }
};

// --- sharing

TEST_F(SharedPointerMapTest, EqualValuesHaveOneAddressHoweverTheyWereMade) {
  const auto map = MakeShared();
  const int listener = OpenListener();
  std::vector<Socket*> sockets = OpenSockets(3);
  ASSERT_EQ(Put(*map, SocketOf(listener), 1), Status::kOk);
  ASSERT_EQ(Put(*map, *sockets[0], 1), Status::kOk);
  ASSERT_EQ(GetOrCreateStatus(*map, *sockets[1], Value(*map, 1)), Status::kOk);
  ASSERT_EQ(Put(*map, *sockets[2], 2), Status::kOk);
  EXPECT_NE(AddressOf(*map, *sockets[2]), AddressOf(*map, *sockets[0]));
  ASSERT_EQ(ModifyTo(*map, *sockets[2], 1), Status::kOk);
  sockets.push_back(&Accept(listener));
  sockets.push_back(&OpenSocket());
  ASSERT_EQ(map->Clone(*sockets[0], *sockets.back()), Status::kOk);
  for (const Socket* const socket : sockets) {
    EXPECT_EQ(AddressOf(*map, *socket), AddressOf(*map, SocketOf(listener)));
  }
  EXPECT_EQ(map->table().stats().live, 1U);
  EXPECT_EQ(map->table().total_references(), 6U);
  EXPECT_TRUE(IsSound(*map));
}

TEST_F(SharedPointerMapTest, ReferencesAreGivenBackHoweverAValueGoes) {
  auto map = MakeShared();
  const int fds[] = {Open(), Open(), Open(), Open()};
  for (const int fd : fds) ASSERT_EQ(Put(*map, SocketOf(fd), 1), Status::kOk);
  EXPECT_EQ(map->table().total_references(), 4U);
  ASSERT_EQ(map->Delete(SocketOf(fds[0])), Status::kOk);
  ASSERT_EQ(table_->Close(fds[1]), Status::kOk);
  EXPECT_EQ(map->table().total_references(), 2U);
  ASSERT_EQ(Put(*map, SocketOf(fds[2]), 1), Status::kOk) << "to the value it has";
  ASSERT_EQ(ModifyTo(*map, SocketOf(fds[2]), 1), Status::kOk);
  EXPECT_EQ(map->table().total_references(), 2U);
  ASSERT_EQ(Put(*map, SocketOf(fds[2]), 2), Status::kOk);
  ASSERT_EQ(ModifyTo(*map, SocketOf(fds[3]), 3), Status::kOk);
  EXPECT_EQ(map->table().total_references(), 2U);
  EXPECT_EQ(map->table().stats().live, 2U);
  EXPECT_EQ(map->Reclaim(), 1U);
  EXPECT_TRUE(IsSound(*map));
}

TEST_F(SharedPointerMapTest, MapsHaveTablesOfTheirOwn) {
  const auto one = MakeShared();
  const auto other = MakeShared();
  Socket& socket = OpenSocket();
  ASSERT_EQ(Put(*one, socket, 1), Status::kOk);
  ASSERT_EQ(Put(*other, socket, 1), Status::kOk);
  EXPECT_NE(AddressOf(*one, socket), AddressOf(*other, socket));
  ASSERT_EQ(one->Delete(socket), Status::kOk);
  EXPECT_EQ(Held(*other, socket), Value(*other, 1));
}

TEST_F(SharedPointerMapTest, AnAlignmentThatPrivateValuesLackIsRefused) {
  std::unique_ptr<SharedPointerMap> map;
  for (const uint32_t alignment : {0U, 3U, 16U, 24U, 256U, 8192U}) {
    EXPECT_EQ(SharedPointerMap::Create(
                  *table_, {.value_bytes = kSharedPointerValueBytes, .alignment = alignment}, &map),
              Status::kInvalid)
        << alignment;
    EXPECT_EQ(map, nullptr);
  }
}

// --- a full table

TEST_F(SharedPointerMapTest, AsManyValuesAreSharedAsATableHoldsAndTheRestIsPrivate) {
  constexpr uint32_t kSmall = 8;
  const auto map = MakeShared(kSmall);
  const std::vector<Socket*> sockets = OpenSockets(ValueTable::kMaxValues + 2);
  for (size_t i = 0; i < sockets.size(); ++i) {
    ASSERT_EQ(map->private_values(), i < ValueTable::kMaxValues ? 0 : i - ValueTable::kMaxValues);
    ASSERT_EQ(Put(*map, *sockets[i], i), Status::kOk);
  }
  EXPECT_EQ(map->table().stats().live, ValueTable::kMaxValues);
  EXPECT_EQ(map->private_values(), 2U);
  Socket& one = *sockets[ValueTable::kMaxValues];
  Socket& other = *sockets[ValueTable::kMaxValues + 1];
  EXPECT_TRUE(IsPrivate(*map, one));
  EXPECT_FALSE(IsPrivate(*map, *sockets[0]));
  EXPECT_EQ(Charged(one), 32 + 8);
  EXPECT_EQ(Charged(*sockets[0]), 0);
  for (size_t i = 0; i < sockets.size(); i += 997) {
    EXPECT_EQ(Held(*map, *sockets[i]), Value(*map, i));
  }
  EXPECT_EQ(Held(*map, other), Value(*map, ValueTable::kMaxValues + 1));
  EXPECT_TRUE(IsSound(*map));
  // Into the table if it holds the value, or if an index is free again.
  ASSERT_EQ(Put(*map, one, 0), Status::kOk);
  EXPECT_EQ(AddressOf(*map, one), AddressOf(*map, *sockets[0]));
  EXPECT_EQ(map->private_values(), 1U);
  ASSERT_EQ(map->Delete(*sockets[5]), Status::kOk);
  EXPECT_EQ(map->Reclaim(), 1U);
  ASSERT_EQ(ModifyTo(*map, other, 1'000'000), Status::kOk);
  EXPECT_FALSE(IsPrivate(*map, other));
  EXPECT_EQ(map->private_values(), 0U);
  EXPECT_EQ(Charged(other), 0);
  EXPECT_TRUE(IsSound(*map));
}

// An account can fill up before the table does.
class FullSharedPointerMapTest : public SharedPointerMapTest {
 protected:
  void SetUp() override {
    MakeTable({.inline_bits = 0, .tail_bytes = 16, .table_limit_bytes = 2000});
    map_ = MakeShared();
    fds_.push_back(OpenListener());
    while (map_->private_values() == 0) {
      ASSERT_LT(fds_.size(), 100U);
      ASSERT_EQ(Put(*map_, Last(), fds_.size() - 1), Status::kOk);
      if (map_->private_values() == 0) fds_.push_back(OpenListener());
    }
    ASSERT_GE(fds_.size(), 4U);
  }
  void TearDown() override {
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    const size_t private_values = map_->private_values();
    map_.reset();
    for (const int fd : fds_) EXPECT_EQ(Charged(SocketOf(fd)), 0);
    Settle();
    EXPECT_EQ(table_->private_usage().private_bytes, 0U) << private_values << " were private";
    EXPECT_EQ(table_->store().account().used_bytes(), 0U);
  }

  // Socket i has value i; only the last one's is private.
  Socket& At(size_t i) { return SocketOf(fds_[i]); }
  Socket& Last() { return At(fds_.size() - 1); }
  uint64_t LastNumber() const { return fds_.size() - 1; }

  std::unique_ptr<SharedPointerMap> map_;
  std::vector<int> fds_;
};

TEST_F(FullSharedPointerMapTest, EqualPrivateValuesAreNotShared) {
  Socket& other = OpenSocket();
  ASSERT_EQ(Put(*map_, other, LastNumber()), Status::kOk);
  EXPECT_EQ(map_->private_values(), 2U);
  EXPECT_NE(AddressOf(*map_, other), AddressOf(*map_, Last()));
  EXPECT_EQ(map_->memory_usage().private_bytes, 2 * KmallocBytes(kPrivateCharge));
  ASSERT_EQ(map_->Delete(other), Status::kOk);
  EXPECT_EQ(map_->private_values(), 1U);
  EXPECT_EQ(Charged(other), 0);
  EXPECT_EQ(Held(*map_, Last()), Value(*map_, LastNumber()));
}

TEST_F(FullSharedPointerMapTest, APrivateValueAnswersAsThePresentColumnSays) {
  EXPECT_EQ(Put(*map_, Last(), 70, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(Put(*map_, Last(), 70, UpdateFlag::kExist), Status::kOk);
  EXPECT_EQ(Held(*map_, Last()), Value(*map_, 70));
  EXPECT_EQ(GetOrCreateStatus(*map_, Last(), Value(*map_, 71)), Status::kOk);
  EXPECT_EQ(Held(*map_, Last()), Value(*map_, 70));
  EXPECT_EQ(ModifyTo(*map_, Last(), 72), Status::kOk);
  EXPECT_EQ(Held(*map_, Last()), Value(*map_, 72));
  EXPECT_EQ(map_->private_values(), 1U);
  EXPECT_EQ(map_->Delete(Last()), Status::kOk);
  EXPECT_TRUE(Held(*map_, Last()).empty());
  EXPECT_EQ(map_->Delete(Last()), Status::kNotFound);
  EXPECT_EQ(map_->private_values(), 0U);
}

TEST_F(FullSharedPointerMapTest, ThePrivateValueUnderAReaderStays) {
  ReadSection section;
  const std::byte* const found = map_->Get(Last());
  for (uint64_t n = 50; n < 80; ++n) {
    ASSERT_EQ(n % 2 == 0 ? Put(*map_, Last(), n) : ModifyTo(*map_, Last(), n), Status::kOk);
  }
  ASSERT_EQ(Put(*map_, Last(), 0), Status::kOk);
  EXPECT_EQ(Copied(found, kSharedPointerValueBytes), Value(*map_, LastNumber()));
  EXPECT_EQ(map_->Get(Last()), map_->Get(At(0)));
  EXPECT_EQ(map_->private_values(), 0U);
}

TEST_F(FullSharedPointerMapTest, AnAcceptedChildOfAPrivateValueHasOneOfItsOwn) {
  int fd = -1;
  ASSERT_EQ(table_->Accept(fds_.back(), &fd), Status::kOk);
  EXPECT_EQ(map_->private_values(), 2U);
  EXPECT_EQ(Charged(SocketOf(fd)), kPrivateCharge);
  EXPECT_NE(AddressOf(*map_, SocketOf(fd)), AddressOf(*map_, Last()));
  EXPECT_EQ(Held(*map_, SocketOf(fd)), Value(*map_, LastNumber()));
  // A child of a socket with a shared value needs no room.
  table_->set_optmem_max_bytes(0);
  int shared = -1;
  EXPECT_EQ(table_->Accept(fds_[0], &shared), Status::kOk);
  EXPECT_EQ(AddressOf(*map_, SocketOf(shared)), AddressOf(*map_, At(0)));
  int refused = -1;
  EXPECT_EQ(table_->Accept(fds_.back(), &refused), Status::kOwnerLimit);
  EXPECT_EQ(refused, -1);
  EXPECT_EQ(map_->private_values(), 2U);
  ASSERT_EQ(table_->Close(fd), Status::kOk);
  EXPECT_EQ(map_->private_values(), 1U) << "it is freed with its socket";
}

TEST_F(FullSharedPointerMapTest, AReclaimedValuesRoomIsForWhoUpdatesNext) {
  ASSERT_EQ(Put(*map_, Last(), 60), Status::kOk);
  EXPECT_EQ(map_->private_values(), 1U);
  ASSERT_EQ(map_->Delete(At(1)), Status::kOk);
  EXPECT_EQ(map_->Reclaim(), 1U);
  ASSERT_EQ(Put(*map_, Last(), 61), Status::kOk);
  EXPECT_EQ(map_->private_values(), 0U);
  EXPECT_EQ(Charged(Last()), 0);
  EXPECT_FALSE(IsPrivate(*map_, Last()));
}

TEST_F(FullSharedPointerMapTest, EveryAllocationOfAPrivateValueCanFail) {
  auto map = MakeShared(9000);  // no room for any of its values
  Socket& socket = OpenSocket();
  const int made = FailEachAllocation([&] { return Put(*map, socket, 1); },
                                      [&] {
                                        EXPECT_TRUE(Held(*map, socket).empty());
                                        EXPECT_EQ(map->private_values(), 0U);
                                        EXPECT_EQ(Charged(socket), 0);
                                      });
  EXPECT_GE(made, 1);
  for (uint64_t n = 2; n < 40; ++n) {
    FailEachAllocation(
        [&] { return n % 2 == 0 ? Put(*map, socket, n) : ModifyTo(*map, socket, n); },
        [&] {
          EXPECT_EQ(Held(*map, socket), Value(*map, n - 1));
          EXPECT_EQ(map->private_values(), 1U);
          EXPECT_EQ(Charged(socket), 32 + 9000);
        });
    ASSERT_EQ(Held(*map, socket), Value(*map, n));
  }
}

TEST_F(FullSharedPointerMapTest, EveryAllocationOfAPrivateChildAndOfACreateCanFail) {
  auto map = MakeShared(9000);  // no room for any of its values
  int failures = 0;
  for (uint64_t n = 1; n < 20; ++n) {
    Socket& parent = OpenSocket();
    const auto nothing_in = [&](Socket& socket, size_t private_values) {
      EXPECT_TRUE(Held(*map, socket).empty());
      EXPECT_EQ(map->private_values(), private_values);
      EXPECT_EQ(Charged(socket), 0);
    };
    const size_t before = map->private_values();
    failures += FailEachAllocation([&] { return GetOrCreateStatus(*map, parent, Value(*map, n)); },
                                   [&] { nothing_in(parent, before); });
    Socket& child = OpenSocket();
    failures += FailEachAllocation([&] { return map->Clone(parent, child); },
                                   [&] { nothing_in(child, before + 1); });
    ASSERT_EQ(Held(*map, child), Value(*map, n));
  }
  EXPECT_GE(failures, 2) << "slabs allocate several values at a time";
  EXPECT_TRUE(IsSound(*map));
}

TEST_F(FullSharedPointerMapTest, ThreadsMoveValuesBetweenTableAndPrivatePlaces) {
  constexpr uint64_t kNumbers = 40;  // more than the table has room for
  const std::vector<Socket*> sockets = OpenSockets(3);
  std::atomic<int> writing{2};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 8000; ++i) {
        const uint64_t n = (i * (t + 3)) % kNumbers;
        Socket& socket = *sockets[i % 3];
        Status status = Status::kOk;
        if (i % 16 == 0) {
          status = map_->Delete(socket);
        } else {
          status = i % 3 == 0 ? ModifyTo(*map_, socket, n) : Put(*map_, socket, n);
        }
        if (status != Status::kOk && status != Status::kNotFound) ++wrong;
      }
      --writing;
    });
  }
  threads.emplace_back([&] {
    for (uint64_t i = 0; writing > 0; ++i) {
      const Bytes held = Held(*map_, *sockets[i % 3]);
      if (!held.empty() &&
          held != NumberedValue(static_cast<uint64_t>(held[0]), kSharedPointerValueBytes))
        ++wrong;
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  for (Socket* const socket : sockets) {
    const bool is_private = !Held(*map_, *socket).empty() && IsPrivate(*map_, *socket);
    EXPECT_EQ(Charged(*socket), is_private ? kPrivateCharge : 0);
  }
}

// --- CheckInvariants()

// The place of the first map is the first of the tail.
class SpoiltSharedPointerMapTest : public FullSharedPointerMapTest {
 protected:
  static std::atomic<const std::byte*>& PlaceOf(Socket& socket) {
    return *reinterpret_cast<std::atomic<const std::byte*>*>(socket.tail());
  }
  // The message of CheckInvariants() while the socket holds `spoilt`.
  std::string ReasonWith(Socket& socket, const std::byte* spoilt) {
    const std::byte* const right = PlaceOf(socket).exchange(spoilt);
    std::string reason;
    EXPECT_FALSE(map_->CheckInvariants(&reason));
    PlaceOf(socket).store(right);
    return reason;
  }
};

TEST_F(SpoiltSharedPointerMapTest, AReferenceThatNobodyCountedIsFound) {
  EXPECT_EQ(ReasonWith(OpenSocket(), AddressOf(*map_, At(0))).substr(0, 2), "V3");
  EXPECT_EQ(ReasonWith(At(1), AddressOf(*map_, At(0))).substr(0, 2), "V3");
}

TEST_F(SpoiltSharedPointerMapTest, AReferenceThatWasLostIsFound) {
  EXPECT_EQ(ReasonWith(At(0), nullptr).substr(0, 2), "V3");
}

TEST_F(SpoiltSharedPointerMapTest, APrivateValueThatNobodyCountedIsFound) {
  EXPECT_EQ(ReasonWith(OpenSocket(), AddressOf(*map_, Last())).substr(0, 2), "V3");
  EXPECT_EQ(ReasonWith(Last(), nullptr).substr(0, 2), "V3");
}

TEST_F(SpoiltSharedPointerMapTest, AValueThatIsGoneFromTheTableIsFound) {
  const std::byte* const gone = AddressOf(*map_, At(0));
  ASSERT_EQ(map_->Delete(At(0)), Status::kOk);
  ASSERT_EQ(map_->Reclaim(), 1U);
  EXPECT_EQ(ReasonWith(OpenSocket(), gone).substr(0, 2), "V3");
}

// --- memory

TEST_F(SharedPointerMapTest, MemoryIsThePlaceAndTheTable) {
  auto map = MakeShared();
  for (uint64_t i = 0; i < 200; ++i) ASSERT_EQ(Put(*map, OpenSocket(), i % 10), Status::kOk);
  const MemoryUsage usage = map->memory_usage();
  EXPECT_EQ(usage.inline_bytes, 200 * 16U) << "all of the tail as long as it is the only one";
  EXPECT_EQ(usage.private_bytes, 0U);
  EXPECT_EQ(usage.table_bytes + usage.index_bytes, ValueTableBytes(10, kSharedPointerValueBytes));
  EXPECT_EQ(table_->store().account().used_bytes(), ValueTableBytes(10, kSharedPointerValueBytes));
  const auto other = MakeShared();
  EXPECT_EQ(map->memory_usage().inline_bytes, 200 * 8U);
  map.reset();
  other->Reclaim();
  EXPECT_EQ(table_->store().account().used_bytes(), ValueTableBytes(0, kSharedPointerValueBytes));
}

}  // namespace
}  // namespace inlay
