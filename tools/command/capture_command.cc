#include "tools/command/capture_command.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/live_kernel/file_descriptor.h"
#include "tools/analysis/capture_file/capture_writer.h"
#include "tools/command/analyze_command.h"
#include "tools/command/in_range.h"
#include "tools/command/not_empty.h"
#include "tools/command/one_of.h"
#include "tools/command/output/exit_codes.h"
#include "tools/command/output/fail_command.h"
#include "tools/command/output/open_files_limit.h"
#include "tools/command/output/pending_file.h"
#include "tools/command/snapshot_schedule.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay {
namespace {

using capture::CaptureSource;
using live_kernel::FileDescriptor;
using Clock = std::chrono::steady_clock;

constexpr double kLeastSeconds = 0.001;
constexpr double kMostSeconds = 1e7;  // a third of a year

constexpr char kCaptureExamples[] = R"(Examples:
  inlay maps                                            which maps there are
  inlay capture --map policy_map -o now.inlay           the values of all sockets
  inlay capture --map-id 12 --analyze                   read them and say what they would cost
  inlay capture --pinned /sys/fs/bpf/conf -o now.inlay  a map by its place
  inlay capture --sockets --analyze                     what is set on the sockets of this machine
  inlay capture --map conf --follow 600 --interval 30 -o day.inlay   a snapshot every 30 seconds

Needs CAP_BPF and CAP_PERFMON, and for most ways to name a map CAP_SYS_ADMIN: run it as root.
Exit codes: 0 success, 2 nothing can be captured. Manual: docs/capture.md)";

// The signal that asked the process to end; 0: none.
volatile std::sig_atomic_t ending_signal = 0;

extern "C" void NoteEndingSignal(int signal) { ending_signal = signal; }

// While it lives, signals that would end the process only set a flag, unless they were ignored
// (`nohup`), and a closed pipe is an error of write().
class EndsWhenAsked {
 public:
  EndsWhenAsked() {
    ending_signal = 0;
    struct sigaction note = {};
    note.sa_handler = NoteEndingSignal;  // without SA_RESTART, so that sleeping ends
    for (size_t i = 0; i < kSignals.size(); ++i) {
      sigaction(kSignals[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &note, nullptr);
    }
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &pipe_before_);
  }
  ~EndsWhenAsked() {
    if (outlived_) return;
    for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
    sigaction(SIGPIPE, &pipe_before_, nullptr);
  }
  EndsWhenAsked(const EndsWhenAsked&) = delete;
  EndsWhenAsked& operator=(const EndsWhenAsked&) = delete;

  // From now on signals have no effect: the process has done its work and is about to end.
  void IgnoreToTheEnd() { outlived_ = true; }

 private:
  static constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, kSignals.size()> before_ = {};
  struct sigaction pipe_before_ = {};
  bool outlived_ = false;
};

uint64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Prints the note once, even if it applies to many snapshots.
void Note(const std::string& note) {
  static std::set<std::string> said;
  if (!said.insert(note).second) return;
  std::fprintf(stderr, "inlay capture: note: %s\n", note.c_str());
}

analysis::CaptureHeader Header(const capture::CaptureDescription& what, bool series) {
  analysis::CaptureHeader header;
  header.schema.kind = analysis::RecordSchema::Kind::kRaw;
  header.schema.value_bytes = what.value_bytes;
  header.schema.fields = what.fields;
  header.series = series;
  utsname name = {};
  uname(&name);
  header.provenance.tool_version = INLAY_VERSION;
  header.provenance.host = name.nodename;
  header.provenance.kernel_release = name.release;
  header.provenance.source = what.source;
  header.provenance.map_name = what.map_name;
  header.provenance.map_id = what.map_id;
  header.provenance.map_type = what.map_type;
  header.provenance.value_type = what.value_type;
  header.provenance.method = what.method;
  for (size_t i = 0; i < what.notes.size(); ++i) {
    header.provenance.more.emplace_back(absl::StrCat("note ", i + 1), what.notes[i]);
  }
  return header;
}

