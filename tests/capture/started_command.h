// The built `inlay` command as a process of its own, for tests that send it signals. Nothing here
// depends on the load of the machine: it waits for events, never for a time.

#ifndef INLAY_TESTS_CAPTURE_STARTED_COMMAND_H_
#define INLAY_TESTS_CAPTURE_STARTED_COMMAND_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace inlay::capture {

// Polls until it is true. After a minute it fails the test and returns false.
bool Eventually(const std::function<bool()>& condition);

class StartedCommand {
 public:
  struct Options {
    int ignored = 0;      // a signal that the command inherits as ignored
    bool traced = false;  // stopped before its first instruction, and at every system call
  };

  explicit StartedCommand(const std::vector<std::string>& arguments)
      : StartedCommand(arguments, {}) {}
  StartedCommand(const std::vector<std::string>& arguments, const Options& options);
  // Kills it if it still runs.
  ~StartedCommand();
  StartedCommand(const StartedCommand&) = delete;
  StartedCommand& operator=(const StartedCommand&) = delete;

  pid_t pid() const { return pid_; }
  // To the main thread; takes effect when a traced command runs on.
  void Signal(int signal) const;
  // Lets it run to its end, and returns the status of waitpid(). After a minute it kills the
  // command and fails the test.
  int Wait();

  // Traced commands only: runs until the main thread enters or leaves a system call. False: it has
  // ended, and Wait() has its status.
  bool RunToSystemCall();

 private:
  pid_t pid_ = -1;
  bool traced_ = false;
  int undelivered_ = 0;  // a signal for which it is stopped
  std::optional<int> status_;
};

bool ExitedWith(int code, int status);
bool EndedBySignal(int signal, int status);

}  // namespace inlay::capture

#endif  // INLAY_TESTS_CAPTURE_STARTED_COMMAND_H_
