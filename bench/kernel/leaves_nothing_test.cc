// kernel_bench leaves nothing behind, whether it ends by itself or by a signal at some moment: no
// process, no cgroup, no BPF program and no map.
//
//   leaves_nothing_test kernel_bench
//
// Exit code 77: kernel_bench cannot run here.

#include <bpf/bpf.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace inlay::bench {
namespace {

constexpr int kSkipped = 77;

using std::chrono::milliseconds;

// The fields of /proc/PID/stat after the name, the first of which is the state.
std::vector<std::string> StatOf(const std::filesystem::path& process, std::string* name) {
  std::ifstream file(process / "stat");
  std::string line;
  std::getline(file, line);
  const size_t open = line.find('(');
  const size_t close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  *name = line.substr(open + 1, close - open - 1);
  std::istringstream rest(line.substr(close + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

// Calls visit(process's folder, name, session) for every process.
template <typename Visit>
void ForEachProcess(Visit&& visit) {
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    std::string name;
    constexpr size_t kSession = 3;  // state, parent, group, session
    const std::vector<std::string> fields = StatOf(entry.path(), &name);
    if (fields.size() > kSession) visit(entry.path(), name, fields[kSession]);
  }
}

size_t ProcessesOfSession(pid_t session) {
  size_t count = 0;
  ForEachProcess([&](const auto&, const std::string&, const std::string& its) {
    if (its == std::to_string(session)) ++count;
  });
  return count;
}

// Ids of programs and maps.
struct BpfIds {
  std::set<uint32_t> programs;
  std::set<uint32_t> maps;
};

// Objects that running kernel_bench processes hold: another user may run it too.
BpfIds HeldByOthers() {
  BpfIds held;
  ForEachProcess([&](const std::filesystem::path& process, const std::string& name, const auto&) {
    if (name != "kernel_bench") return;
    constexpr size_t kFew = 500;  // holders of sockets have more descriptors, and no BPF objects
    size_t seen = 0;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator(process / "fdinfo", gone)) {
      if (++seen > kFew) break;
      std::ifstream info(entry.path());
      for (std::string word; info >> word;) {
        uint32_t id = 0;
        if (word == "prog_id:" && info >> id) held.programs.insert(id);
        if (word == "map_id:" && info >> id) held.maps.insert(id);
      }
    }
  });
  return held;
}

bool HasCgroupOf(pid_t process) {
  std::ifstream mounts("/proc/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device, path, type;
    words >> device >> path >> type;
    if (type != "cgroup2") continue;
    if (std::filesystem::exists(path + "/inlay_bpf_script." + std::to_string(process))) return true;
  }
  return false;
}

bool IsNameOfOurs(std::string_view name) {
  for (const std::string_view ours :
       {"packet_", "iterator_", "socket_walk", "socket_w.", "walk_"}) {
    if (name.starts_with(ours)) return true;
  }
  return false;
}

// The objects in the kernel that have one of our names.
BpfIds Loaded() {
  BpfIds loaded;
  for (uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
    bpf_prog_info info = {};
    uint32_t size = sizeof(info);
    const int fd = bpf_prog_get_fd_by_id(id);
    if (fd < 0) continue;  // gone meanwhile
    if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && IsNameOfOurs(info.name)) {
      loaded.programs.insert(id);
    }
    close(fd);
  }
  for (uint32_t id = 0; bpf_map_get_next_id(id, &id) == 0;) {
    bpf_map_info info = {};
    uint32_t size = sizeof(info);
    const int fd = bpf_map_get_fd_by_id(id);
    if (fd < 0) continue;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && IsNameOfOurs(info.name)) {
      loaded.maps.insert(id);
    }
    close(fd);
  }
  return loaded;
}

// Loaded programs and maps that no running kernel_bench holds. A leaked link would show as its
// program.
size_t AbandonedBpfObjects() {
  const BpfIds loaded = Loaded();
  const BpfIds held = HeldByOthers();
  size_t count = 0;
  for (const uint32_t id : loaded.programs) count += held.programs.contains(id) ? 0 : 1;
  for (const uint32_t id : loaded.maps) count += held.maps.contains(id) ? 0 : 1;
  return count;
}

