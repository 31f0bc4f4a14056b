#include "tools/pages/bench_page/bars.h"

#include <algorithm>

#include "engine/workload/bar.h"

namespace inlay::bench_page {
namespace {

workload::Measurements MeasurementsOf(const ResultFile& file) {
  workload::Measurements measured;
  for (const Point& point : file.points()) {
    measured[point.run_name] = point.time_ns.median();
    for (const auto& [counter, sample] : point.counters) {
      measured[point.run_name + ":" + counter] = sample.median();
    }
  }
  return measured;
}

JudgedBar Judge(const std::string& text, const ResultFile& file,
                const workload::Measurements& measured) {
  JudgedBar judged{.text = text, .name = {}, .limit = 0, .figure = {}, .met = false, .file = &file};
  const std::optional<workload::Bar> bar = workload::Bar::FromText(text);
  if (!bar.has_value()) return judged;
  judged.name = bar->Name();
  judged.limit = bar->limit();
  judged.figure = bar->Figure(measured);
  judged.met = bar->Met(measured).value_or(false);
  return judged;
}

}  // namespace

std::vector<JudgedBar> JudgeBars(const Results& results) {
  std::vector<JudgedBar> bars;
  for (const auto& file : results.files()) {
    const workload::Measurements measured = MeasurementsOf(*file);
    for (const std::string& text : file->context().bars) {
      JudgedBar judged = Judge(text, *file, measured);
      const auto same = std::find_if(bars.begin(), bars.end(),
                                     [&](const JudgedBar& bar) { return bar.text == text; });
      if (same == bars.end()) {
        bars.push_back(std::move(judged));
      } else if (judged.figure.has_value()) {
        // A measured bar replaces one without a measurement.
        if (same->figure.has_value()) {
          bars.push_back(std::move(judged));
        } else {
          *same = std::move(judged);
        }
      }
    }
  }
  return bars;
}

BarCounts CountBars(const Results& results) {
  BarCounts counts;
  for (const JudgedBar& bar : JudgeBars(results)) {
    ++(!bar.figure.has_value() ? counts.not_measured : bar.met ? counts.met : counts.not_met);
  }
  return counts;
}

}  // namespace inlay::bench_page
