// A check of the name that an option takes.

#ifndef INLAY_TOOLS_COMMAND_ONE_OF_H_
#define INLAY_TOOLS_COMMAND_ONE_OF_H_

#include <CLI/CLI.hpp>
#include <set>
#include <string>

namespace inlay {

// Accepts the names in `names`, and offers those that are close to another one. Leaves the help
// alone, where the description lists them.
CLI::Validator OneOf(const std::set<std::string>& names);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_ONE_OF_H_
