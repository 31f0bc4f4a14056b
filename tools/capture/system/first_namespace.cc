#include "tools/capture/system/first_namespace.h"

#include <unistd.h>

#include <string_view>

namespace inlay::capture {
namespace {

bool LinksTo(const char* path, std::string_view expected, bool if_not_known) {
  char name[64] = {};
  const ssize_t bytes = readlink(path, name, sizeof(name) - 1);
  if (bytes <= 0) return if_not_known;
  return std::string_view(name, static_cast<size_t>(bytes)) == expected;
}

}  // namespace

// The inodes of the initial namespaces are fixed (PROC_PID_INIT_INO, PROC_USER_INIT_INO of
// linux/proc_ns.h).
bool InFirstPidNamespace() { return LinksTo("/proc/self/ns/pid", "pid:[4026531836]", false); }
bool InFirstUserNamespace() { return LinksTo("/proc/self/ns/user", "user:[4026531837]", true); }

}  // namespace inlay::capture
