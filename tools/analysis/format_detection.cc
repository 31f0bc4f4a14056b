#include "tools/analysis/format_detection.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/decompressor.h"
#include "tools/analysis/zeek_log.h"

namespace inlay::analysis {
namespace {

constexpr size_t kSampledRows = 100;

// Calls visit(cells, row) for the first whole rows of `text`, until it returns false. The last row,
// which may be cut off, is visited only when it is the only one.
template <typename Visit>
void VisitRows(std::string_view text, const Dialect& dialect, Visit visit) {
  std::vector<RawCell> cells;
  size_t begin = 0;
  for (size_t i = 0; i < kSampledRows && begin < text.size(); ++i) {
    size_t end = FindRecordEnd(text, begin, dialect);
    if (end == std::string_view::npos) {
      if (i != 0) return;
      end = text.size();
    }
    const std::string_view row = WithoutLineEnd(text.substr(begin, end - begin));
    if (SplitRow(row, dialect, &cells) != RowError::kNone || !visit(cells, row)) return;
    begin = end;
  }
}

// The number of columns on which all sampled rows agree; 0 when they do not.
size_t AgreedColumns(std::string_view text, const Dialect& dialect) {
  size_t columns = 0;
  bool agreed = true;
  VisitRows(text, dialect, [&](const std::vector<RawCell>& cells, std::string_view) {
    if (columns == 0) columns = cells.size();
    agreed = cells.size() == columns;
    return agreed;
  });
  return agreed ? columns : 0;
}

bool IsNumber(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool IsBinary(std::string_view prefix) {
  return std::any_of(prefix.begin(), prefix.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && (byte < '\t' || byte > '\r') && byte != 0x1B) || byte == 0x7F;
  });
}

}  // namespace

Detection DetectFormat(std::string_view prefix, std::string_view path) {
  for (const std::string_view suffix : {".gz", ".zst"}) {
    if (path.ends_with(suffix)) path.remove_suffix(suffix.size());
  }
  const std::optional<Compression> compression =
      DetectCompression({reinterpret_cast<const uint8_t*>(prefix.data()), prefix.size()});
  if (compression.has_value()) {
    const bool gzip = *compression == Compression::kGzip;
    return {gzip ? DetectedFormat::kGzip : DetectedFormat::kZstd, {}};
  }
  if (IsZeekLog(prefix)) return {DetectedFormat::kZeek, {'\t', false}};
  if (IsBinary(prefix)) return {DetectedFormat::kBinary, {}};
  if (IsJsonLines(prefix)) return {DetectedFormat::kJson, {}};

  const Detection tsv = {DetectedFormat::kTsv, {'\t', false}};
  if (path.ends_with(".tsv") || AgreedColumns(prefix, tsv.dialect) > 1) return tsv;
  for (const char delimiter : {',', ';', '|'}) {
    const Dialect dialect = {delimiter, true};
    if (AgreedColumns(prefix, dialect) > 1) return {DetectedFormat::kCsv, dialect};
  }
  // No delimiter fits: one column, or a ragged file, which the reader will report.
  const std::string_view first_line = prefix.substr(0, prefix.find('\n'));
  if (!path.ends_with(".csv") && first_line.find('\t') != std::string_view::npos) return tsv;
  return {DetectedFormat::kCsv, {',', true}};
}

std::string KindName(const Detection& detection) {
  switch (detection.format) {
    case DetectedFormat::kBinary:
      return "raw records";
    case DetectedFormat::kGzip:
      return "gzip";
    case DetectedFormat::kZstd:
      return "zstd";
    case DetectedFormat::kZeek:
      return "a Zeek log";
    case DetectedFormat::kJson:
      return "JSON";
    case DetectedFormat::kCsv:
    case DetectedFormat::kTsv:
      break;
  }
  const Dialect& dialect = detection.dialect;
  if (dialect.delimiter == '\t') return dialect.quoted ? "CSV with tabs" : "TSV";
  if (dialect.delimiter == ',') return "CSV";
  return absl::StrCat("CSV with '", std::string(1, dialect.delimiter), "'");
}

bool FirstRowLooksLikeHeader(std::string_view text, const Dialect& dialect) {
  std::vector<std::string> first;
  std::vector<bool> numeric;  // per column: only numbers and empty cells below the first row
  std::vector<bool> seen;     // per column: at least one number below the first row
  bool plausible = true;
  VisitRows(text, dialect, [&](const std::vector<RawCell>& cells, std::string_view row) {
    const bool is_first = first.empty();
    for (size_t i = 0; i < cells.size(); ++i) {
      std::string cell;
      AppendCellText(row.substr(cells[i].begin, cells[i].end - cells[i].begin), dialect, &cell);
      if (is_first) {
        plausible = plausible && !cell.empty() && !IsNumber(cell) &&
                    std::find(first.begin(), first.end(), cell) == first.end();
        first.push_back(cell);
        numeric.push_back(true);
        seen.push_back(false);
      } else if (i < first.size() && !cell.empty()) {
        numeric[i] = numeric[i] && IsNumber(cell);
        seen[i] = true;
      }
    }
    return plausible;
  });
  if (!plausible) return false;
  for (size_t i = 0; i < first.size(); ++i) {
    if (numeric[i] && seen[i]) return true;
  }
  return false;
}

}  // namespace inlay::analysis
