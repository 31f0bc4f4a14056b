#include "tools/analysis/counting/values_difference.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "tools/analysis/readers/format_detection.h"
#include "tools/analysis/readers/text_doubts.h"

namespace inlay::analysis {
namespace {

std::string FormatName(const RecordSchema& schema) {
  if (!schema.format_name.empty()) return schema.format_name;
  if (schema.kind == RecordSchema::Kind::kRaw) return "raw records";
  if (schema.is_zeek_log) return "a Zeek log";
  return KindName({DetectedFormat::kCsv, schema.dialect});
}

std::string Counted(uint64_t count, const std::string& noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

std::string Type(const ValueField& field) {
  return field.type_name.empty() ? std::string(FieldKindName(field.kind))
                                 : QuotedLine(field.type_name);
}

}  // namespace

std::string ValuesDifference(const RecordSchema& here, const RecordSchema& before) {
  const auto differs = [](const std::string& a, const std::string& b) {
    return absl::StrCat(a, " instead of ", b);
  };
  if (FormatName(here) != FormatName(before)) return differs(FormatName(here), FormatName(before));
  if (here.value_bytes != before.value_bytes) {
    return differs(Counted(here.value_bytes, "byte"), Counted(before.value_bytes, "byte"));
  }
  const bool is_text = here.kind == RecordSchema::Kind::kText;
  if (here.fields.size() != before.fields.size()) {
    const std::string noun = is_text ? "column" : "field";
    return differs(Counted(here.fields.size(), noun), Counted(before.fields.size(), noun));
  }
  for (size_t i = 0; i < here.fields.size(); ++i) {
    const ValueField& a = here.fields[i];
    const ValueField& b = before.fields[i];
    const std::string place = absl::StrCat(is_text ? "column " : "field ", i + 1, " is ");
    if (a.name != b.name) {
      return absl::StrCat(place, differs(QuotedLine(a.name), QuotedLine(b.name)));
    }
    if (Type(a) != Type(b)) {
      return absl::StrCat(QuotedLine(a.name), " is ", differs(Type(a), Type(b)));
    }
    if (a.offset_bits != b.offset_bits || a.size_bits != b.size_bits) {
      return absl::StrCat(QuotedLine(a.name), " has another place or size in the value");
    }
    if (a.big_endian != b.big_endian) {
      return absl::StrCat(QuotedLine(a.name), " has another order of bytes");
    }
  }
  if (here.file_columns != before.file_columns) {
    return absl::StrCat("its columns are out of ", differs(absl::StrCat(here.file_columns),
                                                           absl::StrCat(before.file_columns)));
  }
  for (size_t i = 0; i < std::min(here.columns.size(), before.columns.size()); ++i) {
    if (here.columns[i] != before.columns[i]) {
      return absl::StrCat(
          "column ", i + 1, " of the value is column ",
          differs(absl::StrCat(here.columns[i] + 1), absl::StrCat(before.columns[i] + 1)),
          " of the file");
    }
  }
  return "they were read with other options, or an enum has other names";
}

}  // namespace inlay::analysis
