// `inlay capture`: reads the values of sockets out of the running kernel. See docs/capture.md.

#ifndef INLAY_TOOLS_COMMAND_CAPTURE_COMMAND_H_
#define INLAY_TOOLS_COMMAND_CAPTURE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "tools/capture/capture_source.h"

namespace inlay {

struct CaptureCommandOptions {
  std::string map_name = {};
  std::optional<uint32_t> map_id = {};
  std::string pinned = {};
  bool sockets = false;
  capture::Method method = capture::Method::kAuto;
  std::string output = {};  // "-": standard output; empty: none
  bool analyze = false;
  bool json = false;
  std::optional<double> follow_seconds = {};
  double interval_seconds = 1;
};

// Adds the subcommand to `app`; parsing fills `options`, which must outlive `app`. Parse errors are
// CLI::ParseError, as CLI11 wants it.
CLI::App* AddCaptureCommand(CLI::App& app, CaptureCommandOptions* options);

// Runs the command: writes the file or the report to the requested place, and messages to standard
// error. Returns the exit code. After a failure no new file remains, except a series with a
// complete snapshot. On SIGINT, SIGTERM or SIGHUP it cleans up and then dies by that signal; but
// after the first snapshot of a series it finishes the series and succeeds.
int RunCapture(const CaptureCommandOptions& options);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_CAPTURE_COMMAND_H_
