#include "tests/capture/refused_calls.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <future>
#include <iterator>
#include <string>
#include <thread>

namespace inlay::capture {
namespace {

// From now on the bpf() of this thread, and of those that it starts, wait for an answer from the
// returned descriptor. Negative on failure.
int Supervise() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {static_cast<uint16_t>(std::size(code)), code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return static_cast<int>(
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
}

// The supervisor is a thread of the same process, so that it can read what the call points to.
void Answer(int listener, const RefusedCall& refused) {
  for (;;) {
    seccomp_notif call = {};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) continue;
    bpf_attr attributes = {};
    std::memcpy(&attributes, reinterpret_cast<const void*>(call.data.args[1]),
                std::min<size_t>(call.data.args[2], sizeof(attributes)));
    const int error = refused(static_cast<uint32_t>(call.data.args[0]), attributes);
    seccomp_notif_resp answer = {};
    answer.id = call.id;
    answer.error = -error;
    answer.flags = error == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

}  // namespace

void WithRefusedCalls(const RefusedCall& refused, const std::function<void()>& test) {
  std::fflush(nullptr);
  const pid_t process = fork();
  if (process == 0) {
    std::promise<int> listener;
    // Started before the filter, which it must not be under.
    std::thread supervisor([&] { Answer(listener.get_future().get(), refused); });
    supervisor.detach();
    const int fd = Supervise();
    if (fd < 0) {
      std::perror("seccomp");
      _exit(3);
    }
    listener.set_value(fd);
    test();
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  waitpid(process, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

RefusedCall NoProgram(std::string_view name_begins, int error) {
  return [name = std::string(name_begins), error](uint32_t command, const bpf_attr& attributes) {
    if (command != BPF_PROG_LOAD) return 0;
    return std::string_view(attributes.prog_name).starts_with(name) ? error : 0;
  };
}

}  // namespace inlay::capture
