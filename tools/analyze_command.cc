#include "tools/analyze_command.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/c_struct.h"
#include "tools/analysis/distinct_values.h"
#include "tools/analysis/gate.h"
#include "tools/analysis/input_file.h"
#include "tools/analysis/layout_costs.h"
#include "tools/analysis/report.h"
#include "tools/analysis/report_json.h"
#include "tools/analysis/report_text.h"
#include "tools/analyze_page/analyze_page.h"
#include "tools/exit_codes.h"
#include "tools/output_files.h"
#include "tools/page/html_page.h"
#include "tools/progress_bar.h"
#include "tools/record_flags.h"
#include "tools/shell_words.h"
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

// Fails if one of the files behind the first is a summary and the first is none, or the other way round. What can be
// read only once is not looked at.
absl::Status CheckKinds(const std::vector<std::string>& paths, bool first_is_summary) {
  for (size_t i = 1; i < paths.size(); ++i) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(paths[i], ignored)) continue;
    absl::StatusOr<analysis::InputFile> file = analysis::InputFile::Open(paths[i]);
    if (!file.ok()) continue;  // whoever reads it says why
    const absl::StatusOr<bool> is_summary = StartsAsSummary(&*file);
    if (!is_summary.ok() || *is_summary == first_is_summary) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(paths[*is_summary ? i : 0], ": is a summary, and ", paths[*is_summary ? 0 : i],
                     " is none; give files of records, or summaries, but not both"));
  }
  return absl::OkStatus();
}

// Counts the records of the files, or adds the summaries that they are. What is to be said of the input goes
// to *notes, in the order in which it is to be said.
absl::StatusOr<analysis::Summary> Count(const AnalyzeOptions& options, size_t threads,
                                        size_t budget_bytes, std::vector<std::string>* notes) {
  std::optional<analysis::InputFile> first;
  bool is_summary = false;
  if (absl::StatusOr<analysis::InputFile> opened = analysis::InputFile::Open(options.paths[0]);
      opened.ok()) {
    absl::StatusOr<bool> starts_as_summary = StartsAsSummary(&*opened);
    if (!starts_as_summary.ok()) return starts_as_summary.status();
    is_summary = *starts_as_summary;
    first = *std::move(opened);
    const absl::Status same_kind = CheckKinds(options.paths, is_summary);
    if (!same_kind.ok()) return same_kind;
  }
  if (is_summary) {
    const analysis::RecordOptions& records = options.records;
    if (records.format != analysis::RecordFormat::kDetect || records.value_bytes.has_value() ||
        !records.fields.empty() || !records.btf_path.empty() || !records.type.empty() ||
        !records.columns.empty() || records.header.has_value() || records.delimiter.has_value() ||
        records.map_id.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          first->name(), ": is a summary; what its values are was decided when it was written, ",
          "so the options that say how to read records do not apply"));
    }
    absl::StatusOr<analysis::Summary> sum =
        ReadSummaries(options.paths, budget_bytes, std::move(first));
    if (sum.ok()) {
      notes->assign(sum->notes.notes().begin(), sum->notes.notes().end());
      if (sum->notes.more()) notes->push_back("Parts of the data have more notes than these.");
    }
    return sum;
  }
  analysis::RecordOptions records = options.records;
  // Nothing is computed on fields yet.
  records.dump_budget_bytes = budget_bytes;
  absl::StatusOr<std::unique_ptr<analysis::RecordSource>> source =
      analysis::OpenRecords(options.paths, records, std::move(first));
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
  analysis::Summary summary{(*source)->schema(), *std::move(distinct)};
  for (const std::string& note : *notes) summary.notes.Add(note);
  return summary;
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "inlay analyze: %s\n", std::string(status.message()).c_str());
  return kExitBadInput;
}

// What is read is not to be overwritten by the page.
absl::Status CheckHtmlPath(const AnalyzeOptions& options) {
  std::vector<std::string> inputs = options.paths;
  if (!options.records.btf_path.empty()) inputs.push_back(options.records.btf_path);
  return CheckNotAnInput(options.html_path, inputs);
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

// `of_counting` are the options that say what is counted and how; all others are about the report, instead of which
// the summary is written.
void AddSummaryFlags(CLI::App& command, const std::vector<CLI::Option*>& of_counting,
                     AnalyzeOptions* options) {
  const std::vector<CLI::Option*> known = command.get_options({});
  CLI::Option* summary = command.add_option(
      "--summary", options->summary_path,
      "Write a summary for 'inlay merge' instead of the report; '-' is standard output");
  summary->type_name("FILE");
  for (CLI::Option* option : known) {
    if (std::find(of_counting.begin(), of_counting.end(), option) == of_counting.end()) {
      summary->excludes(option);
    }
  }
  AddLineFlag(command, &options->summary_as_line)->needs(summary);
}

}  // namespace

CLI::App* AddAnalyzeCommand(CLI::App& app, AnalyzeOptions* options) {
  CLI::App* command = app.add_subcommand(
      "analyze", "Tell whether the values in files would deduplicate, and what each layout costs");
  command->footer(kExamples);
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
  command->add_flag("--json", options->json, "Print the report as JSON");
  command
      ->add_option("--html", options->html_path,
                   "Write the report as one HTML page too, with charts and all terms defined")
      ->type_name("FILE");
  command
      ->add_option("--spoilers", options->spoilers,
                   "How many fields to leave out, one after the other, to find what spoils it")
      ->type_name("K")
      ->check(InRange(0, kMaxSpoilers))
      ->capture_default_str();
  AddLimitFlags(*command, options);
  AddSplitFlags(*command, &options->split);
  AddSummaryFlags(*command, of_counting, options);
  return command;
}

int RunAnalyze(const AnalyzeOptions& options) {
  if (options.limits.fail_on_spoiler && options.spoilers == 0) {
    return Fail(absl::InvalidArgumentError("--fail-on-spoiler needs --spoilers of 1 or more"));
  }
  if (const absl::Status status = CheckHtmlPath(options); !status.ok()) return Fail(status);
  const size_t threads = options.threads != 0 ? options.threads : analysis::DefaultThreads();
  // A third each for counting, for joining what threads have counted, and for the fields.
  const size_t budget_bytes = options.memory_bytes == SIZE_MAX
                                  ? analysis::BoundedCounter::kUnbounded
                                  : options.memory_bytes / 3;
  std::vector<std::string> notes;
  absl::StatusOr<analysis::Summary> counted = Count(options, threads, budget_bytes, &notes);
  if (!counted.ok()) return Fail(counted.status());
  if (!options.summary_path.empty()) {
    const absl::Status written =
        WriteSummaryTo(options.summary_path, options.summary_as_line, *counted);
    return written.ok() ? kExitOk : Fail(written);
  }
  analysis::Report report = analysis::BuildReport(
      counted->schema, counted->distinct, options.top, threads,
      {.budget_bytes = budget_bytes, .spoiler_steps = options.spoilers, .split = options.split});
  report.notes = std::move(notes);
  const std::string text =
      options.json ? analysis::FormatJson(report) : analysis::FormatText(report);
  if (const absl::Status status = WriteHtml(options, report); !status.ok()) return Fail(status);
  if (!WriteToStdout(text)) {
    return Fail(absl::UnavailableError("cannot write the report to standard output"));
  }
  const std::vector<std::string> broken = analysis::BrokenLimits(report, options.limits);
  for (const std::string& line : broken) std::fprintf(stderr, "inlay analyze: %s\n", line.c_str());
  return broken.empty() ? kExitOk : kExitGate;
}

}  // namespace inlay
