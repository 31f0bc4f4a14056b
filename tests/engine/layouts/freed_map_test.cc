// Maps come and go, on every layout, while other maps use the same words, tails and objects. A new
// map never sees an old value, and the other maps never lose one.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/contract/contract_fixture.h"

namespace inlay {
namespace {

template <typename L>
class FreedMapTest : public ContractTest<L> {
 protected:
  using Map = typename L::Map;
  static constexpr size_t kSockets = 6;

  void SetUp() override {
    ContractTest<L>::SetUp();
    listener_ = this->OpenListener();
    sockets_.push_back(&this->SocketOf(listener_));
    while (sockets_.size() < kSockets) sockets_.push_back(&this->OpenSocket());
  }
  void TearDown() override {
    EXPECT_EQ(wrong_.load(), 0);
    ContractTest<L>::TearDown();
  }

  void Require(bool right) {
    if (!right) wrong_.fetch_add(1, std::memory_order_relaxed);
  }

  // One life of a map: absent in all sockets, in use, and freed while in use.
  void LiveOnce(uint64_t round) {
    static constexpr uint32_t kSizes[] = {40, 8, 100, 64, 24, 5};
    const uint32_t bytes = kSizes[round % std::size(kSizes)];
    std::unique_ptr<Map> map;
    ASSERT_EQ(this->CreateMap(bytes, round % 2 == 0, &map), Status::kOk);
    for (size_t i = 0; i < kSockets; ++i) {
      Socket& socket = *sockets_[i];
      Require(this->Held(*map, socket).empty());
      Require(map->Delete(socket) == Status::kNotFound);
      if (i % 3 == 0) {
        Require(this->Created(*map, socket, {}, nullptr) == Zeroes(bytes));
      }
      const Bytes value(bytes, std::byte{0xdd});
      Require(map->Update(socket, value, UpdateFlag::kAny) == Status::kOk);
      if (i % 3 == 1) {
        Require(map->Modify(socket, [](std::span<std::byte> b) { b[0] = std::byte{0xcc}; }) ==
                Status::kOk);
      }
      if (i % 3 == 2) Require(map->Delete(socket) == Status::kOk);
      if (i == 5) Require(map->Update(socket, value, UpdateFlag::kNoExist) == Status::kOk);
    }
  }

  std::vector<Socket*> sockets_;
  int listener_ = -1;
  std::atomic<int> wrong_{0};
};
TYPED_TEST_SUITE(FreedMapTest, AllLayouts, LayoutName);

TYPED_TEST(FreedMapTest, NewMapsAreAbsentAndNeighboursKeepTheirValues) {
  using M = typename TypeParam::Map;
  constexpr uint32_t kClonedBytes = 48;
  std::unique_ptr<M> cloned;
  ASSERT_EQ(this->CreateMap(kClonedBytes, true, &cloned), Status::kOk);
  Socket& parent = *this->sockets_[0];
  ASSERT_EQ(cloned->Update(parent, this->Value(7, kClonedBytes), UpdateFlag::kAny), Status::kOk);
  std::atomic<bool> done{false};
  std::thread writing([&] {  // writes to another map
    for (uint64_t n = 0; !done; ++n) {
      Socket& socket = *this->sockets_[n % this->kSockets];
      this->Require(this->Put(socket, n % 200) == Status::kOk);
      this->Require(this->Held(socket) == this->Value(n % 200));
      if (n % 256 == 0) RetireBarrier();  // bounds the memory that waits
    }
  });
  std::thread cloning([&] {  // clones a map's value into sockets that come and go
    while (!done) {
      int fd = -1;
      this->Require(this->table_->Accept(this->listener_, &fd) == Status::kOk);
      Socket& child = this->SocketOf(fd);
      this->Require(this->Held(*cloned, child) == this->Value(7, kClonedBytes));
      this->Require(this->Held(child).empty());
      this->Require(this->table_->Close(fd) == Status::kOk);
    }
  });
  std::thread remaking([&] {  // frees and makes a second map
    for (uint64_t round = 3; !done && !this->HasFatalFailure(); ++round) this->LiveOnce(round);
  });
  for (uint64_t round = 0; round < 24 && !this->HasFatalFailure(); ++round) this->LiveOnce(round);
  done = true;
  for (std::thread* const thread : {&writing, &cloning, &remaking}) thread->join();
  EXPECT_EQ(this->Held(*cloned, parent), this->Value(7, kClonedBytes));
  for (Socket* const socket : this->sockets_) {
    if (socket != &parent) {
      EXPECT_TRUE(this->Held(*cloned, *socket).empty());
    }
  }
}

// The value of a get stays valid to the end of its section even if another thread frees the map.
TYPED_TEST(FreedMapTest, TheBytesUnderAReaderOutliveTheMap) {
  Socket& socket = *this->sockets_[1];
  ASSERT_EQ(this->Put(socket, 1), Status::kOk);
  std::thread freeing;
  {
    ReadSection section;
    const std::byte* const found = this->map_->Get(socket);
    freeing = std::thread([this] { this->map_.reset(); });
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(Copied(found, this->kValueBytes), this->Value(1));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  freeing.join();
}

}  // namespace
}  // namespace inlay
