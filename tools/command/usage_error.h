// What to say of a command line with a mistake.

#ifndef INLAY_TOOLS_COMMAND_USAGE_ERROR_H_
#define INLAY_TOOLS_COMMAND_USAGE_ERROR_H_

#include <CLI/CLI.hpp>
#include <set>
#include <string>
#include <vector>

namespace inlay {

// `name` in quotes, and those of `names` that are close to it: "'cvs'; did you mean 'csv'?".
std::string WithCloseNames(const std::string& name, const std::set<std::string>& names);

// "csv, raw, tsv".
std::string Joined(const std::set<std::string>& names);

// The message for `error`, which `app` has thrown while it parsed `arguments`, those behind the
// name of the program. It names the command and, of a misspelled command, option or value, the
// names that are close to it.
std::string UsageErrorText(const CLI::App& app, const CLI::ParseError& error,
                           const std::vector<std::string>& arguments);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_USAGE_ERROR_H_
