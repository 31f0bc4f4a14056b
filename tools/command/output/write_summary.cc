#include "tools/command/output/write_summary.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "tools/command/output/output_files.h"
#include "tools/command/output/standard_output.h"

namespace inlay {

absl::Status WriteSummaryTo(const std::string& path, bool as_line,
                            const analysis::Summary& summary) {
  std::string bytes = analysis::WriteSummary(summary);
  if (as_line) bytes = absl::Base64Escape(bytes) + "\n";
  if (path != "-") return WriteFiles({{path, std::move(bytes)}});
  return WriteToStdout(bytes)
             ? absl::OkStatus()
             : absl::UnavailableError("cannot write the summary to standard output");
}

}  // namespace inlay
