// What to say of a command line that is none.

#ifndef INLAY_TOOLS_COMMAND_USAGE_ERROR_H_
#define INLAY_TOOLS_COMMAND_USAGE_ERROR_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace inlay {

// The message for `error`, which `app` has thrown while it parsed `arguments`, those behind the
// name of the program. It names the command and, of a misspelled command, option or value, the
// names that are close to it.
std::string UsageErrorText(const CLI::App& app, const CLI::ParseError& error,
                           const std::vector<std::string>& arguments);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_USAGE_ERROR_H_
