// Decides which points pages show together: groups of one pattern and size, and sweeps over one
// parameter.
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

// Points that differ only in their contender, in the order of display.
struct Group {
  std::string question;
  std::string pattern;
  Arguments arguments;
  std::vector<const Point*> points = {};

  bool empty() const { return points.empty(); }
  const Point* Of(std::string_view contender) const;
};

// Takes the group from one run as far as possible: from the first file with the most layouts of it.
// Other files supply the contenders that this one lacks.
Group GroupOf(const Results& results, const std::string& question, const std::string& pattern,
              const Arguments& arguments);
// The group of one file.
Group GroupIn(const ResultFile& file, const std::string& question, const std::string& pattern,
              const Arguments& arguments);

// The sizes of the headline: those with the most measurements, where a contender in several files
// counts several times. Of two, the one with more sockets. Empty if no point has sizes.
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
// those with most values first and, among equals, the one through `base` first. Each comes from one
// file. If no file has one, a sweep combines points of several files, each from the first that has
// it.
std::vector<Sweep> SweepsOver(const Results& results, std::string_view question,
                              std::string_view pattern, const std::string& key,
                              const Arguments& base, size_t least_values);

// "500,000 sockets, 500 values of 100 bytes"; omits absent arguments.
std::string DescribeSizes(const Arguments& arguments);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_GROUPS_H_
