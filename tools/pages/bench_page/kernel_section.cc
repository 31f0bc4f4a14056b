#include <algorithm>
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

using page::Text;

// The walks at each number of sockets, in the order of measurement.
std::vector<Group> Walks(const Results& results) {
  std::vector<Group> walks;
  for (const Point* const point : results.PointsOf("Kernel")) {
    const bool known = std::any_of(walks.begin(), walks.end(), [&](const Group& group) {
      return group.pattern == point->name.pattern && group.arguments == point->name.arguments;
    });
    if (known) continue;
    walks.push_back(GroupOf(results, "Kernel", point->name.pattern, point->name.arguments));
  }
  return walks;
}

Text RatioInWords(const Group& group) {
  const Point* const index = group.Of("index");
  const Point* const storage = group.Of("sk_storage");
  if (index == nullptr || storage == nullptr) return {};
  const std::optional<double> ratio = Results::Ratio(*index, storage);
  Text text(group.pattern + ", " + DescribeSizes(group.arguments) + ": over the touch, ");
  text.Code("index")
      .Plain(" costs " + CostInWords(*index) + ", ")
      .Code("sk_storage")
      .Plain(" " + CostInWords(*storage));
  if (ratio.has_value())
    text.Plain("; (index - touch) / (sk_storage - touch) = " + numbers::Ratio(*ratio));
  return std::move(text.Plain("."));
}

// A table of the points of a question, with one column for each counter, or for the time.
std::optional<page::Figure> PlainTable(const Results& results, const std::string& question,
                                       const std::string& title, bool with_time) {
  const std::vector<const Point*> points = results.PointsOf(question);
  if (points.empty()) return std::nullopt;
  page::Figure figure{.title = title, .commands = CommandsOf(points)};
  const std::vector<std::string> counters = CountersOf(points);
  figure.table.columns = {{"", false}, {"sockets"}};
  if (with_time)
    figure.table.columns.insert(figure.table.columns.end(), {{"ns"}, {"least"}, {"most"}});
  for (const std::string& counter : counters) {
    figure.table.columns.push_back({CounterTitle(counter)});
  }
  for (const Point* const point : points) {
    page::Table::Row row{
        .series = point->name.contender,
        .cells = {point->name.contender,
                  numbers::GroupedSigned(point->name.argument("sockets").value_or(0))}};
    if (with_time) {
      const Sample& time_ns = point->time_ns;
      for (const double ns : {time_ns.median(), time_ns.least(), time_ns.most()}) {
        row.cells.emplace_back(numbers::Nanoseconds(ns));
      }
    }
    for (const std::string& counter : counters) {
      const std::optional<double> value = point->counter(counter);
      row.cells.emplace_back(value.has_value() ? numbers::ThreeDigits(*value) : numbers::kNoNumber);
    }
    figure.table.rows.push_back(std::move(row));
  }
  return figure;
}

}  // namespace

std::optional<page::Section> KernelSection(const Measured& measured) {
  page::Section section{.id = "kernel", .title = "The live kernel against an index"};
  const std::vector<Group> walks = Walks(measured.results);
  page::BulletList words;
  for (const Group& group : walks) {
    if (Text text = RatioInWords(group); !text.empty()) words.items.push_back(std::move(text));
  }
  if (!words.items.empty()) section.blocks.emplace_back(std::move(words));
  for (const Group& group : walks) {
    std::vector<std::string> contenders = ContendersOf(group.points);
    std::erase(contenders, "touch");
    std::erase(contenders, "clock");
    page::Figure figure = CostFigure(
        "An access in the walk \"" + group.pattern + "\": " + DescribeSizes(group.arguments), group,
        contenders, "sk_storage");
    if (const Point* const clock = group.Of("clock"); clock != nullptr) {
      figure.notes.push_back("Reading the clock, which every figure includes, takes " +
                             numbers::Nanoseconds(clock->time_ns.median()) + " ns.");
    }
    section.blocks.emplace_back(std::move(figure));
  }
  if (auto memory =
          PlainTable(measured.results, "KernelMemory",
                     "What the values take of the kernel's memory", /*with_time=*/false)) {
    section.blocks.emplace_back(*std::move(memory));
  }
  if (auto create =
          PlainTable(measured.results, "KernelCreate",
                     "The system call that gives a socket its value", /*with_time=*/true)) {
    section.blocks.emplace_back(*std::move(create));
  }
  if (section.blocks.empty()) return std::nullopt;
  section.blocks.insert(section.blocks.begin(),
                        page::Paragraph{Text("BPF programs in the running kernel, ")
                                            .Plain(measured.results.context().kernel)
                                            .Plain(", measure their own accesses. ")
                                            .Code("index")
                                            .Plain(" keeps an index in ")
                                            .Code("sk_mark")
                                            .Plain(" and the values in an array map.")});
  return section;
}

}  // namespace inlay::bench_page
