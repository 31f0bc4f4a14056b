// The definitions of a command line, as its man pages and shell completions need them.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_COMMAND_MANUAL_COMMAND_OPTIONS_H_
#define INLAY_TOOLS_COMMAND_MANUAL_COMMAND_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace inlay {

// Those that --help lists, option groups included.
std::vector<const CLI::App*> VisibleSubcommands(const CLI::App& app);
std::vector<const CLI::Option*> VisibleOptions(const CLI::App& app);

// The names with their dashes, "-o" before "--output"; empty for a positional.
std::vector<std::string> OptionNames(const CLI::Option& option);

// "FILE".
std::string PositionalName(const CLI::Option& option);

// The word for the value in the help; empty for flags and positionals.
std::string OptionValue(const CLI::Option& option);

// Whether the value, or the positional, is the path of a file.
bool TakesFile(const CLI::Option& option);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_MANUAL_COMMAND_OPTIONS_H_
