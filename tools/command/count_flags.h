// The flags of subcommands that count values and write summaries: `analyze` and `merge`.

#ifndef INLAY_TOOLS_COMMAND_COUNT_FLAGS_H_
#define INLAY_TOOLS_COMMAND_COUNT_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstddef>

namespace inlay {

// Adds --memory, the budget for distinct values: 16M at least.
void AddMemoryFlag(CLI::App& command, size_t* memory_bytes);

// Adds --as-line, the form of a summary that text-based engines can pass on.
CLI::Option* AddLineFlag(CLI::App& command, bool* as_line);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_COUNT_FLAGS_H_
