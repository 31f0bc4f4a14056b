// Nested accounts: a charge goes to an account and all above it, or to none.

#include "inlay/account.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "inlay/rcu.h"

namespace inlay {
namespace {

class AccountTest : public testing::Test {
 protected:
  std::vector<size_t> Used() const {
    return {machine_.used_bytes(), tenant_.used_bytes(), map_.used_bytes()};
  }

  Account machine_{{.name = "machine", .limit_bytes = 1000}};
  Account tenant_{{.name = "tenant", .limit_bytes = 600, .parent = &machine_}};
  Account map_{{.name = "map", .limit_bytes = 400, .parent = &tenant_}};
};

TEST_F(AccountTest, AChargeGoesToTheAccountAndAllAboveIt) {
  EXPECT_TRUE(map_.Charge(100));
  EXPECT_TRUE(tenant_.Charge(50));
  EXPECT_EQ(Used(), (std::vector<size_t>{150, 150, 100}));
  map_.ChargeBeyondLimit(1000);
  EXPECT_EQ(Used(), (std::vector<size_t>{1150, 1150, 1100}));
  map_.Uncharge(1100);
  tenant_.Uncharge(50);
  EXPECT_EQ(Used(), (std::vector<size_t>{0, 0, 0}));
}

TEST_F(AccountTest, ARefusalAtAnyLevelChangesNothingAndSaysWhose) {
  EXPECT_EQ(map_.last_refusal(), "");
  EXPECT_FALSE(map_.Charge(401));
  EXPECT_EQ(map_.last_refusal(), "map");
  EXPECT_EQ(Used(), (std::vector<size_t>{0, 0, 0}));

  ASSERT_TRUE(tenant_.Charge(300));
  EXPECT_FALSE(map_.Charge(301));
  EXPECT_EQ(map_.last_refusal(), "tenant");
  EXPECT_EQ(Used(), (std::vector<size_t>{300, 300, 0}));

  ASSERT_TRUE(machine_.Charge(600));
  EXPECT_FALSE(map_.Charge(101));
  EXPECT_EQ(map_.last_refusal(), "machine");
  EXPECT_EQ(Used(), (std::vector<size_t>{900, 300, 0}));
  EXPECT_TRUE(map_.Charge(100));
  EXPECT_FALSE(map_.HasRoomFor(1));
  EXPECT_EQ(map_.last_refusal(), "machine");

  EXPECT_EQ(map_.refusals(), 1U);
  EXPECT_EQ(tenant_.refusals(), 1U);
  EXPECT_EQ(machine_.refusals(), 2U);
  EXPECT_EQ(tenant_.last_refusal(), "") << "no charge of the tenant itself was refused";
  map_.Uncharge(100);
  tenant_.Uncharge(300);
  machine_.Uncharge(600);
}

// Sums that do not fit into a word must not wrap around.
TEST_F(AccountTest, AHugeChargeIsRefused) {
  ASSERT_TRUE(map_.Charge(1));
  EXPECT_FALSE(map_.Charge(SIZE_MAX));
  EXPECT_FALSE(map_.HasRoomFor(SIZE_MAX));
  EXPECT_EQ(Used(), (std::vector<size_t>{1, 1, 1}));
  map_.Uncharge(1);
}

// From an account one comes down to what is below it, and to nothing else.
TEST_F(AccountTest, AnAccountShowsTheAccountsBelowIt) {
  const auto below = [](const Account& account) {
    std::string names;
    account.ForEachChild([&](const Account& child) {
      names += std::string(child.name()) + " " + std::to_string(child.used_bytes()) + ";";
    });
    return names;
  };
  {
    const Account second({.name = "second", .parent = &tenant_});
    ASSERT_TRUE(map_.Charge(7));
    EXPECT_EQ(below(machine_), "tenant 7;");
    EXPECT_EQ(below(tenant_), "second 0;map 7;");
    EXPECT_EQ(below(map_), "");
  }
  EXPECT_EQ(below(tenant_), "map 7;");
  map_.Uncharge(7);
}

TEST_F(AccountTest, ChildrenComeAndGoInAnyOrder) {
  std::vector<std::unique_ptr<Account>> children;
  for (int i = 0; i < 5; ++i) {
    children.push_back(
        std::make_unique<Account>(AccountOptions{.name = std::to_string(i), .parent = &map_}));
  }
  for (const size_t gone : {2U, 0U, 4U, 1U, 3U}) {
    children[gone].reset();
    size_t left = 0;
    map_.ForEachChild([&](const Account& child) {
      ++left;
      EXPECT_NE(child.name(), std::to_string(gone));
    });
    EXPECT_EQ(left, static_cast<size_t>(
                        std::count_if(children.begin(), children.end(),
                                      [](const auto& child) { return child != nullptr; })));
  }
}

TEST_F(AccountTest, ConcurrentChargesAreExact) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  Account sibling({.name = "sibling", .limit_bytes = 500, .parent = &tenant_});
  std::atomic<size_t> most{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&, number] {
      Account& account = number % 2 == 0 ? map_ : sibling;
      const size_t bytes = 90 + static_cast<size_t>(number);
      size_t held = 0;
      for (int round = 0; round < kRounds; ++round) {
        if (account.Charge(bytes)) {
          held += bytes;
        } else if (held > 0) {
          account.Uncharge(held);
          held = 0;
        }
        // What lower accounts count for a moment never passes a limit either.
        if (tenant_.used_bytes() > 600 || map_.used_bytes() > 400) most = SIZE_MAX;
      }
      if (held > 0) account.Uncharge(held);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most.load(), 0U);
  EXPECT_EQ(Used(), (std::vector<size_t>{0, 0, 0}));
  EXPECT_EQ(sibling.used_bytes(), 0U);
  EXPECT_GT(map_.refusals() + sibling.refusals() + tenant_.refusals(), 0U);
}

// An object that uncharges its account when it is freed, after a grace period.
struct Retired {
  RcuHead head;
  Account* account;
  static void Free(RcuHead* head) {
    auto* const retired = reinterpret_cast<Retired*>(head);
    retired->account->Uncharge(8);
    delete retired;
  }
};

TEST_F(AccountTest, TheEndOfAnAccountWaitsForWhatReadersHold) {
  for (int round = 0; round < 20; ++round) {
    auto account = std::make_unique<Account>(AccountOptions{.name = "short", .parent = &map_});
    account->ChargeBeyondLimit(8);
    Retire<Retired::Free>(&(new Retired{{}, account.get()})->head);
    account.reset();
    EXPECT_EQ(map_.used_bytes(), 0U);
  }
}

}  // namespace
}  // namespace inlay
