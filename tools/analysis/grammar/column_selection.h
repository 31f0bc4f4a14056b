// ColumnSelection: the columns that a user named, as in "3-5,9" or "country,as_number".

#ifndef INLAY_TOOLS_ANALYSIS_GRAMMAR_COLUMN_SELECTION_H_
#define INLAY_TOOLS_ANALYSIS_GRAMMAR_COLUMN_SELECTION_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace inlay::analysis {

// The items of `selection`, which are separated by commas.
std::vector<std::string_view> SelectionItems(std::string_view selection);

// Whether `selection` holds an item that is neither a number nor a range, so that it needs a
// header.
bool NeedsHeader(std::string_view selection);

// Whether every item of `selection` is a name, and there is one.
bool NamesColumns(std::string_view selection);

// The columns that `selection` chooses, counted from 0, in the order in which it lists them. Items
// are separated by commas: a name out of `header`, a number counted from 1, a range "3-5", or an
// open range "3-". A name wins over a number that looks like it. An empty selection is every
// column.
//
// `header` holds the names of the columns and is empty when the file has none; `column_count` is
// the number of columns of the file. Fails for an unknown name, a name of several columns, a
// column out of range, a range that runs backwards, and a column that is chosen twice.
absl::StatusOr<std::vector<size_t>> SelectColumns(std::string_view selection,
                                                  const std::vector<std::string>& header,
                                                  size_t column_count);

// Whether each of `columns` follows the one before it in the file.
bool AreNeighbours(const std::vector<size_t>& columns);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GRAMMAR_COLUMN_SELECTION_H_
