// Ends a command that failed.
//
// Thread-safe.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_FAIL_COMMAND_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_FAIL_COMMAND_H_

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "tools/command/output/exit_codes.h"
#include "tools/command/output/message_text.h"

namespace inlay {

// Prints "inlay COMMAND: MESSAGE" to standard error, and returns the exit code for bad input.
inline int FailCommand(const char* command, const absl::Status& status) {
  std::fprintf(stderr, "inlay %s: %s\n", command,
               MessageText(std::string(status.message())).c_str());
  return kExitBadInput;
}

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_FAIL_COMMAND_H_
