// Maps with accounts of their own: what a map takes is charged to who opened it, and nobody else
// learns how much that is.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "inlay/account.h"
#include "inlay/emulated/shared_pointer_map.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "inlay/store_report.h"
#include "tests/engine/sockets/sockets_fixture.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"
#include "tests/section_elsewhere.h"

namespace inlay {
namespace {

constexpr uint32_t kPaidValueBytes = 1000;
constexpr size_t kPaidPrivateBytes = 1040;  // with a header of 32 bytes, and malloc()'s

class MapAccountTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(Store::Create({.reserved_bits = 64}, &store_), Status::kOk); }

  std::unique_ptr<IndexMap> Make(Account* account, uint32_t width_bits = 2) {
    std::unique_ptr<IndexMap> map;
    EXPECT_EQ(IndexMap::Create(*store_,
                               {.value_bytes = kPaidValueBytes,
                                .width_bits = width_bits,
                                .background = false,
                                .account = account},
                               &map),
              Status::kOk);
    return map;
  }
  static Status Put(IndexMap& map, PlainOwner<64>& owner, uint64_t n) {
    return map.Update(owner, NumberedValue(n, kPaidValueBytes), UpdateFlag::kAny);
  }
  void CloseAll() {
    for (PlainOwner<64>& owner : owners_) store_->Close(owner);
  }
  // How many owners get a value of their own before one is refused.
  size_t OwnersWithValues(IndexMap& map) {
    size_t owners = 0;
    while (owners < owners_.size() && Put(map, owners_[owners], owners) == Status::kOk) ++owners;
    return owners;
  }

  std::unique_ptr<Store> store_;
  std::vector<PlainOwner<64>> owners_{40};
};

TEST_F(MapAccountTest, TheMapsTableSpillsAndWhatWaitsAreChargedToItsAccount) {
  Account account({.name = "module"});
  std::unique_ptr<IndexMap> map = Make(&account);
  EXPECT_EQ(account.used_bytes(), ValueTableBytes(0, kPaidValueBytes));
  for (uint64_t n = 0; n < 2; ++n) ASSERT_EQ(Put(*map, owners_[n], n), Status::kOk);
  const size_t table_bytes = ValueTableBytes(2, kPaidValueBytes);
  EXPECT_EQ(account.used_bytes(), table_bytes);
  for (uint64_t n = 2; n < 7; ++n) ASSERT_EQ(Put(*map, owners_[n], n), Status::kOk);
  EXPECT_EQ(account.used_bytes(), table_bytes + 5 * kPaidPrivateBytes);
  {
    const SectionElsewhere section;
    ASSERT_EQ(Put(*map, owners_[2], 0), Status::kOk);  // comes home
    ASSERT_EQ(map->Delete(owners_[3]), Status::kOk);
    EXPECT_EQ(account.used_bytes(), table_bytes + 5 * kPaidPrivateBytes) << "two wait for a reader";
  }
  RetireBarrier();
  EXPECT_EQ(account.used_bytes(), table_bytes + 3 * kPaidPrivateBytes);
  EXPECT_EQ(store_->account().used_bytes(), 0U);
  EXPECT_EQ(store_->spill_account().used_bytes(), 0U);
  EXPECT_EQ(store_->pending_account().used_bytes(), 0U);
  CloseAll();
  map.reset();
  RetireBarrier();
  EXPECT_EQ(account.used_bytes(), 0U);
}

// The account may go as soon as the map has gone, whatever still waits for readers.
TEST_F(MapAccountTest, AnAccountEndsRightBehindItsMap) {
  for (int round = 0; round < 10; ++round) {
    Account account({.name = "module"});
    std::unique_ptr<IndexMap> map = Make(&account);
    for (uint64_t n = 0; n < owners_.size(); ++n) {
      ASSERT_EQ(Put(*map, owners_[n], n), Status::kOk);
    }
    CloseAll();
    map.reset();
  }
}

