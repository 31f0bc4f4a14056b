// A process that saves is killed at any moment: the file is always one of the whole states, and
// never one before the last save that had ended.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

#include "tests/engine/snapshots/snapshot_fixture.h"

namespace inlay {
namespace {

constexpr size_t kKilledOwners = 3000;
constexpr int kKills = 200;

class SnapshotKillTest : public SnapshotTest {
 protected:
  // What the child tells, in memory that outlives it.
  struct Told {
    std::atomic<uint64_t> begun;
    std::atomic<uint64_t> ended;
  };
  void SetUp() override {
    SnapshotTest::SetUp();
    void* const shared =
        mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(shared, MAP_FAILED);
    told_ = new (shared) Told{};
  }
  void TearDown() override {
    munmap(told_, sizeof(Told));
    SnapshotTest::TearDown();
  }

  static MapOptions Options() {
    return {.name = "killed", .value_bytes = 32, .width_bits = 10, .background = false};
  }

  // In state n, owner i has the value n * 512 + i % 300.
  [[noreturn]] void SaveForEver(uint64_t state) {
    SavedOwners owners(Options(), kKilledOwners);
    for (;; ++state) {
      for (size_t owner = 0; owner < kKilledOwners; ++owner) {
        if (owners.Put(owner, state * 512 + owner % 300) != Status::kOk) _exit(1);
      }
      told_->begun = state;
      if (owners.Save(path_, nullptr) != Status::kOk) _exit(2);
      told_->ended = state;
    }
  }

  Told* told_ = nullptr;
};

TEST_F(SnapshotKillTest, TheFileIsAlwaysAWholeState) {
  uint64_t seed = std::random_device()();
  if (const char* const given = std::getenv("INLAY_TEST_SEED")) {
    seed = std::strtoull(given, nullptr, 10);
  }
  std::printf("seed %llu (INLAY_TEST_SEED)\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  uint64_t last = 1;
  {
    SavedOwners owners(Options(), kKilledOwners);
    for (size_t owner = 0; owner < kKilledOwners; ++owner) {
      ASSERT_EQ(owners.Put(owner, last * 512 + owner % 300), Status::kOk);
    }
    ASSERT_EQ(owners.Save(path_, &error_), Status::kOk) << error_;
    told_->begun = told_->ended = last;
  }
  for (int kill_number = 0; kill_number < kKills; ++kill_number) {
    SCOPED_TRACE(kill_number);
    const uint64_t first = last + 1;
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) SaveForEver(first);
    // Half of them die in their first save, the others later.
    while ((kill_number % 2 == 0 ? told_->begun : told_->ended) < first) {
      ASSERT_EQ(waitpid(child, nullptr, WNOHANG), 0) << "the child cannot save";
      std::this_thread::yield();
    }
    // Whenever it dies, the file must be sound: the time only chooses where.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int how = 0;
    ASSERT_EQ(waitpid(child, &how, 0), child);
    ASSERT_TRUE(WIFSIGNALED(how)) << "exit code " << WEXITSTATUS(how);

    const uint64_t ended = told_->ended;
    SavedOwners loaded(Options(), kKilledOwners);
    LoadResult result;
    const Status status = loaded.Load(path_, {.owners_are_new = true}, &result, &error_);
    ASSERT_EQ(status, Status::kOk) << error_;
    ASSERT_EQ(result.owners, kKilledOwners);
    uint64_t number = 0;
    std::memcpy(&number, loaded.Held(0).data(), sizeof(number));
    const uint64_t state = number / 512;
    ASSERT_GE(state, ended) << "a save that had ended is lost";
    ASSERT_LE(state, told_->begun);
    for (size_t owner = 0; owner < kKilledOwners; ++owner) {
      ASSERT_EQ(loaded.Held(owner), NumberedValue(state * 512 + owner % 300, 32));
    }
    ASSERT_LE(FilesInFolder(), 2U) << "what killed saves leave behind does not gather";
    last = told_->begun;
  }
  EXPECT_GT(told_->ended, static_cast<uint64_t>(kKills) / 2);
}

}  // namespace
}  // namespace inlay
