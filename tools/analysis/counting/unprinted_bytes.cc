#include "tools/analysis/counting/unprinted_bytes.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/grammar/delimited_row.h"
#include "tools/analysis/values/bytes_column.h"

namespace inlay::analysis {
namespace {

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53: all integers up to it are doubles
constexpr size_t kMaxRangesListed = 8;

// The reason why the fields hide a byte that differs.
enum class Cause {
  kRounded,      // a number passed through a double
  kUnsupported,  // bpftool gave up at a member
  kBehindText,   // behind the zero byte that ends a text, or padding
  kPadding,
};

std::string_view ValueText(const CountedValue& value) {
  return {reinterpret_cast<const char*>(value.data), value.length};
}

std::vector<std::string> CellTexts(std::string_view row, const Dialect& dialect) {
  std::vector<RawCell> cells;
  SplitRow(row, dialect, &cells);
  std::vector<std::string> texts;
  for (const RawCell& cell : cells) {
    AppendCellText(row.substr(cell.begin, cell.end - cell.begin), dialect, &texts.emplace_back());
  }
  return texts;
}

// Whether the 8 aligned bytes around `at` hold a number above 2^53 that `cells` show as printed by
// a double.
bool IsRounded(const std::vector<uint8_t>& bytes, size_t at,
               const std::vector<std::string>& cells) {
  const size_t begin = at / 8 * 8;
  if (begin + 8 > bytes.size()) return false;
  uint64_t number = 0;
  for (size_t i = 0; i < 8; ++i) number |= uint64_t{bytes[begin + i]} << (8 * i);
  const auto negative = static_cast<double>(static_cast<int64_t>(number));
  return std::any_of(cells.begin(), cells.end(), [&](const std::string& cell) {
    const double printed = std::strtod(cell.c_str(), nullptr);
    return std::fabs(printed) >= kExactIntegers &&
           (printed == static_cast<double>(number) || printed == negative);
  });
}

bool IsUnsupported(const std::vector<std::string>& cells) {
  return std::any_of(cells.begin(), cells.end(),
                     [](const std::string& cell) { return cell.starts_with(kUnsupportedMember); });
}

// Whether a cell is the text that ends before the byte at `at`.
bool IsBehindText(const std::vector<uint8_t>& bytes, size_t at,
                  const std::vector<std::string>& cells) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::any_of(cells.begin(), cells.end(), [&](const std::string& cell) {
    if (cell.find_first_not_of("-0123456789") == std::string::npos) return false;
    const size_t place = all.find(cell + std::string(1, '\0'));
    return place != std::string_view::npos && place + cell.size() < at;
  });
}

Cause CauseOf(const std::vector<uint8_t>& bytes, size_t at, const std::vector<std::string>& cells) {
  if (IsRounded(bytes, at, cells)) return Cause::kRounded;
  if (IsUnsupported(cells)) return Cause::kUnsupported;
  return IsBehindText(bytes, at, cells) ? Cause::kBehindText : Cause::kPadding;
}

std::string_view Explanation(Cause cause) {
  switch (cause) {
    case Cause::kRounded:
      return "A program behind bpftool, such as jq, has rounded numbers above 2^53.";
    case Cause::kUnsupported:
      return "bpftool cannot print a member, such as a floating point number, and leaves out all "
             "that is behind it.";
    case Cause::kBehindText:
      return "bpftool prints a text only up to its zero byte, and no padding: a program that does "
             "not clear the rest stores equal values that do not share.";
    case Cause::kPadding:
      return "They are padding: a program that does not zero it stores equal values that do not "
             "share.";
  }
  return "";
}

// "byte 3", "bytes 8-11 and 15".
std::string ByteNames(const std::set<size_t>& places) {
  std::vector<std::string> ranges;
  for (auto place = places.begin(); place != places.end();) {
    const size_t first = *place;
    size_t last = first;
    while (++place != places.end() && *place == last + 1) last = *place;
    ranges.push_back(first == last ? absl::StrCat(first) : absl::StrCat(first, "-", last));
  }
  const bool cut = ranges.size() > kMaxRangesListed;
  if (cut) ranges.resize(kMaxRangesListed);
  std::string text = places.size() == 1 ? "byte " : "bytes ";
  for (size_t i = 0; i < ranges.size(); ++i) {
    const bool is_last = i + 1 == ranges.size() && !cut;
    absl::StrAppend(&text, i == 0 ? "" : is_last ? " and " : ", ", ranges[i]);
  }
  if (cut) absl::StrAppend(&text, " and others");
  return text;
}

}  // namespace

std::optional<InputNote> UnprintedBytesNote(const RecordSchema& schema,
                                            const DistinctValues& distinct) {
  if (!schema.has_bytes_column) return std::nullopt;
  const char delimiter = schema.dialect.delimiter;
  std::unordered_map<std::string_view, const CountedValue*> first_of;
  std::set<size_t> differing;
  std::set<Cause> causes;
  for (const CountedValue& value : distinct.values()) {
    const std::string_view row = ValueText(value);
    const std::string_view fields = WithoutBytesCell(row, delimiter);
    const auto [entry, is_new] = first_of.emplace(fields, &value);
    if (is_new) continue;
    const std::vector<uint8_t> bytes = BytesOfCell(row, delimiter);
    const std::vector<uint8_t> others = BytesOfCell(ValueText(*entry->second), delimiter);
    std::vector<std::string> cells;
    for (size_t i = 0; i < std::min(bytes.size(), others.size()); ++i) {
      if (bytes[i] == others[i] || !differing.insert(i).second) continue;
      if (cells.empty()) cells = CellTexts(fields, schema.dialect);
      causes.insert(CauseOf(bytes, i, cells));
    }
  }
  if (first_of.size() == distinct.values().size()) return std::nullopt;
  InputNote note;
  note.text = absl::StrCat(distinct.values().size(), " distinct values by their bytes",
                           distinct.exact() ? "" : " in the sample", ", ", first_of.size(),
                           " by their fields as printed: ", ByteNames(differing), " differ",
                           differing.size() == 1 ? "s" : "", " where all fields are equal.");
  for (const Cause cause : causes) {
    absl::StrAppend(&note.text, " ", std::string(Explanation(cause)));
  }
  return note;
}

}  // namespace inlay::analysis
