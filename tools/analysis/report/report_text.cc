#include "tools/analysis/report/report_text.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/analysis/report/growth_text.h"
#include "tools/analysis/report/next_steps.h"
#include "tools/analysis/report/report_spoilers_text.h"
#include "tools/analysis/report/report_words.h"
#include "tools/analysis/report/split_text.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/numbers/text_table.h"

namespace inlay::analysis {
namespace {

using enum numbers::TextTable::Align;

constexpr size_t kLineWidth = 96;

// " +- 1,234", or nothing for a figure that is exact.
std::string Error(double error, int decimals) {
  return error == 0 ? "" : " +- " + numbers::GroupedDecimal(error, decimals);
}

std::string Values(const Report& report) {
  numbers::TextTable table({kLeft, kRight, kLeft});
  table.AddRow({"records", numbers::Grouped(report.records)});
  table.AddRow(
      {"distinct values", numbers::Grouped(report.distinct) + Error(report.distinct_error, 0),
       absl::StrCat(numbers::Percent(report.distinct, report.records), " of the records")});
  if (report.distinct_by_fields.value_or(report.distinct) != report.distinct) {
    const double by_fields =
        static_cast<double>(report.records) / static_cast<double>(*report.distinct_by_fields);
    table.AddRow(
        {"by fields", numbers::Grouped(*report.distinct_by_fields),
         absl::StrCat("distinct values: ", numbers::TimesSign(report.dedup_ratio), " by bytes, ",
                      numbers::TimesSign(by_fields), " by fields: padding differs")});
  }
  table.AddRow({"dedup ratio", numbers::GroupedDecimal(report.dedup_ratio, 2),
                "records per distinct value, on average"});
  table.AddRow(
      {"occur once", numbers::Grouped(report.singletons) + Error(report.singletons_error, 0),
       absl::StrCat("values: ", numbers::Percent(report.singletons, report.distinct),
                    " of the distinct values, ",
                    numbers::Percent(report.singletons, report.records), " of the records")});
  table.AddRow(
      {"entropy",
       numbers::GroupedDecimal(report.entropy_bits, 2) + Error(report.entropy_bits_error, 2),
       "bits per record: the least that any code for the values needs on average"});
  table.AddRow(
      {"value size", numbers::Grouped(report.value_bytes),
       report.schema.kind == RecordSchema::Kind::kRaw || report.schema.binary_bytes.has_value()
           ? "bytes"
           : "bytes of text, the longest value"});
  if (report.index_bits.has_value()) {
    const uint64_t capacity = IndexCapacity(*report.index_bits);
    table.AddRow(
        {"index width", absl::StrCat(*report.index_bits),
         absl::StrCat("bits: the smallest that fits, ", numbers::Percent(report.distinct, capacity),
                      " full (", numbers::Grouped(report.distinct), " of ",
                      numbers::Grouped(capacity), " indexes)")});
  } else {
    table.AddRow({"index width", "none",
                  absl::StrCat("fits: ", kMaxIndexBits, " bits name ",
                               numbers::Grouped(IndexCapacity(kMaxIndexBits)), " values")});
  }
  std::string text = table.Format();
  if (!report.exact) {
    text +=
        "  Estimated from a sample of the values, since all of them did not fit into --memory:\n"
        "  19 of 20 times the truth is within +- the error. The records are all counted.\n";
  }
  return text;
}

std::string Top(const Report& report) {
  if (report.top.empty()) return "";
  numbers::TextTable table({kRight, kRight, kLeft});
  table.AddRow({"count", "share", "value"});
  uint64_t covered = 0;
  for (const TopValue& value : report.top) {
    covered += value.count;
    table.AddRow({numbers::Grouped(value.count) + (value.count_error == 0 ? "" : " or more"),
                  numbers::Percent(value.count, report.records), ValueText(value)});
  }
  return absl::StrCat("\nMost frequent values: ", numbers::Grouped(report.top.size()), " of ",
                      numbers::Grouped(report.distinct), ", held by ",
                      numbers::Percent(covered, report.records), " of the records\n",
                      table.Format());
}

std::string Copies(const Report& report) {
  numbers::TextTable table({kRight, kRight, kRight, kRight, kRight});
  table.AddRow({"copies", "values", "", "records", ""});
  for (const CopiesBucket& bucket : report.copies_histogram) {
    table.AddRow({CopiesRange(bucket), numbers::Grouped(bucket.values),
                  numbers::Percent(bucket.values, report.distinct),
                  numbers::Grouped(bucket.records),
                  numbers::Percent(bucket.records, report.records)});
  }
  table.AddRow(
      {"all", numbers::Grouped(report.distinct), "", numbers::Grouped(report.records), ""});
  return absl::StrCat("\nCopies: how many values occur so often, and the records that hold them\n",
                      table.Format());
}

std::string ColumnTable(const Report& report) {
  numbers::TextTable table({kLeft, kRight, kRight, kRight, kLeft});
  table.AddRow({"column", "distinct", "entropy", "without it", ""});
  for (size_t i = 0; i < report.fields.size(); ++i) {
    const FieldStatistics& field = report.fields[i];
    table.AddRow({PrintableFieldName(field.name), numbers::Grouped(field.distinct),
                  numbers::GroupedDecimal(field.entropy_bits, 2),
                  numbers::Grouped(field.distinct_without), FieldRemark(report, i)});
  }
  return absl::StrCat(
      "\nFields: distinct values of each column, bits of entropy, and values that differ without "
      "it\n",
      table.Format());
}

// The fields of raw records: those that the user named, or ranges of bytes.
std::string FieldTable(const Report& report) {
  const bool named = report.distinct_by_fields.has_value();
  numbers::TextTable table({kLeft, kRight, kRight, kRight, kRight, kRight, kLeft});
  table.AddRow({named ? "field" : "", "offset", "bytes", "distinct", "entropy", "without it", ""});
  const size_t listed = std::min(report.fields.size(), kMaxListedFields);
  for (size_t i = 0; i < listed; ++i) {
    const FieldStatistics& statistics = report.fields[i];
    table.AddRow({PrintableFieldName(statistics.name), absl::StrCat(*statistics.offset),
                  absl::StrCat(*statistics.bytes), numbers::Grouped(statistics.distinct),
                  numbers::GroupedDecimal(statistics.entropy_bits, 2),
                  numbers::Grouped(statistics.distinct_without), FieldRemark(report, i)});
  }
  std::string text = absl::StrCat(
      "\nFields: distinct values of each ",
      named ? "field" : "range of bytes that seem to belong together; --fields or --btf names them",
      "\n", table.Format());
  if (listed < report.fields.size()) {
    absl::StrAppend(&text, "  ", numbers::Grouped(report.fields.size() - listed),
                    " more; --json has them all\n");
  }
  return text;
}

std::string Layouts(const Report& report) {
  numbers::TextTable table({kLeft, kRight, kRight, kRight, kLeft});
  table.AddRow({"layout", "per socket", "total", "saves", "a socket holds"});
  const LayoutCost& pointer = report.layouts.front();
  const LayoutCost& index = report.layouts.back();
  for (const LayoutCost& layout : report.layouts) {
    const double factor = pointer.bytes_per_socket / layout.bytes_per_socket;
    table.AddRow({std::string(layout.name),
                  absl::StrCat(numbers::GroupedDecimal(layout.bytes_per_socket, 2), " B"),
                  numbers::ByteSize(layout.total_bytes),
                  &layout == &pointer || layout.total_bytes == 0 ? "-" : numbers::TimesSign(factor),
                  SocketHolds(report, layout.name)});
  }
  std::string text = absl::StrCat(
      "\nMemory, if every record were the value of one socket: everything included, at the sizes\n"
      "that the kernel's allocator hands out; 'saves' is against pointer, the kernel's layout "
      "today\n",
      table.Format());
  absl::StrAppend(&text, "  The table of the one copies takes ",
                  numbers::ByteSize(index.table_bytes), " of the index layout.");
  if (report.index_bits.has_value()) {
    absl::StrAppend(&text, " With its ", *report.index_bits,
                    " bits packed beside\n  those of other maps, a socket would cost ",
                    numbers::GroupedDecimal(PackedIndexBytesPerSocket(report.layout_input), 2),
                    " bytes.\n");
  } else {
    absl::StrAppend(&text, " It spills: the ", numbers::Grouped(IndexCapacity(kMaxIndexBits)),
                    " most\n  frequent values are shared, and ",
                    numbers::Grouped(report.layout_input.spilled_sockets),
                    " sockets keep a private copy at the cost of pointer.\n");
  }
  return text;
}

std::string SplitOrWhyNone(const Report& report) {
  if (report.split.has_value()) return FormatSplit(*report.split);
  switch (report.split_left_out) {
    case SplitLeftOut::kNo:
      break;
    case SplitLeftOut::kTooLarge:
      return absl::StrCat("\nSplit: left out, since the search takes long for ",
                          numbers::Grouped(report.distinct), " values of ",
                          numbers::Grouped(report.fields.size()), " fields; --split shows it\n");
    case SplitLeftOut::kSample:
      return "\nSplit: left out, since it needs all distinct values, and they do not fit into "
             "--memory\n";
  }
  return "";
}

// Breaks `sentence` into lines, the first marked as the item of a list.
std::string Wrapped(std::string_view sentence) {
  std::string text;
  std::string line = "  -";
  for (size_t at = 0; at < sentence.size();) {
    const size_t space = std::min(sentence.find(' ', at), sentence.size());
    const std::string_view word = sentence.substr(at, space - at);
    if (line.size() + 1 + word.size() > kLineWidth) {
      text += line + "\n";
      line = "   ";
    }
    line += ' ';
    line += word;
    at = space + 1;
  }
  return text + line + "\n";
}

}  // namespace

std::string FormatText(const Report& report) {
  std::string text = DataTitle(report.schema) + "\n" + Values(report);
  if (!report.notes.empty()) text += "\nNotes\n";
  for (const InputNote& note : report.notes) text += Wrapped(note.text);
  text += Top(report) + Copies(report);
  text += report.schema.kind == RecordSchema::Kind::kRaw ? FieldTable(report) : ColumnTable(report);
  text += FormatSpoilers(report);
  text += Layouts(report);
  text += SplitOrWhyNone(report);
  text += FormatGrowth(report.growth, report.index_bits);
  const std::vector<std::string> steps = NextSteps(report);
  if (!steps.empty()) text += "\nWhat next\n";
  for (const std::string& step : steps) text += Wrapped(step);
  return text;
}

}  // namespace inlay::analysis
