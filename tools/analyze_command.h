// `inlay analyze`: would the values in these files deduplicate? See docs/analyze.md.

#ifndef INLAY_TOOLS_ANALYZE_COMMAND_H_
#define INLAY_TOOLS_ANALYZE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "tools/analysis/open_records.h"
#include "tools/analysis/split_advice.h"

namespace inlay {

struct AnalyzeOptions {
  std::vector<std::string> paths;
  analysis::RecordOptions records;
  size_t top = 10;
  size_t threads = 0;  // 0: one per core
  bool json = false;
  analysis::SplitOptions split;
};

// Adds the subcommand to `app`; parsing fills `options`, which must outlive `app`. Parse errors are
// CLI::ParseError, as CLI11 wants it.
CLI::App* AddAnalyzeCommand(CLI::App& app, AnalyzeOptions* options);

// Runs the command: the report goes to standard output, messages and progress to standard error.
// Returns the exit code, 0 or kExitBadInput; nothing is on standard output unless it is 0.
int RunAnalyze(const AnalyzeOptions& options);

}  // namespace inlay

#endif  // INLAY_TOOLS_ANALYZE_COMMAND_H_
