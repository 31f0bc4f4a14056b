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
#include "inlay/local_storage.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/engine/races/two_value_map.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

// Its private values are in the owner's storage, and not in the map's side table.
struct StorageOwner : PlainOwner<16> {
  StoragePointer pointer;
  StoragePointer& storage_pointer() { return pointer; }
};

// A table of two values, which the first two owners keep. All other values spill.
template <typename Owner>
class SpilledValueRacesTest : public TwoValueMap<Owner> {
 protected:
  SpilledValueRacesTest() {
    for (uint64_t value = 0; value < 2; ++value) this->Update(keepers_[value], value);
  }
  ~SpilledValueRacesTest() override {
    for (Owner* owner : {&keepers_[0], &keepers_[1], &owner_, &child_}) {
      this->store_->Close(*owner);
    }
  }

  // A writer that has stored a private value, and not yet the code that names it.
  std::unique_ptr<StoppedThread> HalfSpilled(uint64_t value, Status* status) {
    return std::make_unique<StoppedThread>("spill.private_put", [this, value, status] {
      *status = this->TryUpdate(owner_, value, UpdateFlag::kExist);
    });
  }

  Owner keepers_[2];
  Owner owner_;
  Owner child_;
};

using KindsOfOwners = testing::Types<PlainOwner<16>, StorageOwner>;
TYPED_TEST_SUITE(SpilledValueRacesTest, KindsOfOwners, );

TYPED_TEST(SpilledValueRacesTest, AChildNeverInheritsAValueThatItsParentNeverHeld) {
  this->Update(this->owner_, 2);
  Status status = Status::kOk;
  std::unique_ptr<StoppedThread> writer;
  {
    // The clone has seen the spilled code. Now the value gets an index, and another writer stores
    // a private value again.
    const AtTestPoint seen("clone.parent_spilled", [&] {
      this->Update(this->owner_, 0);
      writer = this->HalfSpilled(999, &status);
      ASSERT_TRUE(writer->stopped());
    });
    EXPECT_EQ(this->store_->Clone(this->owner_, this->child_), Status::kOk);
  }
  ASSERT_NE(writer, nullptr);
  EXPECT_EQ(this->map_->Delete(this->owner_), Status::kOk);
  writer->Finish();
  EXPECT_EQ(status, Status::kNotFound) << "the writer lost, so nobody ever held its value";
  EXPECT_EQ(this->Get(this->child_), 0U);
}

TYPED_TEST(SpilledValueRacesTest, AGetNeverReturnsAValueThatItsOwnerNeverHeld) {
  this->Update(this->owner_, 2);
  Status status = Status::kOk;
  std::unique_ptr<StoppedThread> writer;
  // The get has seen the spilled code. Now the value gets an index, and another writer stores a
  // private value, which the get finds.
  const AtTestPoint code_read("find_private.begins", [&] {
    std::thread([&] { this->Update(this->owner_, 0); }).join();
    writer = this->HalfSpilled(999, &status);
    ASSERT_TRUE(writer->stopped());
  });
  // That writer loses to a delete. Then a third one wins, so that the code is the spilled one.
  const AtTestPoint value_read("find_private.value_read", [&] {
    std::thread([&] { EXPECT_EQ(this->map_->Delete(this->owner_), Status::kOk); }).join();
    writer->Finish();
    EXPECT_EQ(status, Status::kNotFound);
    std::thread([&] { this->Update(this->owner_, 7); }).join();
  });
  EXPECT_EQ(this->Get(this->owner_), 7U);
  EXPECT_NE(writer, nullptr);
}

TYPED_TEST(SpilledValueRacesTest, AWriterStoresThePrivateValueBeforeItsCode) {
  this->Update(this->owner_, 0);
  Status status = Status::kOk;
  const auto writer = this->HalfSpilled(999, &status);
  ASSERT_TRUE(writer->stopped());
  ASSERT_NE(this->owner_.words.Load(this->map_->field()), this->map_->field().spilled_code());
  EXPECT_EQ(this->Get(this->owner_), 0U);
  writer->Finish();
  EXPECT_EQ(status, Status::kOk);
  EXPECT_EQ(this->Get(this->owner_), 999U);
}

TYPED_TEST(SpilledValueRacesTest, ADeleteOfASpilledOwnerWaitsForAWriterOfIt) {
  this->Update(this->owner_, 2);
  Status status = Status::kOk;
  const auto writer = this->HalfSpilled(999, &status);
  ASSERT_TRUE(writer->stopped());
  Status deleted = Status::kOk;
  StoppedThread deleter("mutex.waits", [&] { deleted = this->map_->Delete(this->owner_); });
  EXPECT_TRUE(deleter.stopped()) << "it took a private value away that a writer was replacing";
  writer->Finish();
  EXPECT_EQ(status, Status::kOk);
  deleter.Finish();
  EXPECT_EQ(deleted, Status::kOk);
  EXPECT_EQ(this->Get(this->owner_), TestFixture::kAbsent);
}

TYPED_TEST(SpilledValueRacesTest, ModifySeesWhatAnotherWriterStoredMeanwhile) {
  this->Update(this->owner_, 2);
  int calls = 0;
  EXPECT_EQ(this->map_->Modify(this->owner_,
                               [&](std::span<std::byte> bytes) {
                                 if (calls++ == 0)
                                   std::thread([&] { this->Update(this->owner_, 100); }).join();
                                 uint64_t value = 0;
                                 std::memcpy(&value, bytes.data(), sizeof(value));
                                 value += 1000;
                                 std::memcpy(bytes.data(), &value, sizeof(value));
                               }),
            Status::kOk);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(this->Get(this->owner_), 1100U);
}

}  // namespace
}  // namespace inlay
