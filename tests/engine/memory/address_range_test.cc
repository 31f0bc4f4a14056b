#include "engine/memory/address_range.h"

#include <gtest/gtest.h>

#include <cstring>

#include "engine/memory/allocate.h"

namespace inlay {
namespace {

TEST(AddressRangeTest, GrowsInPlaceUpToItsReservation) {
  constexpr size_t kBytes = size_t{32} << 20;
  AddressRange range;
  ASSERT_TRUE(range.Reserve(kBytes));
  EXPECT_EQ(range.committed_bytes(), 0U);
  std::byte* const base = range.base();
  ASSERT_NE(base, nullptr);
  for (size_t bytes = 1; bytes <= kBytes; bytes = bytes * 3 + 1) {
    ASSERT_TRUE(range.Commit(bytes));
    EXPECT_GE(range.committed_bytes(), bytes);
    EXPECT_LE(range.committed_bytes(), kBytes);
    EXPECT_EQ(base[bytes - 1], std::byte{0}) << "new bytes are zeroes";
    base[bytes - 1] = std::byte{1};
  }
  ASSERT_TRUE(range.Commit(kBytes));
  EXPECT_EQ(range.committed_bytes(), kBytes);
  EXPECT_EQ(range.base(), base);
  EXPECT_EQ(base[0], std::byte{1});
  base[kBytes - 1] = std::byte{1};
}

TEST(AddressRangeTest, CommittingLessThanThereIsChangesNothing) {
  AddressRange range;
  ASSERT_TRUE(range.Reserve(1 << 20));
  ASSERT_TRUE(range.Commit(100'000));
  const size_t committed = range.committed_bytes();
  SetAllocationsLeftForTest(0);
  EXPECT_TRUE(range.Commit(1));
  EXPECT_TRUE(range.Commit(committed));
  EXPECT_EQ(range.committed_bytes(), committed);
  SetAllocationsLeftForTest(-1);
}

TEST(AddressRangeTest, WithoutMemoryNothingChanges) {
  AddressRange range;
  SetAllocationsLeftForTest(0);
  EXPECT_FALSE(range.Reserve(1 << 20));
  SetAllocationsLeftForTest(1);
  EXPECT_TRUE(range.Reserve(1 << 20));
  EXPECT_FALSE(range.Commit(1));
  SetAllocationsLeftForTest(-1);
  EXPECT_EQ(range.committed_bytes(), 0U);
  EXPECT_TRUE(range.Commit(1));
}

// (ThreadSanitizer leaves no free range of a terabyte.)
TEST(AddressRangeTest, ReservesAddressesWithoutMemory) {
  AddressRange range;
  EXPECT_TRUE(range.Reserve(size_t{64} << 30));
  EXPECT_FALSE(AddressRange().Reserve(SIZE_MAX / 2));
}

TEST(AddressRangeTest, PageRoundUp) {
  const size_t page = PageRoundUp(1);
  EXPECT_EQ(PageRoundUp(0), 0U);
  EXPECT_EQ(PageRoundUp(page), page);
  EXPECT_EQ(PageRoundUp(page + 1), 2 * page);
}

}  // namespace
}  // namespace inlay
