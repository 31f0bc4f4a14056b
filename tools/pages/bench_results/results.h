// Results: the runs of a report, and the figures computed within each.
//
// The rule for ratios and differences: both sides come from one file. A file is one run of a
// program, which mixes its repetitions; the machine may behave differently in another run. groups.h
// chooses the file if several have a benchmark.
//
// Thread-safe: immutable.

#ifndef INLAY_TOOLS_PAGES_BENCH_RESULTS_RESULTS_H_
#define INLAY_TOOLS_PAGES_BENCH_RESULTS_RESULTS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/pages/bench_results/result_file.h"

namespace inlay::bench_page {

// The cost of an operation in nanoseconds: its time less the median of the touch beside it.
struct Cost {
  double ns = 0;  // of the median
  double least_ns = 0;
  double most_ns = 0;
  double lower_quartile_ns = 0;
  double upper_quartile_ns = 0;
  double whole_ns = 0;     // with the touch
  bool over_touch = true;  // false: there is no touch, and the figures are whole
  double noise_ns = 0;     // the range of the touch's repetitions: most - least

  // Whether the cost is indistinguishable from the touch's own noise. Negative costs are noise.
  bool within_noise() const { return over_touch && (ns <= 0 || ns < noise_ns); }
};

class Results {
 public:
  // Reads the files, in this order. Fails if ResultFile::Read() fails, for files that disagree
  // about the machine or the build, and without files.
  static absl::StatusOr<Results> Read(const std::vector<std::string>& paths);
  static absl::StatusOr<Results> Of(std::vector<ResultFile> files);

  const std::vector<std::unique_ptr<const ResultFile>>& files() const { return files_; }
  const RunContext& context() const { return files_.front()->context(); }

  // All points, or those of a question, in the order of the files; each name once, from the first
  // file that has it.
  std::vector<const Point*> PointsOf(std::string_view question) const;
  std::vector<const Point*> Points() const;

  // The same benchmark of another contender, in the same file; null if the file lacks it.
  static const Point* Beside(const Point& point, const std::string& contender);
  static Cost CostOf(const Point& point);
  // The cost of `point` divided by that of `other`. Nothing if they are from different files, if
  // only one is over a touch, or if `other` costs nothing.
  static std::optional<double> Ratio(const Point& point, const Point* other);
  // Whether the middle halves of their repetitions do not overlap. False for a single repetition,
  // whose spread is unknown, and for points of two files.
  static bool BeyondSpread(const Point& a, const Point& b);

 private:
  std::vector<std::unique_ptr<const ResultFile>> files_;
};

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_RESULTS_RESULTS_H_
