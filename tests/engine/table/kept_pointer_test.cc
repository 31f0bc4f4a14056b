// A pointer to a value that is kept for too long: AddressSanitizer reports its use.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "engine/memory/poison.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/table/made_table.h"
#include "tests/numbered_value.h"

namespace inlay {
namespace {

#if defined(INLAY_ASAN)

constexpr uint32_t kKeptBytes = 24;

std::byte Read(const std::byte* value) { return *static_cast<const volatile std::byte*>(value); }

struct KeptOwner {
  InlineWords<16> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

class KeptPointerTest : public testing::Test {
 protected:
  KeptPointerTest() {
    EXPECT_EQ(Store::Create({.reserved_bits = 16}, &store_), Status::kOk);
    EXPECT_EQ(
        IndexMap::Create(*store_, {.value_bytes = kKeptBytes, .width_bits = 9, .background = false},
                         &map_),
        Status::kOk);
  }
  ~KeptPointerTest() override {
    for (KeptOwner& owner : owners_) store_->Close(owner);
    ExpectSound(map_->table());
  }

  void Update(size_t owner, uint64_t n) {
    ASSERT_EQ(map_->Update(owners_[owner], NumberedValue(n, kKeptBytes), UpdateFlag::kAny),
              Status::kOk);
  }
  const std::byte* Get(size_t owner) {
    const ReadSection section;
    return map_->Get(section, owners_[owner]);
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
  std::deque<KeptOwner> owners_ = std::deque<KeptOwner>(4);
};

TEST_F(KeptPointerTest, IsReportedOnceTheValueIsReclaimed) {
  Update(0, 1);
  Update(1, 2);
  const std::byte* const kept = Get(0);
  Update(0, 3);
  EXPECT_EQ(Read(kept), std::byte{1}) << "the value may come back";
  EXPECT_EQ(map_->Reclaim(), 1U);
  EXPECT_DEATH(Read(kept), "use-after-poison");
  EXPECT_DEATH(Read(kept + kKeptBytes - 1), "use-after-poison");
  // The neighbours stay.
  EXPECT_EQ(Read(Get(0)), std::byte{3});
  EXPECT_EQ(Read(Get(1) + kKeptBytes - 1), std::byte{2});
}

TEST_F(KeptPointerTest, IsGoodAgainWhenANewValueHasTheIndex) {
  Update(0, 1);
  const std::byte* const kept = Get(0);
  Update(0, 2);
  EXPECT_EQ(map_->Reclaim(), 1U);
  Update(1, 3);
  EXPECT_EQ(Get(1), kept);
  EXPECT_EQ(Read(kept), std::byte{3});
}

TEST_F(KeptPointerTest, IsReportedAfterATrim) {
  for (uint64_t n = 0; n < 4; ++n) Update(n, n);
  const std::byte* const last = Get(3);
  ASSERT_EQ(map_->Delete(owners_[3]), Status::kOk);
  map_->Trim();
  EXPECT_DEATH(Read(last), "use-after-poison");
  Update(3, 7);
  EXPECT_EQ(Read(Get(3)), std::byte{7});
}

TEST_F(KeptPointerTest, ReadsNothingOfItselfThatIsPoisoned) {
  for (uint64_t n = 0; n < 4; ++n) Update(n, n);
  for (size_t owner = 0; owner < 3; ++owner) {
    ASSERT_EQ(map_->Delete(owners_[owner]), Status::kOk);
  }
  EXPECT_EQ(map_->Reclaim(), 3U);
  size_t visited = 0;
  map_->table().ForEach([&](ValueIndex, std::span<const std::byte> value, uint32_t) {
    EXPECT_EQ(Read(value.data()), std::byte{3});
    ++visited;
  });
  EXPECT_EQ(visited, 1U);
  EXPECT_EQ(map_->stats().table.free, 3U);
  ExpectSound(map_->table());
  for (uint64_t n = 0; n < 3; ++n) Update(n, n);  // compared with what is there
}

// Sizes that are no multiples of eight share their first and last eight bytes with neighbours.
TEST(KeptPointerOfOddSizeTest, LeavesItsNeighboursReadable) {
  const auto table = MakeTable({.value_bytes = 13, .alignment = 1, .background = false});
  ValueIndex indexes[3];
  for (uint64_t n = 0; n < 3; ++n) {
    ASSERT_EQ(table->Intern(NumberedValue(n, 13), &indexes[n]), Status::kOk);
  }
  table->Release(indexes[1]);
  EXPECT_EQ(table->ReclaimAndWait(), 1U);
  EXPECT_EQ(Copied(table->At(indexes[0]), 13), NumberedValue(0, 13));
  EXPECT_EQ(Copied(table->At(indexes[2]), 13), NumberedValue(2, 13));
  EXPECT_DEATH(Read(table->At(indexes[1]) + 3), "AddressSanitizer");
  ASSERT_EQ(table->Intern(NumberedValue(4, 13), &indexes[1]), Status::kOk);
  for (const ValueIndex index : indexes) EXPECT_EQ(Copied(table->At(index), 13).size(), 13U);
}

// The addresses of a freed table belong to others.
TEST(KeptPointerOfOddSizeTest, AFreedTableLeavesNothingPoisoned) {
  const std::byte* freed = nullptr;
  {
    const auto table = MakeTable({.value_bytes = 8, .background = false});
    ValueIndex index = kNoIndex;
    ASSERT_EQ(table->Intern(NumberedValue(1, 8), &index), Status::kOk);
    table->Release(index);
    EXPECT_EQ(table->ReclaimAndWait(), 1U);
    freed = table->At(index);
    EXPECT_NE(__asan_address_is_poisoned(freed), 0);
  }
  EXPECT_EQ(__asan_address_is_poisoned(freed), 0);
}

#endif

}  // namespace
}  // namespace inlay
