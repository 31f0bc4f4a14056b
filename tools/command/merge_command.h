// `inlay merge`: adds summaries of `inlay analyze --summary`. See docs/fleet.md.

#ifndef INLAY_TOOLS_COMMAND_MERGE_COMMAND_H_
#define INLAY_TOOLS_COMMAND_MERGE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace inlay {

struct MergeOptions {
  std::vector<std::string> paths;
  std::string output = "-";
  bool as_line = false;
  size_t memory_bytes = SIZE_MAX;
};

// Adds the subcommand to `app`; parsing fills `options`, which must outlive `app`.
CLI::App* AddMergeCommand(CLI::App& app, MergeOptions* options);

// Runs the command: the sum goes to the output, messages to standard error. Returns the exit code.
int RunMerge(const MergeOptions& options);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_MERGE_COMMAND_H_
