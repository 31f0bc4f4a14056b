#include "engine/live_kernel/scratch_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "engine/live_kernel/signals_held_back.h"

namespace inlay::live_kernel {
namespace {

constexpr std::string_view kPrefix = "inlay_bpf_script.";  // and the process's id

// The paths that a signal handler needs for cleaning up.
struct Paths {
  std::array<char, 512> cgroup;      // empty: no cgroup to remove
  std::array<char, 512> home_procs;  // cgroup.procs of the cgroup that the process came from
};
Paths paths;

constexpr std::array kEndingSignals = {SIGHUP, SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
                                       SIGBUS, SIGSEGV, SIGABRT, SIGFPE,  SIGILL};

// The actions to restore once we have cleaned up.
std::array<struct sigaction, kEndingSignals.size()> earlier_actions;

void Set(std::array<char, 512>& to, const std::string& from) {
  if (from.size() >= to.size()) throw std::runtime_error("path too long: " + from);
  from.copy(to.data(), from.size());
  to[from.size()] = '\0';
}

bool Join(const char* procs_path) {
  const int procs = open(procs_path, O_WRONLY | O_CLOEXEC);
  if (procs < 0) return false;
  const bool joined = write(procs, "0", 1) == 1;  // 0 stands for the writer
  const int error = errno;
  close(procs);
  errno = error;
  return joined;
}

// Only calls that a signal handler may make.
void LeaveAndRemove() {
  if (paths.cgroup[0] == '\0') return;
  Join(paths.home_procs.data());
  rmdir(paths.cgroup.data());
  paths.cgroup[0] = '\0';
}

extern "C" void CleanUpAndDie(int signal) {
  LeaveAndRemove();
  for (size_t i = 0; i < kEndingSignals.size(); ++i) {
    if (kEndingSignals[i] == signal) sigaction(signal, &earlier_actions[i], nullptr);
  }
  std::raise(signal);
}

std::string Cgroup2Mount() {
  std::ifstream mounts("/proc/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device;
    std::string path;
    std::string type;
    words >> device >> path >> type;
    if (type == "cgroup2") return path;
  }
  throw std::runtime_error("no cgroup2 file system is mounted");
}

// The process's present cgroup, below the mount.
std::string PresentCgroup() {
  std::ifstream cgroups("/proc/self/cgroup");
  for (std::string line; std::getline(cgroups, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  throw std::runtime_error("this process is not in a cgroup of version 2");
}

// Removes the scratch cgroups of processes that SIGKILL ended.
void RemoveAbandoned(const std::string& mount) {
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(mount, unreadable)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix)) continue;
    if (std::filesystem::exists("/proc/" + name.substr(kPrefix.size()))) continue;
    rmdir(entry.path().c_str());
  }
}

}  // namespace

ScratchCgroup::ScratchCgroup() {
  const std::string mount = Cgroup2Mount();
  const std::string home = mount + PresentCgroup();
  RemoveAbandoned(mount);
  const std::string path = mount + "/" + std::string(kPrefix) + std::to_string(getpid());
  Set(paths.home_procs, home + "/cgroup.procs");
  // A signal that ends us between mkdir() and sigaction() would leave the cgroup behind.
  const SignalsHeldBack held_back;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    throw std::system_error(errno, std::generic_category(), "cannot make the cgroup " + path);
  }
  Set(paths.cgroup, path);
  struct sigaction cleaning = {};
  cleaning.sa_handler = CleanUpAndDie;
  for (size_t i = 0; i < kEndingSignals.size(); ++i) {
    sigaction(kEndingSignals[i], &cleaning, &earlier_actions[i]);
  }
  try {
    fd_ =
        HiddenFd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "cannot open the cgroup");
    if (!Join((path + "/cgroup.procs").c_str())) {
      throw std::system_error(errno, std::generic_category(), "cannot join the cgroup " + path);
    }
  } catch (...) {
    LeaveAndRemove();
    throw;
  }
}

ScratchCgroup::~ScratchCgroup() {
  LeaveAndRemove();
  for (size_t i = 0; i < kEndingSignals.size(); ++i) {
    sigaction(kEndingSignals[i], &earlier_actions[i], nullptr);
  }
}

}  // namespace inlay::live_kernel
