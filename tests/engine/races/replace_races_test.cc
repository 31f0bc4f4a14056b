// Replace() meets searches, other replacements and readers. Test points force every order; then
// threads meet as they come.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "inlay/rcu.h"
#include "inlay/shared_map.h"
#include "inlay/store.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct ReplacedOwner {
  InlineWords<16> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

// A value that proves that it is whole.
struct Proof {
  uint64_t number = 0;
  std::array<uint64_t, 6> filler = {};

  static Proof Of(uint64_t number) {
    Proof proof{.number = number};
    proof.filler.fill(number * 0x9e37'79b9'7f4a'7c15U);
    return proof;
  }
  bool IsWhole() const { return filler == Of(number).filler; }
};

class ReplaceRacesTest : public testing::Test {
 protected:
  ReplaceRacesTest() {
    EXPECT_EQ(Store::Create({.reserved_bits = 16}, &store_), Status::kOk);
    EXPECT_EQ(SharedMap<Proof>::Create(
                  *store_, {.width_bits = 4, .replaceable = true, .clone = true}, &map_),
              Status::kOk);
  }
  ~ReplaceRacesTest() override {
    ExpectSound();
    for (ReplacedOwner& owner : owners_) store_->Close(owner);
    EXPECT_EQ(map_->bytes().table().total_references(), 0U);
    map_.reset();
    RetireBarrier();
    EXPECT_EQ(store_->account().used_bytes(), 0U);
    EXPECT_EQ(store_->pending_account().used_bytes(), 0U);
  }
  void ExpectSound() {
    std::string reason;
    EXPECT_TRUE(map_->bytes().CheckInvariants(&reason)) << reason;
    EXPECT_TRUE(store_->CheckInvariants(&reason)) << reason;
  }
  Status Update(size_t owner, uint64_t number) {
    return map_->Update(owners_[owner], Proof::Of(number));
  }
  Status Replace(uint64_t from, uint64_t to) {
    return map_->Replace(Proof::Of(from), Proof::Of(to));
  }
  uint64_t Held(size_t owner) { return map_->Load(owners_[owner])->number; }
  uint32_t duplicates() { return map_->bytes().table().counts().duplicates; }

