#include "tools/capture/system/net_namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "tools/capture/system/capabilities.h"

namespace inlay::capture {

std::vector<live_kernel::FileDescriptor> OpenNetNamespaces(size_t* refused) {
  std::vector<live_kernel::FileDescriptor> found;
  std::set<std::pair<dev_t, ino_t>> seen;
  *refused = 0;
  const auto add = [&](const std::string& path) {
    struct stat about = {};
    if (stat(path.c_str(), &about) != 0) {
      if (errno == EACCES || errno == EPERM) ++*refused;
      return;  // or it has ended
    }
    const std::pair<dev_t, ino_t> id(about.st_dev, about.st_ino);
    if (seen.contains(id)) return;
    live_kernel::FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.ok()) {
      found.push_back(std::move(fd));
      seen.insert(id);
    } else if (errno != ENOENT && errno != ESRCH) {
      ++*refused;
    }
  };
  add("/proc/self/ns/net");
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", unreadable)) {
    const std::string name = entry.path().filename();
    if (std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); })) {
      add(entry.path() / "ns/net");
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator("/run/netns", unreadable)) {
    add(entry.path());
  }
  return found;
}

absl::Status InNetNamespace(const live_kernel::FileDescriptor& net_namespace,
                            const std::function<absl::Status()>& function) {
  absl::Status status;
  std::thread([&] {
    status = setns(net_namespace.get(), CLONE_NEWNET) == 0
                 ? function()
                 : CallFailed("entering a network namespace", errno, {Capability::kSysAdmin});
  }).join();
  return status;
}

}  // namespace inlay::capture
