// A fork beside a reader that stays in its section, and a grace period that waits for it.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <semaphore>
#include <string_view>
#include <thread>

#include "engine/sync/test_point.h"
#include "inlay/rcu.h"
#include "tests/print_status.h"
#include "tests/section_elsewhere.h"

namespace inlay {
namespace {

// The reader leaves its section only after the fork.
TEST(ForkRacesTest, AForkDoesNotWaitForEverForAReader) {
  ASSERT_EQ(StartReclaiming(), Status::kOk);
  SectionElsewhere reader;
  std::binary_semaphore waits{0};
  std::thread writer([&] {
    const TestPointHook hook = [&](std::string_view point) {
      if (point == "synchronize.waits") waits.release();
    };
    test_point_hook = &hook;
    Synchronize();
    test_point_hook = nullptr;
  });
  waits.acquire();
  const pid_t child = fork();
  if (child == 0) _exit(0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  reader.End();
  writer.join();
  Synchronize();
}

}  // namespace
}  // namespace inlay
