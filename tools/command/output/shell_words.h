// Writes a command as a shell takes it.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_SHELL_WORDS_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_SHELL_WORDS_H_

#include <string>
#include <vector>

namespace inlay {

// The words, in quotes where a shell would take them for anything else. Thread-safe.
std::string ShellCommand(const std::vector<std::string>& words);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_SHELL_WORDS_H_
