#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/cost_figures.h"
#include "tools/pages/bench_page/sections.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

constexpr char kBytesPerSocket[] = "bytes_per_socket";

std::vector<std::string> ListedContenders(const std::vector<const Point*>& points) {
  return ContendersOf(points, ContenderKind::kLayout);
}

std::string CounterText(const Point& point, const std::string& counter) {
  const std::optional<double> value = point.counter(counter);
  return value.has_value() ? numbers::ThreeDigits(*value) : numbers::kNoNumber;
}

// A total, divided by the sockets.
std::string PartText(const Point& point, const std::string& counter) {
  const std::optional<double> value = point.counter(counter);
  const std::optional<int64_t> sockets = point.name.argument("sockets");
  if (!value.has_value() || sockets.value_or(0) <= 0) return numbers::kNoNumber;
  return numbers::ThreeDigits(*value / static_cast<double>(*sockets));
}

page::Figure ByLayout(const Group& group) {
  page::Figure figure{.title = "Bytes per socket: " + DescribeSizes(group.arguments)};
  figure.table.columns = {{"bytes per socket", false}, {"computed"}, {"resident"}, {"heap"},
                          {"in the socket"},           {"private"},  {"table"}};
  std::vector<page::BarChart::Bar> bars;
  std::vector<const Point*> listed;
  for (const std::string& contender : ListedContenders(group.points)) {
    const Point& point = *group.Of(contender);
    listed.push_back(&point);
    figure.table.rows.push_back(
        {.series = contender,
         .cells = {contender, CounterText(point, kBytesPerSocket),
                   CounterText(point, "rss_bytes_per_socket"),
                   CounterText(point, "heap_bytes_per_socket"), PartText(point, "inline_bytes"),
                   PartText(point, "private_bytes"), PartText(point, "table_bytes")}});
    if (const auto bytes = point.counter(kBytesPerSocket)) {
      bars.push_back({.series = contender,
                      .label = contender,
                      .value = *bytes,
                      .value_text = numbers::ThreeDigits(*bytes)});
    }
  }
  figure.chart = ChartOf(figure.title, "bytes per socket", std::move(bars));
  figure.notes.push_back(
      "computed: by the kernel's slab classes, everything included. resident and heap: the "
      "growth of the process by the system's and by the allocator's count, plus the bytes "
      "reserved in the sockets. The parts do not include slack and the table's hash index.");
  figure.commands = CommandsOf(listed);
  return figure;
}

void AddSweep(const Measured& measured, const std::string& question, const std::string& key,
              const std::string& title, const std::string& x_title, page::Section* section) {
  const std::vector<Sweep> sweeps =
      SweepsOver(measured.results, question, "", key, measured.base, 2);
  if (sweeps.empty()) return;
  const Sweep& sweep = sweeps.front();
  const std::vector<std::string> contenders = ListedContenders(sweep.points);
  section->blocks.emplace_back(SweepFigure(
      absl::StrCat(title, ": ", DescribeSizes(sweep.others)), sweep,
      {.drawn = contenders,
       .listed = contenders,
       .x_title = x_title,
       .quantity = CounterQuantity("bytes per socket", kBytesPerSocket, numbers::ThreeDigits),
       .logarithmic_y = true}));
}

}  // namespace

std::optional<page::Section> MemorySection(const Measured& measured) {
  page::Section section{.id = "memory", .title = "What a layout takes"};
  const Group group = UsualGroup(measured.results, "Memory", "", measured.base);
  if (!ListedContenders(group.points).empty()) section.blocks.emplace_back(ByLayout(group));
  AddSweep(measured, "Memory", "bytes", "Bytes per socket against the size of a value",
           "bytes of a value", &section);
  AddSweep(measured, "MemoryMaps", "maps", "Bytes per socket against the number of maps", "maps",
           &section);
  if (section.blocks.empty()) return std::nullopt;
  return section;
}

}  // namespace inlay::bench_page
