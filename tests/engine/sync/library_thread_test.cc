// The library's thread takes no signals: they are the program's.

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay {
namespace {

std::atomic<int> signals_taken{0};

// What the library's thread says of itself.
struct ThreadsWord {
  RcuHead head{};
  sigset_t blocked{};
  pid_t thread = 0;
  std::atomic<bool> is_said{false};
};
void Say(RcuHead* head) {
  auto* const word = reinterpret_cast<ThreadsWord*>(head);
  pthread_sigmask(SIG_BLOCK, nullptr, &word->blocked);
  word->thread = gettid();
  word->is_said = true;
  word->is_said.notify_one();
}
void AskTheThread(ThreadsWord* word) {
  Retire<Say>(&word->head);
  word->is_said.wait(false);
  RetireBarrier();  // Say() has returned
}

TEST(LibraryThreadTest, BlocksAllSignals) {
  ASSERT_EQ(StartReclaiming(), Status::kOk);
  ThreadsWord word;
  AskTheThread(&word);
  EXPECT_NE(word.thread, gettid());
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    const bool can_be_blocked = signal != SIGKILL && signal != SIGSTOP &&
                                (signal < 32 || signal >= SIGRTMIN);  // between: of the C library
    EXPECT_TRUE(!can_be_blocked || sigismember(&word.blocked, signal) == 1) << signal;
  }
}

// The other threads of the program block it as well.
TEST(LibraryThreadTest, ASignalToTheProcessStaysPending) {
  ASSERT_EQ(StartReclaiming(), Status::kOk);
  sigset_t usr1;
  sigset_t before;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &usr1, &before), 0);
  struct sigaction count = {};
  struct sigaction old_action = {};
  count.sa_handler = [](int) { ++signals_taken; };
  ASSERT_EQ(sigaction(SIGUSR1, &count, &old_action), 0);
  signals_taken = 0;

  ASSERT_EQ(kill(getpid(), SIGUSR1), 0);
  ThreadsWord word;
  AskTheThread(&word);  // it has come from the kernel since, and would have taken the signal
  EXPECT_EQ(signals_taken, 0);
  sigset_t pending;
  ASSERT_EQ(sigpending(&pending), 0);
  EXPECT_EQ(sigismember(&pending, SIGUSR1), 1);
  if (signals_taken == 0) {
    int taken = 0;
    EXPECT_EQ(sigwait(&usr1, &taken), 0);
    EXPECT_EQ(taken, SIGUSR1);
  }
  EXPECT_EQ(sigaction(SIGUSR1, &old_action, nullptr), 0);
  EXPECT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
}

}  // namespace
}  // namespace inlay
