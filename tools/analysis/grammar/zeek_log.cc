#include "tools/analysis/grammar/zeek_log.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/grammar/delimited_row.h"

namespace inlay::analysis {
namespace {

constexpr std::string_view kSeparator = "#separator ";

// The text with every \xHH decoded.
std::string Unescaped(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    unsigned byte = 0;
    if (text.size() >= 4 && text.starts_with("\\x") &&
        std::from_chars(text.data() + 2, text.data() + 4, byte, 16).ptr == text.data() + 4) {
      plain += static_cast<char>(byte);
      text.remove_prefix(4);
    } else {
      plain += text.front();
      text.remove_prefix(1);
    }
  }
  return plain;
}

// The separator that a #separator line names; nothing if it is not a possible separator.
std::optional<char> SeparatorOf(std::string_view line) {
  const std::string separator = Unescaped(line.substr(kSeparator.size()));
  if (separator.size() != 1 || separator[0] == '\n' || separator[0] == '\r' ||
      separator[0] == kZeekDirective) {
    return std::nullopt;
  }
  return separator[0];
}

std::string NotOneByte(std::string_view line) {
  return absl::StrCat("the separator '", std::string(line.substr(kSeparator.size())),
                      "' must be one byte other than '#' and a line end");
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> cells;
  for (;;) {
    const size_t end = std::min(text.find(separator), text.size());
    cells.emplace_back(text.substr(0, end));
    if (end == text.size()) return cells;
    text.remove_prefix(end + 1);
  }
}

// The cells of a line that starts with `name` and a separator; nothing when it does not.
std::optional<std::string_view> Argument(std::string_view line, std::string_view name,
                                         char separator) {
  if (!line.starts_with(name)) return std::nullopt;
  line.remove_prefix(name.size());
  if (line.empty() || line.front() != separator) return std::nullopt;
  return line.substr(1);
}

std::string Differs(std::string_view name) {
  return absl::StrCat(std::string(name), " differs from that of the first header");
}

}  // namespace

bool IsZeekLog(std::string_view prefix) { return prefix.starts_with(kSeparator); }

bool IsJsonLines(std::string_view prefix) {
  if (!prefix.starts_with("{\"")) return false;
  const size_t end = prefix.find('\n');
  // A first line longer than the prefix counts by its start.
  return end == std::string_view::npos || WithoutLineEnd(prefix.substr(0, end + 1)).ends_with('}');
}

bool ReadZeekHeader(std::string_view text, ZeekHeader* header, size_t* header_bytes,
                    ZeekError* error) {
  *header = ZeekHeader();
  *error = ZeekError();
  if (!IsZeekLog(text)) {
    error->what = IsJsonLines(text)
                      ? "is in JSON; the Zeek reader needs a log with #separator and #fields"
                      : "is not a Zeek log: it does not start with '#separator '";
    return false;
  }
  size_t at = 0;
  uint64_t types_line = 0;
  for (uint64_t line_number = 1; at < text.size() && text[at] == kZeekDirective; ++line_number) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view line = WithoutLineEnd(text.substr(at, end - at));
    at = end;
    if (line_number == 1) {
      const std::optional<char> separator = SeparatorOf(line);
      if (!separator.has_value()) {
        error->what = NotOneByte(line);
        return false;
      }
      header->separator = *separator;
      continue;
    }
    if (!header->fields.empty()) {
      // Two headers without a record between them: checks the second one like any later header.
      std::string fault = line.starts_with("#types") && header->types.empty()
                              ? ""
                              : ZeekDirectiveFault(line, *header);
      if (!fault.empty()) {
        *error = {line_number, std::move(fault)};
        return false;
      }
    }
    const auto read = [&](std::string_view name, std::string* out) {
      if (const auto argument = Argument(line, name, header->separator)) *out = *argument;
    };
    read("#set_separator", &header->set_separator);
    read("#empty_field", &header->empty_field);
    read("#unset_field", &header->unset_field);
    read("#path", &header->path);
    if (const auto fields = Argument(line, "#fields", header->separator)) {
      header->fields = Split(*fields, header->separator);
    }
    if (const auto types = Argument(line, "#types", header->separator)) {
      header->types = Split(*types, header->separator);
      types_line = line_number;
    }
  }
  if (header->fields.empty()) {
    error->what = "the header of this Zeek log has no #fields";
    return false;
  }
  if (types_line != 0 && header->types.size() != header->fields.size()) {
    *error = {types_line, absl::StrCat("#types has ", header->types.size(),
                                       header->types.size() == 1 ? " cell" : " cells",
                                       " where #fields has ", header->fields.size())};
    return false;
  }
  *header_bytes = at;
  return true;
}

std::string ZeekDirectiveFault(std::string_view line, const ZeekHeader& header) {
  if (IsZeekLog(line)) {
    const std::optional<char> separator = SeparatorOf(line);
    if (!separator.has_value()) return NotOneByte(line);
    return *separator == header.separator ? "" : Differs("#separator");
  }
  const auto said = [&](std::string_view name) { return Argument(line, name, header.separator); };
  const std::pair<std::string_view, const std::string*> texts[] = {
      {"#set_separator", &header.set_separator},
      {"#empty_field", &header.empty_field},
      {"#unset_field", &header.unset_field}};
  for (const auto& [name, expected] : texts) {
    const auto text = said(name);
    if (text.has_value() && *text != *expected) return Differs(name);
  }
  const std::pair<std::string_view, const std::vector<std::string>*> lists[] = {
      {"#fields", &header.fields}, {"#types", &header.types}};
  for (const auto& [name, expected] : lists) {
    const auto list = said(name);
    if (list.has_value() && Split(*list, header.separator) != *expected) return Differs(name);
  }
  return "";
}

}  // namespace inlay::analysis
