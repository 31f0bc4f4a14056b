#include "tools/analysis/readers/text_doubts.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/analysis/readers/row_sample.h"

namespace inlay::analysis {
namespace {

// The most lines before a dump or a log that leave it recognizable.
constexpr size_t kLinesBefore = 50;
constexpr char kUseFormat[] = "use --format csv or tsv";

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && absl::ascii_isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() && absl::ascii_isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return text;
}

// The first whole lines of `text`, without blanks at their ends; the only one if there is one.
std::vector<std::string_view> FirstLines(std::string_view text, size_t most) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < most) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos && !lines.empty()) break;  // it may be cut off
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool HasBlank(std::string_view text) {
  return Trimmed(text).find_first_of(" \t") != std::string_view::npos;
}

size_t Words(std::string_view text) {
  size_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank && !in_word) ++words;
    in_word = !blank;
  }
  return words;
}

// "12: hash  name flows  flags 0x0": the header of bpftool for each of several maps of one name.
bool IsMapHeader(std::string_view line) {
  const size_t digits = line.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string_view::npos && line.substr(digits).starts_with(": ") &&
         line.find("  name ") != std::string_view::npos;
}

// The format that starts at a later line, if it has a reader of its own.
std::string_view FormatAt(std::string_view text) {
  switch (DetectFormat(text, "").format) {
    case DetectedFormat::kBpftool:
      return "a dump of bpftool";
    case DetectedFormat::kZeek:
      return "a Zeek log";
    case DetectedFormat::kJson:
      return "JSON";
    case DetectedFormat::kSs:
      return "output of ss";
    default:
      return "";
  }
}

std::optional<std::string> SomethingBefore(std::string_view text) {
  const std::string_view first = text.substr(0, text.find('\n'));
  uint64_t line = 1;
  for (std::string_view rest = text; line <= kLinesBefore; ++line) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(end + 1);
    // A false match within a table must be rare, so this tries only lines with a typical start.
    const std::string_view start = Trimmed(rest.substr(0, 64));
    if (!start.starts_with("key:") && !start.starts_with("[{") && !start.starts_with("{\"") &&
        !start.starts_with("[") && !start.starts_with("#separator ") &&
        start.find("Recv-Q") == std::string_view::npos) {
      continue;
    }
    const std::string_view format = FormatAt(rest);
    if (format.empty()) continue;
    if (IsMapHeader(Trimmed(first))) {
      return absl::StrCat(
          "is a dump of bpftool of several maps of one name, the first being ", QuotedLine(first),
          "; dump one of them by its id: bpftool -j map dump id ", "N | inlay analyze -");
    }
    return absl::StrCat("looks like ", std::string(format), " from line ", line + 1,
                        " on, with something else before it: ", QuotedLine(first),
                        "; leave that out (it is often standard error: drop 2>&1, or tail -n +",
                        line + 1, ")");
  }
  return std::nullopt;
}

bool StartsAsMessage(std::string_view line) {
  for (const std::string_view start :
       {"Error:", "error:", "ERROR:", "fatal:", "Usage:", "usage:", "Traceback (",
        "Warning:", "warning:", "WARNING:", "libbpf:", "Cannot ", "cannot ", "Permission denied"}) {
    if (line.starts_with(start)) return true;
  }
  // "bash: line 1: inlay: command not found", "cat: x: No such file or directory"
  for (const std::string_view end :
       {": command not found", ": No such file or directory", ": Permission denied",
        ": Operation not permitted", ": not found", ": Connection refused"}) {
    if (line.ends_with(end)) return true;
  }
  return false;
}

bool HasOnly(std::string_view line, std::string_view characters) {
  return line.find_first_not_of(characters) == std::string_view::npos;
}

// The kind of page or drawing in `lines`; empty if they are neither.
std::string_view PageKind(const std::vector<std::string_view>& lines) {
  const std::string_view first = Trimmed(lines[0]);
  if (first.starts_with('<') && first.size() > 1 &&
      (std::isalpha(static_cast<unsigned char>(first[1])) != 0 || first[1] == '!' ||
       first[1] == '?')) {
    const std::string lower = absl::AsciiStrToLower(std::string(first.substr(0, 64)));
    return lower.find("html") != std::string::npos ? "an HTML page, perhaps an error of a server"
                                                   : "XML or HTML";
  }
  if (first.starts_with("+--") && HasOnly(first, "+-=")) return "a table that is drawn with lines";
  const std::string_view second = lines.size() > 1 ? Trimmed(lines[1]) : std::string_view();
  if (second.find("---") != std::string_view::npos) {
    if (second.find('|') != std::string_view::npos && HasOnly(second, "|-: ")) {
      return "a table of Markdown";
    }
    if (HasOnly(second, "+-= ")) return "a table that is drawn with lines";
  }
  if (first.find("\xE2\x94\x8C") != std::string_view::npos ||
      first.find("\xE2\x94\x82") != std::string_view::npos) {
    return "a table that is drawn with lines";
  }
  if (first.starts_with("# ") || first.starts_with("```")) return "a text of Markdown";
  if (first.starts_with("#!")) return "a script";
  return "";
}

