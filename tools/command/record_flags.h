// The flags that say which records a subcommand reads, and how: the same for all that read records.

#ifndef INLAY_TOOLS_COMMAND_RECORD_FLAGS_H_
#define INLAY_TOOLS_COMMAND_RECORD_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/analysis/readers/open_records.h"

namespace inlay {

// Adds FILE, --format, --value-bytes, --fields, --btf, --type, --columns, --header, --no-header, --delimiter and
// --map-id to
// `command`; parsing fills `paths` and `options`, which must outlive it.
void AddRecordFlags(CLI::App& command, std::vector<std::string>* paths,
                    analysis::RecordOptions* options);

// Adds --memory, the budget for distinct values: 16M at least.
void AddMemoryFlag(CLI::App& command, size_t* memory_bytes);

// Adds --as-line, the form of a summary that engines of text can pass on.
CLI::Option* AddLineFlag(CLI::App& command, bool* as_line);

// A check that leaves the help alone, where the description says what is allowed. Signed, because
// CLI11 would turn -1 into the largest unsigned number.
CLI::Validator InRange(int64_t smallest, int64_t largest);

// Whether everything was written; a full disk or a closed pipe must not look like success.
bool WriteToStdout(const std::string& text);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_RECORD_FLAGS_H_
