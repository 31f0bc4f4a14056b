// HeldProcesses: child processes of a demonstration, which open sockets and hold them. They end
// with this object, and with this process, however that ends.

#ifndef INLAY_TOOLS_DEMO_LIVE_HELD_PROCESSES_H_
#define INLAY_TOOLS_DEMO_LIVE_HELD_PROCESSES_H_

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace inlay {

class HeldProcesses {
 public:
  HeldProcesses() = default;
  HeldProcesses(const HeldProcesses&) = delete;
  HeldProcesses& operator=(const HeldProcesses&) = delete;
  ~HeldProcesses() {
    for (const pid_t process : processes_) kill(process, SIGKILL);
    for (const pid_t process : processes_) {
      while (waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }

  // Calls open() in a new process, under another name for every process, and returns when that has
  // returned. Throws if it throws there.
  template <typename Open>
  void Start(Open&& open) {
    int ready[2];
    if (pipe(ready) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    const pid_t process = fork();
    if (process < 0) throw std::system_error(errno, std::generic_category(), "cannot fork");
    if (process == 0) Hold(ready[1], open);
    processes_.push_back(process);
    close(ready[1]);
    char good = 0;
    const bool told = read(ready[0], &good, 1) == 1;
    close(ready[0]);
    if (!told || good == 0) throw std::runtime_error("a process could not open its sockets");
  }

  size_t count() const { return processes_.size(); }

 private:
  template <typename Open>
  [[noreturn]] void Hold(int ready, Open& open) {
    static constexpr std::array kNames = {"nginx",    "envoy", "redis-server",
                                          "postgres", "node",  "java"};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const int signal : {SIGHUP, SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
    prctl(PR_SET_NAME, kNames[processes_.size() % kNames.size()]);
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    char good = 0;
    try {
      open();
      good = 1;
    } catch (const std::exception& failed) {
      std::fprintf(stderr, "%s\n", failed.what());
    }
    if (write(ready, &good, 1) != 1 || good == 0) _exit(1);
    for (;;) pause();
  }

  std::vector<pid_t> processes_;
};

}  // namespace inlay

#endif  // INLAY_TOOLS_DEMO_LIVE_HELD_PROCESSES_H_
