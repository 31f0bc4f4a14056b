// Children of fork(): they go on with the maps of their parent, reclamation included. Not for
// ThreadSanitizer, which allows no threads in a child.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu/urcu-memb.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <semaphore>
#include <thread>

#include "inlay/index_map.h"
#include "inlay/inline_words.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"
#include "tests/section_elsewhere.h"

namespace inlay {
namespace {

// A child that waits for something that never comes is a failure, not a test that never ends.
constexpr unsigned kChildSeconds = 100;
constexpr uint32_t kForkValueBytes = 16;

template <typename Run>
void ExpectChildSays(bool expected, Run&& run) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(kChildSeconds);
    _exit(run() == expected ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "died of signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

class ForkTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store_), Status::kOk);
    // Few indexes, so that every new value needs one that was reclaimed.
    const MapOptions options{.value_bytes = kForkValueBytes, .width_bits = 3};
    ASSERT_EQ(IndexMap::Create(*store_, options, &map_), Status::kOk);
    ASSERT_TRUE(WriteNewValues());
  }
  void TearDown() override {
    if (store_ != nullptr) store_->Close(owner_);
  }

  // As many values as it takes to use every index several times; waits for indexes to come back.
  bool WriteNewValues() {
    for (int round = 0; round < 40; ++round) {
      const Bytes value = NumberedValue(++written_, kForkValueBytes);
      if (map_->Update(owner_, value, UpdateFlag::kAny) != Status::kOk) return false;
      while (map_->stats().spilled_now > 0) {
        Synchronize();  // and the library's thread brings the owner home
        map_->BringHome(1);
      }
      const ReadSection section;
      if (Copied(map_->Get(owner_), kForkValueBytes) != value) return false;
    }
    return true;
  }
  // In a child: everything works, to the end of the map and the store.
  bool GoesOn() {
    if (!WriteNewValues()) return false;
    const GracePeriod grace = GracePeriod::Start();
    while (!grace.Elapsed()) std::this_thread::yield();
    RetireBarrier();
    bool thread_wrote = false;
    std::thread([&] { thread_wrote = WriteNewValues(); }).join();
    std::string reason;
    const bool is_sound = map_->CheckInvariants(&reason);
    store_->Close(owner_);
    map_.reset();
    store_.reset();
    return thread_wrote && is_sound;
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
  InlineWords<16> owner_;
  uint64_t written_ = 0;
};

TEST_F(ForkTest, AChildGoesOn) {
  ExpectChildSays(true, [this] { return GoesOn(); });
  EXPECT_TRUE(WriteNewValues());
}

TEST_F(ForkTest, AChildOfAChildGoesOn) {
  ExpectChildSays(true, [this] {
    ExpectChildSays(true, [this] { return GoesOn(); });
    return GoesOn() && !HasFailure();
  });
}

// Without a map, whose work in the background could be waiting for the reader.
TEST(ForkWithReadersTest, AChildDoesNotWaitForReadersThatItDoesNotHave) {
  RetireBarrier();
  const SectionElsewhere reader;
  ExpectChildSays(true, [] {
    Synchronize();
    return true;
  });
}

TEST_F(ForkTest, AChildCanExitInsideASection) {
  {
    const ReadSection section;
    ExpectChildSays(true, [] { return InReadSection(); });
  }
  EXPECT_TRUE(WriteNewValues());
}

struct ForkingObject {
  RcuHead head{};
  bool has_forked = false;
  static void Fork(RcuHead* head) {
    ExpectChildSays(true, [] { return true; });
    reinterpret_cast<ForkingObject*>(head)->has_forked = true;
  }
};

TEST_F(ForkTest, AChildCanExitInsideARetireFunction) {
  ForkingObject object;
  Retire<ForkingObject::Fork>(&object.head);
  RetireBarrier();
  EXPECT_TRUE(object.has_forked);
  EXPECT_TRUE(WriteNewValues());
}

// The writer may hold a lock of the map when the process forks, so children write nothing.
TEST_F(ForkTest, ChildrenOfABusyProcessReadAndWait) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) EXPECT_TRUE(WriteNewValues());
  });
  std::thread waiter([&] {
    while (!stop) Synchronize();
  });
  for (int round = 0; round < 50; ++round) {
    ExpectChildSays(true, [this] {
      {
        const ReadSection section;
        if (map_->Get(owner_) == nullptr) return false;
      }
      Synchronize();
      return true;
    });
  }
  stop = true;
  writer.join();
  waiter.join();
}

// --- programs that use liburcu themselves

TEST(LiburcuTest, AThreadThatTheProgramHasRegisteredIsLeftToIt) {
  std::thread([] {
    urcu_memb_register_thread();
    {
      const ReadSection section;
      EXPECT_TRUE(InReadSection());
    }
    Synchronize();
    urcu_memb_unregister_thread();
  }).join();
  Synchronize();
}

TEST(LiburcuTest, AThreadMayLeaveItselfRegisteredUntilItExits) {
  for (int round = 0; round < 3; ++round) {
    std::thread([] { const ReadSection section; }).join();
    Synchronize();
  }
}

}  // namespace
}  // namespace inlay
