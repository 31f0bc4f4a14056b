// Readers, writers and clones of an owner that spills, in the orders that matter. Test points force
// every order, so these tests are deterministic.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/engine/races/two_value_map.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct Owner {
  InlineWords<16> words;
  InlineWords<16>& inline_words() { return words; }
  const InlineWords<16>& inline_words() const { return words; }
};

// A table of two values, which the first two owners keep. All other values spill.
class SpilledValueRacesTest : public TwoValueMap<Owner> {
 protected:
  SpilledValueRacesTest() {
    for (uint64_t value = 0; value < 2; ++value) Update(keepers_[value], value);
  }
  ~SpilledValueRacesTest() override {
    for (Owner* owner : {&keepers_[0], &keepers_[1], &owner_, &child_}) store_->Close(*owner);
  }

  // A writer that has stored a private value, and not yet the code that names it.
  std::unique_ptr<StoppedThread> HalfSpilled(uint64_t value, Status* status) {
    return std::make_unique<StoppedThread>("spill.private_put", [this, value, status] {
      *status = TryUpdate(owner_, value, UpdateFlag::kExist);
    });
  }

  Owner keepers_[2];
  Owner owner_;
  Owner child_;
};

TEST_F(SpilledValueRacesTest, AChildNeverInheritsAValueThatItsParentNeverHeld) {
  Update(owner_, 2);
  Status status = Status::kOk;
  std::unique_ptr<StoppedThread> writer;
  {
    // The clone has seen the spilled code. Now the value gets an index, and another writer stores
    // a private value again.
    const AtTestPoint seen("clone.parent_spilled", [&] {
      Update(owner_, 0);
      writer = HalfSpilled(999, &status);
      ASSERT_TRUE(writer->stopped());
    });
    EXPECT_EQ(store_->Clone(owner_, child_), Status::kOk);
  }
  ASSERT_NE(writer, nullptr);
  EXPECT_EQ(map_->Delete(owner_), Status::kOk);
  writer->Finish();
  EXPECT_EQ(status, Status::kNotFound) << "the writer lost, so nobody ever held its value";
  EXPECT_EQ(Get(child_), 0U);
}

TEST_F(SpilledValueRacesTest, AGetNeverReturnsAValueThatItsOwnerNeverHeld) {
  Update(owner_, 2);
  Status status = Status::kOk;
  std::unique_ptr<StoppedThread> writer;
  // The get has seen the spilled code. Now the value gets an index, and another writer stores a
  // private value, which the get finds.
  const AtTestPoint code_read("find_private.begins", [&] {
    std::thread([&] { Update(owner_, 0); }).join();
    writer = HalfSpilled(999, &status);
    ASSERT_TRUE(writer->stopped());
  });
  // That writer loses to a delete. Then a third one wins, so that the code is the spilled one.
  const AtTestPoint value_read("find_private.value_read", [&] {
    std::thread([&] { EXPECT_EQ(map_->Delete(owner_), Status::kOk); }).join();
    writer->Finish();
    EXPECT_EQ(status, Status::kNotFound);
    std::thread([&] { Update(owner_, 7); }).join();
  });
  EXPECT_EQ(Get(owner_), 7U);
  EXPECT_NE(writer, nullptr);
}

TEST_F(SpilledValueRacesTest, AWriterStoresThePrivateValueBeforeItsCode) {
  Update(owner_, 0);
  Status status = Status::kOk;
  const auto writer = HalfSpilled(999, &status);
  ASSERT_TRUE(writer->stopped());
  ASSERT_NE(owner_.words.Load(map_->field()), map_->field().spilled_code());
  EXPECT_EQ(Get(owner_), 0U);
  writer->Finish();
  EXPECT_EQ(status, Status::kOk);
  EXPECT_EQ(Get(owner_), 999U);
}

TEST_F(SpilledValueRacesTest, ADeleteOfASpilledOwnerWaitsForAWriterOfIt) {
  Update(owner_, 2);
  Status status = Status::kOk;
  const auto writer = HalfSpilled(999, &status);
  ASSERT_TRUE(writer->stopped());
  Status deleted = Status::kOk;
  StoppedThread deleter("mutex.waits", [&] { deleted = map_->Delete(owner_); });
  EXPECT_TRUE(deleter.stopped()) << "it took a private value away that a writer was replacing";
  writer->Finish();
  EXPECT_EQ(status, Status::kOk);
  deleter.Finish();
  EXPECT_EQ(deleted, Status::kOk);
  EXPECT_EQ(Get(owner_), kAbsent);
}

TEST_F(SpilledValueRacesTest, ModifySeesWhatAnotherWriterStoredMeanwhile) {
  Update(owner_, 2);
  int calls = 0;
  EXPECT_EQ(map_->Modify(owner_,
                         [&](std::span<std::byte> bytes) {
                           if (calls++ == 0) std::thread([&] { Update(owner_, 100); }).join();
                           uint64_t value = 0;
                           std::memcpy(&value, bytes.data(), sizeof(value));
                           value += 1000;
                           std::memcpy(bytes.data(), &value, sizeof(value));
                         }),
            Status::kOk);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(Get(owner_), 1100U);
}

}  // namespace
}  // namespace inlay
