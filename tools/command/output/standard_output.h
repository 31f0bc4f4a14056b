// Writes to standard output.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_STANDARD_OUTPUT_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_STANDARD_OUTPUT_H_

#include <cstdio>
#include <string>

namespace inlay {

// Whether everything was written; a full disk or a closed pipe must not look like success.
inline bool WriteToStdout(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_STANDARD_OUTPUT_H_
