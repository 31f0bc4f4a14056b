#include "tools/analysis/readers/zeek_join.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "tools/analysis/readers/text_doubts.h"

namespace inlay::analysis {
namespace {

// The first of `names` that is not among `others`; nothing if there is none.
const std::string* NotAmong(const std::vector<std::string>& names,
                            const std::vector<std::string>& others) {
  for (const std::string& name : names) {
    if (std::find(others.begin(), others.end(), name) == others.end()) return &name;
  }
  return nullptr;
}

// The type of the field `name`; empty if it is not known.
std::string TypeOf(const ZeekHeader& header, const std::string& name) {
  const auto field = std::find(header.fields.begin(), header.fields.end(), name);
  if (field == header.fields.end() || header.types.empty()) return "";
  return header.types[static_cast<size_t>(field - header.fields.begin())];
}

}  // namespace

std::optional<ZeekFault> ZeekFieldsFault(const ZeekHeader& first, const ZeekHeader& header,
                                         const std::vector<ValueField>& chosen, bool named,
                                         const std::string& first_path) {
  const auto differs = [](const char* directive) {
    return ZeekFault{directive, absl::StrCat(directive, " differs from that of the first header")};
  };
  if (header.separator != first.separator) return differs("#separator");
  if (header.set_separator != first.set_separator) return differs("#set_separator");
  if (header.empty_field != first.empty_field) return differs("#empty_field");
  if (header.unset_field != first.unset_field) return differs("#unset_field");
  const bool same_fields = header.fields == first.fields;
  if (same_fields) {
    if (header.types != first.types) return differs("#types");
    return std::nullopt;
  }
  if (const std::set<std::string> names(header.fields.begin(), header.fields.end());
      names.size() != header.fields.size()) {
    return ZeekFault{"#fields",
                     "#fields differs from that of the first header, and has a name twice"};
  }
  if (!named) {
    const std::string* added = NotAmong(header.fields, first.fields);
    const std::string* gone = NotAmong(first.fields, header.fields);
    if (added != nullptr || gone != nullptr || header.fields.size() != first.fields.size()) {
      return ZeekFault{
          "#fields",
          absl::StrCat("#fields differs from that of the first header: ",
                       added != nullptr  ? QuotedLine(*added) + " is new"
                       : gone != nullptr ? QuotedLine(*gone) + " is missing"
                                         : "a name occurs twice",
                       "; logs with other fields are joined by name: name those of the value with ",
                       "--columns")};
    }
  }
  for (const ValueField& field : chosen) {
    const bool found =
        std::find(header.fields.begin(), header.fields.end(), field.name) != header.fields.end();
    if (!found) {
      return ZeekFault{"#fields", absl::StrCat("#fields has no ", QuotedLine(field.name),
                                               ", which is a column of ", first_path)};
    }
    if (TypeOf(header, field.name) != field.type_name) {
      return ZeekFault{"#types", absl::StrCat(QuotedLine(field.name), " has the type ",
                                              QuotedLine(TypeOf(header, field.name)), ", and in ",
                                              first_path, " ", QuotedLine(field.type_name))};
    }
  }
  return std::nullopt;
}

std::vector<size_t> ZeekColumnsOf(const ZeekHeader& header, const std::vector<ValueField>& chosen) {
  const auto& names = header.fields;
  std::vector<size_t> columns;
  for (const ValueField& field : chosen) {
    columns.push_back(
        static_cast<size_t>(std::find(names.begin(), names.end(), field.name) - names.begin()));
  }
  return columns;
}

uint64_t ZeekLineOf(std::string_view text, std::string_view directive) {
  uint64_t line = 1;
  while (!text.empty() && !text.starts_with(directive)) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return 1;
    text.remove_prefix(end + 1);
    ++line;
  }
  return text.empty() ? 1 : line;
}

}  // namespace inlay::analysis
