// Makes the exhibits that several sections have: a chart, its table and the commands that made it.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_BENCH_PAGE_EXHIBITS_H_
#define INLAY_TOOLS_PAGES_BENCH_PAGE_EXHIBITS_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/pages/bench_page/groups.h"
#include "tools/pages/bench_results/results.h"
#include "tools/pages/document/document.h"

namespace inlay::bench_page {

// What is read off a point, and how it is written.
struct Quantity {
  std::string unit;  // the title of an axis
  std::function<std::optional<double>(const Point&)> value;
  std::function<std::string(double)> shown;
};
Quantity CostQuantity();  // ns over touch
Quantity CounterQuantity(const std::string& unit, const std::string& counter,
                         std::string (*shown)(double));

// The commands of the runs that these points come from, each once.
std::vector<std::string> CommandsOf(const std::vector<const Point*>& points);

// A cost in a cell; a star marks one that is whole because there is no touch beside it.
std::string ShownCost(const Point* point);
// A chart of one group of bars; nothing if there are none.
std::optional<page::Chart> ChartOf(const std::string& title, const std::string& unit,
                                   std::vector<page::BarChart::Bar> bars);

// What the star means; add it to the notes of an exhibit that has one.
void AddStarNote(const std::vector<const Point*>& points, page::Exhibit* exhibit);

// The counters that some of these points have.
std::vector<std::string> CountersOf(const std::vector<const Point*>& points);
// A counter as the title of a column.
std::string CounterTitle(const std::string& counter);

// One group: bars with whiskers, and a table of median, least and most over touch, the share of `base`, and
// what was counted.
page::Exhibit CostExhibit(const std::string& title, const Group& group,
                          const std::vector<std::string>& subjects,
                          const std::string& base = "pointer");

// Several groups, one column each. With a chart, they are its groups of bars. The sizes of the first are added
// to the title, and to those of columns that have others.
struct Column {
  page::Text title;
  Group group;
};
page::Exhibit CostTable(const std::string& title, const std::vector<Column>& columns,
                        const std::vector<std::string>& subjects, bool with_chart);

// A sweep: a line for each subject of `drawn`, and a table with a row for each of `listed` and a column for
// each value of the parameter.
struct SweepView {
  std::vector<std::string> drawn;
  std::vector<std::string> listed;
  std::string x_title;
  Quantity quantity;
  bool logarithmic_y = false;
};
page::Exhibit SweepExhibit(const std::string& title, const Sweep& sweep, const SweepView& view);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_EXHIBITS_H_
