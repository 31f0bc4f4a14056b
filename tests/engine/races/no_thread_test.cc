// A system that allows no further thread (a cgroup's pids.max): an executable of its own, since the
// library's thread must not run yet.

#include <gtest/gtest.h>

#include <memory>

#include "engine/sync/test_point.h"
#include "inlay/emulated/socket.h"
#include "inlay/local_storage.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "inlay/value_table.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

int reclaimed = 0;
struct Object {
  RcuHead head{};
};
void Reclaim(RcuHead* head) {
  delete reinterpret_cast<Object*>(head);
  ++reclaimed;
}

TEST(NoThreadTest, CreationFailsAndNothingElseDoes) {
  test_refuses_threads = true;
  EXPECT_EQ(StartReclaiming(), Status::kNoMemory);
  std::unique_ptr<Store> store;
  EXPECT_EQ(Store::Create({}, &store), Status::kNoMemory);
  EXPECT_EQ(store, nullptr);
  std::unique_ptr<ValueTable> table;
  EXPECT_EQ(ValueTable::Create({.value_bytes = 8}, &table), Status::kNoMemory);
  std::unique_ptr<SocketTable> sockets;
  EXPECT_EQ(SocketTable::Create({}, &sockets), Status::kNoMemory);

  // Grace periods work without the thread, for a caller that waits.
  Retire<Reclaim>(&(new Object)->head);
  const GracePeriod grace = GracePeriod::Start();
  EXPECT_FALSE(grace.Elapsed());
  RetireBarrier();
  EXPECT_EQ(reclaimed, 1);
  EXPECT_TRUE(grace.Elapsed());

  // Waiting objects are not lost when a thread is allowed again.
  Retire<Reclaim>(&(new Object)->head);
  test_refuses_threads = false;
  EXPECT_EQ(Store::Create({}, &store), Status::kOk);
  EXPECT_EQ(SocketTable::Create({}, &sockets), Status::kOk);
  RetireBarrier();
  EXPECT_EQ(reclaimed, 2);
}

}  // namespace
}  // namespace inlay
