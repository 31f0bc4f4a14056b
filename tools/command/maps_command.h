// `inlay maps`: lists the BPF maps that can be captured, and their memory. See docs/capture.md.

#ifndef INLAY_TOOLS_COMMAND_MAPS_COMMAND_H_
#define INLAY_TOOLS_COMMAND_MAPS_COMMAND_H_

#include <CLI/CLI.hpp>

namespace inlay {

struct MapsOptions {
  bool json = false;
};

// Adds the subcommand to `app`; parsing fills `options`, which must outlive `app`.
CLI::App* AddMapsCommand(CLI::App& app, MapsOptions* options);

// Runs the command: the list goes to standard output, messages to standard error. Returns the exit
// code, 0 or kExitBadInput; nothing is on standard output unless it is 0.
int RunMaps(const MapsOptions& options);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_MAPS_COMMAND_H_
