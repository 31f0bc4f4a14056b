#include "engine/live_maps/network_namespaces.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <system_error>
#include <utility>

namespace inlay {
namespace {

using live_kernel::FileDescriptor;

// Linux 6.18, include/uapi/linux/nsfs.h and fcntl.h; older headers do not have them.
constexpr int kNsfsRoot = -10003;  // FD_NSFS_ROOT
constexpr int kNsfsHandleType = 0xf1;
struct NsfsHandle {
  unsigned int bytes;
  int type;
  uint64_t id;
  uint32_t kind;
  uint32_t inum;
};

FileDescriptor OpenById(const CensusNamespace& listed) {
  if (listed.id == 0) return FileDescriptor();
  NsfsHandle handle = {16, kNsfsHandleType, listed.id, CLONE_NEWNET, listed.inum};
  static_assert(sizeof(handle) == sizeof(file_handle) + 16);
  return FileDescriptor(
      open_by_handle_at(kNsfsRoot, reinterpret_cast<file_handle*>(&handle), O_RDONLY | O_CLOEXEC));
}

}  // namespace

std::vector<CensusNamespace> OpenNamespaces(std::span<const CensusNamespace> listed,
                                            std::vector<FileDescriptor>* opened) {
  std::map<uint32_t, FileDescriptor> found;
  const auto add = [&](const std::string& path) {
    struct stat about = {};
    if (stat(path.c_str(), &about) != 0) return;
    const auto inum = static_cast<uint32_t>(about.st_ino);
    if (found.contains(inum)) return;
    FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.ok()) found.emplace(inum, std::move(fd));
  };
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", unreadable)) {
    const std::string name = entry.path().filename();
    if (std::isdigit(static_cast<unsigned char>(name[0]))) add(entry.path() / "ns/net");
  }
  for (const auto& entry : std::filesystem::directory_iterator("/run/netns", unreadable)) {
    add(entry.path());
  }
  std::vector<CensusNamespace> missing;
  for (const CensusNamespace& each : listed) {
    auto known = found.find(each.inum);
    FileDescriptor fd = known != found.end() ? std::move(known->second) : OpenById(each);
    if (fd.ok()) {
      opened->push_back(std::move(fd));
    } else {
      missing.push_back(each);
    }
  }
  return missing;
}

FileDescriptor OpenNamespaceOfSocket(const CensusHolder& holder, uint32_t inum) {
  const FileDescriptor process(
      static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(holder.process), 0)));
  if (!process.ok()) return FileDescriptor();
  const FileDescriptor socket(
      static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), static_cast<int>(holder.fd), 0)));
  if (!socket.ok()) return FileDescriptor();
  FileDescriptor found(ioctl(socket.get(), SIOCGSKNS));
  // The descriptor may be another one by now.
  struct stat about = {};
  if (!found.ok() || fstat(found.get(), &about) != 0 || about.st_ino != inum) {
    return FileDescriptor();
  }
  return found;
}

bool ReadNamespaceCookie(uint64_t* cookie) {
  const FileDescriptor probe(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  socklen_t bytes = sizeof(*cookie);
  constexpr int kNetnsCookie = 71;  // SO_NETNS_COOKIE, which is newer than some headers
  return getsockopt(probe.get(), SOL_SOCKET, kNetnsCookie, cookie, &bytes) == 0;
}

bool ReadSocketsUsed(uint64_t* used) {
  std::ifstream file("/proc/thread-self/net/sockstat");
  std::string sockets;
  std::string word;
  return file >> sockets >> word >> *used && sockets == "sockets:" && word == "used";
}

bool ReadSocketsUsedOften(std::vector<UsedReading>* readings) {
  constexpr uint64_t kLongestNs = 20'000'000;
  constexpr uint64_t kSteadyNs = 1'000'000;  // enough, if nothing comes and goes
  constexpr size_t kSteady = 16;
  const FileDescriptor file(open("/proc/thread-self/net/sockstat", O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return false;
  readings->clear();
  bool is_steady = true;
  const uint64_t start = MonotonicNs();
  for (;;) {
    std::array<char, 64> text = {};
    UsedReading reading = {.begin_ns = MonotonicNs(), .end_ns = 0, .sockets = 0};
    if (pread(file.get(), text.data(), text.size() - 1, 0) <= 0) return false;
    reading.end_ns = MonotonicNs();
    if (std::sscanf(text.data(), "sockets: used %" SCNu64, &reading.sockets) != 1) return false;
    is_steady = is_steady && (readings->empty() || readings->front().sockets == reading.sockets);
    readings->push_back(reading);
    const uint64_t ns = reading.end_ns - start;
    if (ns >= kLongestNs || (is_steady && readings->size() >= kSteady && ns >= kSteadyNs)) {
      return true;
    }
  }
}

}  // namespace inlay
