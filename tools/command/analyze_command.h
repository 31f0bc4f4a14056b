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
  std::string html_path;               // where to write the page; empty: nowhere
  std::vector<std::string> arguments;  // of the command line, for the page; not set by parsing
  size_t memory_bytes = SIZE_MAX;      // for the distinct values
  std::string summary_path;            // where to write a summary; empty: nowhere
  bool summary_as_line = false;
  size_t spoilers = analysis::kDefaultSpoilerSteps;
  analysis::GateLimits limits;
  analysis::SplitOptions split;
};

// Adds the subcommand to `app`; parsing fills `options`, which must outlive `app`. Parse errors are
// CLI::ParseError, as CLI11 wants it.
CLI::App* AddAnalyzeCommand(CLI::App& app, AnalyzeOptions* options);

// Runs the command: the report goes to standard output, messages and progress to standard error.
// The page is written before anything is printed.
// Returns the exit code: kExitOk; kExitGate, if the report breaks a limit, with a line on standard
// error for each; or kExitBadInput. Then nothing is on standard output, unless there are limits and
// the input is in doubt (InputNote): the report is printed, and no limit is checked.
int RunAnalyze(const AnalyzeOptions& options);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_ANALYZE_COMMAND_H_
