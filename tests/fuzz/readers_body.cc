// Reads arbitrary bytes as records in every format, and checks the result against the plainest way
// to do the same.
//
// The first bytes of the input choose the options, the rest is the file.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/run_on_bytes.h"
#include "tools/analysis/column_selection.h"
#include "tools/analysis/delimited_row.h"
#include "tools/analysis/open_records.h"
#include "tools/analysis/report.h"
#include "tools/analysis/report_json.h"
#include "tools/analysis/report_text.h"

namespace inlay {
namespace {

using analysis::Dialect;
using analysis::RecordFormat;
using analysis::RecordOptions;

void Check(bool promise, const char* what) {
  if (promise) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

// A file in memory, so that the fuzzer does not wait for a disk.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content) : fd_(memfd_create("fuzz", MFD_CLOEXEC)) {
    Check(fd_ >= 0, "memfd_create");
    Check(write(fd_, content.data(), content.size()) == static_cast<ssize_t>(content.size()),
          "write to memory");
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

constexpr const char* kColumns[] = {"", "1", "2", "1,3", "3,1", "2-", "2-3", "a", "b,a", "0"};

RecordOptions ChooseOptions(uint8_t choice, uint8_t columns) {
  RecordOptions options;
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
  if ((choice & 0x10) != 0) options.header = (choice & 0x20) != 0;
  return options;
}

// The rows of `text` by the plainest state machine: one character at a time, every cell's text as
// it is meant. Nothing when a rule is broken.
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

// The count of every value as the report should have it; nothing when reading should fail.
std::optional<std::map<std::string, uint64_t>> PlainCounts(std::string_view text,
                                                           const analysis::RecordSchema& schema,
                                                           bool header) {
  const auto rows = PlainRows(text, schema.dialect);
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

// Every value of a dump is what its schema says.
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
  const MemoryFile file(text);
  auto source = analysis::OpenRecords({file.path()}, options);
  if (!source.ok()) {
    Check(!source.status().message().empty(), "an error has a message");
    return;
  }
  const analysis::RecordSchema& schema = (*source)->schema();
  auto distinct = analysis::CountDistinct(**source, repeated ? 2 : 1);

  if (!schema.format_name.empty()) {
    if (distinct.ok()) CheckDump(schema, *distinct);
  } else if (schema.kind == analysis::RecordSchema::Kind::kText) {
    const bool header = options.header.value_or(analysis::NeedsHeader(options.columns));
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
  Check(!analysis::FormatText(report).empty(), "the report has text");
  const auto json = nlohmann::json::parse(analysis::FormatJson(report));
  Check(json["records"] == distinct->records, "JSON holds the records");
}

}  // namespace inlay
