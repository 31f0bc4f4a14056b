// Finds out whether standard output is a terminal, and its width and colours.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_TERMINAL_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_TERMINAL_H_

#include "tools/pages/document/terminal.h"

namespace inlay {

// Pipes and files get 80 columns and no colours. Terminals get their own width, up to 120 columns,
// and colours unless NO_COLOR is set to anything but the empty text, or TERM is "dumb".
// Thread-safe as long as no thread changes the environment.
page::TerminalFormat FormatOfStdout();

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_TERMINAL_H_
