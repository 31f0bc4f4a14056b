// `inlay replay`: loads records into emulated sockets on each layout and measures. See
// docs/replay.md.

#ifndef INLAY_TOOLS_COMMAND_REPLAY_COMMAND_H_
#define INLAY_TOOLS_COMMAND_REPLAY_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "tools/analysis/readers/open_records.h"

namespace inlay {

struct ReplayOptions {
  std::vector<std::string> paths;
  analysis::RecordOptions records;
  size_t max_sockets = 1000000;
};

// Adds the subcommand to `app`; parsing fills `options`, which must outlive `app`.
CLI::App* AddReplayCommand(CLI::App& app, ReplayOptions* options);

// Runs the command: the table goes to standard output, messages to standard error. Returns the exit
// code, 0 or kExitBadInput; nothing is on standard output unless it is 0.
int RunReplay(const ReplayOptions& options);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_REPLAY_COMMAND_H_
