#include "tools/command/replay_command.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>

#include "tools/analysis/bytes/input_file.h"
#include "tools/command/in_range.h"
#include "tools/command/output/exit_codes.h"
#include "tools/command/output/fail_command.h"
#include "tools/command/output/print_doubts.h"
#include "tools/command/output/progress_bar.h"
#include "tools/command/output/standard_output.h"
#include "tools/command/record_flags.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/numbers/text_table.h"
#include "tools/replay/recording.h"
#include "tools/replay/replay.h"

namespace inlay {
namespace {

// A socket takes 1,344 bytes here, as in the kernel: ten million are 13 GB.
constexpr int64_t kMaxSockets = 10'000'000;

constexpr char kReplayExamples[] = R"(Examples:
  inlay replay --value-bytes 224 snapshots.bin   raw records
  inlay replay --columns 5-9 syn.tsv             a value of five columns

Exit codes: 0 success, 2 bad input or usage. Manual: docs/replay.md)";

// Reads the records; of a series only the last snapshot, since all snapshots have the same sockets.
absl::StatusOr<replay::Recording> ReadRecording(analysis::RecordSource& source,
                                                size_t max_records) {
  uint64_t snapshots = 0;
  for (;;) {
    ++snapshots;
    const std::string name = source.SnapshotName();
    absl::StatusOr<replay::Recording> recording = replay::Recording::Read(source, max_records);
    if (!recording.ok() || name.empty()) return recording;
    analysis::RecordBlock rest;
    for (absl::StatusOr<bool> more = true; *more;) {
      more = source.Next(rest);
      if (!more.ok()) return more.status();
    }
    const absl::StatusOr<bool> next = source.NextSnapshot();
    if (!next.ok()) return next.status();
    if (!*next) {
      std::fprintf(stderr, "inlay replay: of %s snapshots the last one is used, %s\n",
                   numbers::Grouped(snapshots).c_str(), name.c_str());
      return recording;
    }
  }
}

std::string Format(const replay::Recording& recording, const replay::ReplayResult& result) {
  using numbers::Grouped;
  using numbers::GroupedDecimal;
  std::string text = Grouped(recording.records()) + " records of " +
                     Grouped(recording.value_bytes()) + " bytes, " + Grouped(recording.distinct()) +
                     " distinct, each in an emulated UDP socket of its own\n\n";
  using Align = numbers::TextTable::Align;
  numbers::TextTable table(
      {Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kRight, Align::kRight});
  table.AddRow({"layout", "bytes/socket", "create ns", "get ns", "delete ns", "spilled"});
  for (const replay::LayoutResult& layout : result.layouts) {
    table.AddRow({layout.layout, GroupedDecimal(layout.bytes_per_socket, 2),
                  GroupedDecimal(layout.create_ns, 1), GroupedDecimal(layout.get_ns, 1),
                  GroupedDecimal(layout.delete_ns, 1), Grouped(layout.spilled)});
  }
  text += table.Format();
  text +=
      "\nbytes/socket: measured: inline bits, private objects, table, index and slack.\n"
      "get: per packet, sockets in random order; the packet's own touch of the socket, which "
      "every\n"
      "row includes, takes " +
      GroupedDecimal(result.touch_ns, 1) +
      " ns. create, delete: per operation, in the order of records.\n"
      "spilled: sockets that keep a private value, as in pointer, because no index was free.\n";
  return text;
}

}  // namespace

CLI::App* AddReplayCommand(CLI::App& app, ReplayOptions* options) {
  CLI::App* command = app.add_subcommand(
      "replay", "Load records into emulated sockets on each layout, and measure bytes and time");
  command->footer(kReplayExamples);
  AddRecordFlags(*command, &options->paths, &options->records);
  command
      ->add_option("--max-sockets", options->max_sockets,
                   "Stop after this many records; a socket takes 1,344 bytes")
      ->type_name("N")
      ->check(InRange(1, kMaxSockets))
      ->capture_default_str();
  return command;
}

int RunReplay(const ReplayOptions& options) {
  absl::StatusOr<std::unique_ptr<analysis::RecordSource>> source =
      analysis::OpenRecords(options.paths, options.records);
  if (!source.ok()) return FailCommand("replay", source.status());
  std::optional<ProgressBar> progress;
  progress.emplace([&source] { return (*source)->bytes_read(); },
                   analysis::TotalBytes(options.paths));
  const absl::StatusOr<replay::Recording> recording = ReadRecording(**source, options.max_sockets);
  progress.reset();  // before anything else is printed
  PrintDoubts("replay", (*source)->Notes(UINT64_MAX));
  if (!recording.ok()) return FailCommand("replay", recording.status());
  if (recording->truncated()) {
    std::fprintf(stderr, "inlay replay: only the first %s records are used (--max-sockets)\n",
                 numbers::Grouped(recording->records()).c_str());
  }
  const absl::StatusOr<replay::ReplayResult> result = replay::Replay(*recording);
  if (!result.ok()) return FailCommand("replay", result.status());
  if (!WriteToStdout(Format(*recording, *result))) {
    return FailCommand("replay",
                       absl::UnavailableError("cannot write the result to standard output"));
  }
  return kExitOk;
}

}  // namespace inlay