  std::unique_ptr<Store> store_;
  std::unique_ptr<SharedMap<Proof>> map_;
  std::array<ReplacedOwner, 16> owners_;
};

// Whoever found the value before it was replaced is one of those for whom it is replaced.
TEST_F(ReplaceRacesTest, ASearchThatFoundTheOldValueGetsTheNewOne) {
  ASSERT_EQ(Update(0, 1), Status::kOk);
  StoppedThread searcher("intern.searched", [&] { EXPECT_EQ(Update(1, 1), Status::kOk); });
  ASSERT_TRUE(searcher.stopped());
  ASSERT_EQ(Replace(1, 2), Status::kOk);
  searcher.Finish();
  EXPECT_EQ(Held(1), 2U);
  ExpectSound();
}

// A search that found nothing must look again: the new value has come meanwhile by a replacement.
TEST_F(ReplaceRacesTest, ASearchThatFoundNothingFindsTheReplacedValue) {
  ASSERT_EQ(Update(0, 1), Status::kOk);
  StoppedThread searcher("intern.searched", [&] { EXPECT_EQ(Update(1, 2), Status::kOk); });
  ASSERT_TRUE(searcher.stopped());
  ASSERT_EQ(Replace(1, 2), Status::kOk);
  searcher.Finish();
  EXPECT_EQ(Held(1), 2U);
  EXPECT_EQ(map_->bytes().table().counts().live, 1U) << "V1";
  ExpectSound();
}

// Between the swap of the bytes and the new place in the hash index, a search for either value
// finds nothing and waits for the table's mutex.
TEST_F(ReplaceRacesTest, ASearchBetweenTheStepsOfAReplacement) {
  for (const uint64_t wanted : {uint64_t{1}, uint64_t{2}}) {
    ASSERT_EQ(Update(0, 1), Status::kOk);
    StoppedThread replacer("replace.swapped", [&] { EXPECT_EQ(Replace(1, 2), Status::kOk); });
    ASSERT_TRUE(replacer.stopped());
    EXPECT_EQ(Held(0), 2U);
    std::thread searcher([&] { EXPECT_EQ(Update(1, wanted), Status::kOk); });
    replacer.Finish();
    searcher.join();
    EXPECT_EQ(Held(1), wanted);
    ExpectSound();
    ASSERT_EQ(map_->Delete(owners_[0]), Status::kOk);
    ASSERT_EQ(map_->Delete(owners_[1]), Status::kOk);
    map_->bytes().Reclaim();
  }
}

// A search finds the bytes of a value that has just become a duplicate: it must pass it.
TEST_F(ReplaceRacesTest, ASearchPassesANewDuplicate) {
  ASSERT_EQ(Update(0, 1), Status::kOk);
  ASSERT_EQ(Update(1, 2), Status::kOk);
  StoppedThread replacer("replace.swapped", [&] { EXPECT_EQ(Replace(1, 2), Status::kOk); });
  ASSERT_TRUE(replacer.stopped());
  ASSERT_EQ(Update(2, 2), Status::kOk);
  const InlineField field = map_->bytes().field();
  EXPECT_EQ(owners_[2].words.Load(field), owners_[1].words.Load(field));
  replacer.Finish();
  EXPECT_EQ(duplicates(), 1U);
  EXPECT_EQ(Held(0), 2U);
}

// ReplaceAll() calls the function again if somebody else has replaced the value meanwhile.
TEST_F(ReplaceRacesTest, ReplaceAllStartsAnewFromAReplacedValue) {
  ASSERT_EQ(Update(0, 1), Status::kOk);
  std::vector<uint64_t> seen;
  uint32_t replaced = 0;
  {
    const AtTestPoint point("replace_all.changed", [&] { EXPECT_EQ(Replace(1, 5), Status::kOk); });
    ASSERT_EQ(map_->ReplaceAll(
                  [&](Proof& proof) {
                    seen.push_back(proof.number);
                    proof = Proof::Of(proof.number + 100);
                  },
                  &replaced),
              Status::kOk);
  }
  EXPECT_EQ(seen, (std::vector<uint64_t>{1, 5}));
  EXPECT_EQ(Held(0), 105U);
  EXPECT_EQ(replaced, 1U);
}

TEST_F(ReplaceRacesTest, ReplaceAllLeavesAValueThatNobodyHoldsAnyMore) {
  ASSERT_EQ(Update(0, 1), Status::kOk);
  uint32_t replaced = 0;
  const AtTestPoint point("replace_all.changed",
                          [&] { EXPECT_EQ(map_->Delete(owners_[0]), Status::kOk); });
  ASSERT_EQ(map_->ReplaceAll([](Proof& proof) { proof = Proof::Of(9); }, &replaced), Status::kOk);
  EXPECT_EQ(replaced, 0U);
}

// Between the look at who holds the value and the replacement, one index comes back and another one
// is let go. What is held throughout must be replaced.
TEST_F(ReplaceRacesTest, HoldersThatComeAndGoTakeNobodysPlace) {
  ASSERT_EQ(Update(0, 1), Status::kOk);
  ASSERT_EQ(Update(1, 2), Status::kOk);
  ASSERT_EQ(Update(2, 3), Status::kOk);
  ASSERT_EQ(Replace(2, 1), Status::kOk);
  ASSERT_EQ(Replace(3, 1), Status::kOk);
  ASSERT_EQ(duplicates(), 2U);
  for (size_t revived = 0; revived < 3; ++revived) {
    const uint64_t value = Held((revived + 1) % 3);
    const OwnerRef owner(owners_[revived]);
    const InlineField field = map_->bytes().field();
    const uint32_t code = owner.words().Load(field);
    ASSERT_EQ(map_->Delete(owners_[revived]), Status::kOk);
    {
      const AtTestPoint point("replace.counted", [&] {
        const ReadSection section;
        EXPECT_TRUE(const_cast<ValueTable&>(map_->bytes().table()).TryRef(code));
        owner.words().Exchange(field, code);
      });
      ASSERT_EQ(Replace(value, value + 10), Status::kOk);
    }
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(Held(i), value + 10);
    ExpectSound();
  }
}

TEST_F(ReplaceRacesTest, AValueThatIsLetGoMeanwhileIsNotFound) {
  ASSERT_EQ(Update(0, 1), Status::kOk);
  {
    const AtTestPoint point("replace.counted",
                            [&] { EXPECT_EQ(map_->Delete(owners_[0]), Status::kOk); });
    EXPECT_EQ(Replace(1, 2), Status::kNotFound);
  }
  ASSERT_EQ(Update(0, 1), Status::kOk);
  EXPECT_EQ(Held(0), 1U);
}

// All operations at once, on few values, in a map that is often full.
TEST_F(ReplaceRacesTest, AllOperationsMeet) {
  constexpr int kSteps = 5000;
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::atomic<uint64_t> torn{0};
  const auto work = [&](uint64_t number) {
    std::mt19937_64 random(seed + number);
    TypedRef<Proof> ref;
    const auto require_whole = [&](const Proof& proof) {
      if (!proof.IsWhole()) torn.fetch_add(1, std::memory_order_relaxed);
    };
    for (int step = 0; step < kSteps; ++step) {
      ReplacedOwner& owner = owners_[random() % owners_.size()];
      const Proof from = Proof::Of(random() % 20);
      const Proof to = Proof::Of(random() % 20);
      switch (random() % 10) {
        case 0:
        case 1:
          static_cast<void>(map_->Update(owner, from));
          break;
        case 2:
          static_cast<void>(map_->Replace(from, to));
          break;
        case 3:
          static_cast<void>(map_->ReplaceAll([&](Proof& proof) {
            require_whole(proof);
            if (proof.number != from.number) return false;
            proof = to;
            return true;
          }));
          break;
        case 4:
          static_cast<void>(map_->Delete(owner));
          break;
        case 5:
          static_cast<void>(map_->Modify(owner, [&](Proof& proof) {
            require_whole(proof);
            proof = to;
          }));
          break;
        case 6: {
          const ReadSection section;
          const Proof* const found = map_->Get(section, owner);
          if (found == nullptr) break;
          const uint64_t before = found->number;
          std::this_thread::yield();
          require_whole(*found);
          if (found->number != before) torn.fetch_add(1, std::memory_order_relaxed);
          break;
        }
        case 7:
          if (step % 16 == 0) {
            static_cast<void>(map_->Trim());
          } else {
            static_cast<void>(map_->stats());
          }
          break;
        case 8:
          if (map_->Intern(from, &ref) == Status::kOk) static_cast<void>(map_->Assign(owner, ref));
          break;
        default:
          ref.Reset();
          static_cast<void>(map_->bytes().Reclaim());
          break;
      }
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t number = 0; number < 3; ++number) threads.emplace_back(work, number);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn, 0U);
}

// Values only grow: a replacement adds to them, and each owner is updated to higher ones by one
// thread. So a reader can check that a value is whole, and that no owner goes back.
TEST_F(ReplaceRacesTest, ThreadsMeet) {
  constexpr int kSteps = 20'000;
  constexpr uint64_t kStep = 1000;
  std::atomic<uint64_t> wrong{0};
  std::atomic<bool> done{false};
  const auto require = [&](bool right) {
    if (!right) wrong.fetch_add(1, std::memory_order_relaxed);
  };
  for (size_t i = 0; i < owners_.size(); ++i) ASSERT_EQ(Update(i, i % 5), Status::kOk);
  std::vector<std::thread> threads;
  threads.emplace_back([&] {  // replaces
    for (int step = 0; step < kSteps; ++step) {
      const auto change = [](Proof& proof) { proof = Proof::Of(proof.number + kStep); };
      require(map_->ReplaceAll(change) == Status::kOk);
    }
    done = true;
  });
  threads.emplace_back([&] {  // copies what one owner has to another one, and replaces values
    std::mt19937 random(1);
    while (!done) {
      const auto value = map_->Load(owners_[random() % 8]);
      require(value.has_value() && value->IsWhole());
      const size_t to = 8 + random() % 8;
      const Status status = map_->Update(owners_[to], *value);
      require(status == Status::kOk || status == Status::kNoIndexes);
      const Status replaced = map_->Replace(*value, Proof::Of(value->number + kStep));
      require(replaced == Status::kOk || replaced == Status::kNotFound);
    }
  });
  threads.emplace_back([&] {  // reads those that nobody updates
    std::array<uint64_t, 8> last = {};
    while (!done) {
      for (size_t i = 0; i < last.size(); ++i) {
        const ReadSection section;
        const Proof* const value = map_->Get(section, owners_[i]);
        require(value->IsWhole() && value->number >= last[i] && value->number % kStep == i % 5);
        last[i] = value->number;
      }
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
  ExpectSound();
}

}  // namespace
}  // namespace inlay
