#include "tools/analysis/report/report_words.h"

#include "absl/strings/str_cat.h"
#include "tools/analysis/readers/format_detection.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/numbers/printable.h"

namespace inlay::analysis {
namespace {

constexpr size_t kMaxValueBytes = 72;
constexpr size_t kMaxDecodedBytes = 240;
constexpr size_t kMaxNameBytes = 72;

std::string WithBits(const ValueField& field, const std::string& remark) {
  const uint64_t first = *field.offset_bits % 8;
  const std::string bits = field.size_bits == 1
                               ? absl::StrCat("bit ", first)
                               : absl::StrCat("bits ", first, "-", first + field.size_bits - 1);
  return remark.empty() ? bits : absl::StrCat(bits, ", ", remark);
}

}  // namespace

std::string DataTitle(const RecordSchema& schema) {
  if (schema.kind == RecordSchema::Kind::kRaw) {
    return absl::StrCat(
        schema.format_name.empty() ? "Raw records" : absl::StrCat(schema.format_name, ", values"),
        " of ", numbers::Grouped(schema.value_bytes), schema.value_bytes == 1 ? " byte" : " bytes");
  }
  const std::string format = !schema.format_name.empty() ? schema.format_name
                             : schema.is_zeek_log
                                 ? "Zeek log"
                                 : KindName({DetectedFormat::kCsv, schema.dialect});
  const size_t chosen = schema.columns.size();
  if (chosen == schema.file_columns) {
    return absl::StrCat(format, ", ", chosen == 1 ? "its one column" : "whole rows of ",
                        chosen == 1 ? "" : absl::StrCat(chosen, " columns"));
  }
  return absl::StrCat(format, ", ", chosen, " of ", schema.file_columns, " columns");
}

std::string ValueText(const TopValue& value) {
  if (!value.fields.empty()) return numbers::Printable(DecodedText(value.fields), kMaxDecodedBytes);
  return value.text.empty() ? "(empty)" : numbers::Printable(value.text, kMaxValueBytes);
}

std::string CopiesRange(const CopiesBucket& bucket) {
  std::string copies = numbers::Grouped(bucket.copies_from);
  if (bucket.copies_to != bucket.copies_from) {
    absl::StrAppend(&copies, " to ", numbers::Grouped(bucket.copies_to));
  }
  return copies;
}

std::string FieldRemark(const Report& report, size_t field) {
  const uint64_t distinct = report.fields[field].distinct;
  const ValueField& described = report.codes.fields[field].field;
  if (described.kind == FieldKind::kPadding) {
    return distinct == 1 ? "" : "padding that varies";
  }
  std::string remark;
  if (report.records > 1) {
    remark = distinct == 1                ? "constant"
             : distinct == report.records ? "different in every record"
                                          : "";
  }
  return described.is_bitfield() ? WithBits(described, remark) : remark;
}

std::string PrintableFieldName(const std::string& name) {
  return name.empty() ? "(no name)" : numbers::Printable(name, kMaxNameBytes);
}

std::string SocketHolds(const Report& report, std::string_view layout) {
  if (layout == "pointer") return "a pointer to its storage, which points to the element";
  if (layout == "inline") return "the value itself";
  if (layout == "single_pointer") return "a pointer to an object with the value";
  if (layout == "shared_pointer") return "a pointer to the one copy of the value";
  return report.index_bits.has_value()
             ? absl::StrCat(*report.index_bits == 8 || *report.index_bits == 11 ? "an " : "a ",
                            *report.index_bits, "-bit index of the one copy, in 16 bits")
             : std::string("a 16-bit index of the one copy, or a private copy");
}

}  // namespace inlay::analysis
