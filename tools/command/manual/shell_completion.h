// Completions for shells, made from the definitions that --help prints.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_COMMAND_MANUAL_SHELL_COMPLETION_H_
#define INLAY_TOOLS_COMMAND_MANUAL_SHELL_COMPLETION_H_

#include <CLI/CLI.hpp>
#include <string>

namespace inlay {

// A script for bash-completion: subcommands, their options, and files where files are expected.
std::string BashCompletion(const CLI::App& app);

// The same for the completion system of zsh, with descriptions.
std::string ZshCompletion(const CLI::App& app);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_MANUAL_SHELL_COMPLETION_H_