// Returns when the child has its own session. The child has no output.
pid_t Start(const char* program, const char* sockets) {
  std::fflush(stdout);
  const pid_t process = fork();
  if (process < 0) {
    std::perror("fork");
    std::exit(1);
  }
  if (process > 0) {
    while (getsid(process) != process) std::this_thread::yield();
    return process;
  }
  setsid();
  if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(1);
  execl(program, program, sockets, "--benchmark_repetitions=1", static_cast<char*>(nullptr));
  _exit(1);
}

// Prints what a run has left behind. The kernel frees BPF objects shortly after their process.
bool LeftSomething(pid_t process, bool cgroup_may_stay, const std::string& run) {
  std::string left;
  for (int tries = 0; tries < 200; ++tries) {
    left.clear();
    if (const size_t processes = ProcessesOfSession(process); processes > 0) {
      left += " " + std::to_string(processes) + " processes";
    }
    if (!cgroup_may_stay && HasCgroupOf(process)) left += " its cgroup";
    if (const size_t objects = AbandonedBpfObjects(); objects > 0) {
      left += " " + std::to_string(objects) + " BPF objects";
    }
    if (left.empty()) return false;
    std::this_thread::sleep_for(milliseconds(50));
  }
  std::printf("%s: left behind:%s\n", run.c_str(), left.c_str());
  return true;
}

struct Ending {
  int signal;   // 0: none
  bool to_all;  // to the whole session, as a terminal's
  milliseconds after;
};

// True if it ended as expected and left nothing.
bool RunAndEnd(const char* program, const Ending& ending) {
  std::string run = "by itself";
  if (ending.signal != 0) {
    run = std::string(strsignal(ending.signal)) + (ending.to_all ? " to all" : "") + " after " +
          std::to_string(ending.after.count()) + " ms";
  }
  const pid_t process =
      Start(program, ending.signal == 0 ? "--inlay_sockets=2000" : "--inlay_sockets=40000");
  if (ending.signal != 0) {
    std::this_thread::sleep_for(ending.after);
    if (kill(ending.to_all ? -process : process, ending.signal) != 0) std::perror("kill");
  }
  int status = 0;
  waitpid(process, &status, 0);
  const bool as_expected = ending.signal == 0
                               ? WIFEXITED(status) && WEXITSTATUS(status) == 0
                               : WIFSIGNALED(status) && WTERMSIG(status) == ending.signal;
  if (!as_expected) std::printf("%s: ended with status %#x\n", run.c_str(), status);
  // After SIGKILL, the next run removes the cgroup.
  const bool killed = ending.signal == SIGKILL;
  bool left = LeftSomething(process, killed, run);
  if (killed && HasCgroupOf(process)) {
    const pid_t next = Start(program, "--inlay_sockets=1000");
    waitpid(next, &status, 0);
    if (HasCgroupOf(process)) {
      std::printf("%s: the next run leaves the cgroup\n", run.c_str());
      left = true;
    }
  }
  return as_expected && !left;
}

int Main(const char* program) {
  int status = 0;
  waitpid(Start(program, "--inlay_sockets=1000"), &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped) {
    std::printf("skipped: kernel_bench cannot run here\n");
    return kSkipped;
  }
  bool all_well = true;
  const auto run = [&](const Ending& ending) { all_well = RunAndEnd(program, ending) && all_well; };
  run({.signal = 0, .to_all = false, .after = {}});
  // At the start, while sockets are opened, get values, and are walked over.
  for (const int after_ms : {1, 20, 60, 150, 300, 600, 1200}) {
    run({.signal = SIGTERM, .to_all = false, .after = milliseconds(after_ms)});
    run({.signal = SIGINT, .to_all = true, .after = milliseconds(after_ms)});
  }
  run({.signal = SIGKILL, .to_all = false, .after = milliseconds(700)});
  if (all_well) std::printf("nothing is left behind\n");
  return all_well ? 0 : 1;
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: leaves_nothing_test path/of/kernel_bench\n");
    return 1;
  }
  return inlay::bench::Main(argv[1]);
}
