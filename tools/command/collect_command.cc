#include "tools/command/collect_command.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/live_kernel/file_descriptor.h"
#include "inlay/live_collector.h"
#include "inlay/live_map.h"
#include "inlay/mark_users.h"
#include "tools/command/collect_metrics.h"
#include "tools/command/in_range.h"
#include "tools/command/output/exit_codes.h"
#include "tools/command/output/fail_command.h"
#include "tools/command/output/open_files_limit.h"
#include "tools/command/output/output_files.h"
#include "tools/command/output/standard_output.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/numbers/text_table.h"

namespace inlay {
namespace {

constexpr char kCollectExamples[] = R"(Examples:
  inlay collect --pinned /sys/fs/bpf/inlay                one pass over all maps in the folder
  inlay collect --pinned /sys/fs/bpf/inlay --every 60     a pass a minute, until Ctrl-C

  inlay collect --pinned /sys/fs/bpf/inlay --every 60 --metrics /run/metrics/inlay.prom

Exit codes: 0 success, 2 failed, or the only pass did not meet all sockets and freed nothing.
Manual: docs/bpf.md)";

#ifdef INLAY_HAS_LIVE_MAPS

std::string AsText(const LiveCollector::Report& report) {
  using Align = numbers::TextTable::Align;
  numbers::TextTable table({Align::kLeft, Align::kRight, Align::kRight, Align::kRight,
                            Align::kRight, Align::kRight, Align::kRight});
  table.AddRow({"map", "values in use", "sockets", "spilled", "freed", "kept", "came home"});
  for (const LiveCollector::MapReport& map : report.maps) {
    uint64_t sockets = 0;
    for (const uint32_t users : map.users) sockets += users;
    const auto in_use =
        map.users.size() - static_cast<size_t>(std::count(map.users.begin(), map.users.end(), 0u));
    table.AddRow({map.name, numbers::Grouped(in_use), numbers::Grouped(sockets),
                  numbers::Grouped(map.spilled), numbers::Grouped(map.freed),
                  numbers::Grouped(map.kept), numbers::Grouped(map.came_home)});
  }
  return table.Format();
}

std::string Reason(Status status) {
  return status == Status::kUnsupported
             ? "this kernel does not have what a census needs, or this program was built without a "
               "compiler for BPF"
             : std::strerror(ToErrno(status));
}

// The maps that are pinned in a folder, by what was there when they were last opened.
class CollectedMaps {
 public:
  explicit CollectedMaps(std::string folder) : folder_(std::move(folder)) {}

  const std::vector<LiveMap*>& all() const { return all_; }

  // Opens the maps anew if others are pinned there by now. Returns what failed; empty if nothing.
  std::string Refresh(bool* changed) {
    std::vector<std::pair<std::string, ino_t>> pinned;
    for (const std::string& name : LiveMap::NamesIn(folder_)) {
      struct stat pin = {};
      stat(absl::StrCat(folder_, "/", name, "_state").c_str(), &pin);
      pinned.emplace_back(name, pin.st_ino);
    }
    *changed = pinned != pinned_;
    if (!*changed) return "";
    pinned_ = std::move(pinned);
    all_.clear();
    maps_.clear();
    for (const auto& [name, inode] : pinned_) {
      const Status opened = LiveMap::Open(folder_, name, &maps_.emplace_back());
      if (opened != Status::kOk) return absl::StrCat(folder_, "/", name, ": ", Reason(opened));
      all_.push_back(maps_.back().get());
    }
    return "";
  }

