// Spilled owners while several parts of the library release their value.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "inlay/emulated/pointer_map.h"
#include "inlay/emulated/socket.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

class SpilledOwnerTest : public testing::Test {
 protected:
  void Open(const SocketTableOptions& options) {
    ASSERT_EQ(SocketTable::Create(options, &table_), Status::kOk);
  }

  Socket& NewSocket(SocketFamily family, int* fd) {
    EXPECT_EQ(table_->Open(family, fd), Status::kOk);
    ReadSection section;  // the open descriptor holds the socket from here on
    Socket* socket = nullptr;
    EXPECT_EQ(table_->Find(*fd, &socket), Status::kOk);
    return *socket;
  }

  static Bytes Value(uint64_t number) { return NumberedValue(number, kValueBytes); }

  static constexpr uint32_t kValueBytes = 16;
  std::unique_ptr<SocketTable> table_;
};

// Closing a spilled owner while the map is freed must count its code down exactly once. If counted
// twice, the bits are never free again.
TEST_F(SpilledOwnerTest, BitsComeBackWhenOwnersCloseWhileTheirMapIsFreed) {
  Open({.inline_bits = 16});
  MapOptions options;
  options.value_bytes = kValueBytes;
  options.width_bits = 2;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(IndexMap::Create(*table_, options, &map), Status::kOk);
  std::vector<int> fds(8);
  for (uint32_t i = 0; i < fds.size(); ++i) {
    Socket& socket = NewSocket(SocketFamily::kUdp, &fds[i]);
    ASSERT_EQ(map->Update(socket, Value(i), UpdateFlag::kAny), Status::kOk);
  }
  ASSERT_EQ(map->stats().spilled_now, fds.size() - 2);

  // A reader section keeps the thread that frees the map between detaching it and counting its
  // codes.
  std::thread freeing;
  {
    ReadSection section;
    freeing = std::thread([&map] { map.reset(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    for (uint32_t i = 0; i < fds.size(); i += 2) ASSERT_EQ(table_->Close(fds[i]), Status::kOk);
  }
  freeing.join();

  // All 16 bits are free again, and hold no code of the old map.
  options.width_bits = 16;
  ASSERT_EQ(IndexMap::Create(*table_, options, &map), Status::kOk);
  {
    ReadSection section;
    table_->ForEach([&](Socket& socket) { EXPECT_EQ(map->Get(socket), nullptr); });
  }
  map.reset();
}

// A child's private values of index maps and of pointer maps share a storage. A failure of one kind
// must not release values that the other still counts.
TEST_F(SpilledOwnerTest, AnAcceptThatFailsLeavesNothingBehind) {
  Open({.inline_bits = 16});
  MapOptions options;
  options.value_bytes = kValueBytes;
  options.width_bits = 2;
  options.clone = true;
  std::unique_ptr<IndexMap> index_map;
  std::unique_ptr<PointerMap> pointer_map;
  ASSERT_EQ(IndexMap::Create(*table_, options, &index_map), Status::kOk);
  ASSERT_EQ(PointerMap::Create(*table_, options, &pointer_map), Status::kOk);
  int fd = -1;
  for (uint32_t i = 0; i < 2; ++i) {
    Socket& socket = NewSocket(SocketFamily::kUdp, &fd);
    ASSERT_EQ(index_map->Update(socket, Value(i), UpdateFlag::kAny), Status::kOk);
  }
  Socket& listener = NewSocket(SocketFamily::kTcp, &fd);
  ASSERT_EQ(table_->Listen(fd), Status::kOk);
  ASSERT_EQ(index_map->Update(listener, Value(7), UpdateFlag::kAny), Status::kOk);
  ASSERT_EQ(pointer_map->Update(listener, Value(8), UpdateFlag::kAny), Status::kOk);
  ASSERT_EQ(index_map->stats().spilled_now, 1U);

  // Room for the storage and one element, but not for two; then for none.
  const int32_t one = 72 + static_cast<int32_t>(kValueBytes) + 176;
  for (const int32_t limit : {one + 1, 1}) {
    table_->set_optmem_max_bytes(limit);
    int child = -1;
    EXPECT_EQ(table_->Accept(fd, &child), Status::kOwnerLimit);
    EXPECT_EQ(child, -1);
    EXPECT_EQ(table_->sockets(), 3U);
    EXPECT_EQ(index_map->stats().spilled_now, 1U);
    std::string reason;
    EXPECT_TRUE(table_->store().CheckInvariants(&reason)) << reason;
  }
  table_->set_optmem_max_bytes(131072);
  int child = -1;
  EXPECT_EQ(table_->Accept(fd, &child), Status::kOk);
  EXPECT_EQ(index_map->stats().spilled_now, 2U);
}

// The first rung of the ladder when the account is full, not the index space.
TEST_F(SpilledOwnerTest, ValuesThatNobodyUsesMakeRoomUnderAnAccountLimit) {
  Open({.inline_bits = 16, .table_limit_bytes = 1000});
  MapOptions options;
  options.value_bytes = kValueBytes;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(IndexMap::Create(*table_, options, &map), Status::kOk);
  int fd = -1;
  Socket& socket = NewSocket(SocketFamily::kUdp, &fd);
  // One owner changes its value: one value is in use at a time, and the account has no room for
  // all.
  uint64_t number = 0;
  while (map->stats().spilled == 0) {
    ASSERT_LT(number, 1000U) << "the limit was never reached";
    ASSERT_EQ(map->Update(socket, Value(++number), UpdateFlag::kAny), Status::kOk);
  }
  for (int i = 0; i < 100; ++i) {
    Synchronize();
    ASSERT_EQ(map->Update(socket, Value(++number), UpdateFlag::kAny), Status::kOk);
  }
  EXPECT_EQ(map->stats().spilled, 1U) << "the table kept unused values, and the owner spilled";
  std::string reason;
  EXPECT_TRUE(map->CheckInvariants(&reason)) << reason;
}

}  // namespace
}  // namespace inlay
