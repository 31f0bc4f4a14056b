#include "tools/analysis/grammar/column_selection.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/analysis/grammar/close_names.h"
#include "tools/pages/numbers/printable.h"

namespace inlay::analysis {
namespace {

struct ColumnRange {
  size_t first = 0;  // counted from 1
  size_t last = 0;   // 0: to the last column
};

std::optional<size_t> ParseNumber(std::string_view text) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<ColumnRange> ParseRange(std::string_view item) {
  const size_t dash = item.find('-');
  const std::optional<size_t> first = ParseNumber(item.substr(0, dash));
  if (!first.has_value()) return std::nullopt;
  if (dash == std::string_view::npos) return ColumnRange{*first, *first};
  if (dash + 1 == item.size()) return ColumnRange{*first, 0};
  const std::optional<size_t> last = ParseNumber(item.substr(dash + 1));
  if (!last.has_value()) return std::nullopt;
  // "3-0" must be a backward range, not the open one.
  return *last == 0 ? ColumnRange{*first, *first == 0 ? 0 : *first - 1}
                    : ColumnRange{*first, *last};
}

// Input text in a message: cut, with what could harm a terminal escaped.
std::string Quoted(std::string_view name) {
  constexpr size_t kShownBytes = 60;
  return absl::StrCat("'", absl::Utf8SafeCHexEscape(std::string(name.substr(0, kShownBytes))),
                      name.size() > kShownBytes ? "..." : "", "'");
}

absl::Status UnknownColumn(std::string_view item, const std::vector<std::string>& header) {
  if (header.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unknown column ", Quoted(item), ": without a header, columns have only numbers"));
  }
  constexpr size_t kMostClose = 3;
  constexpr size_t kMostListed = 10;
  const std::vector<std::string> close =
      CloseNames(item, {header.begin(), header.end()}, kMostClose);
  std::string message = absl::StrCat("unknown column ", Quoted(item));
  for (size_t i = 0; i < close.size(); ++i) {
    absl::StrAppend(&message, i == 0 ? "; did you mean " : " or ", Quoted(close[i]));
  }
  message += close.empty() ? "; the header has: " : "? The header has: ";
  for (size_t i = 0; i < std::min(kMostListed, header.size()); ++i) {
    absl::StrAppend(&message, i == 0 ? "" : ", ", Quoted(header[i]));
  }
  if (header.size() > kMostListed) {
    absl::StrAppend(&message, " and ", header.size() - kMostListed, " more");
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace

std::vector<std::string_view> SelectionItems(std::string_view selection) {
  std::vector<std::string_view> items;
  for (size_t at = 0;;) {
    const size_t comma = std::min(selection.find(',', at), selection.size());
    items.push_back(selection.substr(at, comma - at));
    if (comma == selection.size()) return items;
    at = comma + 1;
  }
}

bool NeedsHeader(std::string_view selection) {
  if (selection.empty()) return false;
  const std::vector<std::string_view> items = SelectionItems(selection);
  return std::any_of(items.begin(), items.end(), [](std::string_view item) {
    return !item.empty() && !ParseRange(item).has_value();
  });
}

bool NamesColumns(std::string_view selection) {
  if (selection.empty()) return false;
  const std::vector<std::string_view> items = SelectionItems(selection);
  return std::all_of(items.begin(), items.end(), [](std::string_view item) {
    return !item.empty() && !ParseRange(item).has_value();
  });
}

absl::StatusOr<std::vector<size_t>> SelectColumns(std::string_view selection,
                                                  const std::vector<std::string>& header,
                                                  size_t column_count) {
  std::vector<size_t> columns;
  if (selection.empty()) {
    for (size_t i = 0; i < column_count; ++i) columns.push_back(i);
    return columns;
  }
  std::vector<bool> chosen(column_count, false);
  const auto choose = [&](size_t column, std::string_view item) -> absl::Status {
    if (chosen[column]) {
      return absl::InvalidArgumentError(absl::StrCat(
          "column ", column + 1, " is chosen twice, again by '", std::string(item), "'"));
    }
    chosen[column] = true;
    columns.push_back(column);
    return absl::OkStatus();
  };
  for (const std::string_view item : SelectionItems(selection)) {
    if (item.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("an empty item in the columns '", std::string(selection), "'"));
    }
    const auto named = std::find(header.begin(), header.end(), item);
    if (named != header.end()) {
      const auto again = std::find(named + 1, header.end(), item);
      if (again != header.end()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "the columns ", named - header.begin() + 1, " and ", again - header.begin() + 1,
            " are both called '", numbers::Printable(item, 60), "': choose one by its number"));
      }
      absl::Status status = choose(static_cast<size_t>(named - header.begin()), item);
      if (!status.ok()) return status;
      continue;
    }
    const std::optional<ColumnRange> range = ParseRange(item);
    if (!range.has_value()) {
      return UnknownColumn(item, header);
    }
    const size_t last = range->last == 0 ? std::max(column_count, range->first) : range->last;
    if (range->first == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("column '", std::string(item), "' is out of range: columns count from 1"));
    }
    if (last < range->first) {
      return absl::InvalidArgumentError(
          absl::StrCat("column range '", std::string(item), "' runs backwards"));
    }
    if (last > column_count) {
      return absl::InvalidArgumentError(absl::StrCat("column '", std::string(item),
                                                     "' is out of range: the file has ",
                                                     column_count, " columns"));
    }
    for (size_t number = range->first; number <= last; ++number) {
      absl::Status status = choose(number - 1, item);
      if (!status.ok()) return status;
    }
  }
  return columns;
}

bool AreNeighbours(const std::vector<size_t>& columns) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] != columns[0] + i) return false;
  }
  return true;
}

}  // namespace inlay::analysis
