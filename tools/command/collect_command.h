// `inlay collect`: frees the indexes of values that no socket has any more. See docs/bpf.md.

#ifndef INLAY_TOOLS_COMMAND_COLLECT_COMMAND_H_
#define INLAY_TOOLS_COMMAND_COLLECT_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace inlay {

struct CollectOptions {
  std::string pinned;
  double every_seconds = 0;  // 0: once
  std::string metrics;       // a file; empty: none
  std::vector<std::string> network_namespaces;
};

// Adds the subcommand to `app`; parsing fills `options`, which must outlive `app`.
CLI::App* AddCollectCommand(CLI::App& app, CollectOptions* options);

// Runs the command: a table for each pass goes to standard output, messages to standard error.
// Returns the exit code: 0, or kExitBadInput if it failed or its only pass was not complete.
int RunCollect(const CollectOptions& options);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_COLLECT_COMMAND_H_
