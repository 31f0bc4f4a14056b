// RunInOwnProcess: runs a measurement in a process of its own, so that it leaves nothing for the
// next one.

#ifndef INLAY_BENCH_OWN_PROCESS_H_
#define INLAY_BENCH_OWN_PROCESS_H_

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <type_traits>

namespace inlay::bench {

// Sets *result to what run() returns in a copy of this process, and returns true; false if the copy
// cannot be made, or ends otherwise. REQUIRES: the calling process has one thread only, so it must
// not have used anything of inlay/rcu.h.
template <typename Result, typename Run>
bool RunInOwnProcess(Result* result, Run&& run) {
  static_assert(std::is_trivially_copyable_v<Result>);
  int ends[2];
  if (pipe(ends) != 0) return false;
  std::fflush(nullptr);  // otherwise the copy would write the buffers again
  const pid_t child = fork();
  if (child == 0) {
    const Result made = run();
    // It fits into an empty pipe, so one write() takes all of it.
    static_assert(sizeof(Result) <= 4096);
    const bool written = write(ends[1], &made, sizeof(made)) == ssize_t{sizeof(made)};
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  Result made;
  ssize_t count = -1;
  if (child > 0) {
    do {
      count = read(ends[0], &made, sizeof(made));
    } while (count < 0 && errno == EINTR);
  }
  close(ends[0]);
  int status = 1;
  if (child > 0) {
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (child < 0 || status != 0 || count != ssize_t{sizeof(made)}) return false;
  *result = made;
  return true;
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_OWN_PROCESS_H_