 private:
  const std::string folder_;
  std::vector<std::pair<std::string, ino_t>> pinned_;  // names, and inodes of their pins
  std::vector<std::unique_ptr<LiveMap>> maps_;
  std::vector<LiveMap*> all_;
};

// Waits for a signal that ends the command. True if it came.
bool WaitForEnd(int signals, double seconds) {
  pollfd waiting = {signals, POLLIN, 0};
  return poll(&waiting, 1, static_cast<int>(seconds * 1000)) > 0;
}

// Says who else uses the maps' bits of marks, in this network namespace or in those given.
void WarnOfMarkUsers(const std::vector<LiveMap*>& maps, const std::vector<int>& namespaces) {
  uint32_t bits = 0;
  for (const LiveMap* map : maps) bits |= map->field().bits();
  const auto warn = [bits] {
    for (const MarkUser& user : FindMarkUsers(bits)) {
      std::fprintf(stderr, "inlay collect: warning: %s\n", user.text.c_str());
    }
  };
  if (namespaces.empty()) return warn();
  for (const int each : namespaces) {
    std::thread([&] {
      if (setns(each, CLONE_NEWNET) == 0) warn();
    }).join();
  }
}

double SecondsSince1970() {
  using std::chrono::duration;
  return duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

int Collect(const CollectOptions& options) {
  const auto fail = [](const std::string& message) {
    return FailCommand("collect", absl::InternalError(message));
  };
  std::vector<live_kernel::FileDescriptor> namespaces;
  LiveCollector::Options collecting;
  for (const std::string& path : options.network_namespaces) {
    namespaces.emplace_back(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!namespaces.back().ok()) return fail(absl::StrCat(path, ": ", std::strerror(errno)));
    collecting.only_namespaces.push_back(namespaces.back().get());
  }
  sigset_t ending;
  sigemptyset(&ending);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ending, signal);
  // A pass is not interrupted: it would leave values that cannot be found.
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  const live_kernel::FileDescriptor signals(signalfd(-1, &ending, SFD_CLOEXEC));
  if (!signals.ok()) return fail(std::strerror(errno));
  CollectTotals totals;
  CollectedMaps maps(options.pinned);
  std::unique_ptr<LiveCollector> collector;
  bool said_that_none_are_there = false;
  for (;;) {
    bool changed = false;
    if (const std::string failed = maps.Refresh(&changed); !failed.empty()) return fail(failed);
    if (maps.all().empty()) {
      const std::string none = absl::StrCat(options.pinned, ": no maps are pinned there");
      if (options.every_seconds == 0) return fail(none);
      if (!said_that_none_are_there) std::fprintf(stderr, "inlay collect: %s\n", none.c_str());
      said_that_none_are_there = true;
      if (WaitForEnd(signals.get(), options.every_seconds)) return kExitOk;
      continue;
    }
    said_that_none_are_there = false;
    if (changed) {
      collector = nullptr;
      const Status made = LiveCollector::Create(maps.all(), collecting, &collector);
      if (made != Status::kOk) return fail(Reason(made));
      WarnOfMarkUsers(maps.all(), collecting.only_namespaces);
    }
    LiveCollector::Report report;
    const auto begin = std::chrono::steady_clock::now();
    const Status collected = collector->Collect(&report);
    if (collected == Status::kExists) return fail("another process is collecting");
    if (collected != Status::kOk) return fail(Reason(collected));
    if (!report.complete) {
      std::fprintf(stderr, "inlay collect: nothing was freed: %s\n", report.reason.c_str());
    }
    if (!WriteToStdout(AsText(report))) return fail("cannot write to standard output");
    std::fflush(stdout);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const double now = SecondsSince1970();
    totals.Add(report, now, took.count());
    if (!options.metrics.empty()) {
      const absl::Status written =
          WriteFiles({{options.metrics, CollectMetrics(maps.all(), report, totals, now)}});
      if (!written.ok()) return fail(std::string(written.message()));
    }
    if (options.every_seconds == 0) return report.complete ? kExitOk : kExitBadInput;
    if (WaitForEnd(signals.get(), options.every_seconds)) return kExitOk;
  }
}

#else

int Collect(const CollectOptions&) {
  return FailCommand("collect", absl::UnimplementedError("this program was built without libbpf"));
}

#endif

}  // namespace

CLI::App* AddCollectCommand(CLI::App& app, CollectOptions* options) {
  CLI::App* command = app.add_subcommand(
      "collect", "Free what no socket has any more, in maps of inlay.bpf.h, and count users");
  command->footer(kCollectExamples);
  command->add_option("--pinned", options->pinned, "The folder that the maps are pinned in")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--every", options->every_seconds,
                   "Repeat after so many seconds, until a signal comes")
      ->check(NumberInRange(0.001, 1e6))
      ->type_name("SECONDS");
  command
      ->add_option("--metrics", options->metrics,
                   "After each pass, replace this file by its figures in the OpenMetrics format, "
                   "for Prometheus")
      ->type_name("FILE");
  command
      ->add_option("--network-namespace", options->network_namespaces,
                   "Only sockets of this network namespace have values; may be repeated. Without "
                   "it: any of the machine")
      ->type_name("PATH");
  return command;
}

int RunCollect(const CollectOptions& options) {
  RaiseOpenFilesLimit();
  return Collect(options);
}

}  // namespace inlay
