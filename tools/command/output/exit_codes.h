// The exit codes of the inlay command, for all its subcommands.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_EXIT_CODES_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_EXIT_CODES_H_

namespace inlay {

inline constexpr int kExitOk = 0;
inline constexpr int kExitBadInput = 2;  // bad input, bad usage, or any other failure
inline constexpr int kExitGate = 3;      // the report breaks a limit that the user set

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_EXIT_CODES_H_
