// Accounts that end before what they pay for: the mistake is named, in every build, before memory
// is corrupt.

#include <gtest/gtest.h>

#include <memory>

#include "inlay/account.h"
#include "inlay/emulated/shared_pointer_map.h"
#include "inlay/emulated/socket.h"
#include "inlay/index_map.h"
#include "inlay/keyed_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "inlay/value_table.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr const char* kMapOutlives =
    "inlay: account \"payer\" is destroyed before a map or table that it pays for";

struct Ending {
  RcuHead head;
  std::unique_ptr<ValueTable> table;
  static void End(RcuHead* head) { delete reinterpret_cast<Ending*>(head); }
};

class OutlivedAccountTest : public testing::Test {
 protected:
  OutlivedAccountTest() : payer_(new Account(AccountOptions{.name = "payer"})) {
    EXPECT_EQ(Store::Create({.reserved_bits = 32}, &store_), Status::kOk);
  }
  MapOptions Options() const { return {.value_bytes = 8, .account = payer_.get()}; }

  std::unique_ptr<Account> payer_;
  std::unique_ptr<Store> store_;
};

TEST_F(OutlivedAccountTest, ByAMap) {
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(IndexMap::Create(*store_, Options(), &map), Status::kOk);
  EXPECT_DEATH(payer_.reset(), kMapOutlives);
  map.reset();
  payer_.reset();
}

TEST_F(OutlivedAccountTest, ByAKeyedMap) {
  std::unique_ptr<KeyedIndexMap> map;
  ASSERT_EQ(KeyedIndexMap::Create(*store_, 8, Options(), &map), Status::kOk);
  EXPECT_DEATH(payer_.reset(), kMapOutlives);
  map.reset();
  payer_.reset();
}

TEST_F(OutlivedAccountTest, ByATable) {
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(ValueTable::Create({.value_bytes = 8, .account = payer_.get()}, &table), Status::kOk);
  EXPECT_DEATH(payer_.reset(), kMapOutlives);
  table.reset();
  ASSERT_EQ(ValueTable::Create({.value_bytes = 8, .pending = payer_.get()}, &table), Status::kOk);
  EXPECT_DEATH(payer_.reset(), kMapOutlives);
  table.reset();
  payer_.reset();
}

TEST_F(OutlivedAccountTest, ByMapsOfSockets) {
  std::unique_ptr<SocketTable> sockets;
  ASSERT_EQ(SocketTable::Create({.inline_bits = 16}, &sockets), Status::kOk);
  {
    std::unique_ptr<IndexMap> in_bits;
    std::unique_ptr<IndexMap> fallen_back;
    ASSERT_EQ(IndexMap::Create(*sockets, {.value_bytes = 8}, &in_bits), Status::kOk);
    ASSERT_EQ(IndexMap::Create(*sockets, Options(), &fallen_back), Status::kOk);
    ASSERT_FALSE(fallen_back->is_interned());
    EXPECT_DEATH(payer_.reset(), kMapOutlives);
  }
  payer_.reset();
}

TEST_F(OutlivedAccountTest, ByAStoreOrAnotherChild) {
  constexpr const char* kChildOutlives =
      "inlay: account \"payer\" is destroyed before an account below it";
  {
    Account child({.name = "child", .parent = payer_.get()});
    EXPECT_DEATH(payer_.reset(), kChildOutlives);
  }
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 16, .account = payer_.get()}, &store), Status::kOk);
  EXPECT_DEATH(payer_.reset(), kChildOutlives);
  store.reset();
  payer_.reset();
}

// A function of Retire() may destroy a map: the account waits for that.
TEST_F(OutlivedAccountTest, AMapThatEndsAfterAGracePeriodIsWaitedFor) {
  std::unique_ptr<ValueTable> table;
  ASSERT_EQ(ValueTable::Create({.value_bytes = 8, .account = payer_.get()}, &table), Status::kOk);
  Retire<Ending::End>(&(new Ending{{}, std::move(table)})->head);
  payer_.reset();
}

}  // namespace
}  // namespace inlay
