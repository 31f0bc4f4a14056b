// `inlay report`: formats benchmark results as one page and a summary. See docs/report.md.

#ifndef INLAY_TOOLS_COMMAND_REPORT_COMMAND_H_
#define INLAY_TOOLS_COMMAND_REPORT_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace inlay {

struct ReportOptions {
  std::vector<std::string> paths;
  std::string html;      // path of the page; empty: no page
  std::string markdown;  // the same of the summary
  std::string chart;     // the same of the chart
  bool table = false;    // the headline table, to standard output
};

// Adds the subcommand to `app`; parsing fills `options`, which must outlive `app`. Parse errors are
// CLI::ParseError, as CLI11 wants it.
CLI::App* AddReportCommand(CLI::App& app, ReportOptions* options);

// Runs the command: Markdown goes to standard output if no output is asked for, messages to
// standard error. Returns the exit code, 0 or kExitBadInput. It detects bad results before it
// writes or prints anything.
int RunReport(const ReportOptions& options);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_REPORT_COMMAND_H_
