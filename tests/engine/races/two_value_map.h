// TwoValueMap: an index map of 64-bit values of which two have an index and all others spill. The
// parent of fixtures that let writers meet at a spilled owner.

#ifndef INLAY_TESTS_ENGINE_RACES_TWO_VALUE_MAP_H_
#define INLAY_TESTS_ENGINE_RACES_TWO_VALUE_MAP_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "inlay/index_map.h"
#include "inlay/local_storage.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/print_status.h"

namespace inlay {

template <typename Owner>
class TwoValueMap : public testing::Test {
 protected:
  static constexpr uint64_t kAbsent = ~uint64_t{0};

  TwoValueMap() {
    constexpr bool kHasPointer = requires(Owner & owner) { owner.storage_pointer(); };
    LocalStorageDomain* const private_values = kHasPointer ? &domain_ : nullptr;
    EXPECT_EQ(Store::Create({.reserved_bits = 16, .private_values = private_values}, &store_),
              Status::kOk);
    EXPECT_EQ(IndexMap::Create(
                  *store_, {.value_bytes = 8, .width_bits = 2, .background = false, .clone = true},
                  &map_),
              Status::kOk);
  }
  // All owners are closed.
  ~TwoValueMap() override {
    EXPECT_EQ(map_->stats().spilled_now, 0U);
    EXPECT_EQ(map_->memory_usage().private_bytes, 0U);
    EXPECT_EQ(map_->table().total_references(), 0U);
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
  }

  Status TryUpdate(Owner& owner, uint64_t value, UpdateFlag flag = UpdateFlag::kAny) {
    return map_->Update(owner, std::as_bytes(std::span(&value, 1)), flag);
  }
  void Update(Owner& owner, uint64_t value) { EXPECT_EQ(TryUpdate(owner, value), Status::kOk); }
  uint64_t Get(const Owner& owner) {
    const ReadSection section;
    const std::byte* const found = map_->Get(owner);
    uint64_t value = kAbsent;
    if (found != nullptr) std::memcpy(&value, found, sizeof(value));
    return value;
  }
  bool IsSpilled(const Owner& owner) {
    return owner.inline_words().Load(map_->field()) == map_->field().spilled_code();
  }

  LocalStorageDomain domain_;  // of owners with storage pointers
  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_ENGINE_RACES_TWO_VALUE_MAP_H_
