// Lifetimes of pointers, values, maps and owners, on every layout: the last rows of the table in
// inlay/emulated/value_map.h, and guarantee L1.

#include <gtest/gtest.h>

#include <vector>

#include "tests/contract/contract_fixture.h"

namespace inlay {
namespace {

template <typename L>
class StorageLifetimeTest : public ContractTest<L> {
 protected:
  using Map = typename L::Map;
  std::vector<std::unique_ptr<Map>> CreateMaps(size_t count, bool clone) {
    std::vector<std::unique_ptr<Map>> maps(count);
    for (std::unique_ptr<Map>& map : maps) {
      EXPECT_EQ(this->CreateMap(this->kValueBytes, clone, &map), Status::kOk);
    }
    return maps;
  }
};
TYPED_TEST_SUITE(StorageLifetimeTest, AllLayouts, LayoutName);

// --- a pointer, to the end of its section

TYPED_TEST(StorageLifetimeTest, BytesUnderAPointerStayWhenTheValueIsUpdated) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 0), Status::kOk);
  ReadSection section;
  const std::byte* const found = this->map_->Get(socket);
  for (uint64_t n = 1; n <= 100; ++n) ASSERT_EQ(this->Put(socket, n), Status::kOk);
  EXPECT_EQ(Copied(found, this->kValueBytes), this->Value(0));
  EXPECT_EQ(this->Held(socket), this->Value(100));
}

TYPED_TEST(StorageLifetimeTest, BytesUnderAPointerStayWhenTheValueIsModified) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 0), Status::kOk);
  ReadSection section;
  const std::byte* const found = this->map_->Get(socket);
  for (int n = 0; n < 100; ++n) {
    ASSERT_EQ(
        this->map_->Modify(
            socket, [n](std::span<std::byte> value) { value[5] = static_cast<std::byte>(n); }),
        Status::kOk);
  }
  EXPECT_EQ(Copied(found, this->kValueBytes), this->Value(0));
}

TYPED_TEST(StorageLifetimeTest, BytesUnderAPointerStayWhenTheValueIsDeletedAndRemade) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->Put(socket, 0), Status::kOk);
  ReadSection section;
  const std::byte* const found = this->map_->Get(socket);
  for (uint64_t n = 1; n <= 100; ++n) {
    ASSERT_EQ(this->map_->Delete(socket), Status::kOk);
    ASSERT_EQ(this->Put(socket, n), Status::kOk);
  }
  EXPECT_EQ(Copied(found, this->kValueBytes), this->Value(0));
}

TYPED_TEST(StorageLifetimeTest, BytesUnderAPointerStayWhenTheOwnerCloses) {
  const int fd = this->Open();
  Socket& socket = this->SocketOf(fd);
  ASSERT_EQ(this->Put(socket, 7), Status::kOk);
  ReadSection section;
  const std::byte* const found = this->map_->Get(socket);
  ASSERT_EQ(this->table_->Close(fd), Status::kOk);
  EXPECT_EQ(Copied(found, this->kValueBytes), this->Value(7));
  // Released at once, although the memory is still readable.
  EXPECT_EQ(this->map_->Get(socket), nullptr);
}

// --- a map

TYPED_TEST(StorageLifetimeTest, ANewMapNeverSeesValuesOfAFreedOne) {
  Socket& socket = this->OpenSocket();
  for (uint64_t round = 0; round < 20; ++round) {
    EXPECT_TRUE(this->Held(socket).empty());
    ASSERT_EQ(this->Put(socket, round), Status::kOk);
    this->map_.reset();
    ASSERT_EQ(this->CreateMap(this->kValueBytes, false, &this->map_), Status::kOk);
  }
}

TYPED_TEST(StorageLifetimeTest, FreeingAMapLeavesTheValuesOfOthers) {
  auto maps = this->CreateMaps(8, false);
  Socket& socket = this->OpenSocket();
  for (size_t i = 0; i < maps.size(); ++i) {
    ASSERT_EQ(maps[i]->Update(socket, this->Value(i), UpdateFlag::kAny), Status::kOk);
  }
  for (size_t freed = 0; freed < maps.size(); ++freed) {
    maps[freed].reset();
    for (size_t i = freed + 1; i < maps.size(); ++i) {
      EXPECT_EQ(this->Held(*maps[i], socket), this->Value(i));
    }
  }
}

TYPED_TEST(StorageLifetimeTest, FreeingAMapWithManyOwnersGivesItsMemoryBack) {
  this->map_.reset();
  const size_t before = this->MapBytes();
  EXPECT_EQ(before, 0U);
  ASSERT_EQ(this->CreateMap(this->kValueBytes, false, &this->map_), Status::kOk);
  for (uint64_t n = 0; n < 2000; ++n) {
    ASSERT_EQ(this->Put(this->OpenSocket(), n), Status::kOk);
  }
  EXPECT_GT(this->map_->memory_usage().total_bytes(), 2000U);
  this->map_.reset();
  EXPECT_EQ(this->MapBytes(), before);
}

