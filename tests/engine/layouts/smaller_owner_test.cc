// Owners that embed fewer words than their store reserves: a map whose field they do not have
// refuses them, reads them as absent, and touches nothing behind their words.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/keyed_map.h"
#include "inlay/rcu.h"
#include "inlay/shared_map.h"
#include "inlay/store.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kSmallValueBytes = 8;

template <size_t kBits>
struct SmallerOwner {
  InlineWords<kBits> words;
  std::array<uint64_t, 4> neighbours{1, 12, 13, 14};

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
  EXPECT_EQ(owner.neighbours, (std::array<uint64_t, 4>{1, 12, 13, 14}));
  EXPECT_EQ(child.neighbours, (std::array<uint64_t, 4>{1, 12, 13, 14}));
}

struct SmallPolicy {
  uint64_t number;
};

// A get of an owner whose words do not have the map's field, although the bits at which it would
// look are those of another owner's value.
template <typename O>
class ReadSmallerOwner {
 public:
  // `foreign` is in the words of an O. The last of `maps` maps of 10 bits looks at its code.
  ReadSmallerOwner(uint32_t reserved_bits, size_t maps, InlineField foreign) : fillers_(maps - 1) {
    EXPECT_EQ(Store::Create({.reserved_bits = reserved_bits}, &store_), Status::kOk);
    for (auto& filler : fillers_) {
      EXPECT_EQ(IndexMap::Create(*store_, {.value_bytes = 8, .width_bits = 10}, &filler),
                Status::kOk);
    }
    if (foreign.width_bits != 0) InlineWordsRef(owner_.inline_words()).Exchange(foreign, 1);
  }

  void ExpectNoValue() {
    std::unique_ptr<SharedMap<SmallPolicy>> map;
    ASSERT_EQ(SharedMap<SmallPolicy>::Create(*store_, {.width_bits = 10}, &map), Status::kOk);
    ExpectNoValueIn(*map);
  }
  void ExpectNoReplaceableValue() {
    std::unique_ptr<SharedMap<SmallPolicy>> map;
    const MapOptions options{.width_bits = 10, .replaceable = true};
    ASSERT_EQ(SharedMap<SmallPolicy>::Create(*store_, options, &map), Status::kOk);
    ExpectNoValueIn(*map);
  }
  void ExpectNoKey() {
    std::unique_ptr<KeyedMap<uint64_t, SmallPolicy>> map;
    ASSERT_EQ((KeyedMap<uint64_t, SmallPolicy>::Create(*store_, {.width_bits = 10}, &map)),
              Status::kOk);
    ASSERT_EQ(map->Set(1, {7}), Status::kOk);
    ASSERT_EQ(map->Assign(stranger_, 1), Status::kOk);
    {
      const ReadSection section;
      ASSERT_NE(map->Get(section, stranger_), nullptr);
      EXPECT_EQ(map->Get(section, owner_), nullptr);
      EXPECT_EQ(map->KeyOf(owner_), nullptr);
    }
    EXPECT_FALSE(map->Load(owner_).has_value());
    store_->Close(stranger_);
  }

 private:
  void ExpectNoValueIn(SharedMap<SmallPolicy>& map) {
    ASSERT_EQ(map.Update(stranger_, {7}), Status::kOk);
    {
      const ReadSection section;
      ASSERT_NE(map.Get(section, stranger_), nullptr);
      EXPECT_EQ(map.Get(section, owner_), nullptr);
      O* const owners[] = {&owner_, &owner_};
      const SmallPolicy value{};
      const SmallPolicy* found[] = {&value, &value, &value};
      map.GetMany(std::span<O* const>(owners), std::span<const SmallPolicy*>(found));
      EXPECT_EQ(found[0], nullptr);
      EXPECT_EQ(found[1], nullptr);
      EXPECT_EQ(found[2], &value);
    }
    EXPECT_FALSE(map.Load(owner_).has_value());
    Bytes copy(8);
    EXPECT_EQ(map.bytes().Load(owner_, copy), Status::kNotFound);
    store_->Close(stranger_);
  }

  std::unique_ptr<Store> store_;
  std::vector<std::unique_ptr<IndexMap>> fillers_;
  O owner_;
  SmallerOwner<256> stranger_;
};

template <typename O>
void ExpectAbsent(uint32_t reserved_bits, size_t maps, InlineField foreign) {
  ReadSmallerOwner<O> read(reserved_bits, maps, foreign);
  read.ExpectNoValue();
  read.ExpectNoReplaceableValue();
  read.ExpectNoKey();
}

TEST(SmallerOwnerTest, AFieldBeyondTheWordIsAbsent) {
  ExpectAbsent<SmallerOwner<16>>(64, 2, {.word = 0, .shift = 10, .width_bits = 6});
}

TEST(SmallerOwnerTest, AFieldAtTheEndOfTheWordIsAbsent) {
  ExpectAbsent<SmallerOwner<32>>(64, 4, {.word = 0, .shift = 30, .width_bits = 2});
}

// The bits of another map in the only word.
TEST(SmallerOwnerTest, AFieldInAnotherWordIsAbsent) {
  ExpectAbsent<SmallerOwner<64>>(128, 7, {.word = 0, .shift = 0, .width_bits = 10});
}

// Bits of the member behind the words.
TEST(SmallerOwnerTest, AFieldInTheNextMemberIsAbsent) {
  ExpectAbsent<SmallerOwner<128>>(256, 13, {});
}

TEST(SmallerOwnerTest, AFieldBeyondTheWordIsRefused) { ExpectRefused<SmallerOwner<16>>(64, 2); }

TEST(SmallerOwnerTest, AFieldInAWordThatIsNotThereIsRefused) {
  ExpectRefused<SmallerOwner<64>>(128, 7);
}

TEST(SmallerOwnerTest, AFieldAtTheEndOfTheWordIsRefused) { ExpectRefused<SmallerOwner<32>>(64, 4); }

}  // namespace
}  // namespace inlay
