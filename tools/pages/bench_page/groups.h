// Which points are shown together: groups of one pattern and size, and sweeps over one parameter.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_BENCH_PAGE_GROUPS_H_
#define INLAY_TOOLS_PAGES_BENCH_PAGE_GROUPS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/pages/bench_results/results.h"

namespace inlay::bench_page {

// Points that differ in their contender only, in the order in which contenders are shown.
struct Group {
  std::string question;
  std::string pattern;
  Arguments arguments;
  std::vector<const Point*> points = {};

  bool empty() const { return points.empty(); }
  const Point* Of(std::string_view contender) const;
};

// What is shown together is of one run as far as there is one that has it: the group as the file
// has it that has most layouts of it, the first of several; contenders that this file lacks are
// taken from the others.
Group GroupOf(const Results& results, const std::string& question, const std::string& pattern,
              const Arguments& arguments);
// The group as one file has it.
Group GroupIn(const ResultFile& file, const std::string& question, const std::string& pattern,
              const Arguments& arguments);

// The sizes that most has been measured at, the same contender in several files counted again: what
// the headline is about. Of two, the one with more sockets. Empty if nothing has sizes.
Arguments BaseSizes(const Results& results);

// The group of a question and pattern at `base`, or, if there is none, at the sizes with most
// contenders.
Group UsualGroup(const Results& results, const std::string& question, const std::string& pattern,
                 const Arguments& base);

// Points that differ in their contender and in one argument.
struct Sweep {
  std::string key;              // of the argument
  Arguments others;             // the arguments that are the same
  std::vector<int64_t> values;  // of the argument, ascending
  std::vector<const Point*> points;

  const Point* At(const std::string& contender, int64_t value) const;
};

// The sweeps of a question and pattern over an argument, of at least `least_values` values each,
// those with most values first and, among equals, the one through `base` first. Each is of one
// file; only where no file has one, points of several are put together, each from the first that
// has it.
std::vector<Sweep> SweepsOver(const Results& results, std::string_view question,
                              std::string_view pattern, const std::string& key,
                              const Arguments& base, size_t least_values);

// "500,000 sockets, 500 values of 100 bytes"; what is not given is left out.
std::string DescribeSizes(const Arguments& arguments);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_GROUPS_H_