TEST_F(MapAccountTest, AtItsLimitAnOperationFailsByNameAndChangesNothing) {
  Account machine({.name = "machine", .limit_bytes = 9000});
  Account account({.name = "module", .limit_bytes = 5000, .parent = &machine});
  std::unique_ptr<IndexMap> map = Make(&account);
  const size_t had = OwnersWithValues(*map);
  EXPECT_GE(had, 3U);  // two in the table, and then private ones
  const size_t used = account.used_bytes();
  EXPECT_GT(used, 5000 - kPaidPrivateBytes);
  EXPECT_LE(used, 5000U);
  for (int again = 0; again < 3; ++again) {
    EXPECT_EQ(Put(*map, owners_[had], had), Status::kAccountLimit);
    EXPECT_EQ(account.used_bytes(), used);
    EXPECT_EQ(machine.used_bytes(), used);
  }
  EXPECT_EQ(account.last_refusal(), "module");
  const OverflowCounters ladder = map->stats();
  EXPECT_EQ(ladder.no_memory, 4U);
  EXPECT_EQ(ladder.failed_account_limit, 4U) << "of private values too";
  EXPECT_EQ(ladder.failed_otherwise(), 0U);
  EXPECT_THAT(ToText(store_->Report()),
              testing::HasSubstr("failed 4 (at the spill limit 0, at the pending limit 0, at the "
                                 "account's limit 4, without an index 0, otherwise 0)"));
  EXPECT_EQ(Put(*map, owners_[had], 0), Status::kOk) << "a value of the table needs no room";
  CloseAll();
  RetireBarrier();
  map->Reclaim();

  // The same map, under an ancestor without room.
  const size_t left = machine.limit_bytes() - machine.used_bytes();
  ASSERT_TRUE(machine.Charge(left));
  EXPECT_EQ(Put(*map, owners_[0], 100), Status::kOk) << "an index is free, and charged already";
  EXPECT_EQ(Put(*map, owners_[1], 101), Status::kOk);
  EXPECT_EQ(Put(*map, owners_[2], 102), Status::kAccountLimit);
  EXPECT_EQ(account.last_refusal(), "machine");
  EXPECT_EQ(machine.used_bytes(), machine.limit_bytes());
  CloseAll();
  map.reset();
  RetireBarrier();
  EXPECT_EQ(account.used_bytes(), 0U);
  machine.Uncharge(left);
}

TEST_F(MapAccountTest, AnAccountWithoutRoomMakesNoMap) {
  Account account({.name = "module", .limit_bytes = 10});
  std::unique_ptr<IndexMap> map;
  EXPECT_EQ(IndexMap::Create(*store_, {.value_bytes = 8, .account = &account}, &map),
            Status::kAccountLimit);
  EXPECT_EQ(map, nullptr);
  EXPECT_EQ(account.used_bytes(), 0U);
}

