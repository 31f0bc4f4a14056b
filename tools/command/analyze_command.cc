#include "tools/command/analyze_command.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/counting/count_input.h"
#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/report/gate.h"
#include "tools/analysis/report/report.h"
#include "tools/analysis/report/report_json.h"
#include "tools/analysis/split/c_struct.h"
#include "tools/command/count_flags.h"
#include "tools/command/in_range.h"
#include "tools/command/not_empty.h"
#include "tools/command/output/exit_codes.h"
#include "tools/command/output/fail_command.h"
#include "tools/command/output/message_text.h"
#include "tools/command/output/output_files.h"
#include "tools/command/output/print_doubts.h"
#include "tools/command/output/progress_bar.h"
#include "tools/command/output/shell_words.h"
#include "tools/command/output/standard_output.h"
#include "tools/command/output/terminal.h"
#include "tools/command/output/write_summary.h"
#include "tools/command/record_flags.h"
#include "tools/pages/analyze_page/analyze_page.h"
#include "tools/pages/document/html_page.h"
#include "tools/pages/document/terminal.h"

namespace inlay {
namespace {

constexpr int64_t kMaxThreads = 64;
constexpr int64_t kMaxSpoilers = 65'536;  // the most bytes of a raw record
constexpr double kMaxWriteCost = 1e6;

constexpr char kAnalyzeExamples[] = R"(Examples:
  inlay analyze --value-bytes 224 snapshots.bin      raw records
  inlay analyze --columns 5-9 syn.tsv                a value of five columns
  inlay analyze --columns country,asn networks.csv   columns by the names in the header
  inlay analyze --columns proto,service conn.log.gz  a Zeek log, compressed
  bpftool -j map dump id 12 | inlay analyze -        the values of a BPF map
  zcat table.csv.gz | inlay analyze --json -         standard input, JSON output

Exit codes: 0 success, 2 bad input or usage, 3 a limit is broken. Manual: docs/analyze.md)";

// Not CLI::Range, which lets "nan" pass.
// Adds the limits. A report that breaks one makes the exit code kExitGate.
void AddLimitFlags(CLI::App& command, AnalyzeOptions* options) {
  analysis::GateLimits& limits = options->limits;
  command.add_option("--max-distinct", limits.max_distinct, "Fail if more values are distinct")
      ->type_name("N")
      ->check(InRange(1, std::numeric_limits<int64_t>::max()));
  command.add_option("--min-ratio", limits.min_ratio, "Fail if the dedup ratio is lower")
      ->type_name("R")
      ->check(NumberInRange(1, std::numeric_limits<double>::max()));
  command
      .add_option("--max-index-bits", limits.max_index_bits,
                  "Fail if the index needs to be wider, or none is wide enough")
      ->type_name("W")
      ->check(InRange(analysis::kMinIndexBits, analysis::kMaxIndexBits));
  command.add_flag("--fail-on-spoiler", limits.fail_on_spoiler,
                   "Fail if a field, or a few together, spoil the values");
}

// Fails for an output that would overwrite an input, or whose folder does not exist, before the
// command reads anything.
absl::Status CheckOutputs(const AnalyzeOptions& options) {
  std::vector<std::string> inputs = options.paths;
  if (!options.records.btf_path.empty()) inputs.push_back(options.records.btf_path);
  for (const std::string& output : {options.html_path, options.summary_path}) {
    if (output.empty() || output == "-") continue;
    const absl::Status status = CheckNotAnInput(output, inputs);
    if (!status.ok()) return status;
    const std::filesystem::path folder = std::filesystem::path(output).parent_path();
    std::error_code ignored;
    if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
      return absl::InvalidArgumentError(
          absl::StrCat(output, ": there is no folder '", folder.string(), "' to write it to"));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteHtml(const AnalyzeOptions& options, const analysis::Report& report) {
  if (options.html_path.empty()) return absl::OkStatus();
  std::vector<std::string> words = {"inlay"};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  const analyze_page::Origin origin{
      .command = ShellCommand(words), .version = INLAY_VERSION, .paths = options.paths};
  return WriteFiles(
      {{options.html_path, page::FormatHtml(analyze_page::BuildPage(report, origin))}});
}

void AddSplitFlags(CLI::App& command, analysis::SplitOptions* options) {
  CLI::Option* none = command.add_flag_callback(
      "--no-split", [options] { options->search = false; },
      "Leave out the search for fields to share and to keep private");
  command
      .add_flag("--split", options->however_large,
                "Search even if distinct values times fields exceed 1,000,000, which takes long")
      ->excludes(none);
  command
      .add_option("--write-cost", options->write_cost,
                  "Split: bytes per socket that each shared group must gain to be worth its writes")
      ->type_name("BYTES")
      ->check(NumberInRange(0, kMaxWriteCost))
      ->capture_default_str()
      ->excludes(none);
  command
      .add_option("--struct-name", options->struct_name,
                  "Split: prefix of the names of the C structs")
      ->type_name("NAME")
      ->check(CLI::Validator(
          [](const std::string& name) {
            return analysis::CIdentifier(name) == name
                       ? std::string()
                       : "--struct-name: '" + name + "' is not an identifier of C";
          },
          ""))
      ->capture_default_str()
      ->excludes(none);
}

// `of_counting` are the options that control the counting. All others control the report, which a
// summary replaces.
void AddSummaryFlags(CLI::App& command, const std::vector<CLI::Option*>& of_counting,
                     AnalyzeOptions* options) {
  const std::vector<CLI::Option*> known = command.get_options({});
  CLI::Option* summary = command.add_option(
      "--summary", options->summary_path,
      "Write a summary for 'inlay merge' instead of the report; '-' is standard output");
  summary->type_name("FILE")->check(NotEmpty());
  for (CLI::Option* option : known) {
    if (std::find(of_counting.begin(), of_counting.end(), option) == of_counting.end()) {
      summary->excludes(option);
    }
  }
  AddLineFlag(command, &options->summary_as_line)->needs(summary);
}

void AddGrowthFlags(CLI::App& command, AnalyzeOptions* options) {
  using analysis::CountMode;
  CLI::Option* in_order = command.add_flag_callback(
      "--in-order", [options] { options->count_mode = CountMode::kInOrder; },
      "Growth: the records are in order of time; measure it in that order");
  CLI::Option* snapshots = command.add_flag_callback(
      "--snapshots", [options] { options->count_mode = CountMode::kSnapshotFiles; },
      "Growth: each file is a snapshot of the same sockets; the report is of the last one");
  snapshots->excludes(in_order);
  command
      .add_option_function<std::string>(
          "--snapshot-column",
          [options](const std::string& column) {
            options->count_mode = CountMode::kSnapshotColumns;
            options->snapshot_column = column;
          },
          "Growth: the rows with the same text in this column are a snapshot")
      ->type_name("COLUMN")
      ->check(NotEmpty())
      ->excludes(in_order)
      ->excludes(snapshots);
}

// Draws the progress bar while a source is read.
class CountProgress final : public analysis::CountObserver {
 public:
  void Started(const analysis::RecordSource& source, uint64_t total_bytes) override {
    bar_.emplace([&source] { return source.bytes_read(); }, total_bytes);
  }
  void Finished() override { bar_.reset(); }

 private:
  std::optional<ProgressBar> bar_;
};

}  // namespace

CLI::App* AddAnalyzeCommand(CLI::App& app, AnalyzeOptions* options) {
  CLI::App* command = app.add_subcommand(
      "analyze", "Tell whether the values in files would deduplicate, and what each layout costs");
  command->footer(kAnalyzeExamples);
  AddRecordFlags(*command, &options->paths, &options->records);
  AddMemoryFlag(*command, &options->memory_bytes);
  command->add_option("--threads", options->threads, "Threads to read with; 0 is one per core")
      ->type_name("N")
      ->check(InRange(0, kMaxThreads))
      ->capture_default_str();
  const std::vector<CLI::Option*> of_counting = command->get_options();
  command->add_option("--top", options->top, "How many of the most frequent values to show")
      ->type_name("N")
      ->check(InRange(0, std::numeric_limits<int64_t>::max()))
      ->capture_default_str();
  CLI::Option* full =
      command->add_flag("--full", options->full, "Print every section, not only the answer");
  command->add_flag("--json", options->json, "Print the report as JSON")->excludes(full);
  command
      ->add_option("--html", options->html_path,
                   "Write the report as one HTML page too, with charts and all terms defined")
      ->type_name("FILE")
      ->check(CLI::Validator(
          [](const std::string& path) {
            return path.empty() || path == "-"
                       ? std::string(
                             "--html needs the name of a file: standard output is for the "
                             "report")
                       : std::string();
          },
          ""));
  command
      ->add_option("--spoilers", options->spoilers,
                   "Fields to leave out, one after the other, in the search for spoilers")
      ->type_name("K")
      ->check(InRange(0, kMaxSpoilers))
      ->capture_default_str();
  AddLimitFlags(*command, options);
  AddSplitFlags(*command, &options->split);
  AddGrowthFlags(*command, options);
  AddSummaryFlags(*command, of_counting, options);
  return command;
}

int RunAnalyze(const AnalyzeOptions& options) {
  if (options.limits.fail_on_spoiler && options.spoilers == 0) {
    return FailCommand(
        "analyze", absl::InvalidArgumentError("--fail-on-spoiler needs --spoilers of 1 or more"));
  }
  if (const absl::Status status = CheckOutputs(options); !status.ok())
    return FailCommand("analyze", status);
  const size_t threads = options.threads != 0 ? options.threads : analysis::DefaultThreads();
  // A third each for counting, for joining the threads' counts, and for the fields.
  const size_t budget_bytes = options.memory_bytes == SIZE_MAX
                                  ? analysis::BoundedCounter::kUnbounded
                                  : options.memory_bytes / 3;
  absl::StatusOr<analysis::Inputs> inputs = analysis::Inputs::Open(options.paths);
  if (!inputs.ok()) return FailCommand("analyze", inputs.status());
  CountProgress progress;
  absl::StatusOr<analysis::CountedInput> input =
      analysis::CountInput(*std::move(inputs), options.records,
                           {.mode = options.count_mode,
                            .snapshot_column = options.snapshot_column,
                            .threads = threads,
                            .budget_bytes = budget_bytes},
                           &progress);
  if (!input.ok()) return FailCommand("analyze", input.status());
  const bool in_doubt = PrintDoubts("analyze", input->notes);
  const analysis::Summary& counted = input->summary;
  if (!options.summary_path.empty()) {
    if (!input->snapshots.empty()) {
      return FailCommand("analyze", absl::InvalidArgumentError(absl::StrCat(
                                        options.paths[0],
                                        ": is a series of snapshots, and a summary is of one data ",
                                        "set; without --summary the report has the snapshots")));
    }
    const absl::Status written =
        WriteSummaryTo(options.summary_path, options.summary_as_line, counted);
    return written.ok() ? kExitOk : FailCommand("analyze", written);
  }
  analysis::Report report =
      analysis::BuildReport(counted.schema, counted.distinct, options.top, threads,
                            {.budget_bytes = budget_bytes,
                             .spoiler_steps = options.spoilers,
                             .split = options.split,
                             .input_order = std::move(input->input_order),
                             .snapshots = std::move(input->snapshots)});
  report.notes = std::move(input->notes);
  const std::string text =
      options.json ? analysis::FormatJson(report)
                   : page::FormatTerminal(options.full ? analyze_page::BuildFull(report)
                                                       : analyze_page::BuildBrief(report),
                                          FormatOfStdout());
  if (const absl::Status status = WriteHtml(options, report); !status.ok())
    return FailCommand("analyze", status);
  if (!WriteToStdout(text)) {
    return FailCommand("analyze",
                       absl::UnavailableError("cannot write the report to standard output"));
  }
  if (in_doubt && options.limits.any()) {
    return FailCommand("analyze", absl::FailedPreconditionError(
                                      "the limits cannot be checked: the figures are in doubt"));
  }
  const std::vector<std::string> broken = analysis::BrokenLimits(report, options.limits);
  for (const std::string& line : broken) {
    std::fprintf(stderr, "inlay analyze: %s\n", MessageText(line).c_str());
  }
  return broken.empty() ? kExitOk : kExitGate;
}

}  // namespace inlay
