// How many files this process may have open at the same time.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_OPEN_FILES_LIMIT_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_OPEN_FILES_LIMIT_H_

namespace inlay {

// Raises the soft limit (RLIMIT_NOFILE) to the hard one, for the maps and network namespaces of a
// large machine. If that fails, what is opened beyond the limit says so.
void RaiseOpenFilesLimit();

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_OPEN_FILES_LIMIT_H_