// With an account of its own a map holds the same, whatever the other maps of its store hold.
TEST_F(MapAccountTest, S2AMapLearnsNothingOfAnothersSizeFromItsRefusals) {
  Account one_account({.name = "one", .limit_bytes = 20'000});
  Account other_account({.name = "other", .limit_bytes = 20'000});
  std::unique_ptr<IndexMap> one = Make(&one_account);
  const size_t alone = OwnersWithValues(*one);
  ASSERT_LT(alone, owners_.size());
  CloseAll();
  one.reset();
  RetireBarrier();

  std::unique_ptr<IndexMap> other = Make(&other_account, 9);
  EXPECT_LT(OwnersWithValues(*other), owners_.size()) << "the other map is at its limit";
  one = Make(&one_account);
  EXPECT_EQ(OwnersWithValues(*one), alone);
  CloseAll();
}

// Without it, the maps of a store share a limit: what S2 warns of.
TEST_F(MapAccountTest, MapsWithoutAccountsShareTheLimitOfTheStore) {
  ASSERT_EQ(
      Store::Create({.reserved_bits = 64, .table_limit_bytes = 20'000, .spill_limit_bytes = 0},
                    &store_),
      Status::kOk);
  std::unique_ptr<IndexMap> one = Make(nullptr, 9);
  const size_t alone = OwnersWithValues(*one);
  CloseAll();
  one.reset();
  RetireBarrier();
  std::unique_ptr<IndexMap> other = Make(nullptr, 9);
  ASSERT_EQ(Put(*other, owners_[0], 0), Status::kOk);
  one = Make(nullptr, 9);
  EXPECT_LT(OwnersWithValues(*one), alone);
  CloseAll();
  one.reset();
  other.reset();
  store_.reset();
}

TEST_F(MapAccountTest, AStoreMayHaveAParentForItsAccounts) {
  Account machine({.name = "machine", .limit_bytes = 10'000});
  ASSERT_EQ(Store::Create({.reserved_bits = 64, .account = &machine}, &store_), Status::kOk);
  EXPECT_EQ(store_->inline_bytes_per_owner(), 8U);
  std::unique_ptr<IndexMap> map = Make(nullptr);
  const size_t had = OwnersWithValues(*map);
  EXPECT_LT(had, owners_.size());
  EXPECT_EQ(Put(*map, owners_[had], had), Status::kPendingLimit) << "which is asked first";
  EXPECT_EQ(store_->pending_account().last_refusal(), "machine");
  EXPECT_EQ(machine.used_bytes(), store_->account().used_bytes() +
                                      store_->spill_account().used_bytes() +
                                      store_->pending_account().used_bytes());
  CloseAll();
  map.reset();
  store_.reset();  // the end of the machine's account waits for what the store left
}

TEST_F(MapAccountTest, V4AFailedAllocationLeavesNoChargeBehind) {
  Account account({.name = "module"});
  std::unique_ptr<IndexMap> map;
  EXPECT_GE(FailEachAllocation(
                [&] {
                  return IndexMap::Create(*store_,
                                          {.value_bytes = kPaidValueBytes,
                                           .width_bits = 2,
                                           .background = false,
                                           .account = &account},
                                          &map);
                },
                [&] {
                  RetireBarrier();
                  EXPECT_EQ(account.used_bytes(), 0U);
                }),
            1);
  for (uint64_t n = 0; n < owners_.size(); ++n) {
    const size_t used = account.used_bytes();
    FailEachAllocation([&] { return Put(*map, owners_[n], n); },
                       [&] {
                         RetireBarrier();
                         EXPECT_EQ(account.used_bytes(), used);
                       });
  }
  CloseAll();
  map.reset();
  RetireBarrier();
  EXPECT_EQ(account.used_bytes(), 0U);
}

// --- owners with storage pointers

class SocketMapAccountTest : public SocketsTest {
 protected:
  static constexpr size_t kElementBytes = 72 + 100;

  // Fills the first two indexes of a map of two, and spills the rest.
  template <typename Map>
  void FillAndClose(Account* account, size_t table_bytes, size_t elements) {
    std::unique_ptr<Map> map =
        MakeMap<Map>({.value_bytes = 100, .width_bits = 2, .clone = true, .account = account});
    const int listener = OpenListener();
    std::vector<int> fds{listener};
    for (uint64_t n = 0; n < 5; ++n) {
      fds.push_back(Open());
      ASSERT_EQ(Put(*map, SocketOf(fds.back()), n), Status::kOk);
    }
    EXPECT_EQ(account->used_bytes(), table_bytes + elements * kElementBytes);
    // A second value over a private one, a copy for a child, and a close.
    ASSERT_EQ(Put(*map, SocketOf(fds.back()), 70), Status::kOk);
    EXPECT_EQ(account->used_bytes(), table_bytes + elements * kElementBytes);
    ASSERT_EQ(Put(*map, SocketOf(listener), 71), Status::kOk);
    ASSERT_EQ(table_->Accept(listener, &fds.emplace_back()), Status::kOk);
    EXPECT_EQ(account->used_bytes(), table_bytes + (elements + 2) * kElementBytes);
    for (const int fd : fds) ASSERT_EQ(table_->Close(fd), Status::kOk);
    Settle();
    EXPECT_EQ(account->used_bytes(), table_bytes);
    map.reset();
    Settle();
    EXPECT_EQ(account->used_bytes(), 0U);
  }
};

TEST_F(SocketMapAccountTest, PrivateValuesAreChargedToTheMapAndToTheSocket) {
  MakeTable({});
  Account account({.name = "module"});
  FillAndClose<IndexMap>(&account, ValueTableBytes(2, 100), 3);
}

TEST_F(SocketMapAccountTest, AMapThatHasFallenBackChargesItsElements) {
  SocketTableOptions options;
  options.inline_bits = 0;
  MakeTable(options);
  Account account({.name = "module"});
  FillAndClose<IndexMap>(&account, 0, 5);
}

TEST_F(SocketMapAccountTest, AtItsLimitNeitherTheMapNorTheSocketIsCharged) {
  SocketTableOptions options;
  options.inline_bits = 0;
  MakeTable(options);
  Account account({.name = "module", .limit_bytes = 2 * kElementBytes + 1});
  std::unique_ptr<IndexMap> map = MakeMap<IndexMap>({.value_bytes = 100, .account = &account});
  std::vector<Socket*> sockets = OpenSockets(3);
  ASSERT_EQ(Put(*map, *sockets[0], 0), Status::kOk);
  ASSERT_EQ(Put(*map, *sockets[1], 1), Status::kOk);
  EXPECT_EQ(Put(*map, *sockets[2], 2), Status::kAccountLimit);
  EXPECT_EQ(Charged(*sockets[2]), 0);
  // Nor the map, if it is the socket that refuses.
  ASSERT_EQ(map->Delete(*sockets[1]), Status::kOk);
  LimitTo(10);
  EXPECT_EQ(Put(*map, *sockets[2], 2), Status::kOwnerLimit);
  EXPECT_EQ(account.used_bytes(), kElementBytes);
  map.reset();
}

TEST_F(SocketMapAccountTest, SharedPointersChargeTheirTable) {
  SocketTableOptions options;
  options.tail_bytes = 8;
  MakeTable(options);
  Account account({.name = "module"});
  std::unique_ptr<SharedPointerMap> map =
      MakeMap<SharedPointerMap>({.value_bytes = 100, .account = &account});
  ASSERT_TRUE(map->is_shared());
  ASSERT_EQ(Put(*map, OpenSocket(), 1), Status::kOk);
  EXPECT_EQ(account.used_bytes(), ValueTableBytes(1, 100));
  EXPECT_EQ(table_->store().account().used_bytes(), 0U);
  map.reset();
}

}  // namespace
}  // namespace inlay
