// Writes a summary to the output of a subcommand.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_WRITE_SUMMARY_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_WRITE_SUMMARY_H_

#include <string>

#include "absl/status/status.h"
#include "tools/analysis/counting/summary.h"

namespace inlay {

// Writes a summary, as a whole or not at all; "-" is standard output. `as_line`: as one line of
// text, in base64, for engines that pass on lines and would corrupt bytes.
absl::Status WriteSummaryTo(const std::string& path, bool as_line,
                            const analysis::Summary& summary);

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_WRITE_SUMMARY_H_
