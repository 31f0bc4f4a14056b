#include "tools/analysis/readers/format_detection.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/decompressor.h"
#include "tools/analysis/capture_file/capture_format.h"
#include "tools/analysis/grammar/zeek_log.h"

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

unsigned char Byte(char c) { return static_cast<unsigned char>(c); }

bool IsBinary(std::string_view prefix) {
  return std::any_of(prefix.begin(), prefix.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && (byte < '\t' || byte > '\r') && byte != 0x1B) || byte == 0x7F;
  });
}

std::string_view WithoutLeadingSpace(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

// The text after `start` and the space behind it, if `text` starts with it; otherwise nothing.
std::optional<std::string_view> After(std::string_view text, std::string_view start) {
  if (!text.starts_with(start)) return std::nullopt;
  return WithoutLeadingSpace(text.substr(start.size()));
}

// Whether `text` starts as one of the forms of `bpftool map dump`.
bool IsBpftool(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text = WithoutLeadingSpace(text);
  if (const auto entries = After(text, "[")) {
    if (const auto rest = After(*entries, "]")) return rest->empty();
    const auto entry = After(*entries, "{");
    if (!entry.has_value()) return false;
    for (const std::string_view name : {"\"key\"", "\"value\"", "\"values\"", "\"formatted\""}) {
      const auto colon = After(*entry, name);
      if (colon.has_value() && colon->starts_with(':')) return true;
    }
    // Several maps of one name: the header of the first.
    return After(*entry, "\"id\"").has_value() &&
           entry->find("\"elements\"") != std::string_view::npos;
  }
  if (text.starts_with("Found 0 elements")) return true;
  for (const std::string_view start : {"key:", "value:", "value (CPU 00):"}) {
    const auto bytes = After(text, start);
    if (bytes.has_value() && bytes->size() > 2 && std::isxdigit(Byte((*bytes)[0])) != 0 &&
        std::isxdigit(Byte((*bytes)[1])) != 0 && std::isspace(Byte((*bytes)[2])) != 0) {
      return true;
    }
  }
  return false;
}

// Whether `text` is the table of ss, or has a value of a map as ss prints it.
bool IsSs(std::string_view text) {
  const std::string_view first_line = text.substr(0, text.find('\n'));
  if (first_line.find("Recv-Q") != std::string_view::npos &&
      first_line.find("Send-Q") != std::string_view::npos) {
    return true;
  }
  constexpr std::string_view kMapId = "map_id:";
  for (size_t at = text.find(kMapId); at != std::string_view::npos; at = text.find(kMapId, at)) {
    const bool at_word = at != 0 && (text[at - 1] == '\t' || text[at - 1] == ' ');
    at += kMapId.size();
    const size_t digits = std::min(text.find_first_not_of("0123456789", at), text.size());
    if (at_word && digits != at && text.substr(digits).starts_with(" [")) return true;
  }
  return false;
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
  // A name is believed, so that damage at the start does not make something else of it.
  if (prefix.starts_with(kCaptureMagic) || path.ends_with(".inlay")) {
    return {DetectedFormat::kCapture, {}};
  }
  if (IsZeekLog(prefix)) return {DetectedFormat::kZeek, kTsvDialect};
  if (IsBinary(prefix)) return {DetectedFormat::kBinary, {}};
  if (IsJsonLines(prefix)) return {DetectedFormat::kJson, {}};

  if (IsBpftool(prefix)) return {DetectedFormat::kBpftool, {}};
  if (IsSs(prefix)) return {DetectedFormat::kSs, {}};

  const Detection tsv = {DetectedFormat::kTsv, kTsvDialect};
  if (path.ends_with(".tsv") || AgreedColumns(prefix, tsv.dialect) > 1) return tsv;
  for (const char delimiter : {',', ';', '|'}) {
    const Dialect dialect = {delimiter, true};
    if (AgreedColumns(prefix, dialect) > 1) return {DetectedFormat::kCsv, dialect};
  }
  // No delimiter fits: one column, or a ragged file, which the reader will report.
  const std::string_view first_line = prefix.substr(0, prefix.find('\n'));
  if (!path.ends_with(".csv") && first_line.find('\t') != std::string_view::npos) return tsv;
  return {DetectedFormat::kCsv, kCsvDialect};
}

std::string KindName(const Detection& detection) {
  switch (detection.format) {
    case DetectedFormat::kBinary:
      return "raw records";
    case DetectedFormat::kCapture:
      return "a capture";
    case DetectedFormat::kGzip:
      return "gzip";
    case DetectedFormat::kZstd:
      return "zstd";
    case DetectedFormat::kZeek:
      return "a Zeek log";
    case DetectedFormat::kJson:
      return "JSON";
    case DetectedFormat::kBpftool:
      return "a dump of bpftool";
    case DetectedFormat::kSs:
      return "output of ss";
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
