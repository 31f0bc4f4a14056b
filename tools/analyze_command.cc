#include "tools/analyze_command.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tools/analysis/c_struct.h"
#include "tools/analysis/distinct_values.h"
#include "tools/analysis/gate.h"
#include "tools/analysis/input_file.h"
#include "tools/analysis/layout_costs.h"
#include "tools/analysis/report.h"
#include "tools/analysis/report_json.h"
#include "tools/analysis/report_text.h"
#include "tools/exit_codes.h"
#include "tools/progress_bar.h"
#include "tools/record_flags.h"
#include "tools/summary_files.h"

namespace inlay {
namespace {

constexpr int64_t kMaxThreads = 64;
constexpr int64_t kMaxSpoilers = 65'536;  // as many as a raw record can have bytes
constexpr double kMaxWriteCost = 1e6;

constexpr char kExamples[] = R"(Examples:
  inlay analyze --value-bytes 224 snapshots.bin      raw records
  inlay analyze --columns 5-9 syn.tsv                a value of five columns
  inlay analyze --columns country,asn networks.csv   columns by the names in the header
  inlay analyze --columns proto,service conn.log.gz  a Zeek log, compressed
  bpftool -j map dump id 12 | inlay analyze -        the values of a BPF map
  zcat table.csv.gz | inlay analyze --json -         standard input, JSON output

Exit codes: 0 success, 2 bad input or usage, 3 a limit is broken. Manual: docs/analyze.md)";

// Not CLI::Range, which lets "nan" pass.
const CLI::Validator kRatio(
    [](const std::string& text) {
      double ratio = 0;
      const bool good =
          CLI::detail::lexical_cast(text, ratio) && std::isfinite(ratio) && ratio >= 1;
      return good ? std::string() : text + " is not a number of 1 or more";
    },
    "");

// The limits, of which each that the report breaks makes the exit code kExitGate.
void AddLimitFlags(CLI::App& command, AnalyzeOptions* options) {
  analysis::GateLimits& limits = options->limits;
  command.add_option("--max-distinct", limits.max_distinct, "Fail if more values are distinct")
      ->type_name("N")
      ->check(InRange(1, std::numeric_limits<int64_t>::max()));
  command.add_option("--min-ratio", limits.min_ratio, "Fail if the dedup ratio is lower")
      ->type_name("R")
      ->check(kRatio);
  command
      .add_option("--max-index-bits", limits.max_index_bits,
                  "Fail if the index needs to be wider, or none is wide enough")
      ->type_name("W")
      ->check(InRange(analysis::kMinIndexBits, analysis::kMaxIndexBits));
  command.add_flag("--fail-on-spoiler", limits.fail_on_spoiler,
                   "Fail if a field, or a few together, spoil the values");
}

// Counts the records of the files, or adds the summaries that they are. What is to be said of the input goes
// to *notes.
absl::StatusOr<analysis::Summary> Count(const AnalyzeOptions& options, size_t threads,
                                        size_t budget_bytes, std::vector<std::string>* notes) {
  if (StartsAsSummary(options.paths[0])) {
    const analysis::RecordOptions& records = options.records;
    if (records.format != analysis::RecordFormat::kDetect || records.value_bytes.has_value() ||
        !records.fields.empty() || !records.btf_path.empty() || !records.type.empty() ||
        !records.columns.empty() || records.header.has_value() || records.delimiter.has_value() ||
        records.map_id.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          options.paths[0], ": is a summary; what its values are was decided when it was written, ",
          "so the options that say how to read records do not apply"));
    }
    return ReadSummaries(options.paths, budget_bytes);
  }
  absl::StatusOr<std::unique_ptr<analysis::RecordSource>> source =
      analysis::OpenRecords(options.paths, options.records);
  if (!source.ok()) return source.status();
  std::optional<ProgressBar> progress;
  progress.emplace([&source] { return (*source)->bytes_read(); },
                   analysis::TotalBytes(options.paths));
  absl::StatusOr<analysis::DistinctValues> distinct =
      analysis::CountDistinct(**source, threads, budget_bytes);
  progress.reset();  // before anything else is printed
  if (!distinct.ok()) return distinct.status();
  // Of a sample it is not known how many values are distinct.
  *notes = (*source)->Notes(distinct->exact() ? distinct->values().size() : UINT64_MAX);
  for (const std::string& loss : (*source)->Losses()) {
    std::fprintf(stderr, "inlay analyze: %s\n", loss.c_str());
  }
  return analysis::Summary{(*source)->schema(), *std::move(distinct)};
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "inlay analyze: %s\n", std::string(status.message()).c_str());
  return kExitBadInput;
}

