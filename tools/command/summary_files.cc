#include "tools/command/summary_files.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/input_file.h"
#include "tools/command/output_files.h"
#include "tools/command/record_flags.h"

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

// What a line starts with that holds a summary: its magic, as far as no other byte is mixed in.
std::string LineMagic() {
  std::string magic = absl::Base64Escape(std::string(analysis::kSummaryMagic));
  magic.resize(analysis::kSummaryMagic.size() * 4 / 3);
  return magic;
}

// Takes the next summary off `left`, in whichever form it is.
absl::StatusOr<analysis::Summary> TakeSummary(const std::string& name, uint64_t line,
                                              size_t budget_bytes, std::string_view* left) {
  if (!left->starts_with(LineMagic())) return analysis::ReadSummary(name, left, budget_bytes);
  const size_t end = std::min(left->find('\n'), left->size());
  std::string_view text = left->substr(0, end);
  // What engines put behind a key that has no value.
  while (!text.empty() && (text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  const std::string line_name = absl::StrCat(name, ": line ", line);
  std::string bytes;
  if (!absl::Base64Unescape(std::string(text), &bytes)) {
    return absl::InvalidArgumentError(absl::StrCat(line_name, ": is damaged: no base64"));
  }
  std::string_view content = bytes;
  absl::StatusOr<analysis::Summary> summary =
      analysis::ReadSummary(line_name, &content, budget_bytes);
  if (summary.ok() && !content.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(line_name, ": holds more than a summary"));
  }
  left->remove_prefix(std::min(end + 1, left->size()));
  return summary;
}

}  // namespace

absl::StatusOr<bool> StartsAsSummary(analysis::InputFile* file) {
  const std::string line_magic = LineMagic();
  absl::StatusOr<std::span<const uint8_t>> start = file->Peek(line_magic.size());
  if (!start.ok()) return start.status();
  const std::string_view text(reinterpret_cast<const char*>(start->data()), start->size());
  return text.starts_with(analysis::kSummaryMagic) || text == line_magic;
}

absl::StatusOr<analysis::Summary> ReadSummaries(const std::vector<std::string>& paths,
                                                size_t budget_bytes,
                                                std::optional<analysis::InputFile> first) {
  // Half for the sum, half for what is added to it.
  const size_t budget_of_each =
      budget_bytes == analysis::BoundedCounter::kUnbounded ? budget_bytes : budget_bytes / 2;
  std::optional<analysis::Summary> sum;
  for (const std::string& path : paths) {
    if (!first.has_value()) {
      absl::StatusOr<analysis::InputFile> opened = analysis::InputFile::Open(path);
      if (!opened.ok()) return opened.status();
      first = *std::move(opened);
    }
    analysis::InputFile file = *std::move(first);
    first.reset();
    absl::StatusOr<std::string> content = ReadWhole(&file);
    if (!content.ok()) return content.status();
    std::string_view left = *content;
    uint64_t line = 0;
    do {
      absl::StatusOr<analysis::Summary> next =
          TakeSummary(file.name(), ++line, budget_of_each, &left);
      if (!next.ok()) return next.status();
      if (!sum.has_value()) {
        sum = *std::move(next);
        continue;
      }
      const absl::Status added = analysis::AddSummary(file.name(), *std::move(next), &*sum);
      if (!added.ok()) return added;
    } while (!left.empty());
  }
  if (!sum.has_value()) return absl::InvalidArgumentError("no summary to read");
  return *std::move(sum);
}

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
