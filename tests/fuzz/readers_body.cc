// Reads arbitrary bytes as records in every format, and compares the result with a naive
// implementation.
//
// The first bytes of the input choose the options, the rest is the file. The readers decompress
// input that starts like gzip or zstd; some inputs are compressed here first.

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/run_on_bytes.h"
#include "tools/analysis/bytes/decompressor.h"
#include "tools/analysis/bytes/input_file.h"
#include "tools/analysis/grammar/blank_columns.h"
#include "tools/analysis/grammar/column_selection.h"
#include "tools/analysis/grammar/delimited_row.h"
#include "tools/analysis/grammar/zeek_log.h"
#include "tools/analysis/readers/open_records.h"
#include "tools/analysis/report/report.h"
#include "tools/analysis/report/report_json.h"
#include "tools/pages/analyze_page/analyze_page.h"
#include "tools/pages/document/terminal.h"

namespace inlay {
namespace {

using analysis::Dialect;
using analysis::RecordFormat;
using analysis::RecordOptions;

constexpr const char* kColumns[] = {"", "1", "2", "1,3", "3,1", "2-", "2-3", "a", "b,a", "0"};

// The highest bits of the choice. If both or none are set, the input is neither compressed nor a
// Zeek log.
constexpr uint8_t kModes = 0xC0;
constexpr uint8_t kZeekMode = 0x40;
constexpr uint8_t kCompressMode = 0x80;

RecordOptions ChooseOptions(uint8_t choice, uint8_t columns) {
  RecordOptions options;
  if ((choice & kModes) == kZeekMode) {
    options.format = RecordFormat::kZeek;
    options.columns = kColumns[columns % std::size(kColumns)];
    return options;
  }
  if (choice % 8 == 0) {
    options.value_bytes = columns;
    return options;
  }
  constexpr RecordFormat kFormats[] = {RecordFormat::kDetect, RecordFormat::kCsv,
                                       RecordFormat::kTsv, RecordFormat::kCsv};
  options.format = kFormats[choice % 4];
  if (choice % 4 == 3) options.delimiter = ';';
  options.columns = kColumns[columns % std::size(kColumns)];
  if (choice % 8 == 4 && (choice & 0x40) != 0) {
    const bool is_ss = columns / std::size(kColumns) % 2 == 1;
    options.format = is_ss ? RecordFormat::kSs : RecordFormat::kBpftool;
    if (is_ss && (choice & 0x10) != 0) options.map_id = 7;
    return options;
  }
  if ((choice & 0x10) != 0) {
    options.header = (choice & 0x20) != 0;
  } else if ((choice & 0x20) != 0 && options.format == RecordFormat::kCsv) {
    options.no_quotes = choice % 4 == 3;
    options.blank_runs = choice % 4 == 1;
  }
  return options;
}

std::string Compress(const std::string& text, bool gzip) {
  std::string out(gzip ? compressBound(text.size()) + 64 : ZSTD_compressBound(text.size()), '\0');
  if (!gzip) {
    const size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1);
    Check(ZSTD_isError(size) == 0, "zstd compresses");
    out.resize(size);
    return out;
  }
  z_stream stream = {};
  Check(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
        "deflateInit2");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  Check(deflate(&stream, Z_FINISH) == Z_STREAM_END, "gzip compresses");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// Larger inputs cost time, and may have rows that are too long.
constexpr size_t kMaxContentBytes = size_t{1} << 20;

// The content of a compressed file; empty if it is damaged. Sets `too_large` if the content is too
// large for the fuzzer.
std::optional<std::string> Content(const std::string& path, bool* too_large) {
  auto file = analysis::InputFile::Open(path);
  Check(file.ok(), "a compressed file is opened");
  std::string content(kMaxContentBytes + 1, '\0');
  auto got = file->Read({reinterpret_cast<uint8_t*>(content.data()), content.size()});
  if (!got.ok()) return std::nullopt;
  *too_large = *got > kMaxContentBytes;
  content.resize(*got);
  return content;
}

// The rows of `text`, by a naive state machine over its characters. Empty if the text breaks a
// rule.
std::optional<std::vector<std::vector<std::string>>> PlainRows(std::string_view text,
                                                               const Dialect& dialect) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::vector<std::string>> rows;
  size_t at = 0;
  while (at < text.size()) {
    std::vector<std::string> row(1);
    for (bool at_cell_start = true;;) {
      const char c = at < text.size() ? text[at] : '\n';
      const bool at_line_end =
          c == '\n' || (c == '\r' && (at + 1 == text.size() || text[at + 1] == '\n'));
      if (at_line_end) {
        at += c == '\r' ? 2 : 1;
        break;
      }
      ++at;
      if (c == dialect.delimiter) {
        row.emplace_back();
        at_cell_start = true;
      } else if (c == '"' && dialect.quoted && at_cell_start) {
        for (;; ++at) {
          if (at >= text.size()) return std::nullopt;
          if (text[at] != '"') {
            row.back() += text[at];
          } else if (at + 1 < text.size() && text[at + 1] == '"') {
            row.back() += text[at++];
          } else {
            break;
          }
        }
        ++at;
        const std::string_view rest = text.substr(at);
        if (!rest.empty() && rest[0] != dialect.delimiter && rest[0] != '\n' && rest != "\r" &&
            !rest.starts_with("\r\n")) {
          return std::nullopt;
        }
        at_cell_start = false;
      } else {
        row.back() += c;
        at_cell_start = false;
      }
    }
    rows.push_back(std::move(row));
    if (rows.back().size() != rows.front().size()) return std::nullopt;
  }
  return rows;
}

// `text` with one space for each run of blanks inside a line.
std::string PlainBlanks(std::string_view text) {
  std::string collapsed;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const bool has_return = line.ends_with('\r');
    if (has_return) line.remove_suffix(1);
    std::string words;
    bool blank = false;
    for (const char c : line) {
      if (c != ' ' && c != '\t') {
        if (blank && !words.empty()) words += ' ';
        words += c;
      }
      blank = c == ' ' || c == '\t';
    }
    collapsed += words + (has_return ? "\r" : "") + (end == std::string_view::npos ? "" : "\n");
  }
  return collapsed;
}

