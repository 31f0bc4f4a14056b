// `inlay analyze`: would the values in these files deduplicate? See docs/analyze.md.

#ifndef INLAY_TOOLS_COMMAND_ANALYZE_COMMAND_H_
#define INLAY_TOOLS_COMMAND_ANALYZE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/analysis/counting/count_input.h"
#include "tools/analysis/fields/spoilers.h"
#include "tools/analysis/readers/open_records.h"
#include "tools/analysis/report/gate.h"
#include "tools/analysis/split/split_advice.h"

namespace inlay {

struct AnalyzeOptions {
  std::vector<std::string> paths;
  analysis::RecordOptions records;
  analysis::CountMode count_mode = analysis::CountMode::kRecords;
  std::string snapshot_column;  // kSnapshotColumns only
  size_t top = 10;
  size_t threads = 0;  // 0: one per core
  bool full = false;
  bool json = false;
  std::string html_path;               // path of the page; empty: no page
  std::vector<std::string> arguments;  // of the command line, for the page; not set by parsing
  size_t memory_bytes = SIZE_MAX;      // for the distinct values
  std::string summary_path;            // path of the summary; empty: no summary
  bool summary_as_line = false;
  size_t spoilers = analysis::kDefaultSpoilerSteps;
  analysis::GateLimits limits;
  analysis::SplitOptions split;
};

// Adds the subcommand to `app`; parsing fills `options`, which must outlive `app`. Parse errors are
// CLI::ParseError, as CLI11 requires.
CLI::App* AddAnalyzeCommand(CLI::App& app, AnalyzeOptions* options);

// Runs the command: the report goes to standard output, messages and progress to standard error. It
// writes the page before it prints anything. Returns the exit code: kExitOk; kExitGate, if the
// report breaks a limit, with a line on standard error for each; or kExitBadInput. With
// kExitBadInput nothing is on standard output, with one exception: if there are limits and the
// input is in doubt (InputNote), the command prints the report and checks no limit.
int RunAnalyze(const AnalyzeOptions& options);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_ANALYZE_COMMAND_H_
