// kernel_bench leaves nothing behind, whether it ends by itself or by a signal at some moment: no
// process, no cgroup, no BPF program and no map.
//
//   leaves_nothing_test kernel_bench
//
// Exit code 77: kernel_bench cannot run here.

#include <bpf/bpf.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
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

// Calls visit(process's folder, name, session, state) for every process.
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
    if (fields.size() > kSession) visit(entry.path(), name, fields[kSession], fields[0]);
  }
}

// Their names and states.
std::string ProcessesOfSession(pid_t session) {
  std::string found;
  ForEachProcess([&](const auto& process, const auto& name, const auto& its, const auto& state) {
    if (its != std::to_string(session)) return;
    found += " process " + process.filename().string() + " (" + name + ", " + state + ")";
  });
  return found;
}

// Names of programs and maps by their ids.
struct BpfObjects {
  std::map<uint32_t, std::string> programs;
  std::map<uint32_t, std::string> maps;
};

// Objects that running kernel_bench processes hold: another user may run it too.
BpfObjects HeldByOthers() {
  BpfObjects held;
  ForEachProcess([&](const auto& process, const auto& name, const auto&, const auto&) {
    if (name != "kernel_bench") return;
    constexpr size_t kFew = 500;  // holders of sockets have more descriptors, and no BPF objects
    size_t seen = 0;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator(process / "fdinfo", gone)) {
      if (++seen > kFew) break;
      std::ifstream info(entry.path());
      for (std::string word; info >> word;) {
        uint32_t id = 0;
        if (word == "prog_id:" && info >> id) held.programs[id] = name;
        if (word == "map_id:" && info >> id) held.maps[id] = name;
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
BpfObjects Loaded() {
  BpfObjects loaded;
  for (uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
    bpf_prog_info info = {};
    uint32_t size = sizeof(info);
    const int fd = bpf_prog_get_fd_by_id(id);
    if (fd < 0) continue;  // gone meanwhile
    if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && IsNameOfOurs(info.name)) {
      loaded.programs[id] = info.name;
    }
    close(fd);
  }
  for (uint32_t id = 0; bpf_map_get_next_id(id, &id) == 0;) {
    bpf_map_info info = {};
    uint32_t size = sizeof(info);
    const int fd = bpf_map_get_fd_by_id(id);
    if (fd < 0) continue;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && IsNameOfOurs(info.name)) {
      loaded.maps[id] = info.name;
    }
    close(fd);
  }
  return loaded;
}

// The names of loaded programs and maps that no running kernel_bench holds. A leaked link would
// show as its program.
std::string AbandonedBpfObjects() {
  const BpfObjects loaded = Loaded();
  const BpfObjects held = HeldByOthers();
  std::string found;
  for (const auto& [id, name] : loaded.programs) {
    if (!held.programs.contains(id)) found += " program " + std::to_string(id) + " " + name;
  }
  for (const auto& [id, name] : loaded.maps) {
    if (!held.maps.contains(id)) found += " map " + std::to_string(id) + " " + name;
  }
  return found;
}

// A kernel_bench in a session of its own.
class Run {
 public:
  // Returns when the child has its session. A traced one stops at each of its system calls.
  Run(const char* program, const char* sockets, bool is_traced = false) : printed_(std::tmpfile()) {
    std::fflush(stdout);
    process_ = printed_ == nullptr ? -1 : fork();
    if (process_ < 0) {
      std::perror("cannot start kernel_bench");
      std::exit(1);
    }
    if (process_ > 0) {
      while (getsid(process_) != process_) std::this_thread::yield();
      return;
    }
    setsid();
    if (is_traced) ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    dup2(fileno(printed_), STDOUT_FILENO);
    dup2(fileno(printed_), STDERR_FILENO);
    execl(program, program, sockets, "--benchmark_repetitions=1", static_cast<char*>(nullptr));
    _exit(1);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() { std::fclose(printed_); }

  pid_t process() const { return process_; }

  // Returns its status once it has ended.
  int Await() {
    waitpid(process_, &status_, 0);
    return status_;
  }

  // Prints its status and what it has printed.
  void Show(const std::string& name) {
    std::printf("%s: ended with status %#x, after it printed:\n", name.c_str(), status_);
    std::rewind(printed_);
    for (int c = 0; (c = std::getc(printed_)) != EOF;) std::putchar(c);
  }

 private:
  std::FILE* printed_;
  pid_t process_ = 0;
  int status_ = 0;
};

bool Succeeded(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

// Prints what a run has left behind. The kernel frees BPF objects some time after their process:
// what stays longer than a busy machine needs for that is left for ever.
bool LeftSomething(pid_t process, bool cgroup_may_stay, const std::string& run) {
  constexpr std::chrono::seconds kEnough(60);
  const auto begun = std::chrono::steady_clock::now();
  std::string left;
  do {
    left = ProcessesOfSession(process);
    if (!cgroup_may_stay && HasCgroupOf(process)) left += " its cgroup";
    left += AbandonedBpfObjects();
    if (left.empty()) return false;
    std::this_thread::sleep_for(milliseconds(50));
  } while (std::chrono::steady_clock::now() - begun < kEnough);
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
  std::string name = "by itself";
  if (ending.signal != 0) {
    name = std::string(strsignal(ending.signal)) + (ending.to_all ? " to all" : "") + " after " +
           std::to_string(ending.after.count()) + " ms";
  }
  Run run(program, ending.signal == 0 ? "--inlay_sockets=2000" : "--inlay_sockets=40000");
  const pid_t process = run.process();
  if (ending.signal != 0) {
    std::this_thread::sleep_for(ending.after);
    if (kill(ending.to_all ? -process : process, ending.signal) != 0) std::perror("kill");
  }
  const int status = run.Await();
  const bool as_expected = ending.signal == 0
                               ? Succeeded(status)
                               : WIFSIGNALED(status) && WTERMSIG(status) == ending.signal;
  if (!as_expected) run.Show(name);
  // After SIGKILL, the next run removes the cgroup.
  const bool killed = ending.signal == SIGKILL;
  if (LeftSomething(process, killed, name) || !as_expected) return false;
  if (killed && HasCgroupOf(process)) {
    Run next(program, "--inlay_sockets=1000");
    next.Await();
    if (HasCgroupOf(process)) {
      next.Show("the run after SIGKILL leaves the cgroup of the killed one");
      return false;
    }
  }
  return true;
}

// A signal that comes as soon as there is a cgroup.
bool EndAsSoonAsItHasACgroup(const char* program) {
  const std::string name = "a signal right after the cgroup is made";
  Run run(program, "--inlay_sockets=1000", true);
  const pid_t process = run.process();
  for (;;) {
    int status = 0;
    if (waitpid(process, &status, 0) != process || !WIFSTOPPED(status)) {
      std::printf("%s: cannot trace kernel_bench\n", name.c_str());
      return false;
    }
    if (HasCgroupOf(process)) break;
    ptrace(PTRACE_SYSCALL, process, nullptr, nullptr);
  }
  kill(process, SIGTERM);
  ptrace(PTRACE_DETACH, process, nullptr, nullptr);
  const int status = run.Await();
  const bool as_expected = WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
  if (!as_expected) run.Show(name);
  return !LeftSomething(process, false, name) && as_expected;
}

int Main(const char* program) {
  {
    Run first(program, "--inlay_sockets=1000");
    const int status = first.Await();
    if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped) {
      std::printf("skipped: kernel_bench cannot run here\n");
      return kSkipped;
    }
  }
  if (!EndAsSoonAsItHasACgroup(program)) return 1;
  std::vector<Ending> endings = {{.signal = 0, .to_all = false, .after = {}}};
  // At the start, while sockets are opened, get values, and are walked over.
  for (const int after_ms : {1, 20, 60, 150, 300, 600, 1200}) {
    endings.push_back({.signal = SIGTERM, .to_all = false, .after = milliseconds(after_ms)});
    endings.push_back({.signal = SIGINT, .to_all = true, .after = milliseconds(after_ms)});
  }
  endings.push_back({.signal = SIGKILL, .to_all = false, .after = milliseconds(700)});
  // What one run leaves behind, the later ones would seem to leave too.
  for (const Ending& ending : endings) {
    if (!RunAndEnd(program, ending)) return 1;
  }
  std::printf("nothing is left behind\n");
  return 0;
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
