// Words that the sections of a report share.
//
// Thread-safe: functions without state. All text is on one line and harmless for a terminal, and
// cut if it is long.

#ifndef INLAY_TOOLS_ANALYSIS_REPORT_REPORT_WORDS_H_
#define INLAY_TOOLS_ANALYSIS_REPORT_REPORT_WORDS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "tools/analysis/report/report.h"

namespace inlay::analysis {

// The most fields of raw records that a table lists.
inline constexpr size_t kMaxListedFields = 80;

// The kind of the data: "TSV, 5 of 13 columns", "Raw records of 224 bytes".
std::string DataTitle(const RecordSchema& schema);

// A value: "name=value" pairs of named fields, or its text.
std::string ValueText(const TopValue& value);

// "3", "4 to 7".
std::string CopiesRange(const CopiesBucket& bucket);

// A remark on a field, as in "bits 2-4, constant"; may be empty.
std::string FieldRemark(const Report& report, size_t field);

// The name of a field; "(no name)" if it has none.
std::string PrintableFieldName(const std::string& name);

// The content of a socket with this layout.
std::string SocketHolds(const Report& report, std::string_view layout);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_REPORT_REPORT_WORDS_H_
