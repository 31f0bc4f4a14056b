// The flags that select the records of a subcommand and their format, the same for all subcommands
// that read records.

#ifndef INLAY_TOOLS_COMMAND_RECORD_FLAGS_H_
#define INLAY_TOOLS_COMMAND_RECORD_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/analysis/readers/open_records.h"

namespace inlay {

// Adds FILE, --format, --value-bytes, --fields, --btf, --type, --columns, --header, --no-header,
// --delimiter, --no-quotes and --map-id to `command`; parsing fills `paths` and `options`, which
// must outlive it.
void AddRecordFlags(CLI::App& command, std::vector<std::string>* paths,
                    analysis::RecordOptions* options);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_RECORD_FLAGS_H_
