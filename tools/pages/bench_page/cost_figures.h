// Makes figures for several sections: a chart, its table and the commands that made it.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_BENCH_PAGE_COST_FIGURES_H_
#define INLAY_TOOLS_PAGES_BENCH_PAGE_COST_FIGURES_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/pages/bench_page/groups.h"
#include "tools/pages/bench_results/results.h"
#include "tools/pages/document/document.h"

namespace inlay::bench_page {

// A quantity of a point, and its format.
struct Quantity {
  std::string unit;  // the title of an axis
  std::function<std::optional<double>(const Point&)> value;
  std::function<std::string(const Point&, double)> value_text;
};
Quantity CostQuantity();  // ns over touch
Quantity CounterQuantity(const std::string& unit, const std::string& counter,
                         std::string (*text)(double));

// The commands of the runs of these points, each once.
std::vector<std::string> CommandsOf(const std::vector<const Point*>& points);

// A cost in a cell: "386", "within noise", or "386*" if there is no touch to subtract.
std::string CostText(const Point* point);
// A cost in a sentence: "386 ns", or "nothing above the noise of 36 ns".
std::string CostInWords(const Point& point);
// The cost of `point` as a share of that of `base`, as in "2.3 %"; "< 7.5 %" is an upper bound for
// a cost within noise. Nothing if they cannot be compared.
std::optional<std::string> ShareText(const Point& point, const Point* base);
// The same in a sentence: "less than 7.5 %".
std::optional<std::string> ShareInWords(const Point& point, const Point* base);
// The bar of a cost, with the text that a cell would have.
page::BarChart::Bar CostBar(const Point& point);
// A chart of one group of bars; nothing if there are none.
std::optional<page::Chart> ChartOf(const std::string& title, const std::string& unit,
                                   std::vector<page::BarChart::Bar> bars);

// Explains the star and "within noise", if cells of these points have them.
void AddCostNotes(const std::vector<const Point*>& points, page::Figure* figure);

// The counters that some of these points have.
std::vector<std::string> CountersOf(const std::vector<const Point*>& points);
// A counter as the title of a column.
std::string CounterTitle(const std::string& counter);

// One group: bars with whiskers, and a table of the cost over touch, the share of `base`, the time
// with the touch (median, least and most), and the counters.
page::Figure CostFigure(const std::string& title, const Group& group,
                        const std::vector<std::string>& contenders,
                        const std::string& base = "pointer");

// Several groups, one column each. With a chart, they are its groups of bars. The title gets the
// sizes of the first one, and columns with other sizes get their own.
struct Column {
  page::Text title;
  Group group;
};
page::Figure CostTable(const std::string& title, const std::vector<Column>& columns,
                       const std::vector<std::string>& contenders, bool with_chart);

// A sweep: a line for each contender of `drawn`, and a table with a row for each of `listed` and a
// column for each value of the parameter.
struct SweepView {
  std::vector<std::string> drawn;
  std::vector<std::string> listed;
  std::string x_title;
  Quantity quantity;
  bool logarithmic_y = false;
};
page::Figure SweepFigure(const std::string& title, const Sweep& sweep, const SweepView& view);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_COST_FIGURES_H_
