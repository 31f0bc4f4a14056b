// Man pages, made from the definitions that --help prints.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_COMMAND_MANUAL_MAN_PAGE_H_
#define INLAY_TOOLS_COMMAND_MANUAL_MAN_PAGE_H_

#include <CLI/CLI.hpp>
#include <string>

namespace inlay {

// The page of section 1 for `app`, the whole command or one of its subcommands, in man(7) macros.
// The footer of the help is its EXAMPLES and EXIT STATUS. Hidden options are left out.
std::string ManPage(const CLI::App& app);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_MANUAL_MAN_PAGE_H_
