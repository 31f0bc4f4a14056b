// ValueRefs of one value that two threads share at the same moment.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/table/reference_credits.h"
#include "inlay/rcu.h"
#include "inlay/typed_table.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

class SharedRefsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(TypedTable<uint64_t>::Create({.background = false}, &numbers_), Status::kOk);
    ASSERT_EQ(numbers_->Intern(7, &ref_), Status::kOk);
  }

  // In a thread that has not met another one yet, whatever other tests did. Its first ValueRef is
  // counted elsewhere than the later ones.
  template <typename Run>
  void InNewThread(Run run) {
    std::thread([&] {
      ref_.Share().Reset();
      run();
    }).join();
  }

  // Shares `ref_`, and another thread does so at the same moment.
  std::vector<TypedRef<uint64_t>> ShareAtTheSameMoment() {
    std::vector<TypedRef<uint64_t>> made(2);
    {
      const AtTestPoint meets("share_ref.seen",
                              [&] { std::thread([&] { made[1] = ref_.Share(); }).join(); });
      made[0] = ref_.Share();
    }
    EXPECT_TRUE(made[0] == ref_);
    EXPECT_TRUE(made[1] == ref_);
    return made;
  }

  void ExpectOpen(uint64_t refs) {
    const ValueTable& table = numbers_->bytes();
    std::string reason;
    EXPECT_EQ(table.open_refs(), refs);
    EXPECT_EQ(table.total_references(), refs);
    const std::vector<uint64_t> no_owners(size_t{table.max_values()} + 1);
    EXPECT_TRUE(table.CheckReferences(no_owners, &reason)) << reason;
    EXPECT_TRUE(table.CheckInvariants(&reason)) << reason;
  }

  std::unique_ptr<TypedTable<uint64_t>> numbers_;
  TypedRef<uint64_t> ref_;
};

TEST_F(SharedRefsTest, ShareAtTheSameMomentAsAnother) {
  InNewThread([&] {
    auto made = ShareAtTheSameMoment();
    EXPECT_EQ(ReferenceCredits::KeptInAll(), 0U) << "few references lend none";
    ExpectOpen(3);
    made.clear();
    ExpectOpen(1);
  });
}

TEST_F(SharedRefsTest, ShareOfAMuchUsedValueBorrows) {
  std::vector<TypedRef<uint64_t>> many;
  for (int i = 0; i < 4000; ++i) many.push_back(ref_.Share());
  InNewThread([&] {
    auto made = ShareAtTheSameMoment();
    EXPECT_GT(ReferenceCredits::KeptInAll(), 0U);
    ExpectOpen(4003);
    made.push_back(ref_.Share());  // from the credits
    ExpectOpen(4004);
    made.clear();
    many.clear();
    ExpectOpen(1);
  });
  RetireBarrier();
  RetireBarrier();
  RetireBarrier();
  EXPECT_EQ(ReferenceCredits::KeptInAll(), 0U);
  ExpectOpen(1);
}

// The thread that borrowed lives on, and the one that lets the count fall keeps no credits.
TEST_F(SharedRefsTest, CloseOfALentValueTakesTheCreditsBack) {
  std::vector<TypedRef<uint64_t>> many;
  for (int i = 0; i < 4000; ++i) many.push_back(ref_.Share());
  InNewThread([&] {
    ShareAtTheSameMoment();
    EXPECT_GT(ReferenceCredits::KeptInAll(), 0U);
    InNewThread([&] { many.clear(); });
    RetireBarrier();
    RetireBarrier();
    RetireBarrier();
    EXPECT_EQ(ReferenceCredits::KeptInAll(), 0U);
    ExpectOpen(1);
  });
}

}  // namespace
}  // namespace inlay
