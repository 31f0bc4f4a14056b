// Reads summaries from files and standard input, for the subcommands that take them.

#ifndef INLAY_TOOLS_COMMAND_SUMMARY_FILES_H_
#define INLAY_TOOLS_COMMAND_SUMMARY_FILES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/analysis/bytes/input_file.h"
#include "tools/analysis/counting/summary.h"

namespace inlay {

// Whether the file starts as a summary does, in either form. Fails as InputFile::Peek() does, whose requirements are its
// own.
absl::StatusOr<bool> StartsAsSummary(analysis::InputFile* file);

// The sum of all summaries in all files, each of which holds one or several, one behind the other or, as
// text, one a line; "-" is standard input. `first`, when given, is paths[0] already opened. Keeps to `budget_bytes`,
// beside one file. Errors name the file.
absl::StatusOr<analysis::Summary> ReadSummaries(
    const std::vector<std::string>& paths, size_t budget_bytes,
    std::optional<analysis::InputFile> first = std::nullopt);

// Writes a summary, as a whole or not at all; "-" is standard output. `as_line`: as one line of text, in base64,
// for engines that pass lines on and would spoil bytes.
absl::Status WriteSummaryTo(const std::string& path, bool as_line,
                            const analysis::Summary& summary);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_SUMMARY_FILES_H_