// The rows of a Zeek log, line by line; empty if the log breaks a rule.
std::optional<std::vector<std::vector<std::string>>> PlainZeekRows(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  analysis::ZeekHeader header;
  size_t header_bytes = 0;
  analysis::ZeekError error;
  if (!analysis::ReadZeekHeader(text, &header, &header_bytes, &error)) return std::nullopt;
  text.remove_prefix(header_bytes);
  std::vector<std::vector<std::string>> rows;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = analysis::WithoutLineEnd(text.substr(0, end));
    text.remove_prefix(end);
    if (line.starts_with('#')) {
      if (!analysis::ZeekDirectiveFault(line, header).empty()) return std::nullopt;
      continue;
    }
    std::vector<std::string> row(1);
    for (const char c : line) {
      if (c == header.separator) {
        row.emplace_back();
      } else {
        row.back() += c;
      }
    }
    if (row.size() != header.fields.size()) return std::nullopt;
    rows.push_back(std::move(row));
  }
  return rows;
}

// The expected count of every value; empty if reading should fail.
std::optional<std::map<std::string, uint64_t>> PlainCounts(std::string_view text,
                                                           const analysis::RecordSchema& schema,
                                                           bool header) {
  const auto rows = schema.is_zeek_log ? PlainZeekRows(text) : PlainRows(text, schema.dialect);
  if (!rows.has_value()) return std::nullopt;
  std::map<std::string, uint64_t> counts;
  for (size_t i = header ? 1 : 0; i < rows->size(); ++i) {
    std::string value;
    for (const size_t column : schema.columns) {
      if (column != schema.columns.front()) value += schema.dialect.delimiter;
      value += analysis::CanonicalCell((*rows)[i][column], schema.dialect);
    }
    ++counts[value];
  }
  return counts;
}

