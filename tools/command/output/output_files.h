// Writes the files that a command was asked for: whole, or not at all.

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

// Writes every file beside its place under another name, and moves them all there when all are
// written: whoever reads one sees the old content or the new, and nothing is left behind by a
// failure before the first is moved. A failure names the path. Refuses what is there and is no
// regular file, and one file given twice.
absl::Status WriteFiles(const std::vector<OutputFile>& files);

// Fails if writing `output` would overwrite one of `inputs`, of which "-" is standard input: data
// is not to be lost by a slip on the command line. An empty path is no file.
absl::Status CheckNotAnInput(const std::string& output, const std::vector<std::string>& inputs);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_OUTPUT_FILES_H_
