#include "tools/summary_files.h"

#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "tools/analysis/input_file.h"
#include "tools/output_files.h"
#include "tools/record_flags.h"

namespace inlay {
namespace {

absl::StatusOr<std::string> ReadWhole(analysis::InputFile* file) {
  constexpr size_t kPieceBytes = size_t{1} << 20;
  std::string content;
  for (;;) {
    const size_t had = content.size();
    content.resize(had + kPieceBytes);
    absl::StatusOr<size_t> got =
        file->Read(std::span(reinterpret_cast<uint8_t*>(content.data()) + had, kPieceBytes));
    if (!got.ok()) return got.status();
    content.resize(had + *got);
    if (*got < kPieceBytes) return content;
  }
}

}  // namespace

bool StartsAsSummary(const std::string& path) {
  if (path == "-") return false;
  absl::StatusOr<analysis::InputFile> file = analysis::InputFile::Open(path);
  if (!file.ok() || !file->size_bytes().has_value()) return false;
  absl::StatusOr<std::span<const uint8_t>> start = file->Peek(analysis::kSummaryMagic.size());
  return start.ok() && std::string_view(reinterpret_cast<const char*>(start->data()),
                                        start->size()) == analysis::kSummaryMagic;
}

absl::StatusOr<analysis::Summary> ReadSummaries(const std::vector<std::string>& paths,
                                                size_t budget_bytes) {
  // Half for the sum, half for what is added to it.
  const size_t budget_of_each =
      budget_bytes == analysis::BoundedCounter::kUnbounded ? budget_bytes : budget_bytes / 2;
  std::optional<analysis::Summary> sum;
  for (const std::string& path : paths) {
    absl::StatusOr<analysis::InputFile> file = analysis::InputFile::Open(path);
    if (!file.ok()) return file.status();
    absl::StatusOr<std::string> content = ReadWhole(&*file);
    if (!content.ok()) return content.status();
    std::string_view left = *content;
    do {
      absl::StatusOr<analysis::Summary> next =
          analysis::ReadSummary(file->name(), &left, budget_of_each);
      if (!next.ok()) return next.status();
      if (!sum.has_value()) {
        sum = *std::move(next);
        continue;
      }
      const absl::Status added = analysis::AddSummary(file->name(), *std::move(next), &*sum);
      if (!added.ok()) return added;
    } while (!left.empty());
  }
  if (!sum.has_value()) return absl::InvalidArgumentError("no summary to read");
  return *std::move(sum);
}

absl::Status WriteSummaryTo(const std::string& path, const analysis::RecordSchema& schema,
                            const analysis::DistinctValues& distinct) {
  std::string bytes = analysis::WriteSummary(schema, distinct);
  if (path != "-") return WriteFiles({{path, std::move(bytes)}});
  return WriteToStdout(bytes)
             ? absl::OkStatus()
             : absl::UnavailableError("cannot write the summary to standard output");
}

}  // namespace inlay
