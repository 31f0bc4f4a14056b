// Reader sections in C: inlined, and the same sections as those of the library's functions.

#include <inlay/inlay.h>

#include "tests/c_api/check.h"

#if defined(INLAY_INLINES_SECTIONS)
// How many sections of this thread are open.
static unsigned Open(void) {
  return (unsigned)(__atomic_load_n(inlay_thread_reader.sections, __ATOMIC_RELAXED) &
                    INLAY_SECTIONS_MASK);
}

// Calls the library's functions, whatever the compiler inlines.
static void (*volatile lock_by_call)(void) = inlay_read_lock;
static void (*volatile unlock_by_call)(void) = inlay_read_unlock;

static void TestFirstSectionRegistersTheThread(void) {
  CHECK(inlay_thread_reader.sections == NULL);
  inlay_read_lock();
  CHECK(inlay_thread_reader.sections != NULL);
  CHECK_EQUAL(Open(), 1);
  inlay_read_unlock();
  CHECK_EQUAL(Open(), 0);
}

static void TestNest(void) {
  inlay_read_lock();
  inlay_read_lock();
  CHECK_EQUAL(Open(), 2);
  lock_by_call();
  CHECK_EQUAL(Open(), 3);
  inlay_read_unlock();
  unlock_by_call();
  CHECK_EQUAL(Open(), 1);
  inlay_read_unlock();
  CHECK_EQUAL(Open(), 0);
}

// A section begins in the present grace period, and none that has ended holds the next one up.
static void TestGracePeriods(void) {
  int round;
  for (round = 0; round < 3; ++round) {
    inlay_read_lock();
    CHECK_EQUAL(*inlay_thread_reader.sections, *inlay_thread_reader.grace_period);
    inlay_read_unlock();
    inlay_synchronize();
  }
}
#endif

int main(void) {
#if defined(INLAY_INLINES_SECTIONS)
  TestFirstSectionRegistersTheThread();
  // Without membarrier(2) each section is a call.
  if (inlay_thread_reader.sections != NULL) {
    TestNest();
    TestGracePeriods();
  }
#elif !defined(__SANITIZE_THREAD__) && !defined(INLAY_SECTIONS_ARE_CALLS)
  CHECK(!"sections are inlined in C11");
#endif
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
