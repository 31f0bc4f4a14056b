#include "inlay/rcu.h"

#include <gtest/gtest.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <semaphore>
#include <thread>
#include <vector>

#include "tests/section_elsewhere.h"

namespace inlay {
namespace {

using std::chrono::milliseconds;

std::atomic<int> reclaimed{0};

struct Object {
  RcuHead head{};
  int value = 42;
};
void ReclaimObject(RcuHead* head) {
  delete reinterpret_cast<Object*>(head);
  ++reclaimed;
}

TEST(RcuTest, InReadSectionKnowsNesting) {
  EXPECT_FALSE(InReadSection());
  {
    ReadSection outer;
    EXPECT_TRUE(InReadSection());
    {
      ReadSection inner;
      EXPECT_TRUE(InReadSection());
    }
    EXPECT_TRUE(InReadSection());
    std::thread([] { EXPECT_FALSE(InReadSection()) << "a section belongs to its thread"; }).join();
  }
  EXPECT_FALSE(InReadSection());
}

// A section is a change of the thread's word, wherever it is compiled.
TEST(RcuTest, ASectionNeedsNoCall) {
#if defined(INLAY_TSAN)
  GTEST_SKIP() << "ThreadSanitizer must see the calls";
#endif
  const auto commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  if (commands < 0 || (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0) {
    GTEST_SKIP() << "membarrier(2) does not work here: a section needs fences";
  }
  { ReadSection registers; }
  const uint64_t* const sections = rcu_internal::inlay_thread_reader.sections;
  ASSERT_NE(sections, nullptr);
  const auto open = [sections] { return *sections & rcu_internal::kSectionsMask; };
  EXPECT_EQ(open(), 0U);
  {
    ReadSection outer;
    EXPECT_EQ(open(), 1U);
    {
      ReadSection inner;
      EXPECT_EQ(open(), 2U);
      rcu_internal::ReadLock();  // both kinds count in the same word
      EXPECT_EQ(open(), 3U);
      rcu_internal::ReadUnlock();
    }
    EXPECT_EQ(open(), 1U);
    EXPECT_TRUE(InReadSection());
  }
  EXPECT_EQ(open(), 0U);
  std::thread([sections] {
    { ReadSection registers; }
    EXPECT_NE(rcu_internal::inlay_thread_reader.sections, sections);
  }).join();
}

// The destructor of a key unregisters a thread that ends. Those of later keys may still read.
TEST(RcuTest, TheLastDestructorsOfAThreadMayRead) {
  { ReadSection makes_the_key; }
  static std::atomic<int> in_section;
  in_section = 0;
  pthread_key_t key{};
  ASSERT_EQ(pthread_key_create(&key,
                               [](void*) {
                                 const ReadSection section;
                                 in_section += InReadSection() ? 1 : 0;
                               }),
            0);
  std::thread([key] {
    pthread_setspecific(key, &in_section);
    const ReadSection section;
  }).join();
  EXPECT_EQ(in_section, 1);
  Synchronize();  // would wait for ever for a thread that is gone and registered
  pthread_key_delete(key);
}

TEST(RcuTest, ManyShortThreadsRegisterAndLeave) {
  for (int round = 0; round < 100; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([t] {
        if (t % 2 == 0) ReadSection section;
        if (t == 3) Retire<ReclaimObject>(&(new Object)->head);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  Synchronize();  // would wait forever for a thread that exited without unregistering
  RetireBarrier();
}

TEST(RcuTest, RetireRunsAfterTheReadersThatWereThere) {
  RetireBarrier();
  const int before = reclaimed;
  auto* const object = new Object;
  SectionElsewhere reader;
  Retire<ReclaimObject>(&object->head);
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_EQ(reclaimed, before);
  EXPECT_EQ(object->value, 42);
  reader.End();
  RetireBarrier();
  EXPECT_EQ(reclaimed, before + 1);
}

TEST(RcuTest, RetireIsAllowedInAReadSection) {
  RetireBarrier();
  const int before = reclaimed;
  {
    ReadSection section;
    for (int i = 0; i < 100; ++i) Retire<ReclaimObject>(&(new Object)->head);
  }
  RetireBarrier();
  EXPECT_EQ(reclaimed, before + 100);
}

TEST(RcuTest, SynchronizeWaitsForTheReadersThatWereThere) {
  SectionElsewhere reader;
  std::atomic<bool> returned{false};
  std::thread waiter([&] {
    Synchronize();
    returned = true;
  });
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_FALSE(returned);
  reader.End();
  waiter.join();
  EXPECT_TRUE(returned);
}

// The first section of a thread is a call, and later ones are not.
TEST(RcuTest, TheEndOfALaterSectionWakesTheGracePeriodToo) {
  std::binary_semaphore entered{0};
  std::binary_semaphore leave{0};
  std::thread reader([&] {
    { ReadSection first; }
    const ReadSection later;
    entered.release();
    leave.acquire();
  });
  entered.acquire();
  std::atomic<bool> returned{false};
  std::thread waiter([&] {
    Synchronize();
    returned = true;
  });
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_FALSE(returned);
  leave.release();
  reader.join();
  waiter.join();
}

TEST(RcuTest, ANestedSectionEndsWithTheOuterOne) {
  std::binary_semaphore inner_ended{0};
  std::binary_semaphore leave{0};
  std::thread reader([&] {
    ReadSection outer;
    { ReadSection inner; }
    inner_ended.release();
    leave.acquire();
  });
  inner_ended.acquire();
  const GracePeriod grace = GracePeriod::Start();
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_FALSE(grace.Elapsed());
  leave.release();
  reader.join();
  Synchronize();
  EXPECT_TRUE(grace.Elapsed());
}

TEST(GracePeriodTest, DoesNotElapseWhileAnOldReaderIsThere) {
  SectionElsewhere reader;
  const GracePeriod grace = GracePeriod::Start();
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(grace.Elapsed());
    std::this_thread::sleep_for(milliseconds(3));
  }
  reader.End();
  Synchronize();
  EXPECT_TRUE(grace.Elapsed());
}

TEST(GracePeriodTest, ElapsesByItself) {
  const GracePeriod grace = GracePeriod::Start();
  for (int i = 0; i < 2000 && !grace.Elapsed(); ++i) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_TRUE(grace.Elapsed());
}

TEST(GracePeriodTest, AGracePeriodUnderWayIsNotEnough) {
  SectionElsewhere first;
  const GracePeriod earlier = GracePeriod::Start();
  SectionElsewhere second;  // the current grace period does not wait for it
  const GracePeriod later = GracePeriod::Start();
  first.End();
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_FALSE(later.Elapsed());
  second.End();
  Synchronize();
  EXPECT_TRUE(earlier.Elapsed());
  EXPECT_TRUE(later.Elapsed());
}

TEST(GracePeriodTest, StartedInsideAReadSectionIsHeldUpByIt) {
  ReadSection section;
  const GracePeriod grace = GracePeriod::Start();
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_FALSE(grace.Elapsed());
}

struct Checked {
  RcuHead head{};
  std::atomic<int> alive{1};
};
void ReclaimChecked(RcuHead* head) {
  auto* const object = reinterpret_cast<Checked*>(head);
  object->alive.store(0, std::memory_order_relaxed);
  delete object;
}

// One writer replaces an object; readers must never see a reclaimed one.
TEST(RcuTest, ReadersNeverSeeAReclaimedObject) {
  std::atomic<Checked*> current{new Checked};
  std::atomic<bool> done{false};
  std::atomic<int> dead_seen{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      while (!done) {
        ReadSection section;
        const Checked* const seen = current.load(std::memory_order_acquire);
        for (int i = 0; i < 20; ++i) {
          if (seen->alive.load(std::memory_order_relaxed) != 1) ++dead_seen;
        }
      }
    });
  }
  for (int i = 0; i < 3000; ++i) {
    Checked* const old = current.exchange(new Checked, std::memory_order_acq_rel);
    Retire<ReclaimChecked>(&old->head);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  RetireBarrier();
  EXPECT_EQ(dead_seen, 0);
  delete current.load();
}

}  // namespace
}  // namespace inlay
