// The output of `inlay --version`.

#ifndef INLAY_TOOLS_COMMAND_VERSION_H_
#define INLAY_TOOLS_COMMAND_VERSION_H_

#include <string>

namespace inlay {

// "inlay 0.1.0", then a line for each feature that this build has or lacks. Thread-safe.
std::string VersionText();

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_VERSION_H_
