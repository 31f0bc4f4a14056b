#include "tools/analysis/grammar/delimited_row.h"

#include <algorithm>
#include <cstring>

namespace inlay::analysis {
namespace {

constexpr char kQuote = '"';

size_t Find(std::string_view text, char wanted, size_t from) {
  // memchr must not see the null pointer of an empty view.
  if (from >= text.size()) return std::string_view::npos;
  const void* found = std::memchr(text.data() + from, wanted, text.size() - from);
  if (found == nullptr) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

// The offset just after the quote that closes the cell whose opening quote is at `open`; npos when
// none does.
size_t AfterClosingQuote(std::string_view text, size_t open) {
  for (size_t at = open + 1;;) {
    at = Find(text, kQuote, at);
    if (at == std::string_view::npos) return at;
    if (at + 1 == text.size() || text[at + 1] != kQuote) return at + 1;
    at += 2;
  }
}

}  // namespace

size_t FindRecordEnd(std::string_view text, size_t begin, const Dialect& dialect) {
  size_t line_end = Find(text, '\n', begin);
  if (!dialect.quoted) return line_end == std::string_view::npos ? line_end : line_end + 1;
  // Cell by cell, because only a quote at the start of a cell hides a newline.
  for (size_t at = begin;;) {
    if (at < text.size() && text[at] == kQuote) {
      at = AfterClosingQuote(text, at);
      if (at == std::string_view::npos) return at;
      if (line_end != std::string_view::npos && line_end < at) line_end = Find(text, '\n', at);
    }
    const size_t next_cell =
        Find(text.substr(0, std::min(line_end, text.size())), dialect.delimiter, at);
    if (next_cell == std::string_view::npos) {
      return line_end == std::string_view::npos ? line_end : line_end + 1;
    }
    at = next_cell + 1;
  }
}

size_t WholeRecordBytes(std::string_view text, const Dialect& dialect) {
  size_t whole = 0;
  if (dialect.quoted) {
    // Records without a quote end at any newline; only the others need a scan of their cells.
    for (size_t quote = Find(text, kQuote, 0); quote != std::string_view::npos;
         quote = Find(text, kQuote, whole)) {
      const size_t line_end =
          quote == whole ? std::string_view::npos : text.substr(whole, quote - whole).rfind('\n');
      if (line_end != std::string_view::npos) whole += line_end + 1;
      const size_t end = FindRecordEnd(text, whole, dialect);
      if (end == std::string_view::npos) return whole;
      whole = end;
    }
  }
  const size_t last = text.substr(whole).rfind('\n');
  return last == std::string_view::npos ? whole : whole + last + 1;
}

std::string_view WithoutLineEnd(std::string_view record) {
  if (!record.empty() && record.back() == '\n') record.remove_suffix(1);
  if (!record.empty() && record.back() == '\r') record.remove_suffix(1);
  return record;
}

RowError SplitRow(std::string_view row, const Dialect& dialect, std::vector<RawCell>* cells) {
  cells->clear();
  for (size_t at = 0;;) {
    size_t end;
    if (dialect.quoted && at < row.size() && row[at] == kQuote) {
      end = AfterClosingQuote(row, at);
      if (end == std::string_view::npos) return RowError::kOpenQuote;
      if (end < row.size() && row[end] != dialect.delimiter) return RowError::kTextAfterQuote;
    } else {
      end = std::min(Find(row, dialect.delimiter, at), row.size());
    }
    cells->push_back({at, end});
    if (end == row.size()) return RowError::kNone;
    at = end + 1;
  }
}

void AppendCellText(std::string_view raw_cell, const Dialect& dialect, std::string* out) {
  if (!dialect.quoted || raw_cell.empty() || raw_cell.front() != kQuote) {
    out->append(raw_cell);
    return;
  }
  raw_cell = raw_cell.substr(1, raw_cell.size() - 2);
  for (size_t at = 0; at < raw_cell.size();) {
    const size_t quote = Find(raw_cell, kQuote, at);
    if (quote == std::string_view::npos) {
      out->append(raw_cell.substr(at));
      return;
    }
    out->append(raw_cell.substr(at, quote + 1 - at));
    at = quote + 2;  // the second of the doubled quotes is dropped
  }
}

std::string CanonicalCell(std::string_view text, const Dialect& dialect) {
  const char special[] = {dialect.delimiter, kQuote, '\n'};
  if (!dialect.quoted ||
      text.find_first_of(std::string_view(special, sizeof special)) == std::string_view::npos) {
    return std::string(text);
  }
  std::string quoted(1, kQuote);
  for (const char c : text) {
    if (c == kQuote) quoted += kQuote;
    quoted += c;
  }
  quoted += kQuote;
  return quoted;
}

std::string RowText(std::string_view canonical_row, const Dialect& dialect) {
  if (!dialect.quoted || Find(canonical_row, kQuote, 0) == std::string_view::npos) {
    return std::string(canonical_row);
  }
  std::vector<RawCell> cells;
  // A canonical row always splits.
  (void)SplitRow(canonical_row, dialect, &cells);
  std::string text;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i != 0) text += dialect.delimiter;
    AppendCellText(canonical_row.substr(cells[i].begin, cells[i].end - cells[i].begin), dialect,
                   &text);
  }
  return text;
}

}  // namespace inlay::analysis