// Sleeps until `end`, or until a signal.
void SleepUntil(Clock::time_point end) {
  while (ending_signal == 0 && Clock::now() < end) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(end - Clock::now());
    const auto slice = std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(100));
    timespec time = {};
    time.tv_nsec = std::max<int64_t>(slice.count(), 1);
    nanosleep(&time, nullptr);
  }
}

// Opens a pipe or a device. Waits for the reader of a pipe; a signal ends the wait with EINTR. A
// blocking open() would miss a signal that came just before.
FileDescriptor OpenWithReader(const std::string& path) {
  for (;;) {
    FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.ok()) {
      fcntl(fd.get(), F_SETFL, O_WRONLY);
      return fd;
    }
    if (errno != ENXIO) return fd;
    if (ending_signal != 0) {
      errno = EINTR;
      return fd;
    }
    SleepUntil(Clock::now() + std::chrono::milliseconds(10));
  }
}

// The destination of the capture.
class Output {
 public:
  // A file beside its final path, standard output, a pipe; or memory, for --analyze.
  static absl::StatusOr<std::unique_ptr<Output>> Open(const CaptureCommandOptions& options) {
    auto output = std::make_unique<Output>();
    if (options.analyze) {
      output->fd_ = FileDescriptor(memfd_create("inlay capture", MFD_CLOEXEC));
      if (!output->fd_.ok()) return Failed("memory for the capture");
      output->name_ = "the capture";
      return output;
    }
    output->name_ = options.output;
    if (options.output == "-") {
      output->name_ = "standard output";
      output->fd_ = FileDescriptor(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
      if (!output->fd_.ok()) return Failed(output->name_);
      return output;
    }
    struct stat about = {};
    if (stat(options.output.c_str(), &about) == 0 && !S_ISREG(about.st_mode)) {
      output->fd_ = OpenWithReader(options.output);
      if (!output->fd_.ok()) return Failed(options.output);
      return output;
    }
    absl::StatusOr<PendingFile> file = PendingFile::Create(options.output);
    if (!file.ok()) return file.status();
    output->file_ = std::make_unique<PendingFile>(*std::move(file));
    return output;
  }

  int fd() const { return file_ != nullptr ? file_->fd() : fd_.get(); }
  const std::string& name() const { return name_; }

  // From now on readers of the final path see the capture as it grows.
  absl::Status MoveToPlace() {
    if (file_ == nullptr || in_place_) return absl::OkStatus();
    // The finished part is on the disk already.
    const absl::Status status = file_->MoveToPlace();
    in_place_ = status.ok();
    return status;
  }

 private:
  static absl::Status Failed(const std::string& what) {
    return absl::UnavailableError(absl::StrCat(what, ": ", std::generic_category().message(errno)));
  }

  std::string name_;
  FileDescriptor fd_;
  std::unique_ptr<PendingFile> file_;
  bool in_place_ = false;
};

// Takes one snapshot. Returns whether all of it was taken: false if it was interrupted.
absl::StatusOr<bool> TakeSnapshot(CaptureSource& source, analysis::CaptureWriter& writer) {
  absl::Status status = writer.BeginSnapshot(NowNs());
  if (!status.ok()) return status;
  const absl::StatusOr<capture::SnapshotResult> taken =
      source.Take([&writer](std::span<const uint8_t> value, uint64_t copies) {
        return writer.Add(value, copies);
      });
  if (absl::IsCancelled(taken.status())) {
    status = writer.EndSnapshot(false, "interrupted");
    if (!status.ok()) return status;
    return false;
  }
  if (!taken.ok()) {
    // The part taken so far stays readable; if this fails too, the cause was a failed write.
    (void)writer.EndSnapshot(false, std::string(taken.status().message()));
    return taken.status();
  }
  for (const std::string& note : taken->notes) Note(note);
  if (!taken->complete) Note("the snapshot is not complete: " + taken->why_incomplete);
  status = writer.EndSnapshot(taken->complete, taken->why_incomplete);
  if (!status.ok()) return status;
  return true;
}

Clock::duration Seconds(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

// A signal finishes a series like its regular end, so that the file is readable.
absl::Status TakeAll(const CaptureCommandOptions& options, CaptureSource& source, Output& output,
                     analysis::CaptureWriter& writer) {
  const Clock::time_point begin = Clock::now();
  const Clock::duration interval =
      std::max<Clock::duration>(Seconds(options.interval_seconds), std::chrono::microseconds(1));
  for (uint64_t number = 0;; ++number) {
    const absl::StatusOr<bool> whole = TakeSnapshot(source, writer);
    if (!whole.ok()) {
      // Finishes the series properly: TakeSnapshot() has recorded the failure in it.
      if (number != 0) (void)writer.Finish();
      return whole.status();
    }
    if (!*whole && number == 0) return absl::CancelledError("interrupted");
    if (options.follow_seconds.has_value()) {
      const absl::Status moved = output.MoveToPlace();
      if (!moved.ok()) return moved;
    }
    if (ending_signal != 0 || !options.follow_seconds.has_value()) break;
    const std::optional<Clock::time_point> next =
        NextSnapshot(begin, Clock::now(), interval, Seconds(*options.follow_seconds));
    if (!next.has_value()) break;
    SleepUntil(*next);
    if (ending_signal != 0) break;
  }
  if (ending_signal != 0 && !options.follow_seconds.has_value()) {
    return absl::CancelledError("interrupted");
  }
  absl::Status status = writer.Finish();
  if (status.ok()) status = output.MoveToPlace();
  return status;
}

// The reason why a capture has no values.
std::string Nothing(const capture::CaptureDescription& what) {
  if (what.source == "sockets") return "no socket was found";
  const std::string map = absl::StrCat("map ", what.map_id.value_or(0), " '", what.map_name, "'");
  if (what.map_type == "sk_storage" || what.map_type == "inlay_map") {
    return absl::StrCat("no socket has a value in ", map);
  }
  if (what.map_type == "task_storage") return absl::StrCat("no task has a value in ", map);
  if (what.map_type == "cgrp_storage") return absl::StrCat("no cgroup has a value in ", map);
  return absl::StrCat(map, " has no entry");
}

// Sets *output to the destination once it is open, in case of failure too.
absl::Status Capture(const CaptureCommandOptions& options, std::unique_ptr<Output>* output) {
  capture::CaptureOptions what;
  what.method = options.method;
  what.stop = [] { return ending_signal != 0; };
  if (options.sockets) {
    what.target = capture::CaptureOptions::Target::kSockets;
  } else if (options.map_id.has_value()) {
    what.target = capture::CaptureOptions::Target::kMapId;
    what.id = *options.map_id;
  } else if (!options.pinned.empty()) {
    what.target = capture::CaptureOptions::Target::kPinned;
    what.name = options.pinned;
  } else {
    what.name = options.map_name;
  }
  absl::StatusOr<std::unique_ptr<CaptureSource>> source = capture::OpenCapture(what);
  if (!source.ok()) return source.status();
  for (const std::string& note : (*source)->description().notes) Note(note);
  absl::StatusOr<std::unique_ptr<Output>> opened = Output::Open(options);
  if (!opened.ok()) return opened.status();
  *output = *std::move(opened);
  absl::StatusOr<std::unique_ptr<analysis::CaptureWriter>> writer = analysis::CaptureWriter::Create(
      (*output)->fd(), (*output)->name(),
      Header((*source)->description(), options.follow_seconds.has_value()), 0, what.stop);
  if (!writer.ok()) return writer.status();
  const absl::Status status = TakeAll(options, **source, **output, **writer);
  if (status.ok() && (*writer)->records() == 0) {
    const std::string nothing = Nothing((*source)->description());
    if (options.analyze) return absl::NotFoundError(absl::StrCat(nothing, ": nothing to analyze"));
    Note(nothing);
  }
  if (status.ok() && !options.analyze) {
    std::fprintf(stderr, "inlay capture: %s values, %s in %s\n",
                 numbers::Grouped((*writer)->records()).c_str(),
                 numbers::ByteSize((*writer)->bytes_written()).c_str(), (*output)->name().c_str());
  }
  return status;
}

}  // namespace

CLI::App* AddCaptureCommand(CLI::App& app, CaptureCommandOptions* options) {
  CLI::App* command = app.add_subcommand(
      "capture", "Read the values of sockets, or of a BPF map, out of the running kernel");
  command->footer(kCaptureExamples);
  CLI::Option_group* what = command->add_option_group("What");
  what->add_option("--map", options->map_name, "The map of this name")
      ->type_name("NAME")
      ->check(NotEmpty());
  what->add_option("--map-id", options->map_id, "The map with this id")
      ->type_name("N")
      ->check(InRange(1, UINT32_MAX));
  what->add_option("--pinned", options->pinned, "The map that is pinned here")
      ->type_name("PATH")
      ->check(NotEmpty());
  what->add_flag("--sockets", options->sockets,
                 "The options of every socket of this machine: mark, priority, buffers, ...");
  what->require_option(1);
  CLI::Option_group* where = command->add_option_group("Where to");
  where->add_option("-o,--output", options->output, "Write a capture file; '-' is standard output")
      ->type_name("FILE");
  where->add_flag("--analyze", options->analyze, "Print the report of 'inlay analyze' instead");
  where->require_option(1);
  command->add_flag("--json", options->json, "With --analyze: the report as JSON");
  static const std::map<std::string, capture::Method> kMethods = {{"auto", capture::Method::kAuto},
                                                                  {"fd", capture::Method::kFd},
                                                                  {"map", capture::Method::kMap},
                                                                  {"fold", capture::Method::kFold}};
  command
      ->add_option("--method", options->method,
                   "How to read socket storage: auto, fd, map or fold; see the manual")
      ->type_name("WAY")
      ->transform(CLI::Transformer(kMethods).description(""))
      ->transform(OneOf({"auto", "fd", "map", "fold"}));  // runs first
  CLI::Option* follow =
      command->add_option("--follow", options->follow_seconds, "Take snapshots for this time")
          ->type_name("SECONDS")
          ->check(NumberInRange(kLeastSeconds, kMostSeconds));
  command->add_option("--interval", options->interval_seconds, "Seconds between two snapshots")
      ->type_name("S")
      ->check(NumberInRange(kLeastSeconds, kMostSeconds))
      ->needs(follow)
      ->capture_default_str();
  return command;
}

int RunCapture(const CaptureCommandOptions& options) {
  if (options.json && !options.analyze) {
    return FailCommand("capture", absl::InvalidArgumentError("--json is for --analyze"));
  }
  std::unique_ptr<Output> output;
  absl::Status status;
  {
    EndsWhenAsked ends_when_asked;
    RaiseOpenFilesLimit();
    status = Capture(options, &output);
    const bool whole = status.ok() && !options.analyze;
    if (whole) {
      // The file is at its final path: later signals come too late.
      ends_when_asked.IgnoreToTheEnd();
    } else if (ending_signal != 0 && !options.follow_seconds.has_value()) {
      status = absl::CancelledError("interrupted");  // overrides failures that the signal caused
    }
    if (!status.ok()) output.reset();  // removes the file, unless it is at its final path
  }
  if (absl::IsCancelled(status)) std::raise(ending_signal);
  if (!status.ok()) return FailCommand("capture", status);
  if (!options.analyze) return kExitOk;
  AnalyzeOptions analyze;
  analyze.paths = {absl::StrCat("/proc/self/fd/", output->fd())};
  analyze.json = options.json;
  return RunAnalyze(analyze);
}

}  // namespace inlay
