#include "tools/analysis/counting/schema_difference.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace inlay::analysis {
namespace {

constexpr size_t kMaxNameBytes = 40;
constexpr size_t kMaxNames = 8;

// Text of a file as a part of a message: without control characters, and not long.
std::string Name(std::string_view name) {
  const bool cut = name.size() > kMaxNameBytes;
  return absl::StrCat(absl::Utf8SafeCHexEscape(std::string(name.substr(0, kMaxNameBytes))),
                      cut ? "..." : "");
}

std::string Names(const std::vector<ValueField>& fields) {
  std::string names;
  for (size_t i = 0; i < std::min(fields.size(), kMaxNames); ++i) {
    absl::StrAppend(&names, i == 0 ? "" : ", ", Name(fields[i].name));
  }
  if (fields.size() > kMaxNames) absl::StrAppend(&names, ", ...");
  return names;
}

std::string FormatName(const RecordSchema& schema) {
  if (!schema.format_name.empty()) return Name(schema.format_name);
  if (schema.kind == RecordSchema::Kind::kRaw) return "raw records";
  if (schema.is_zeek_log) return "a Zeek log";
  if (schema.dialect == kTsvDialect) return "TSV";
  if (schema.dialect == kCsvDialect) return "CSV";
  return absl::StrCat(schema.dialect.quoted ? "CSV" : "unquoted text", " with the delimiter '",
                      Name({&schema.dialect.delimiter, 1}), "'");
}

// " instead of " between two texts.
std::string Instead(std::string_view other, std::string_view expected) {
  return absl::StrCat(std::string(other), " instead of ", std::string(expected));
}

std::string FieldText(const ValueField& field) {
  return absl::StrCat(
      "'", Name(field.name), "'",
      field.type_name.empty() ? "" : absl::StrCat(" of type ", Name(field.type_name)),
      field.offset_bits.has_value()
          ? absl::StrCat(" at bit ", *field.offset_bits, ", ", field.size_bits, " bits")
          : "");
}

}  // namespace

std::string SchemaDifference(const RecordSchema& other, const RecordSchema& expected) {
  const bool raw = expected.kind == RecordSchema::Kind::kRaw;
  if (other.kind != expected.kind || other.format_name != expected.format_name ||
      other.is_zeek_log != expected.is_zeek_log || (!raw && !(other.dialect == expected.dialect))) {
    return Instead(FormatName(other), FormatName(expected));
  }
  if (other.value_bytes != expected.value_bytes) {
    return Instead(absl::StrCat(other.value_bytes, " bytes"),
                   absl::StrCat(expected.value_bytes, " bytes"));
  }
  if (other.binary_bytes != expected.binary_bytes) {
    const auto size = [](const RecordSchema& schema) {
      return schema.binary_bytes.has_value() ? absl::StrCat(*schema.binary_bytes, " bytes")
                                             : "values of unknown size";
    };
    return Instead(size(other), size(expected));
  }
  const std::string noun = raw ? " fields (" : " columns (";
  if (other.fields.size() != expected.fields.size()) {
    return Instead(absl::StrCat(other.fields.size(), noun, Names(other.fields), ")"),
                   absl::StrCat(expected.fields.size(), " (", Names(expected.fields), ")"));
  }
  for (size_t i = 0; i < expected.fields.size(); ++i) {
    const std::string mine = FieldText(other.fields[i]);
    const std::string wanted = FieldText(expected.fields[i]);
    if (mine == wanted) continue;
    return Instead(absl::StrCat(raw ? "field " : "column ", i + 1, " is ", mine), wanted);
  }
  if (other.columns != expected.columns || other.file_columns != expected.file_columns) {
    return absl::StrCat("the columns stand in other places of the file");
  }
  return "the fields have other types";
}

}  // namespace inlay::analysis
