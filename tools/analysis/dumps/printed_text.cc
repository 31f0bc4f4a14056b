#include "tools/analysis/dumps/printed_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/values/bytes_column.h"
#include "tools/pages/numbers/printable.h"

namespace inlay::analysis {
namespace {

constexpr uint64_t kExactIntegers = uint64_t{1} << 53;  // all integers up to it fit a double
constexpr size_t kMaxNames = 4;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Whether a double holds `number` exactly.
bool IsDouble(uint64_t number) {
  const auto rounded = static_cast<double>(number);
  return rounded < 18446744073709551616.0 && static_cast<uint64_t>(rounded) == number;
}

// Whether `text` may come from an array of char; names of enumerators are in capitals.
bool LooksLikeText(std::string_view text) {
  if (text == "true" || text == "false" || text == "null") return false;
  if (text.empty() || text[0] == '(' || text[0] == '[') return false;
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return !((c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_'); });
}

}  // namespace

void PrintedText::Start(std::vector<std::string> names, std::vector<size_t> columns,
                        bool has_bytes) {
  names_ = std::move(names);
  columns_ = std::move(columns);
  has_bytes_ = has_bytes;
  fields_.assign(columns_.size(), {});
}

void PrintedText::Add(const std::vector<std::string_view>& cells) {
  for (size_t i = 0; i < columns_.size(); ++i) Look(cells[columns_[i]], &fields_[i]);
}

void PrintedText::Look(std::string_view text, Field* field) {
  if (text.starts_with(kUnsupportedMember)) {
    field->unsupported = true;
    return;
  }
  std::string_view digits = text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  if (digits.empty() || !IsDigit(digits[0])) {
    field->has_text |= LooksLikeText(text);
    return;
  }
  if (digits.size() < 16) return;  // below 2^53
  uint64_t number = 0;
  const char* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, number);
  if (error == std::errc::result_out_of_range ||
      (end != last && (*end == '.' || *end == 'e' || *end == 'E'))) {
    field->is_rounded = true;
  } else if (error == std::errc() && end == last && number >= kExactIntegers) {
    (IsDouble(number) ? field->may_be_rounded : field->is_exact) = true;
  }
}

bool PrintedText::Any(bool Field::*property) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [property](const Field& field) { return field.*property; });
}

std::string PrintedText::Names(bool Field::*property) const {
  constexpr size_t kMaxNameBytes = 60;
  std::string text;
  size_t listed = 0;
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (!(fields_[i].*property)) continue;
    if (listed++ == kMaxNames) return text + " and others";
    absl::StrAppend(&text, listed == 1 ? "'" : ", '",
                    numbers::Printable(names_[columns_[i]], kMaxNameBytes), "'");
  }
  return text;
}

void PrintedText::AddNotes(bool as_printed, std::vector<InputNote>* notes) const {
  if (fields_.empty()) return;
  const std::string remedy = has_bytes_
                                 ? "Without --columns the bytes of this dump tell them apart."
                                 : "'bpftool -j map dump' has the bytes, which tell them apart.";
  const size_t before = notes->size();
  if (Any(&Field::unsupported)) {
    notes->push_back(Doubt(
        absl::StrCat("bpftool cannot print ", Names(&Field::unsupported),
                     ", such as a floating point number, and leaves out all that is behind it: "
                     "values that differ there count as equal. ",
                     remedy)));
  }
  const bool is_rounded = Any(&Field::is_rounded);
  if (is_rounded || (!as_printed && Any(&Field::may_be_rounded) && !Any(&Field::is_exact))) {
    notes->push_back(Doubt(absl::StrCat(
        "Numbers above 2^53 in ", Names(is_rounded ? &Field::is_rounded : &Field::may_be_rounded),
        " look rounded, as jq does it: values that differ there count as equal. ", remedy)));
  }
  if (Any(&Field::has_text)) {
    notes->push_back(
        Doubt(absl::StrCat("bpftool prints text only up to its first zero byte: values that differ "
                           "behind it, in ",
                           Names(&Field::has_text), ", count as equal. ", remedy)));
  }
  if (notes->size() == before && !has_bytes_) {
    notes->push_back({absl::StrCat(
        "This dump has fields and no bytes: values that differ in padding alone count as equal. ",
        remedy)});
  }
}

}  // namespace inlay::analysis
