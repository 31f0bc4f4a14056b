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
#include "tools/analysis/grammar/blank_columns.h"
#include "tools/analysis/grammar/zeek_log.h"
#include "tools/analysis/readers/row_sample.h"

namespace inlay::analysis {
namespace {

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
  text = WithoutLeadingSpace(text);
  if (const auto entries = After(text, "[")) {
    if (const auto rest = After(*entries, "]")) return rest->empty();
    // An error of the first entry, between those of the plain form.
    if (entries->starts_with("key:") && entries->find("value:") != std::string_view::npos) {
      return true;
    }
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

// Whether `text` starts with an object of JSON, in an array or not. A cell of CSV may start with a
// brace too, but no member with a colon.
bool IsJson(std::string_view text) {
  text = WithoutLeadingSpace(text);
  if (const auto entries = After(text, "[")) text = *entries;
  const auto members = After(text, "{");
  if (!members.has_value()) return false;
  if (members->starts_with('}')) {
    const std::string_view rest = WithoutLeadingSpace(members->substr(1));
    return rest.empty() || rest[0] == ',' || rest[0] == ']' || rest[0] == '{';
  }
  if (!members->starts_with('"')) return false;
  size_t end = 1;
  while (end < members->size() && (*members)[end] != '"') end += (*members)[end] == '\\' ? 2 : 1;
  if (end >= members->size()) return true;  // cut off
  const std::string_view rest = WithoutLeadingSpace(members->substr(end + 1));
  return rest.empty() || rest[0] == ':';
}

// Whether the rows of `text`, more than one, agree on a number of columns between blanks.
bool HasBlankColumns(std::string_view text) {
  std::string collapsed(text);
  collapsed.resize(
      CollapseBlanks({reinterpret_cast<uint8_t*>(collapsed.data()), collapsed.size()}));
  size_t rows = 0;
  VisitRows(collapsed, kBlankDialect, [&rows](const std::vector<RawCell>&, std::string_view) {
    ++rows;
    return rows < 2;
  });
  return rows > 1 && AgreedColumns(collapsed, kBlankDialect) > 1;
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
  // Trusts the name, so that damage at the start does not change the format.
  if (prefix.starts_with(kCaptureMagic) || path.ends_with(".inlay")) {
    return {DetectedFormat::kCapture, {}};
  }
  if (prefix.starts_with("\xEF\xBB\xBF")) prefix.remove_prefix(3);
  if (IsZeekLog(prefix)) return {DetectedFormat::kZeek, kTsvDialect};
  if (IsBinary(prefix)) return {DetectedFormat::kBinary, {}};
  if (IsBpftool(prefix)) return {DetectedFormat::kBpftool, {}};
  if (IsJson(prefix)) return {DetectedFormat::kJson, {}};
  if (IsSs(prefix)) return {DetectedFormat::kSs, {}};

  const Detection tsv = {DetectedFormat::kTsv, kTsvDialect};
  if (path.ends_with(".tsv") || AgreedColumns(prefix, tsv.dialect) > 1) return tsv;
  for (const char delimiter : {',', ';', '|'}) {
    const Dialect dialect = {delimiter, true};
    if (AgreedColumns(prefix, dialect) > 1) return {DetectedFormat::kCsv, dialect};
  }
  if (!path.ends_with(".csv") && HasBlankColumns(prefix)) {
    return {DetectedFormat::kBlank, kBlankDialect};
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
    case DetectedFormat::kBlank:
      return "columns between blanks";
    case DetectedFormat::kCsv:
    case DetectedFormat::kTsv:
      break;
  }
  if (detection.dialect == kBlankDialect) return "Columns between blanks";
  const Dialect& dialect = detection.dialect;
  if (dialect.delimiter == '\t') return dialect.quoted ? "CSV with tabs" : "TSV";
  if (dialect.delimiter == ',') return dialect.quoted ? "CSV" : "CSV without quotes";
  return absl::StrCat("CSV with '", std::string(1, dialect.delimiter),
                      dialect.quoted ? "'" : "' without quotes");
}

std::string OtherKindOfText(std::string_view text, const std::string& name, bool fits,
                            const Dialect& first, const std::string& first_path) {
  const Detection detected = DetectFormat(text.substr(0, kDetectionBytes), name);
  const bool is_text = detected.format == DetectedFormat::kCsv ||
                       detected.format == DetectedFormat::kTsv ||
                       detected.format == DetectedFormat::kBlank;
  // Makes no guess about text that fits: a column of words looks like any CSV.
  if (is_text && (fits || detected.dialect == first)) return "";
  return absl::StrCat("looks like ", KindName(detected), ", and ", first_path, " like ",
                      KindName({first.quoted ? DetectedFormat::kCsv : DetectedFormat::kTsv, first}),
                      "; ", kOneKindOnly);
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
