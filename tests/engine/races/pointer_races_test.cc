// A get of the pointer layout beside a thread that holds the lock of the owner's storage.

#include <gtest/gtest.h>

#include <memory>

#include "inlay/local_storage.h"
#include "inlay/rcu.h"
#include "tests/engine/races/stopped_thread.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint32_t kPointerValueBytes = 16;

// The value is not in the storage's cache yet: a get finds it in the list, and would put it there
// under the lock.
TEST(PointerRacesTest, AGetDoesNotWaitForTheLockOfTheStorage) {
  LocalStorageDomain domain;
  std::unique_ptr<LocalStorageMap> deleted;
  std::unique_ptr<LocalStorageMap> read;
  const MapOptions options{.value_bytes = kPointerValueBytes};
  ASSERT_EQ(LocalStorageMap::Create(domain, options, &deleted), Status::kOk);
  ASSERT_EQ(LocalStorageMap::Create(domain, options, &read), Status::kOk);
  StoragePointer owner{nullptr};
  const Bytes value = NumberedValue(1, kPointerValueBytes);
  ASSERT_EQ(deleted->Update(owner, value, UpdateFlag::kAny), Status::kOk);
  ASSERT_EQ(read->Update(owner, value, UpdateFlag::kAny), Status::kOk);

  StoppedThread holder("local_storage.delete_locked",
                       [&] { EXPECT_EQ(deleted->Delete(owner), Status::kOk); });
  ASSERT_TRUE(holder.stopped());
  bool waited = false;
  const AtTestPoint waits("word_lock.waits", [&] {
    waited = true;
    holder.Finish();  // or this thread would wait for ever
  });
  {
    const ReadSection section;
    EXPECT_EQ(Copied(read->Get(owner), kPointerValueBytes), value);
  }
  EXPECT_FALSE(waited);
  holder.Finish();
  domain.ReleaseOwner(owner);
}

}  // namespace
}  // namespace inlay
