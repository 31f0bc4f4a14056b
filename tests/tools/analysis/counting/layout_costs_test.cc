#include "tools/analysis/counting/layout_costs.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "inlay/value_table.h"

namespace inlay::analysis {
namespace {

TEST(LayoutCostsTest, TheIndexWidthLeavesTwoCodesUnused) {
  EXPECT_EQ(SmallestIndexBits(1), 2);
  EXPECT_EQ(SmallestIndexBits(2), 2);
  EXPECT_EQ(SmallestIndexBits(3), 3);
  for (int bits = 2; bits <= 16; ++bits) {
    const uint64_t capacity = (uint64_t{1} << bits) - 2;
    EXPECT_EQ(IndexCapacity(bits), capacity);
    EXPECT_EQ(SmallestIndexBits(capacity), bits);
    if (bits < 16) {
      EXPECT_EQ(SmallestIndexBits(capacity + 1), bits + 1);
    }
  }
  EXPECT_EQ(SmallestIndexBits(65535), std::nullopt);
}

TEST(LayoutCostsTest, TheTableHoldsValuesEntriesAndHashSlots) {
  EXPECT_EQ(TableBytes(0, 100), 0U);
  EXPECT_EQ(TableBytes(1, 1), 8U + 12 + 32 + 16 * 4);
  EXPECT_EQ(TableBytes(500, 100), 500U * (104 + 12) + 32 + 1024 * 4);
  // Two thirds of 1,024 slots are 682.67.
  EXPECT_EQ(TableBytes(682, 8), 682U * 20 + 32 + 1024 * 4);
  EXPECT_EQ(TableBytes(683, 8), 683U * 20 + 32 + 2048 * 4);
}

// The report's figures equal the memory of the library.
TEST(LayoutCostsTest, TheTableIsAsLargeAsTheLibrarys) {
  for (const uint32_t value_bytes : {4U, 100U, 1000U}) {
    std::unique_ptr<ValueTable> table;
    ASSERT_EQ(ValueTable::Create({.value_bytes = value_bytes}, &table), Status::kOk);
    std::vector<std::byte> value(value_bytes);
    for (uint32_t distinct = 1; distinct <= 5000; ++distinct) {
      std::memcpy(value.data(), &distinct, sizeof(distinct));
      ValueIndex index = kNoIndex;
      ASSERT_EQ(table->Intern(value, &index), Status::kOk);
      if (distinct % 83 != 0) continue;
      const MemoryUsage memory = table->stats().memory;
      ASSERT_EQ(memory.table_bytes + memory.index_bytes, TableBytes(distinct, value_bytes))
          << distinct << " values of " << value_bytes << " bytes";
    }
  }
}

TEST(LayoutCostsTest, EveryLayoutPaysTheKernelsSizes) {
  const LayoutInput input = {500'000, 100, 500, 0};
  const uint64_t table = TableBytes(500, 100);
  const std::vector<LayoutCost> costs = LayoutCosts(input);
  ASSERT_EQ(costs.size(), 5U);
  EXPECT_EQ(costs[0].name, "pointer");  // 172 of kmalloc-192, 176 of kmalloc-192, the pointer
  EXPECT_EQ(costs[0].total_bytes, 500'000U * (192 + 192 + 8));
  EXPECT_EQ(costs[1].name, "inline");
  EXPECT_EQ(costs[1].total_bytes, 500'000U * 104);
  EXPECT_EQ(costs[2].name, "single_pointer");  // 116 of kmalloc-128
  EXPECT_EQ(costs[2].total_bytes, 500'000U * (8 + 128));
  EXPECT_EQ(costs[3].name, "shared_pointer");
  EXPECT_EQ(costs[3].total_bytes, uint64_t{500'000} * 8 + table);
  EXPECT_EQ(costs[4].name, "index");
  EXPECT_EQ(costs[4].total_bytes, uint64_t{500'000} * 2 + table);
  for (const LayoutCost& cost : costs) {
    EXPECT_DOUBLE_EQ(cost.bytes_per_socket, static_cast<double>(cost.total_bytes) / 500'000);
  }
  EXPECT_DOUBLE_EQ(PackedIndexBytesPerSocket(input),
                   9 / 8.0 + static_cast<double>(table) / 500'000);
}

TEST(LayoutCostsTest, SpilledSocketsPayThePointerLayoutOnTop) {
  const LayoutInput input = {200'000, 8, 100'000, 34'466};
  const LayoutCost index = LayoutCosts(input)[4];
  // 80 of kmalloc-96, 176 of kmalloc-192, the pointer.
  EXPECT_EQ(index.private_bytes, 34'466U * (96 + 192 + 8));
  EXPECT_EQ(index.table_bytes, TableBytes(65'534, 8));
  EXPECT_EQ(index.total_bytes, uint64_t{200'000} * 2 + index.private_bytes + index.table_bytes);
}

TEST(LayoutCostsTest, EmptyValuesCostTheirHeaders) {
  const std::vector<LayoutCost> costs = LayoutCosts({1, 0, 1, 0});
  EXPECT_EQ(costs[0].total_bytes, 96U + 192 + 8);
  EXPECT_EQ(costs[1].total_bytes, 0U);
  EXPECT_EQ(costs[2].total_bytes, 8U + 16);
}

}  // namespace
}  // namespace inlay::analysis