// The reason why lines without a delimiter are not a column of words; empty if they may be.
std::string SentencesFault(const std::vector<std::string_view>& lines) {
  const auto with_blank = std::find_if(lines.begin(), lines.end(), HasBlank);
  if (with_blank == lines.end()) return "";
  const bool pairs = with_blank->find('=') != std::string_view::npos;
  return absl::StrCat(
      "is text without recognisable columns, as in ", QuotedLine(*with_blank),
      pairs ? " (inlay does not read key=value text; have the program write JSON)" : "",
      ": no delimiter (tab, ',', ';', '|' or blank) occurs equally often in all rows; to select "
      "columns that all lines have: awk '{print $1, $3}' FILE | inlay analyze --delimiter blank "
      "-; for whole lines as values: --format tsv");
}

// The reason to doubt a table of at least two columns; empty if there is none.
std::string TableDoubt(std::string_view text, const Dialect& dialect) {
  size_t rows = 0;
  size_t sentences = 0;  // rows that start with three words
  size_t delimiters = 0;
  size_t spaced = 0;  // delimiters before a blank
  VisitRows(text, dialect, [&](const std::vector<RawCell>& cells, std::string_view row) {
    ++rows;
    const std::string_view first = row.substr(cells[0].begin, cells[0].end - cells[0].begin);
    sentences += !first.starts_with('"') && Words(first) >= 3 ? 1 : 0;
    for (size_t i = 1; i < cells.size(); ++i) {
      ++delimiters;
      spaced += cells[i].end > cells[i].begin && row[cells[i].begin] == ' ' ? 1 : 0;
    }
    return true;
  });
  if (rows <= 1) return "there is only one row, so no other row confirms its columns";
  if (sentences == rows) return "every row starts with several words, as sentences and logs do";
  if (dialect.delimiter != '\t' && 2 * spaced > delimiters) {
    return absl::StrCat("a blank follows '", std::string(1, dialect.delimiter),
                        "', as in sentences");
  }
  return "";
}

}  // namespace

uint64_t MarkedLines(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  uint64_t marked = 0;
  for (size_t at = text.find(kMark); at != std::string_view::npos; at = text.find(kMark, at + 1)) {
    if (at == 0 || text[at - 1] == '\n') ++marked;
  }
  return marked;
}

std::string QuotedLine(std::string_view line) {
  constexpr size_t kShownBytes = 60;
  line = Trimmed(line.substr(0, line.find('\n')));
  const bool cut = line.size() > kShownBytes;
  return absl::StrCat("'", absl::Utf8SafeCHexEscape(std::string(line.substr(0, kShownBytes))),
                      cut ? "..." : "", "'");
}

bool IsBlank(std::string_view text, bool tabs_are_blanks) {
  return HasOnly(text, tabs_are_blanks ? " \t\r\n\v\f" : " \r\n");
}

absl::StatusOr<std::vector<InputNote>> DoubtsAboutText(const GuessedText& text) {
  const auto refuse = [&text](std::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(text.name, ": ", std::string(what)));
  };
  if (IsBlank(text.prefix, true)) return refuse("has nothing but blanks and line ends");
  if (const auto before = SomethingBefore(text.prefix)) return refuse(*before);
  const std::vector<std::string_view> lines = FirstLines(text.prefix, kSampledRows);
  const auto first = std::find_if(lines.begin(), lines.end(),
                                  [](std::string_view line) { return !Trimmed(line).empty(); });
  if (first == lines.end()) return refuse("starts with nothing but blank lines");
  if (StartsAsMessage(Trimmed(*first))) {
    return refuse(absl::StrCat("starts with a message and not with records: ", QuotedLine(*first),
                               "; if it is a table, ", kUseFormat));
  }
  if (const std::string_view page = PageKind({first, lines.end()}); !page.empty()) {
    return refuse(absl::StrCat("looks like ", std::string(page),
                               "; have the program write CSV, tabs or JSON, or ", kUseFormat));
  }
  std::vector<InputNote> doubts;
  const auto doubt = [&](const std::string& taken, const std::string& why, const char* option) {
    doubts.push_back(Doubt(absl::StrCat(text.name, ": is taken for ", taken, ", but ", why,
                                        "; if it is, use ", option, ".")));
  };
  const bool named = text.path.ends_with(".csv") || text.path.ends_with(".tsv");
  if (text.detection.format == DetectedFormat::kBlank) {
    doubt("columns between blanks", "sentences may look the same",
          "--delimiter blank, or name columns of a header with --columns");
    return doubts;
  }
  const Dialect& dialect = text.detection.dialect;
  const size_t columns = AgreedColumns(text.prefix, dialect);
  if (columns > 1) {
    const std::string why = TableDoubt(text.prefix, dialect);
    if (!why.empty()) doubt(KindName(text.detection), why, "--format or --delimiter");
    return doubts;
  }
  const std::string sentences = SentencesFault(lines);
  if (columns == 0) {
    // Ragged: the reader names the row, unless there is hardly a delimiter at all.
    const bool delimited = Trimmed(*first).find(dialect.delimiter) != std::string_view::npos;
    if (!delimited && !named && !sentences.empty()) return refuse(sentences);
    return doubts;
  }
  if (!sentences.empty() && !named) return refuse(sentences);
  if (!named || !sentences.empty()) {
    doubt("one column, each line being a value", "no row has a delimiter", "--format csv or tsv");
  }
  return doubts;
}

}  // namespace inlay::analysis
