#include "tools/analysis/report_text.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/analysis/next_steps.h"
#include "tools/analysis/shown_numbers.h"
#include "tools/analysis/split_text.h"
#include "tools/analysis/text_table.h"

namespace inlay::analysis {
namespace {

constexpr auto kLeft = TextTable::Align::kLeft;
constexpr auto kRight = TextTable::Align::kRight;

constexpr size_t kShownValueBytes = 72;
constexpr size_t kLineWidth = 96;
constexpr size_t kGridColumns = 16;
constexpr size_t kGridRows = 32;

std::string Title(const RecordSchema& schema) {
  if (schema.kind == RecordSchema::Kind::kRaw) {
    return absl::StrCat("Raw records of ", Grouped(schema.value_bytes),
                        schema.value_bytes == 1 ? " byte" : " bytes");
  }
  std::string format = "CSV";
  if (schema.dialect.delimiter == '\t') {
    format = schema.dialect.quoted ? "CSV with tabs" : "TSV";
  } else if (schema.dialect.delimiter != ',') {
    format = absl::StrCat("CSV with '", std::string(1, schema.dialect.delimiter), "'");
  }
  const size_t chosen = schema.columns.size();
  if (chosen == schema.file_columns) {
    return absl::StrCat(format, ", ", chosen == 1 ? "its one column" : "whole rows of ",
                        chosen == 1 ? "" : absl::StrCat(chosen, " columns"));
  }
  return absl::StrCat(format, ", ", chosen, " of ", schema.file_columns, " columns");
}

std::string Values(const Report& report) {
  TextTable table({kLeft, kRight, kLeft});
  table.AddRow({"records", Grouped(report.records)});
  table.AddRow({"distinct values", Grouped(report.distinct),
                absl::StrCat(Percent(report.distinct, report.records), " of the records")});
  table.AddRow({"dedup ratio", GroupedDecimal(report.dedup_ratio, 2),
                "records per distinct value, on average"});
  table.AddRow({"occur once", Grouped(report.singletons),
                absl::StrCat("values: ", Percent(report.singletons, report.distinct),
                             " of the distinct values, ",
                             Percent(report.singletons, report.records), " of the records")});
  table.AddRow({"entropy", GroupedDecimal(report.entropy_bits, 2),
                "bits per record: the least that any code for the values needs on average"});
  table.AddRow({"value size", Grouped(report.value_bytes),
                report.schema.kind == RecordSchema::Kind::kRaw
                    ? "bytes"
                    : "bytes of text, the longest value"});
  if (report.index_bits.has_value()) {
    const uint64_t capacity = IndexCapacity(*report.index_bits);
    table.AddRow({"index width", absl::StrCat(*report.index_bits),
                  absl::StrCat("bits: the smallest that fits, ", Percent(report.distinct, capacity),
                               " full (", Grouped(report.distinct), " of ", Grouped(capacity),
                               " indexes)")});
  } else {
    table.AddRow({"index width", "none",
                  absl::StrCat("fits: ", kMaxIndexBits, " bits name ",
                               Grouped(IndexCapacity(kMaxIndexBits)), " values")});
  }
  return table.Format();
}

std::string Top(const Report& report) {
  if (report.top.empty()) return "";
  TextTable table({kRight, kRight, kLeft});
  table.AddRow({"count", "share", "value"});
  uint64_t covered = 0;
  for (const TopValue& value : report.top) {
    covered += value.count;
    table.AddRow({Grouped(value.count), Percent(value.count, report.records),
                  value.text.empty() ? "(empty)" : Printable(value.text, kShownValueBytes)});
  }
  return absl::StrCat("\nMost frequent values: ", Grouped(report.top.size()), " of ",
                      Grouped(report.distinct), ", held by ", Percent(covered, report.records),
                      " of the records\n", table.Format());
}

std::string Copies(const Report& report) {
  TextTable table({kRight, kRight, kRight, kRight, kRight});
  table.AddRow({"copies", "values", "", "records", ""});
  for (const CopiesBucket& bucket : report.copies_histogram) {
    std::string copies = Grouped(bucket.copies_from);
    if (bucket.copies_to != bucket.copies_from) {
      absl::StrAppend(&copies, " to ", Grouped(bucket.copies_to));
    }
    table.AddRow({copies, Grouped(bucket.values), Percent(bucket.values, report.distinct),
                  Grouped(bucket.records), Percent(bucket.records, report.records)});
  }
  table.AddRow({"all", Grouped(report.distinct), "", Grouped(report.records), ""});
  return absl::StrCat("\nCopies: how many values occur so often, and the records that hold them\n",
                      table.Format());
}

std::string FieldTable(const Report& report) {
  TextTable table({kLeft, kRight, kLeft});
  table.AddRow({"column", "distinct", ""});
  for (const FieldStatistics& field : report.fields) {
    std::string remark;
    if (report.records > 1) {
      if (field.distinct == 1) remark = "constant";
      if (field.distinct == report.records) remark = "different in every record";
    }
    table.AddRow({field.name.empty() ? "(no name)" : Printable(field.name, kShownValueBytes),
                  Grouped(field.distinct), remark});
  }
  return absl::StrCat("\nFields: distinct values of each column\n", table.Format());
}

// Sixteen bytes a line as in a hex dump, the count of distinct values in place of the byte.
std::string ByteGrid(const Report& report) {
  std::string text =
      "\nFields: distinct values of each byte ('.' is a byte that is the same in all records)\n";
  const size_t shown = std::min(report.fields.size(), kGridColumns * kGridRows);
  for (size_t row = 0; row < shown; row += kGridColumns) {
    absl::StrAppendFormat(&text, "  %5d ", row);
    for (size_t i = row; i < std::min(row + kGridColumns, shown); ++i) {
      const uint64_t distinct = report.fields[i].distinct;
      absl::StrAppendFormat(&text, " %3s", distinct == 1 ? "." : std::to_string(distinct));
    }
    text += "\n";
  }
  if (shown < report.fields.size()) {
    absl::StrAppend(&text, "  ", Grouped(report.fields.size() - shown),
                    " more bytes; --json has them all\n");
  }
  return text;
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

std::string Layouts(const Report& report) {
  TextTable table({kLeft, kRight, kRight, kRight, kLeft});
  table.AddRow({"layout", "per socket", "total", "saves", "a socket holds"});
  const LayoutCost& pointer = report.layouts.front();
  const LayoutCost& index = report.layouts.back();
  for (const LayoutCost& layout : report.layouts) {
    const double factor = pointer.bytes_per_socket / layout.bytes_per_socket;
    table.AddRow({std::string(layout.name),
                  absl::StrCat(GroupedDecimal(layout.bytes_per_socket, 2), " B"),
                  ByteSize(layout.total_bytes),
                  &layout == &pointer || layout.total_bytes == 0
                      ? "-"
                      : absl::StrCat(GroupedDecimal(factor, factor < 10 ? 1 : 0), "x"),
                  SocketHolds(report, layout.name)});
  }
  std::string text = absl::StrCat(
      "\nMemory, if every record were the value of one socket: everything included, at the sizes\n"
      "that the kernel's allocator hands out; 'saves' is against pointer, the kernel's layout "
      "today\n",
      table.Format());
  absl::StrAppend(&text, "  The table of the one copies takes ", ByteSize(index.table_bytes),
                  " of the index layout.");
  if (report.index_bits.has_value()) {
    absl::StrAppend(&text, " With its ", *report.index_bits,
                    " bits packed beside\n  those of other maps, a socket would cost ",
                    GroupedDecimal(PackedIndexBytesPerSocket(report.layout_input), 2), " bytes.\n");
  } else {
    absl::StrAppend(&text, " It spills: the ", Grouped(IndexCapacity(kMaxIndexBits)),
                    " most\n  frequent values are shared, and ",
                    Grouped(report.layout_input.spilled_sockets),
                    " sockets keep a private copy at the cost of pointer.\n");
  }
  return text;
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
  std::string text = Title(report.schema) + "\n" + Values(report) + Top(report) + Copies(report);
  text += report.schema.kind == RecordSchema::Kind::kRaw ? ByteGrid(report) : FieldTable(report);
  text += Layouts(report);
  if (report.split.has_value()) text += FormatSplit(*report.split);
  const std::vector<std::string> steps = NextSteps(report);
  if (!steps.empty()) text += "\nWhat next\n";
  for (const std::string& step : steps) text += Wrapped(step);
  return text;
}

}  // namespace inlay::analysis
