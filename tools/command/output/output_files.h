// Writes the output files of a command: all of them whole, or none.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_OUTPUT_FILES_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_OUTPUT_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace inlay {

struct OutputFile {
  std::string path;
  std::string content;
};

// Writes every file beside its path under a temporary name, then renames all of them: readers see
// the old content or the new, and a failure before the first rename leaves nothing behind. A
// failure names the path. Fails if a path exists and is not a regular file, or if a file is given
// twice.
absl::Status WriteFiles(const std::vector<OutputFile>& files);

// Fails if writing `output` would overwrite one of `inputs`, of which "-" is standard input: a slip
// on the command line must not destroy data. An empty path is no file.
absl::Status CheckNotAnInput(const std::string& output, const std::vector<std::string>& inputs);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_OUTPUT_FILES_H_