// Checks every value of a dump against its schema.
void CheckDump(const analysis::RecordSchema& schema, const analysis::DistinctValues& distinct) {
  std::vector<analysis::RawCell> cells;
  for (const analysis::CountedValue& value : distinct.values()) {
    if (schema.kind == analysis::RecordSchema::Kind::kRaw) {
      Check(value.length == schema.value_bytes, "as many bytes as the first value");
      continue;
    }
    const std::string_view row(reinterpret_cast<const char*>(value.data), value.length);
    Check(analysis::SplitRow(row, schema.dialect, &cells) == analysis::RowError::kNone,
          "a row in canonical form");
    Check(cells.size() == schema.fields.size(), "a cell for each field");
  }
}

}  // namespace

void RunOnBytes(const uint8_t* data, size_t size) {
  if (size < 2) return;
  const RecordOptions options = ChooseOptions(data[0], data[1]);
  std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  // Repeated, a few inputs reach across the readers' blocks without being large themselves.
  const bool repeated = data[0] >= 0xFD && !text.empty();
  if (repeated) {
    const std::string once = text;
    while (text.size() < (size_t{300} << 10)) text += once;
  }
  if ((data[0] & kModes) == kCompressMode) {
    const std::string plain = text;
    text = Compress(plain, (data[1] & 1) != 0);
    bool too_large = false;
    Check(plain.size() > kMaxContentBytes || Content(MemoryFile(text).path(), &too_large) == plain,
          "what was compressed comes back");
  }
  const MemoryFile file(text);
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  bool damaged = false;
  if (analysis::DetectCompression(bytes).has_value()) {
    bool too_large = false;
    const std::optional<std::string> content = Content(file.path(), &too_large);
    if (too_large) return;
    damaged = !content.has_value();
    text = content.value_or("");
  }
  auto source = analysis::OpenRecords({file.path()}, options);
  if (!source.ok()) {
    Check(!source.status().message().empty(), "an error has a message");
    return;
  }
  const analysis::RecordSchema& schema = (*source)->schema();
  auto distinct = analysis::CountDistinct(**source, repeated ? 2 : 1);

  if (!schema.format_name.empty()) {
    if (distinct.ok()) CheckDump(schema, *distinct);
  } else if (damaged) {
    Check(!distinct.ok(), "damage is an error");
  } else if (schema.kind == analysis::RecordSchema::Kind::kText) {
    const bool header =
        !schema.is_zeek_log && options.header.value_or(analysis::NeedsHeader(options.columns));
    if (options.blank_runs || schema.dialect == analysis::kBlankDialect) text = PlainBlanks(text);
    const auto counts = PlainCounts(text, schema, header);
    Check(distinct.ok() == (counts.has_value() && !counts->empty()), "the same rows are valid");
    if (distinct.ok()) {
      Check(distinct->values().size() == counts->size(), "as many distinct values");
      for (const analysis::CountedValue& value : distinct->values()) {
        const auto found =
            counts->find(std::string(reinterpret_cast<const char*>(value.data), value.length));
        Check(found != counts->end() && found->second == value.count, "the same count");
      }
    }
  } else if (distinct.ok()) {
    Check(distinct->records * schema.value_bytes == text.size(), "every byte is in a record");
  }
  if (!distinct.ok()) {
    Check(!distinct.status().message().empty(), "an error has a message");
    return;
  }
  if (repeated || data[1] % 4 != 0) return;  // reports cost far more than reading
  const analysis::Report report = analysis::BuildReport(schema, *distinct, 3, 1);
  Check(!page::FormatTerminal(analyze_page::BuildFull(report), {}).empty(), "the report has text");
  const auto json = nlohmann::json::parse(analysis::FormatJson(report));
  Check(json["records"] == distinct->records, "JSON holds the records");
}

}  // namespace inlay
