#include "tools/analyze_command.h"

#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>

#include "tools/analysis/c_struct.h"
#include "tools/analysis/distinct_values.h"
#include "tools/analysis/input_file.h"
#include "tools/analysis/report.h"
#include "tools/analysis/report_json.h"
#include "tools/analysis/report_text.h"
#include "tools/exit_codes.h"
#include "tools/progress_bar.h"
#include "tools/record_flags.h"

namespace inlay {
namespace {

constexpr int64_t kMaxThreads = 64;
constexpr double kMaxWriteCost = 1e6;

constexpr char kExamples[] = R"(Examples:
  inlay analyze --value-bytes 224 snapshots.bin      raw records
  inlay analyze --columns 5-9 syn.tsv                a value of five columns
  inlay analyze --columns country,asn networks.csv   columns by the names in the header
  gzip -dc table.csv.gz | inlay analyze --json -     standard input, JSON output

Exit codes: 0 success, 2 bad input or usage. Manual: docs/analyze.md)";

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "inlay analyze: %s\n", std::string(status.message()).c_str());
  return kExitBadInput;
}

void AddSplitFlags(CLI::App& command, analysis::SplitOptions* options) {
  CLI::Option* none = command.add_flag_callback(
      "--no-split", [options] { options->search = false; },
      "Leave out the search for fields to share and to keep private");
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
  command->add_option("--threads", options->threads, "Threads to read with; 0 is one per core")
      ->type_name("N")
      ->check(InRange(0, kMaxThreads))
      ->capture_default_str();
  AddSplitFlags(*command, &options->split);
  return command;
}

int RunAnalyze(const AnalyzeOptions& options) {
  const size_t threads = options.threads != 0 ? options.threads : analysis::DefaultThreads();
  absl::StatusOr<std::unique_ptr<analysis::RecordSource>> source =
      analysis::OpenRecords(options.paths, options.records);
  if (!source.ok()) return Fail(source.status());
  std::optional<ProgressBar> progress;
  progress.emplace([&source] { return (*source)->bytes_read(); },
                   analysis::TotalBytes(options.paths));
  absl::StatusOr<analysis::DistinctValues> distinct = analysis::CountDistinct(**source, threads);
  progress.reset();  // before anything else is printed
  if (!distinct.ok()) return Fail(distinct.status());
  const analysis::Report report =
      analysis::BuildReport((*source)->schema(), *distinct, options.top, threads, options.split);
  const std::string text =
      options.json ? analysis::FormatJson(report) : analysis::FormatText(report);
  if (!WriteToStdout(text)) {
    return Fail(absl::UnavailableError("cannot write the report to standard output"));
  }
  return kExitOk;
}

}  // namespace inlay
