// Owners that embed fewer words than their store reserves: a map whose field they do not have
// refuses them, and touches nothing behind their words.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kSmallValueBytes = 8;

template <size_t kBits>
struct SmallerOwner {
  InlineWords<kBits> words;
  std::array<uint64_t, 4> neighbours{11, 12, 13, 14};

  auto& inline_words() { return words; }
  const auto& inline_words() const { return words; }
};

class CountedOwners final : public OwnerPopulation {
 public:
  void ForEachOwner(FunctionRef<void(const OwnerRef&)> visit) override {
    for (const OwnerRef& owner : owners_) visit(owner);
  }
  size_t owners() const override { return owners_.size(); }
  void Add(const OwnerRef& owner) { owners_.push_back(owner); }

 private:
  std::vector<OwnerRef> owners_;
};

// The last of `maps` maps of 10 bits has a field that owners of type O do not hold.
template <typename O>
void ExpectRefused(uint32_t reserved_bits, size_t maps) {
  CountedOwners population;
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = reserved_bits, .population = &population}, &store),
            Status::kOk);
  std::vector<std::unique_ptr<IndexMap>> made(maps);
  const MapOptions options{.value_bytes = kSmallValueBytes, .width_bits = 10, .clone = true};
  for (auto& map : made) ASSERT_EQ(IndexMap::Create(*store, options, &map), Status::kOk);
  IndexMap& first = *made.front();
  IndexMap& last = *made.back();
  O owner;
  O child;
  population.Add(OwnerRef(owner));
  population.Add(OwnerRef(child));
  const Bytes value = NumberedValue(1, kSmallValueBytes);

  EXPECT_EQ(first.Update(owner, value, UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(last.Update(owner, value, UpdateFlag::kAny), Status::kInvalid);
  {
    ReadSection section;
    Status status = Status::kOk;
    EXPECT_EQ(last.GetOrCreate(owner, value, &status), nullptr);
    EXPECT_EQ(status, Status::kInvalid);
  }
  EXPECT_EQ(last.Modify(owner, [](std::span<std::byte>) {}), Status::kInvalid);
  EXPECT_EQ(last.Delete(owner), Status::kInvalid);
  EXPECT_EQ(store->Clone(owner, child), Status::kOk);
  EXPECT_EQ(last.table().total_references(), 0U);
  std::string reason;
  EXPECT_TRUE(store->CheckInvariants(&reason)) << reason;
  store->Close(owner);
  store->Close(child);
  EXPECT_EQ(first.table().total_references(), 0U);
  made.clear();
  EXPECT_EQ(owner.neighbours, (std::array<uint64_t, 4>{11, 12, 13, 14}));
  EXPECT_EQ(child.neighbours, (std::array<uint64_t, 4>{11, 12, 13, 14}));
}

TEST(SmallerOwnerTest, AFieldBeyondTheWordIsRefused) { ExpectRefused<SmallerOwner<16>>(64, 2); }

TEST(SmallerOwnerTest, AFieldInAWordThatIsNotThereIsRefused) {
  ExpectRefused<SmallerOwner<64>>(128, 7);
}

TEST(SmallerOwnerTest, AFieldAtTheEndOfTheWordIsRefused) { ExpectRefused<SmallerOwner<32>>(64, 4); }

}  // namespace
}  // namespace inlay
