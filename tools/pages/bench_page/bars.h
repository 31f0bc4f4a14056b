// Judges the bars of the benchmark programs: limits on ratios and counters, each within its own
// run.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_BENCH_PAGE_BARS_H_
#define INLAY_TOOLS_PAGES_BENCH_PAGE_BARS_H_

#include <optional>
#include <string>
#include <vector>

#include "tools/pages/bench_results/results.h"

namespace inlay::bench_page {

struct JudgedBar {
  std::string text;  // as the program wrote it
  std::string name;  // the compared benchmarks; empty if the text is not a bar
  double limit = 0;
  std::optional<double> figure;  // nothing: not measured
  bool met = false;
  const ResultFile* file = nullptr;
};

// Every bar, in the order of the files. A bar of several runs appears once for each run with its
// measurements, and once if no run has them.
std::vector<JudgedBar> JudgeBars(const Results& results);

struct BarCounts {
  size_t met = 0;
  size_t not_met = 0;
  size_t not_measured = 0;  // or unparsable
};
BarCounts CountBars(const Results& results);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_BARS_H_
