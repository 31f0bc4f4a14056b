// A store that remembers which owners have values, and where each got its first one.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/keyed_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"

namespace inlay {
namespace {

constexpr uint32_t kRecordedBytes = 16;
using RecordedOwner = PlainOwner<64>;

class OpenOwnersTest : public testing::Test {
 protected:
  OpenOwnersTest() { Make(true); }

  void Make(bool record_owners) {
    small_.reset();
    large_.reset();
    ASSERT_EQ(Store::Create({.reserved_bits = 64, .record_owners = record_owners}, &store_),
              Status::kOk);
    MapOptions options{.value_bytes = kRecordedBytes, .width_bits = 2, .clone = true};
    ASSERT_EQ(IndexMap::Create(*store_, options, &small_), Status::kOk);
    options.width_bits = 9;
    ASSERT_EQ(IndexMap::Create(*store_, options, &large_), Status::kOk);
  }

  void Update(IndexMap& map, RecordedOwner& owner, uint64_t n) {
    ASSERT_EQ(map.Update(owner, NumberedValue(n, kRecordedBytes), UpdateFlag::kAny), Status::kOk);
  }
  // The numbers of values of the open owners.
  std::map<const void*, uint64_t> Open() const {
    std::map<const void*, uint64_t> open;
    store_->ForEachOpenOwner([&](const OpenOwner& owner) { open[owner.words] = owner.values; });
    return open;
  }
  std::vector<void*> CallSiteOf(const RecordedOwner& of) const {
    std::vector<void*> found;
    store_->ForEachOpenOwner([&](const OpenOwner& owner) {
      if (owner.words == &of.words) found.assign(owner.call_site.begin(), owner.call_site.end());
    });
    return found;
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> small_;  // two values have an index
  std::unique_ptr<IndexMap> large_;
};

TEST_F(OpenOwnersTest, AnOwnerIsOpenWhileItHasAValue) {
  std::deque<RecordedOwner> owners(4);
  using Counts = std::map<const void*, uint64_t>;
  EXPECT_EQ(Open(), Counts());
  for (uint64_t i = 0; i < 4; ++i) Update(*small_, owners[i], i);  // the last two have spilled
  Update(*large_, owners[0], 1);
  Update(*large_, owners[0], 2);
  EXPECT_EQ(Open(), (Counts{{&owners[0].words, 2},
                            {&owners[1].words, 1},
                            {&owners[2].words, 1},
                            {&owners[3].words, 1}}));
  ASSERT_EQ(small_->Delete(owners[0]), Status::kOk);
  ASSERT_EQ(small_->Delete(owners[1]), Status::kOk);
  ASSERT_EQ(small_->Delete(owners[2]), Status::kOk);
  EXPECT_EQ(Open(), (Counts{{&owners[0].words, 1}, {&owners[3].words, 1}}));
  store_->Close(owners[0]);
  store_->Close(owners[3]);
  EXPECT_EQ(Open(), Counts());
}

TEST_F(OpenOwnersTest, ChildrenAndMovedOwnersCount) {
  std::deque<RecordedOwner> owners(5);
  using Counts = std::map<const void*, uint64_t>;
  for (uint64_t i = 0; i < 3; ++i) Update(*small_, owners[i], i);
  Update(*large_, owners[2], 7);
  ASSERT_EQ(store_->Clone(owners[2], owners[3]), Status::kOk);
  EXPECT_EQ(Open()[&owners[3].words], 2U);
  const std::vector<void*> site = CallSiteOf(owners[3]);
  ASSERT_EQ(store_->Move(owners[3], owners[4]), Status::kOk);
  EXPECT_EQ(Open(), (Counts{{&owners[0].words, 1},
                            {&owners[1].words, 1},
                            {&owners[2].words, 2},
                            {&owners[4].words, 2}}));
  EXPECT_EQ(CallSiteOf(owners[4]), site);
  for (RecordedOwner& owner : owners) store_->Close(owner);
  EXPECT_EQ(Open(), Counts());
}

TEST_F(OpenOwnersTest, TheKeysOfAKeyedMapCount) {
  large_.reset();
  std::unique_ptr<KeyedIndexMap> keyed;
  ASSERT_EQ(
      KeyedIndexMap::Create(*store_, 8, {.value_bytes = 8, .width_bits = 9, .clone = true}, &keyed),
      Status::kOk);
  const Bytes key = NumberedValue(1, 8);
  ASSERT_EQ(keyed->Set(key, NumberedValue(2, 8)), Status::kOk);
  std::deque<RecordedOwner> owners(3);
  ASSERT_EQ(keyed->Assign(owners[0], key), Status::kOk);
  ASSERT_EQ(keyed->Assign(owners[0], key), Status::kOk);
  ASSERT_EQ(store_->Clone(owners[0], owners[1]), Status::kOk);
  ASSERT_EQ(store_->Move(owners[1], owners[2]), Status::kOk);
  using Counts = std::map<const void*, uint64_t>;
  EXPECT_EQ(Open(), (Counts{{&owners[0].words, 1}, {&owners[2].words, 1}}));
  ASSERT_EQ(keyed->Delete(owners[0]), Status::kOk);
  store_->Close(owners[2]);
  EXPECT_EQ(Open(), Counts());
}

TEST_F(OpenOwnersTest, TheCodesOfAFreedMapCountUntilTheirOwnersClose) {
  RecordedOwner owner;
  Update(*large_, owner, 1);
  large_.reset();
  EXPECT_EQ(Open().size(), 1U);
  store_->Close(owner);
  EXPECT_EQ(Open().size(), 0U);
}

[[gnu::noinline]] void FirstPlace(IndexMap& map, RecordedOwner& owner) {
  ASSERT_EQ(map.Update(owner, NumberedValue(1, kRecordedBytes), UpdateFlag::kAny), Status::kOk);
}
[[gnu::noinline]] void OtherPlace(IndexMap& map, RecordedOwner& owner) {
  ASSERT_EQ(map.Update(owner, NumberedValue(2, kRecordedBytes), UpdateFlag::kAny), Status::kOk);
}

// Whether one of the addresses is in the code of `function`.
bool IsIn(const std::vector<void*>& call_site, void (*function)(IndexMap&, RecordedOwner&)) {
  const auto begin = reinterpret_cast<uintptr_t>(function);
  return std::any_of(call_site.begin(), call_site.end(), [begin](const void* address) {
    const auto at = reinterpret_cast<uintptr_t>(address);
    return at > begin && at < begin + 4096;
  });
}

TEST_F(OpenOwnersTest, TheCallSiteIsThatOfTheFirstValueSinceItHadNone) {
  std::deque<RecordedOwner> owners(4);
  for (int i = 0; i < 3; ++i) FirstPlace(*large_, owners[static_cast<size_t>(i)]);
  OtherPlace(*large_, owners[3]);
  OtherPlace(*large_, owners[0]);  // not its first one
  EXPECT_TRUE(IsIn(CallSiteOf(owners[0]), FirstPlace));
  EXPECT_EQ(CallSiteOf(owners[0]), CallSiteOf(owners[2]));
  EXPECT_TRUE(IsIn(CallSiteOf(owners[3]), OtherPlace));
  EXPECT_NE(CallSiteOf(owners[0]), CallSiteOf(owners[3]));

  const std::string text = store_->DescribeOpenOwners();
  EXPECT_EQ(text.find("4 owners have values\n3 owners with 3 values"), 0U) << text;
  EXPECT_NE(text.find("\n1 owners with 1 values"), std::string::npos) << text;
  EXPECT_NE(store_->DescribeOpenOwners(1).find("and 1 more places\n"), std::string::npos);

  store_->Close(owners[0]);
  OtherPlace(*large_, owners[0]);
  EXPECT_TRUE(IsIn(CallSiteOf(owners[0]), OtherPlace));
  for (RecordedOwner& owner : owners) store_->Close(owner);
}

TEST_F(OpenOwnersTest, NothingIsRecordedUnlessAsked) {
  Make(false);
  RecordedOwner owner;
  Update(*large_, owner, 1);
  EXPECT_EQ(Open().size(), 0U);
  EXPECT_EQ(store_->DescribeOpenOwners(), "the store does not record owners\n");
  store_->Close(owner);
}

TEST_F(OpenOwnersTest, ThreadsThatGiveAndTakeLeaveNothing) {
  std::deque<RecordedOwner> owners(8);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t round = 0; round < 4000; ++round) {
        RecordedOwner& owner = owners[round % owners.size()];
        if ((round + t) % 2 == 0) {
          Update(*large_, owner, round % 5);
        } else {
          static_cast<void>(large_->Delete(owner));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (RecordedOwner& owner : owners) store_->Close(owner);
  EXPECT_EQ(Open().size(), 0U);
}

}  // namespace
}  // namespace inlay
