// KeyedFixture: a keyed map over owners of one kind, and what tests ask of it.

#ifndef INLAY_TESTS_ENGINE_KEYED_KEYED_FIXTURE_H_
#define INLAY_TESTS_ENGINE_KEYED_KEYED_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "inlay/keyed_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {

inline constexpr uint32_t kKeyBytes = 6;
inline constexpr uint32_t kKeyedValueBytes = 100;
// A value, its header of 24 bytes, and what malloc() adds.
inline constexpr size_t kKeyedMallocBytes = 144;

template <typename Owners>
class KeyedFixture : public testing::Test {
 protected:
  using Owner = typename Owners::Owner;

  static MapOptions Options(uint32_t width_bits) {
    return {.value_bytes = kKeyedValueBytes,
            .width_bits = width_bits,
            .background = false,
            .clone = true};
  }
  void MakeMap(uint32_t width_bits = 3) {
    map_.reset();
    ASSERT_EQ(KeyedIndexMap::Create(owners_.store(), kKeyBytes, Options(width_bits), &map_),
              Status::kOk);
  }
  void TearDown() override {
    ExpectSound();
    owners_.CloseAll();
    EXPECT_EQ(map_->keys().total_references(), map_->stats().values);
    map_.reset();
    RetireBarrier();
    EXPECT_EQ(owners_.store().account().used_bytes(), 0U);
    EXPECT_EQ(owners_.store().pending_account().used_bytes(), 0U);
  }
  void ExpectSound() {
    std::string reason;
    EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    EXPECT_TRUE(owners_.store().CheckInvariants(&reason)) << reason;
  }

  static Bytes Key(uint64_t n) { return NumberedValue(n, kKeyBytes); }
  static Bytes Value(uint64_t n) { return NumberedValue(n, kKeyedValueBytes); }
  Status Set(uint64_t key, uint64_t value, KeyRef* ref = nullptr) {
    return map_->Set(Key(key), Value(value), ref);
  }
  Status Assign(Owner& owner, uint64_t key, UpdateFlag flag = UpdateFlag::kAny) {
    return map_->Assign(owner, Key(key), flag);
  }
  Bytes Held(const Owner& owner) {
    const ReadSection section;
    return Copied(map_->Get(owner), kKeyedValueBytes);
  }
  Bytes KeyOf(const Owner& owner) {
    const ReadSection section;
    return Copied(map_->KeyOf(owner), kKeyBytes);
  }
  Bytes ValueOf(uint64_t key) {
    const ReadSection section;
    return Copied(map_->ValueOf(Key(key)), kKeyedValueBytes);
  }
  // Key -> its value, and how many name it.
  std::map<Bytes, std::pair<Bytes, uint32_t>> All() {
    std::map<Bytes, std::pair<Bytes, uint32_t>> all;
    map_->ForEach([&](std::span<const std::byte> key, std::span<const std::byte> value,
                      uint32_t holders) {
      const auto [at, added] =
          all.insert({Bytes(key.begin(), key.end()), {Bytes(value.begin(), value.end()), holders}});
      EXPECT_TRUE(added);
    });
    return all;
  }

  Owners owners_;
  std::unique_ptr<KeyedIndexMap> map_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_ENGINE_KEYED_KEYED_FIXTURE_H_
