#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using analysis::LayoutCost;
using analysis::Report;
using numbers::ByteSize;
using numbers::Grouped;
using page::Text;

Text AboutTheTable(const Report& report) {
  const LayoutCost& index = report.layouts.back();
  Text text(absl::StrCat("The table, in which the index layout has each value once, takes ",
                         ByteSize(index.table_bytes), " of it. "));
  if (report.index_bits.has_value()) {
    text.Plain(absl::StrCat(
        "An owner reserves its bits in words of at least 16. Where the ", *report.index_bits,
        " bits are packed beside those of other maps, a socket costs ",
        numbers::BytesPerSocket(analysis::PackedIndexBytesPerSocket(report.layout_input)), "."));
  } else {
    text.Plain(absl::StrCat(
        "It spills: the ", Grouped(analysis::IndexCapacity(analysis::kMaxIndexBits)),
        " most frequent values are shared, and ", Grouped(report.layout_input.spilled_sockets),
        " sockets keep a private copy at the cost of pointer."));
  }
  return text;
}

}  // namespace

page::Figure LayoutFigure(const Report& report) {
  page::Figure figure{.title =
                          "Bytes if each record is the value of one socket, everything included"};
  page::BarChart chart{.description = "Bytes per socket of each layout",
                       .unit = "bytes per socket",
                       .groups = {page::BarChart::Group{}}};
  figure.table.columns = {
      {"layout", false}, {"per socket"}, {"all sockets"}, {"saves"}, {"a socket holds", false}};
  const LayoutCost& pointer = report.layouts.front();
  for (const LayoutCost& layout : report.layouts) {
    const std::string name(layout.name);
    const bool compared = &layout != &pointer && layout.total_bytes > 0;
    const std::string bytes = numbers::BytesPerSocket(layout.bytes_per_socket);
    figure.table.rows.push_back(
        {.series = name,
         .cells = {name, bytes, ByteSize(layout.total_bytes),
                   compared ? numbers::TimesSign(pointer.bytes_per_socket / layout.bytes_per_socket)
                            : "-",
                   analysis::SocketHolds(report, layout.name)}});
    chart.groups.front().bars.push_back(
        {.series = name, .label = name, .value = layout.bytes_per_socket, .value_text = bytes});
    absl::StrAppend(&chart.description, &layout == &pointer ? ": " : ", ", name, " ", bytes);
  }
  figure.chart = std::move(chart);
  return figure;
}

page::Section MemorySection(const Report& report) {
  page::Section section{.id = "memory", .title = "What each layout takes"};
  Text text(
      "If every record is the value of one socket. A layout is where a socket keeps its value: ");
  text.Code("pointer").Plain(
      " is today's kernel layout, with which the page compares the others; in ");
  text.Code("shared_pointer").Plain(" and ").Code("index");
  text.Plain(
      " each distinct value is stored once for all sockets. Sizes are those that the kernel's "
      "allocator really hands out.");
  section.blocks.emplace_back(page::Paragraph{std::move(text)});
  page::Figure figure = LayoutFigure(report);
  figure.notes.push_back(AboutTheTable(report));
  if (!report.exact) {
    figure.notes.push_back(absl::StrCat("Estimated: computed from ",
                                        numbers::Estimate(report.distinct, report.distinct_error),
                                        " distinct values."));
  }
  section.blocks.emplace_back(std::move(figure));
  return section;
}

}  // namespace inlay::analyze_page
