// The grammar of delimited text: where a record ends, how it splits into cells, and the canonical
// form in which rows are compared.
//
// With quoting (CSV, RFC 4180): a cell that starts with '"' ends at the next single '"'; inside it,
// a doubled '"' is one quote, and delimiters and line ends are text. A '"' elsewhere in a cell is
// text. Without quoting (TSV): every delimiter and every newline separates. Records end with LF or
// CR LF; the last one may end with the input.
//
// Canonical form: the cells joined by the delimiter, a cell in quotes exactly when its text holds a
// delimiter, a quote or a newline. Equal cells give equal bytes however they were quoted, and
// different cells give different bytes.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_GRAMMAR_DELIMITED_ROW_H_
#define INLAY_TOOLS_ANALYSIS_GRAMMAR_DELIMITED_ROW_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace inlay::analysis {

struct Dialect {
  char delimiter = ',';
  bool quoted = true;  // whether '"' is special

  bool operator==(const Dialect&) const = default;
};

inline constexpr Dialect kCsvDialect = {',', true};
inline constexpr Dialect kTsvDialect = {'\t', false};

enum class RowError {
  kNone,
  kTextAfterQuote,  // something other than a delimiter or the line end follows a closing quote
  kOpenQuote,       // a quote is opened and not closed
};

// A cell's place in its row, its quotes included.
struct RawCell {
  size_t begin = 0;
  size_t end = 0;
};

// The offset just after the record that starts at `begin`, its line end included; npos when the
// record does not end in `text`.
size_t FindRecordEnd(std::string_view text, size_t begin, const Dialect& dialect);

// The bytes of whole records at the start of `text`, which starts with a record; 0 if none ends.
size_t WholeRecordBytes(std::string_view text, const Dialect& dialect);

// The record without its LF or CR LF, or a CR that the end of the input cut off from its LF.
std::string_view WithoutLineEnd(std::string_view record);

// Splits a row, which has no line end, into its cells. An empty row is one empty cell. On an error
// `cells` holds the cells before it.
RowError SplitRow(std::string_view row, const Dialect& dialect, std::vector<RawCell>* cells);

// Appends the text of a cell, without quotes if it had some. REQUIRES: SplitRow() found the cell.
void AppendCellText(std::string_view raw_cell, const Dialect& dialect, std::string* out);

// The canonical form of one cell's text.
std::string CanonicalCell(std::string_view text, const Dialect& dialect);

// The texts of a canonical row's cells, joined by the delimiter: what is shown to people.
std::string RowText(std::string_view canonical_row, const Dialect& dialect);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GRAMMAR_DELIMITED_ROW_H_
