#include "tests/capture/started_command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "engine/live_kernel/file_descriptor.h"
#include "tests/capture/program_paths.h"

namespace inlay::capture {
namespace {

constexpr std::chrono::minutes kPatience(1);

[[noreturn]] void RunCommand(std::vector<char*> words, const StartedCommand::Options& options) {
  if (options.ignored != 0) std::signal(options.ignored, SIG_IGN);
  const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(null, STDERR_FILENO);
  if (options.traced) {
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // which traces, and cannot where another does
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
  }
  execv(INLAY_COMMAND, words.data());
  _exit(126);
}

}  // namespace

bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) {
      ADD_FAILURE() << "it does not become true";
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

StartedCommand::StartedCommand(const std::vector<std::string>& arguments, const Options& options)
    : traced_(options.traced) {
  std::vector<char*> words = {const_cast<char*>("inlay")};
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) RunCommand(std::move(words), options);
  EXPECT_GT(pid_, 0);
  if (!traced_) return;
  int status = 0;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  EXPECT_TRUE(WIFSTOPPED(status)) << status;
  constexpr int kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  EXPECT_EQ(ptrace(PTRACE_SETOPTIONS, pid_, nullptr, kOptions), 0);
}

StartedCommand::~StartedCommand() {
  if (status_.has_value()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void StartedCommand::Signal(int signal) const {
  EXPECT_EQ(syscall(SYS_tgkill, pid_, pid_, signal), 0);
}

bool StartedCommand::RunToSystemCall() {
  while (!status_.has_value()) {
    int status = 0;
    if (ptrace(PTRACE_SYSCALL, pid_, nullptr, undelivered_) != 0 ||
        waitpid(pid_, &status, 0) != pid_) {
      ADD_FAILURE() << "it cannot be traced";
      return false;
    }
    undelivered_ = 0;
    if (!WIFSTOPPED(status)) {
      status_ = status;
    } else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
      return true;
    } else if (WSTOPSIG(status) != SIGTRAP) {  // that is exec()
      undelivered_ = WSTOPSIG(status);
    }
  }
  return false;
}

int StartedCommand::Wait() {
  if (status_.has_value()) return *status_;
  if (traced_) {
    EXPECT_EQ(ptrace(PTRACE_DETACH, pid_, nullptr, undelivered_), 0);
    traced_ = false;
  }
  const live_kernel::FileDescriptor end(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  pollfd ended = {end.get(), POLLIN, 0};
  constexpr auto kMilliseconds = std::chrono::milliseconds(kPatience).count();
  if (poll(&ended, 1, static_cast<int>(kMilliseconds)) != 1) {
    ADD_FAILURE() << "it does not end";
    kill(pid_, SIGKILL);
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  status_ = status;
  return status;
}

bool ExitedWith(int code, int status) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }

bool EndedBySignal(int signal, int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

}  // namespace inlay::capture
