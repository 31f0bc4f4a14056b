// The charges of a socket and its limit: the kernel's numbers, observed on Linux 6.18 through
// SO_MEMINFO.

#include <gtest/gtest.h>

#include <vector>

#include "inlay/emulated/pointer_map.h"
#include "inlay/rcu.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

class SocketChargeTest : public testing::Test {
 protected:
  void SetUp() override {
    // Nothing is reserved, so the numbers are the kernel's.
    ASSERT_EQ(SocketTable::Create({.inline_bits = 0}, &table_), Status::kOk);
    int fd = -1;
    ASSERT_EQ(table_->Open(SocketFamily::kTcp, &fd), Status::kOk);
    ReadSection section;
    ASSERT_EQ(table_->Find(fd, &socket_), Status::kOk);
  }
  std::unique_ptr<PointerMap> MakeMap(uint32_t value_bytes) {
    MapOptions options;
    options.value_bytes = value_bytes;
    std::unique_ptr<PointerMap> map;
    EXPECT_EQ(PointerMap::Create(*table_, options, &map), Status::kOk);
    return map;
  }
  Status Put(PointerMap& map, uint64_t n, UpdateFlag flag = UpdateFlag::kAny) {
    return map.Update(*socket_, NumberedValue(n, map.value_bytes()), flag);
  }
  int32_t charged() const { return socket_->sk_omem_alloc.load(); }

  std::unique_ptr<SocketTable> table_;
  Socket* socket_ = nullptr;
};

TEST_F(SocketChargeTest, FirstElement348FurtherOnes172) {
  const auto one = MakeMap(100);
  const auto other = MakeMap(100);
  ASSERT_EQ(Put(*one, 1), Status::kOk);
  EXPECT_EQ(charged(), 348);
  ASSERT_EQ(Put(*other, 1), Status::kOk);
  EXPECT_EQ(charged(), 348 + 172);
  ASSERT_EQ(one->Delete(*socket_), Status::kOk);
  EXPECT_EQ(charged(), 348);
  ASSERT_EQ(other->Delete(*socket_), Status::kOk);
  EXPECT_EQ(charged(), 0);
}

TEST_F(SocketChargeTest, TheLimitIsStrictForTheFirstElement) {
  const auto map = MakeMap(100);
  table_->set_optmem_max_bytes(348);
  EXPECT_EQ(Put(*map, 1), Status::kOwnerLimit);
  EXPECT_EQ(Put(*map, 1, UpdateFlag::kExist), Status::kNotFound);
  EXPECT_EQ(charged(), 0);
  table_->set_optmem_max_bytes(349);
  EXPECT_EQ(Put(*map, 1), Status::kOk);
  EXPECT_EQ(charged(), 348);
}