TYPED_TEST(StorageLifetimeTest, SixteenMapsOnOneOwnerKeepTheirValuesApart) {
  this->map_.reset();
  auto maps = this->CreateMaps(16, true);
  const int listener = this->OpenListener();
  for (size_t i = 0; i < maps.size(); ++i) {
    ASSERT_EQ(maps[i]->Update(this->SocketOf(listener), this->Value(i), UpdateFlag::kAny),
              Status::kOk);
  }
  Socket& child = this->SocketOf(this->Accept(listener));
  for (size_t i = 0; i < maps.size(); i += 2) ASSERT_EQ(maps[i]->Delete(child), Status::kOk);
  for (size_t i = 0; i < maps.size(); ++i) {
    EXPECT_EQ(this->Held(*maps[i], this->SocketOf(listener)), this->Value(i));
    EXPECT_EQ(this->Held(*maps[i], child), i % 2 == 0 ? Bytes() : this->Value(i));
  }
}

// --- an owner

TYPED_TEST(StorageLifetimeTest, AReusedDescriptorStartsAbsent) {
  const int fd = this->Open();
  ASSERT_EQ(this->Put(this->SocketOf(fd), 1), Status::kOk);
  ASSERT_EQ(this->table_->Close(fd), Status::kOk);
  ASSERT_EQ(this->Open(), fd);
  EXPECT_TRUE(this->Held(this->SocketOf(fd)).empty());
}

TYPED_TEST(StorageLifetimeTest, AReusedSocketStartsAbsent) {
  for (uint64_t round = 0; round < 50; ++round) {
    const int fd = this->Open();
    EXPECT_TRUE(this->Held(this->SocketOf(fd)).empty());
    ASSERT_EQ(this->Put(this->SocketOf(fd), round), Status::kOk);
    ASSERT_EQ(this->table_->Close(fd), Status::kOk);
    RetireBarrier();  // frees the memory for the next socket
  }
}

TYPED_TEST(StorageLifetimeTest, AHeldSocketKeepsItsValueAfterItsDescriptorCloses) {
  const int fd = this->Open();
  Socket& socket = this->SocketOf(fd);
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  ASSERT_TRUE(SocketTable::TryHold(socket.common));
  ASSERT_EQ(this->table_->Close(fd), Status::kOk);
  EXPECT_EQ(this->Held(socket), this->Value(1));
  EXPECT_EQ(this->Put(socket, 2), Status::kOk);
  SocketTable::Put(socket.common);
}

TYPED_TEST(StorageLifetimeTest, ADuplicatedDescriptorSharesTheValue) {
  const int fd = this->Open();
  int copy = -1;
  ASSERT_EQ(this->table_->Dup(fd, &copy), Status::kOk);
  ASSERT_EQ(this->Put(this->SocketOf(fd), 1), Status::kOk);
  ASSERT_EQ(this->table_->Close(fd), Status::kOk);
  EXPECT_EQ(this->Held(this->SocketOf(copy)), this->Value(1));
}

// --- L1: memory returns to its start value

TYPED_TEST(StorageLifetimeTest, MemoryReturnsWhenOwnersGoFirst) {
  this->map_.reset();
  std::vector<int> fds;
  auto maps = this->CreateMaps(3, true);
  fds.push_back(this->OpenListener());
  for (uint64_t n = 0; n < 500; ++n) {
    for (size_t i = 0; i < maps.size(); ++i) {
      ASSERT_EQ(maps[i]->Update(this->SocketOf(fds[0]), this->Value(n * (i + 1)), UpdateFlag::kAny),
                Status::kOk);
    }
    fds.push_back(this->Accept(fds[0]));
  }
  for (const int fd : fds) ASSERT_EQ(this->table_->Close(fd), Status::kOk);
  this->Settle();
  EXPECT_EQ(this->table_->sockets(), 0U);
  EXPECT_EQ(this->table_->private_usage().private_bytes, 0U);
  for (auto& map : maps) EXPECT_EQ(map->memory_usage().private_bytes, 0U);
  maps.clear();
  EXPECT_EQ(this->MapBytes(), 0U);
}

TYPED_TEST(StorageLifetimeTest, MemoryReturnsWhenMapsGoFirst) {
  this->map_.reset();
  const auto live_once = [this] {
    auto maps = this->CreateMaps(3, true);
    const int listener = this->OpenListener();
    std::vector<int> fds = {listener};
    for (uint64_t n = 0; n < 500; ++n) {
      for (auto& map : maps) {
        ASSERT_EQ(map->Update(this->SocketOf(listener), this->Value(n), UpdateFlag::kAny),
                  Status::kOk);
      }
      fds.push_back(this->Accept(listener));
    }
    maps.clear();
    EXPECT_EQ(this->MapBytes(), 0U);
    for (const int fd : fds) {
      EXPECT_EQ(this->Charged(this->SocketOf(fd)), 0);
      ASSERT_EQ(this->table_->Close(fd), Status::kOk);
    }
  };
  live_once();
  this->Settle();
  // The allocators keep as much memory after the second round as after the first.
  const MemoryUsage once = this->table_->private_usage();
  const size_t socket_bytes = this->table_->socket_bytes();
  live_once();
  this->Settle();
  EXPECT_EQ(this->table_->private_usage().total_bytes(), once.total_bytes());
  EXPECT_EQ(this->table_->socket_bytes(), socket_bytes);
}

}  // namespace
}  // namespace inlay
