// Threads on one keyed map, with more keys than indexes. From the bytes of a value alone a reader
// can check that it is whole and belongs to the key, and how old it is.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "inlay/keyed_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct KeyedProof {
  uint64_t key = 0;
  uint64_t generation = 0;
  std::array<uint64_t, 8> filler = {};
  uint64_t checksum = 0;

  static KeyedProof Make(uint64_t key, uint64_t generation) {
    KeyedProof proof{.key = key, .generation = generation};
    proof.filler.fill((key << 32 | generation) * 0x9e37'79b9'7f4a'7c15U);
    proof.checksum = proof.Sum();
    return proof;
  }
  uint64_t Sum() const {
    uint64_t sum = key * 31 + generation;
    for (const uint64_t part : filler) sum = sum * 31 + part;
    return sum;
  }
};

class KeyedMapThreadsTest : public testing::Test {
 protected:
  using Owner = PlainOwner<16>;
  static constexpr uint64_t kKeys = 12;   // for six indexes
  static constexpr uint64_t kPinned = 2;  // keys that some owners always have
  static constexpr uint64_t kSetters = 2;
  static constexpr int kSteps = 20'000;

  void SetUp() override {
    ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store_), Status::kOk);
    ASSERT_EQ(
        (KeyedMap<uint64_t, KeyedProof>::Create(*store_, {.width_bits = 3, .clone = true}, &map_)),
        Status::kOk);
    for (uint64_t i = 0; i < pinned_.size(); ++i) {
      ASSERT_EQ(map_->Set(i % kPinned, KeyedProof::Make(i % kPinned, 0)), Status::kOk);
      ASSERT_EQ(map_->Assign(pinned_[i], i % kPinned), Status::kOk);
    }
  }
  void TearDown() override {
    EXPECT_EQ(wrong_.load(), 0U);
    for (Owner& owner : pinned_) store_->Close(owner);
    for (Owner& owner : owners_) store_->Close(owner);
    std::string reason;
    EXPECT_TRUE(map_->bytes().CheckInvariants(&reason)) << reason;
    EXPECT_EQ(map_->bytes().keys().total_references(), map_->bytes().stats().values);
    map_.reset();
    RetireBarrier();
    EXPECT_EQ(store_->account().used_bytes(), 0U);
    EXPECT_EQ(store_->pending_account().used_bytes(), 0U);
  }
  void Require(bool right) {
    if (!right) wrong_.fetch_add(1, std::memory_order_relaxed);
  }

  // What one reader has seen of each key.
  struct Seen {
    std::array<uint64_t, kKeys> generation = {};
  };
  void Check(const KeyedProof* value, uint64_t key, Seen* seen) {
    Require(value->key == key && value->checksum == value->Sum());
    Require(value->generation >= seen->generation[key]);
    seen->generation[key] = value->generation;
  }
  void Read(std::mt19937_64& random, Seen* seen) {
    const ReadSection section;
    const uint64_t pinned = random() % pinned_.size();
    if (const KeyedProof* const value = map_->Get(section, pinned_[pinned])) {
      Check(value, pinned % kPinned, seen);
    }
    // A reader between the load of a code and that of the value: what the code shows belongs to its
    // key to the end of the section.
    const InlineField field = map_->bytes().field();
    const uint32_t code = owners_[random() % owners_.size()].words.Load(field);
    Owner same_code;
    OwnerRef(same_code).words().Exchange(field, code);
    const uint64_t* const found = map_->KeyOf(same_code);
    if (found == nullptr) return;
    const uint64_t key = *found;
    for (int look = 0; look < 2; ++look) {
      if (const KeyedProof* const value = map_->Get(section, same_code)) Check(value, key, seen);
      Require(*found == key);
      if (random() % 8 == 0) std::this_thread::yield();
    }
  }

  // Each key has one thread that sets and erases it, so that its generations grow.
  void SetOrErase(std::mt19937_64& random, uint64_t setter, std::array<uint64_t, kKeys>* last) {
    const uint64_t key = random() % (kKeys / kSetters) * kSetters + setter;
    const bool is_pinned = key < kPinned;
    if (random() % (is_pinned ? 50 : 4) == 0) {
      const Status status = map_->Erase(key);
      Require(status == Status::kOk || status == Status::kNotFound);
      return;
    }
    const KeyedProof value = KeyedProof::Make(key, ++(*last)[key]);
    KeyRef ref;
    const Status status = map_->Set(key, value, random() % 2 == 0 ? &ref : nullptr);
    Require(status == Status::kOk || (status == Status::kNoIndexes && !is_pinned));
    if (ref) {
      Require(map_->Set(ref, KeyedProof::Make(key, ++(*last)[key])) == Status::kOk);
    }
  }

  void ChangeOwner(std::mt19937_64& random) {
    Owner& owner = owners_[random() % owners_.size()];
    const uint64_t key = random() % kKeys;
    switch (random() % 5) {
      case 0: {
        const Status status = map_->Delete(owner);
        Require(status == Status::kOk || status == Status::kNotFound);
        break;
      }
      case 1: {
        KeyRef ref;
        const Status found = map_->Find(key, &ref);
        Require(found == (ref ? Status::kOk : Status::kNotFound));
        if (!ref) break;
        const Status status = map_->Assign(owner, ref, UpdateFlag::kNoExist);
        Require(status == Status::kOk || status == Status::kExists || status == Status::kNotFound);
        break;
      }
      case 2: {
        Owner child;
        Require(store_->Clone(owner, child) == Status::kOk);
        store_->Close(child);
        break;
      }
      default: {
        const Status status = map_->Assign(owner, key);
        Require(status == Status::kOk || status == Status::kNotFound);
        break;
      }
    }
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<KeyedMap<uint64_t, KeyedProof>> map_;
  std::array<Owner, 8> pinned_;
  std::array<Owner, 8> owners_;
  std::atomic<uint64_t> wrong_{0};
};

TEST_F(KeyedMapThreadsTest, ReadersSeeWholeValuesOfTheirKeyAndNoneThatIsOlder) {
  std::vector<std::thread> threads;
  for (uint64_t setter = 0; setter < kSetters; ++setter) {
    threads.emplace_back([this, setter] {
      std::mt19937_64 random(setter);
      std::array<uint64_t, kKeys> last = {};
      for (int step = 0; step < kSteps; ++step) {
        SetOrErase(random, setter, &last);
        ChangeOwner(random);
        if (random() % 1000 == 0) Require(map_->bytes().Trim() < SIZE_MAX);
      }
    });
  }
  for (uint64_t reader = 0; reader < 2; ++reader) {
    threads.emplace_back([this, reader] {
      std::mt19937_64 random(100 + reader);
      Seen seen;
      for (int step = 0; step < kSteps; ++step) {
        Read(random, &seen);
        if (random() % 4 == 0) ChangeOwner(random);
        if (random() % 1000 == 0) {
          map_->ForEach([&](const uint64_t& key, const KeyedProof* value, uint32_t) {
            if (value != nullptr) Check(value, key, &seen);
          });
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(map_->bytes().stats().replaced, 0U);
  EXPECT_GT(map_->bytes().stats().keys.reclaimed, 0U);
}

}  // namespace
}  // namespace inlay
