// FailEachAllocation: fails the first allocation of an operation, then the second, and so on until
// the operation succeeds. It needs no count, so a change of the engine's allocations cannot make it
// skip one. Checks guarantee V4.

#ifndef INLAY_TESTS_FAILING_ALLOCATIONS_H_
#define INLAY_TESTS_FAILING_ALLOCATIONS_H_

#include <gtest/gtest.h>

#include "engine/memory/allocate.h"
#include "inlay/status.h"
#include "tests/print_status.h"

namespace inlay {

// Calls `attempt` (which returns a Status) with one more allocation allowed each time, until it
// returns another status than kNoMemory. Calls `unchanged` after each failure, with all allocations
// allowed. Returns the number of failures.
template <typename Attempt, typename Unchanged>
int FailEachAllocation(Attempt&& attempt, Unchanged&& unchanged) {
  constexpr int kTooMany = 1000;
  for (int allowed = 0; allowed < kTooMany; ++allowed) {
    SetAllocationsLeftForTest(allowed);
    const Status status = attempt();
    SetAllocationsLeftForTest(-1);
    if (status != Status::kNoMemory) {
      EXPECT_EQ(status, Status::kOk);
      return allowed;
    }
    SCOPED_TRACE(testing::Message() << "with " << allowed << " allocations allowed");
    unchanged();
    if (testing::Test::HasFatalFailure()) return allowed;
  }
  ADD_FAILURE() << "the operation never succeeds";
  return kTooMany;
}

}  // namespace inlay

#endif  // INLAY_TESTS_FAILING_ALLOCATIONS_H_
