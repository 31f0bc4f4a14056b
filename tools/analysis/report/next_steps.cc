#include "tools/analysis/report/next_steps.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tools/analysis/report/spoiler_words.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analysis {
namespace {

// Below this many records per distinct value, sharing gains little.
constexpr double kLowDedupRatio = 2;

// A field with at most this many values is likely a setting and not a measurement.
constexpr uint64_t kFewValues = 16;

// Columns (counted from 0, ascending) whose cells repeat often.
std::vector<size_t> RepeatingColumns(const Report& report) {
  std::vector<size_t> few;
  for (size_t i = 0; i < report.fields.size(); ++i) {
    const uint64_t distinct = report.fields[i].distinct;
    if (distinct <= kFewValues && distinct * 2 <= report.records) {
      few.push_back(report.schema.columns[i]);
    }
  }
  std::sort(few.begin(), few.end());
  return few;
}

// The parts of raw records that may repeat where whole records hardly do.
std::string FewValues(const Report& report) {
  uint64_t fields = 0;
  uint64_t constant = 0;
  uint64_t few = 0;
  for (const CodedField& coded : report.codes.fields) {
    if (coded.field.kind == FieldKind::kPadding) continue;
    ++fields;
    if (coded.distinct() == 1) {
      ++constant;
    } else if (coded.distinct() <= kFewValues) {
      ++few;
    }
  }
  const bool named = report.distinct_by_fields.has_value();
  std::string text = absl::StrCat(constant, " of the ", fields, named ? " fields" : " byte ranges",
                                  " are constant, and ", few, " more take at most ", kFewValues,
                                  " values: a value of these alone may repeat.");
  if (!named && report.schema.format_name.empty()) {
    absl::StrAppend(&text, " (Is --value-bytes ", report.value_bytes,
                    " the true size of a record? --fields or --btf describes its fields.)");
  }
  return text;
}

// "Without X, N values are left, R records each": the gain from leaving out the spoilers. REQUIRES:
// there are some.
std::string WithoutSpoilers(const Report& report) {
  const uint64_t distinct = report.spoilers.steps[report.joint_spoilers - 1].distinct;
  return absl::StrCat(
      "Without ", SpoilerNames(report), ", ", numbers::Grouped(distinct),
      distinct == 1 ? " value is left, " : " values are left, ",
      numbers::GroupedDecimal(
          static_cast<double>(report.codes.records) / static_cast<double>(distinct), 2),
      " records each on average");
}

// Columns (counted from 0, ascending) that are no spoilers.
std::vector<size_t> ColumnsWithoutSpoilers(const Report& report) {
  std::vector<bool> spoils(report.fields.size());
  for (size_t step = 0; step < report.joint_spoilers; ++step) {
    spoils[report.spoilers.steps[step].field] = true;
  }
  std::vector<size_t> columns;
  for (size_t i = 0; i < report.fields.size(); ++i) {
    if (!spoils[i]) columns.push_back(report.schema.columns[i]);
  }
  std::sort(columns.begin(), columns.end());
  return columns;
}

std::string LowRatio(const Report& report) {
  std::string text = report.distinct == report.records
                         ? std::string("No two values are equal, so nothing can be shared.")
                         : absl::StrCat("Only ", numbers::GroupedDecimal(report.dedup_ratio, 2),
                                        " records share a value on average.");
  if (report.joint_spoilers > 0) {
    absl::StrAppend(&text, " ", WithoutSpoilers(report));
    if (report.schema.kind == RecordSchema::Kind::kText) {
      return absl::StrCat(text, ": --columns ", ColumnList(ColumnsWithoutSpoilers(report)));
    }
    text += ".";
  }
  if (report.schema.kind == RecordSchema::Kind::kRaw) {
    return absl::StrCat(text, " ", FewValues(report));
  }
  if (report.fields.size() < 2) return text;
  const std::vector<size_t> columns = RepeatingColumns(report);
  if (columns.empty() || columns.size() == report.fields.size()) {
    return absl::StrCat(text, " Try --columns with fewer columns.");
  }
  return absl::StrCat(text, " Values of fewer columns may repeat; those that take at most ",
                      kFewValues, " values each: --columns ", ColumnList(columns));
}

}  // namespace

std::vector<std::string> NextSteps(const Report& report) {
  std::vector<std::string> steps;
  if (report.schema.first_row_looks_like_header) {
    steps.push_back(
        "The first row looks like a header and was counted as a record: use --header if it is "
        "one, --no-header if it is not.");
  }
  if (report.distinct_by_fields.value_or(report.distinct) != report.distinct) {
    steps.push_back(
        absl::StrCat("Values that are equal in every field differ in their padding, ",
                     numbers::Grouped(report.distinct), " instead of ",
                     numbers::Grouped(*report.distinct_by_fields),
                     " values: zero the whole struct, with memset, before filling it."));
  }
  if (report.records == 1) {
    steps.push_back("One record says nothing about sharing: give more of them.");
  } else if (report.dedup_ratio < kLowDedupRatio) {
    steps.push_back(LowRatio(report));
  }
  if (!report.index_bits.has_value()) {
    std::string fit = "A value of fewer or coarser fields would fit.";
    if (report.joint_spoilers > 0) {
      const uint64_t distinct = report.spoilers.steps[report.joint_spoilers - 1].distinct;
      const std::optional<int> bits = SmallestIndexBits(distinct);
      if (bits.has_value()) {
        fit = absl::StrCat("Without ", SpoilerNames(report), ", ", *bits, " bits name all values.");
      }
    }
    steps.push_back(
        absl::StrCat("The widest index names ", numbers::Grouped(IndexCapacity(kMaxIndexBits)),
                     " values; every socket with another one keeps a private copy. ", fit));
  }
  return steps;
}

std::string ColumnList(const std::vector<size_t>& columns) {
  std::string text;
  for (size_t i = 0; i < columns.size();) {
    size_t last = i;
    while (last + 1 < columns.size() && columns[last + 1] == columns[last] + 1) ++last;
    absl::StrAppend(&text, i == 0 ? "" : ",", columns[i] + 1);
    if (last != i) absl::StrAppend(&text, "-", columns[last] + 1);
    i = last + 1;
  }
  return text;
}

}  // namespace inlay::analysis
