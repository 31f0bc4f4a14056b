// Quotes a command for a shell.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_SHELL_WORDS_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_SHELL_WORDS_H_

#include <string>
#include <vector>

namespace inlay {

// The words, with quotes where a shell needs them. Thread-safe.
std::string ShellCommand(const std::vector<std::string>& words);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_SHELL_WORDS_H_
