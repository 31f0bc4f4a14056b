#include "tools/analysis/counting/read_summaries.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/summary_start.h"

namespace inlay::analysis {
namespace {

absl::StatusOr<std::string> ReadWhole(InputFile* file) {
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

// Takes the next summary off `left`, in either form.
absl::StatusOr<Summary> TakeSummary(const std::string& name, uint64_t line, size_t budget_bytes,
                                    std::string_view* left) {
  if (!left->starts_with(kSummaryLineMagic)) return ReadSummary(name, left, budget_bytes);
  const size_t end = std::min(left->find('\n'), left->size());
  std::string_view text = left->substr(0, end);
  // Map-reduce engines put a tab behind a key without a value.
  while (!text.empty() && (text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  const std::string line_name = absl::StrCat(name, ": line ", line);
  std::string bytes;
  if (!absl::Base64Unescape(std::string(text), &bytes)) {
    return absl::InvalidArgumentError(absl::StrCat(line_name, ": is damaged: not base64"));
  }
  std::string_view content = bytes;
  absl::StatusOr<Summary> summary = ReadSummary(line_name, &content, budget_bytes);
  if (summary.ok() && !content.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(line_name, ": holds more than a summary"));
  }
  left->remove_prefix(std::min(end + 1, left->size()));
  return summary;
}

}  // namespace

absl::StatusOr<Summary> ReadSummaries(Inputs inputs, size_t budget_bytes) {
  // Half for the sum, half for the next summary.
  const size_t budget_of_each =
      budget_bytes == BoundedCounter::kUnbounded ? budget_bytes : budget_bytes / 2;
  std::optional<Summary> sum;
  for (;;) {
    absl::StatusOr<std::optional<InputFile>> file = inputs.Take();
    if (!file.ok()) return file.status();
    if (!file->has_value()) break;
    absl::StatusOr<std::string> content = ReadWhole(&**file);
    if (!content.ok()) return content.status();
    std::string_view left = *content;
    uint64_t line = 0;
    do {
      absl::StatusOr<Summary> next = TakeSummary((*file)->name(), ++line, budget_of_each, &left);
      if (!next.ok()) return next.status();
      if (!sum.has_value()) {
        sum = *std::move(next);
        continue;
      }
      const absl::Status added = AddSummary((*file)->name(), *std::move(next), &*sum);
      if (!added.ok()) return added;
    } while (!left.empty());
  }
  if (!sum.has_value()) return absl::InvalidArgumentError("no summary to read");
  return *std::move(sum);
}

}  // namespace inlay::analysis