TEST_F(SocketChargeTest, ReplacingNeedsRoomForBothForAMoment) {
  const auto map = MakeMap(100);
  ASSERT_EQ(Put(*map, 1), Status::kOk);
  for (const int32_t limit : {349, 520}) {
    table_->set_optmem_max_bytes(limit);
    for (const UpdateFlag flag : {UpdateFlag::kAny, UpdateFlag::kExist, UpdateFlag::kNoExist}) {
      EXPECT_EQ(Put(*map, 2, flag), Status::kOwnerLimit);
    }
    EXPECT_EQ(charged(), 348);
  }
  table_->set_optmem_max_bytes(521);
  EXPECT_EQ(Put(*map, 2, UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(Put(*map, 2), Status::kOk);
  EXPECT_EQ(charged(), 348) << "both values are charged only for a moment";
}

TEST_F(SocketChargeTest, AtTheLimitASocketWithOtherValuesAnswersNoMemoryFirst) {
  const auto present = MakeMap(100);
  const auto absent = MakeMap(100);
  ASSERT_EQ(Put(*present, 1), Status::kOk);
  table_->set_optmem_max_bytes(348);
  EXPECT_EQ(Put(*absent, 1, UpdateFlag::kNoExist), Status::kOwnerLimit);
  EXPECT_EQ(Put(*absent, 1, UpdateFlag::kExist), Status::kOwnerLimit) << "not ENOENT";
  ReadSection section;
  Status status = Status::kOk;
  EXPECT_EQ(absent->GetOrCreate(*socket_, {}, &status), nullptr);
  EXPECT_EQ(status, Status::kOwnerLimit);
  EXPECT_NE(present->GetOrCreate(*socket_, {}, &status), nullptr);
  EXPECT_EQ(present->Delete(*socket_), Status::kOk);
}

TEST_F(SocketChargeTest, LoweringTheLimitKeepsValues) {
  const auto map = MakeMap(100);
  ASSERT_EQ(Put(*map, 1), Status::kOk);
  table_->set_optmem_max_bytes(1);
  ReadSection section;
  EXPECT_NE(map->Get(*socket_), nullptr);
  EXPECT_EQ(charged(), 348);
}

TEST_F(SocketChargeTest, AsManyMapsFitOneSocketAsInTheKernel) {
  struct Row {
    uint32_t value_bytes;
    size_t maps;
    int32_t charged;
  };
  for (const Row& row : {Row{100, 761, 131068}, Row{120, 681, 130928}, Row{1000, 122, 130960},
                         Row{4096, 31, 129384}, Row{32768, 3, 98696}, Row{65407, 1, 65655}}) {
    SCOPED_TRACE(row.value_bytes);
    std::vector<std::unique_ptr<PointerMap>> maps;
    do {
      maps.push_back(MakeMap(row.value_bytes));
    } while (Put(*maps.back(), 1) == Status::kOk);
    EXPECT_EQ(maps.size() - 1, row.maps);
    EXPECT_EQ(charged(), row.charged);
    maps.clear();
    EXPECT_EQ(charged(), 0);
  }
}

TEST_F(SocketChargeTest, AChildThatCannotBeChargedIsNotMade) {
  MapOptions options;
  options.value_bytes = 100;
  options.clone = true;
  std::unique_ptr<PointerMap> one;
  std::unique_ptr<PointerMap> other;
  ASSERT_EQ(PointerMap::Create(*table_, options, &one), Status::kOk);
  ASSERT_EQ(PointerMap::Create(*table_, options, &other), Status::kOk);
  ASSERT_EQ(table_->Listen(0), Status::kOk);
  ASSERT_EQ(Put(*one, 1), Status::kOk);
  ASSERT_EQ(Put(*other, 1), Status::kOk);
  table_->set_optmem_max_bytes(520);  // one value fits, two do not
  int fd = -1;
  EXPECT_EQ(table_->Accept(0, &fd), Status::kOwnerLimit);
  EXPECT_EQ(fd, -1);
  EXPECT_EQ(table_->sockets(), 1U);
  table_->set_optmem_max_bytes(521);
  EXPECT_EQ(table_->Accept(0, &fd), Status::kOk);
}

TEST_F(SocketChargeTest, ModifyNeedsNoRoom) {
  const auto map = MakeMap(100);
  ASSERT_EQ(Put(*map, 1), Status::kOk);
  table_->set_optmem_max_bytes(0);
  EXPECT_EQ(map->Modify(*socket_, [](std::span<std::byte> value) { value[0] = std::byte{9}; }),
            Status::kOk);
  EXPECT_EQ(charged(), 348);
  ReadSection section;
  EXPECT_EQ(map->Get(*socket_)[0], std::byte{9});
}

TEST(SocketReservationTest, IsChargedWhenTheSocketIsMadeAndNeverRefused) {
  std::unique_ptr<SocketTable> table;
  ASSERT_EQ(
      SocketTable::Create({.inline_bits = 128, .tail_bytes = 200, .optmem_max_bytes = 100}, &table),
      Status::kOk);
  int listener = -1;
  int child = -1;
  ASSERT_EQ(table->Open(SocketFamily::kTcp, &listener), Status::kOk);
  ASSERT_EQ(table->Listen(listener), Status::kOk);
  ASSERT_EQ(table->Accept(listener, &child), Status::kOk);
  EXPECT_EQ(table->reserved_bytes(), 128 / 8 + 200);
  ReadSection section;
  for (const int fd : {listener, child}) {
    Socket* socket = nullptr;
    ASSERT_EQ(table->Find(fd, &socket), Status::kOk);
    EXPECT_EQ(socket->sk_omem_alloc.load(), table->reserved_bytes());
    EXPECT_FALSE(table->ChargeOmem(*socket, 1)) << "the limit applies to further charges";
  }
}

}  // namespace
}  // namespace inlay