void AddSplitFlags(CLI::App& command, analysis::SplitOptions* options) {
  CLI::Option* none = command.add_flag_callback(
      "--no-split", [options] { options->search = false; },
      "Leave out the search for fields to share and to keep private");
  command
      .add_flag("--split", options->however_large,
                "Search even if distinct values times fields are above 1,000,000, which takes long")
      ->excludes(none);
  command
      .add_option("--write-cost", options->write_cost,
                  "Split: bytes per socket that each shared group must gain to be worth its writes")
      ->type_name("BYTES")
      ->check(CLI::Range(0.0, kMaxWriteCost).description(""))
      ->capture_default_str()
      ->excludes(none);
  command
      .add_option("--struct-name", options->struct_name,
                  "Split: what the C structs' names start with")
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

}  // namespace

CLI::App* AddAnalyzeCommand(CLI::App& app, AnalyzeOptions* options) {
  CLI::App* command = app.add_subcommand(
      "analyze", "Tell whether the values in files would deduplicate, and what each layout costs");
  command->footer(kExamples);
  AddRecordFlags(*command, &options->paths, &options->records);
  command->add_option("--top", options->top, "How many of the most frequent values to show")
      ->type_name("N")
      ->check(InRange(0, std::numeric_limits<int64_t>::max()))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the report as JSON");
  AddMemoryFlag(*command, &options->memory_bytes);
  command
      ->add_option(
          "--summary", options->summary_path,
          "Write a summary for 'inlay merge' instead of the report; '-' is standard output")
      ->type_name("FILE");
  AddLineFlag(*command, &options->summary_as_line);
  command->add_option("--threads", options->threads, "Threads to read with; 0 is one per core")
      ->type_name("N")
      ->check(InRange(0, kMaxThreads))
      ->capture_default_str();
  command
      ->add_option("--spoilers", options->spoilers,
                   "How many fields to leave out, one after the other, to find what spoils it")
      ->type_name("K")
      ->check(InRange(0, kMaxSpoilers))
      ->capture_default_str();
  AddLimitFlags(*command, options);
  AddSplitFlags(*command, &options->split);
  return command;
}

int RunAnalyze(const AnalyzeOptions& options) {
  if (options.limits.fail_on_spoiler && options.spoilers == 0) {
    return Fail(absl::InvalidArgumentError("--fail-on-spoiler needs --spoilers of 1 or more"));
  }
  const size_t threads = options.threads != 0 ? options.threads : analysis::DefaultThreads();
  // A third each for counting, for joining what threads have counted, and for the fields.
  const size_t budget_bytes = options.memory_bytes == SIZE_MAX
                                  ? analysis::BoundedCounter::kUnbounded
                                  : options.memory_bytes / 3;
  std::vector<std::string> notes;
  absl::StatusOr<analysis::Summary> counted = Count(options, threads, budget_bytes, &notes);
  if (!counted.ok()) return Fail(counted.status());
  if (!options.summary_path.empty()) {
    // A summary has no room for them.
    for (const std::string& note : notes)
      std::fprintf(stderr, "inlay analyze: note: %s\n", note.c_str());
    const absl::Status written = WriteSummaryTo(options.summary_path, options.summary_as_line,
                                                counted->schema, counted->distinct);
    return written.ok() ? kExitOk : Fail(written);
  }
  analysis::Report report = analysis::BuildReport(
      counted->schema, counted->distinct, options.top, threads,
      {.budget_bytes = budget_bytes, .spoiler_steps = options.spoilers, .split = options.split});
  report.notes = std::move(notes);
  const std::string text =
      options.json ? analysis::FormatJson(report) : analysis::FormatText(report);
  if (!WriteToStdout(text)) {
    return Fail(absl::UnavailableError("cannot write the report to standard output"));
  }
  const std::vector<std::string> broken = analysis::BrokenLimits(report, options.limits);
  for (const std::string& line : broken) std::fprintf(stderr, "inlay analyze: %s\n", line.c_str());
  return broken.empty() ? kExitOk : kExitGate;
}

}  // namespace inlay
