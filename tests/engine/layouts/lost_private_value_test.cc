// Owners that were moved in memory by memcpy(), which loses the private value of a spilled one: it
// is kept by the owner's address. No operation waits for a value that is not there.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/numbered_value.h"

namespace inlay {
namespace {

constexpr uint32_t kLostBytes = 16;

struct LostSlotOwner {
  InlineWords<16> words;
  StoragePointer slot{nullptr};
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
  StoragePointer& storage_pointer() { return slot; }
};

template <typename Owner>
class LostPrivateValueTest : public testing::Test {
 protected:
  LostPrivateValueTest() {
    const bool has_slots = std::is_same_v<Owner, LostSlotOwner>;
    EXPECT_EQ(Store::Create({.reserved_bits = 16, .private_values = has_slots ? &domain_ : nullptr},
                            &store_),
              Status::kOk);
    EXPECT_EQ(IndexMap::Create(
                  *store_,
                  {.value_bytes = kLostBytes, .width_bits = 2, .background = false, .clone = true},
                  &map_),
              Status::kOk);
    for (uint64_t n = 0; n < 2; ++n) Update(keepers_[n], n);
  }
  ~LostPrivateValueTest() override {
    for (Owner& owner : keepers_) store_->Close(owner);
    map_.reset();
  }

  void Update(Owner& owner, uint64_t n) {
    ASSERT_EQ(map_->Update(owner, NumberedValue(n, kLostBytes), UpdateFlag::kAny), Status::kOk);
  }
  // An owner with the spilled code and no private value.
  void Break(Owner& owner) {
    InlineWordsRef(owner.words).Exchange(map_->field(), map_->field().spilled_code());
  }
  uint64_t missing() const { return map_->stats().missing_private; }

  LocalStorageDomain domain_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
  Owner keepers_[2];
};

using LostOwners = testing::Types<PlainOwner<16>, LostSlotOwner>;
TYPED_TEST_SUITE(LostPrivateValueTest, LostOwners);

#ifdef NDEBUG

TYPED_TEST(LostPrivateValueTest, ReadsAsAbsentAndIsCounted) {
  for (const bool others_have_spilled : {false, true}) {
    TypeParam spilled;
    if (others_have_spilled) this->Update(spilled, 2);
    TypeParam owner;
    this->Break(owner);
    const uint64_t before = this->missing();
    {
      const ReadSection section;
      EXPECT_EQ(this->map_->Get(section, owner), nullptr);
    }
    EXPECT_EQ(this->missing(), before + 1);
    Bytes copy(kLostBytes);
    EXPECT_EQ(this->map_->Load(owner, copy), Status::kNotFound);
    EXPECT_EQ(this->map_->Modify(owner, [](std::span<std::byte>) { FAIL(); }), Status::kNotFound);
    TypeParam child;
    EXPECT_EQ(this->store_->Clone(owner, child), Status::kOk);
    EXPECT_EQ(this->missing(), before + 4);
    this->Break(owner);
    this->store_->Close(owner);
    this->store_->Close(spilled);
  }
}

TYPED_TEST(LostPrivateValueTest, CanBeReplacedDeletedAndClosed) {
  for (const bool others_have_spilled : {false, true}) {
    TypeParam spilled;
    if (others_have_spilled) this->Update(spilled, 2);
    TypeParam owner;
    this->Break(owner);
    const uint64_t before = this->missing();
    this->Update(owner, 1);
    Bytes copy(kLostBytes);
    EXPECT_EQ(this->map_->Load(owner, copy), Status::kOk);
    EXPECT_EQ(copy, NumberedValue(1, kLostBytes));
    EXPECT_EQ(this->map_->Delete(owner), Status::kOk);
    this->Break(owner);
    EXPECT_EQ(this->map_->Delete(owner), Status::kOk);
    this->Break(owner);
    this->store_->Close(owner);
    EXPECT_EQ(this->map_->Load(owner, copy), Status::kNotFound);
    if (!std::is_same_v<TypeParam, LostSlotOwner>) {
      EXPECT_EQ(this->missing(), before + 3);
    }
    this->store_->Close(spilled);
  }
}

#else

TYPED_TEST(LostPrivateValueTest, FailsAnAssertion) {
  TypeParam owner;
  this->Break(owner);
  const ReadSection section;
  EXPECT_DEATH(this->map_->Get(section, owner), "lost its private value");
  EXPECT_DEATH(static_cast<void>(this->map_->Delete(owner)), "lost its private value");
  EXPECT_DEATH(this->store_->Close(owner), "lost its private value");
  InlineWordsRef(owner.words).Exchange(this->map_->field(), kAbsentCode);
}

#endif

}  // namespace
}  // namespace inlay
