// Raises the number of files that this process may have open.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_OPEN_FILES_LIMIT_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_OPEN_FILES_LIMIT_H_

namespace inlay {

// Raises the soft limit (RLIMIT_NOFILE) to the hard one, for the maps and network namespaces of a
// large machine. If that fails, opening files beyond the limit reports the error.
void RaiseOpenFilesLimit();

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_OPEN_FILES_LIMIT_H_
