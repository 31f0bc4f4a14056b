#include "tools/command/merge_command.h"

#include <utility>

#include "tools/analysis/counting/read_summaries.h"
#include "tools/command/count_flags.h"
#include "tools/command/not_empty.h"
#include "tools/command/output/exit_codes.h"
#include "tools/command/output/fail_command.h"
#include "tools/command/output/write_summary.h"

namespace inlay {
namespace {

constexpr char kMergeExamples[] = R"(Examples:
  inlay merge host1.summary host2.summary -o fleet.summary
  cat *.summary | inlay merge > fleet.summary          a filter: any number, one behind the other
  inlay analyze fleet.summary                          the report on all of them

Exit codes: 0 success, 2 bad input or usage. Manual: docs/fleet.md)";

}  // namespace

CLI::App* AddMergeCommand(CLI::App& app, MergeOptions* options) {
  CLI::App* command = app.add_subcommand("merge", "Add summaries of 'inlay analyze --summary'");
  command->footer(kMergeExamples);
  command
      ->add_option("FILE", options->paths,
                   "Summaries, one or several in each file; '-', or none, is standard input")
      ->type_name("");
  command
      ->add_option("-o,--output", options->output, "Where to write the sum; '-' is standard output")
      ->type_name("FILE")
      ->check(NotEmpty())
      ->capture_default_str();
  AddLineFlag(*command, &options->as_line);
  AddMemoryFlag(*command, &options->memory_bytes);
  return command;
}

int RunMerge(const MergeOptions& options) {
  std::vector<std::string> paths = options.paths;
  if (paths.empty()) paths.push_back("-");
  absl::StatusOr<analysis::Inputs> inputs = analysis::Inputs::Open(std::move(paths));
  if (!inputs.ok()) return FailCommand("merge", inputs.status());
  absl::StatusOr<analysis::Summary> sum =
      analysis::ReadSummaries(*std::move(inputs), options.memory_bytes);
  if (!sum.ok()) return FailCommand("merge", sum.status());
  const absl::Status written = WriteSummaryTo(options.output, options.as_line, *sum);
  return written.ok() ? kExitOk : FailCommand("merge", written);
}

}  // namespace inlay
