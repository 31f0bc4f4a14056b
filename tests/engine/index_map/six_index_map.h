// SixIndexMap: an index map with six indexes over owners of any kind. The parent of fixtures whose
// values meet the limit.

#ifndef INLAY_TESTS_ENGINE_INDEX_MAP_SIX_INDEX_MAP_H_
#define INLAY_TESTS_ENGINE_INDEX_MAP_SIX_INDEX_MAP_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {

template <typename Owners>
class SixIndexMap : public testing::Test {
 protected:
  using Owner = typename Owners::Owner;
  static constexpr uint32_t kBytes = 20;

  explicit SixIndexMap(bool replaceable) {
    MapOptions options = Options();
    options.replaceable = replaceable;
    EXPECT_EQ(IndexMap::Create(owners_.store(), options, &map_), Status::kOk);
  }
  // Everything is given back.
  void TearDown() override {
    ref_.Reset();
    ExpectSound();
    owners_.CloseAll();
    EXPECT_EQ(map_->table().total_references(), 0U);
    EXPECT_EQ(map_->stats().spilled_now, 0U);
    ExpectSound();
    map_.reset();
    RetireBarrier();
    EXPECT_EQ(owners_.store().account().used_bytes(), 0U);
    EXPECT_EQ(owners_.store().pending_account().used_bytes(), 0U);
  }
  static MapOptions Options() {
    return {.value_bytes = kBytes, .width_bits = 3, .background = false, .clone = true};
  }
  void ExpectSound() {
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    EXPECT_TRUE(owners_.store().CheckInvariants(&reason)) << reason;
  }
  static Bytes Value(uint64_t n) { return NumberedValue(n, kBytes); }
  Status Update(Owner& owner, uint64_t n) {
    return map_->Update(owner, Value(n), UpdateFlag::kAny);
  }
  ValueRef Intern(uint64_t n) {
    ValueRef ref;
    EXPECT_EQ(map_->Intern(Value(n), &ref), Status::kOk);
    return ref;
  }
  Bytes Held(const Owner& owner) {
    const ReadSection section;
    return Copied(map_->Get(section, owner), kBytes);
  }
  uint32_t Code(const Owner& owner) { return owner.inline_words().Load(map_->field()); }
  bool Spilled(const Owner& owner) { return Code(owner) == map_->field().spilled_code(); }

  Owners owners_;
  std::unique_ptr<IndexMap> map_;
  ValueRef ref_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_ENGINE_INDEX_MAP_SIX_INDEX_MAP_H_
