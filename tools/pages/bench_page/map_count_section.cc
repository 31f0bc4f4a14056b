#include <string>
#include <utility>
#include <vector>

#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/cost_figures.h"
#include "tools/pages/bench_page/sections.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

void AddSweep(const Measured& measured, const std::string& order, const std::string& title,
              const Quantity& quantity, page::Section* section) {
  const std::vector<Sweep> sweeps =
      SweepsOver(measured.results, "MapCount", order, "maps", measured.base, 2);
  if (sweeps.empty()) return;
  const std::vector<std::string> contenders = ContendersOf(sweeps.front().points);
  page::Figure figure = SweepFigure(title, sweeps.front(),
                                    {.drawn = contenders,
                                     .listed = contenders,
                                     .x_title = "maps",
                                     .quantity = quantity,
                                     .logarithmic_y = true});
  if (!figure.table.empty()) section->blocks.emplace_back(std::move(figure));
}

}  // namespace

std::optional<page::Section> MapCountSection(const Measured& measured) {
  page::Section section{.id = "maps", .title = "Many maps on one socket"};
  const Quantity time = {
      .unit = "ns per get",
      .value = [](const Point& point) { return point.time_ns.median(); },
      .value_text = [](const Point&, double ns) { return numbers::Nanoseconds(ns); }};
  AddSweep(measured, "sequential", "A get, the values of all maps in turn", time, &section);
  AddSweep(measured, "interleaved",
           "A get, the values of all maps in turn and one important map between them", time,
           &section);
  AddSweep(measured, "interleaved", "A get of the important map alone",
           CounterQuantity("ns per get", "ns_per_important_get", numbers::Nanoseconds), &section);
  if (section.blocks.empty()) return std::nullopt;
  section.blocks.insert(
      section.blocks.begin(),
      page::Paragraph{
          "One owner that stays in the cache, with a value of each of many maps. The kernel's "
          "storage caches 16 of them; behind the 16th map, a get walks a list."});
  return section;
}

}  // namespace inlay::bench_page
