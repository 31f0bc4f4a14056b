#include "tools/pages/bench_results/results.h"

#include <set>
#include <utility>

namespace inlay::bench_page {

absl::StatusOr<Results> Results::Read(const std::vector<std::string>& paths) {
  std::vector<ResultFile> files;
  for (const std::string& path : paths) {
    absl::StatusOr<ResultFile> file = ResultFile::Read(path);
    if (!file.ok()) return file.status();
    files.push_back(*std::move(file));
  }
  return Of(std::move(files));
}

absl::StatusOr<Results> Results::Of(std::vector<ResultFile> files) {
  if (files.empty()) return absl::InvalidArgumentError("no results to report");
  Results results;
  for (ResultFile& file : files) {
    if (!results.files_.empty()) {
      const ResultFile& first = *results.files_.front();
      if (absl::Status status =
              CheckAgreement(first.path(), first.context(), file.path(), file.context());
          !status.ok()) {
        return status;
      }
    }
    results.files_.push_back(std::make_unique<const ResultFile>(std::move(file)));
  }
  return results;
}

std::vector<const Point*> Results::PointsOf(std::string_view question) const {
  std::vector<const Point*> points;
  for (const Point* const point : Points()) {
    if (point->name.question == question) points.push_back(point);
  }
  return points;
}

std::vector<const Point*> Results::Points() const {
  std::vector<const Point*> points;
  std::set<BenchmarkName> seen;
  for (const auto& file : files_) {
    for (const Point& point : file->points()) {
      if (seen.insert(point.name).second) points.push_back(&point);
    }
  }
  return points;
}

const Point* Results::Beside(const Point& point, const std::string& contender) {
  BenchmarkName name = point.name;
  name.contender = contender;
  return point.file->Find(name);
}

Cost Results::CostOf(const Point& point) {
  const Point* const touch = Beside(point, "touch");
  const double touch_ns = touch != nullptr && touch != &point ? touch->time_ns.median() : 0;
  const Sample& time_ns = point.time_ns;
  const bool over_touch = touch != nullptr && touch != &point;
  return {.ns = time_ns.median() - touch_ns,
          .least_ns = time_ns.least() - touch_ns,
          .most_ns = time_ns.most() - touch_ns,
          .lower_quartile_ns = time_ns.lower_quartile() - touch_ns,
          .upper_quartile_ns = time_ns.upper_quartile() - touch_ns,
          .whole_ns = time_ns.median(),
          .over_touch = over_touch,
          .noise_ns = over_touch ? touch->time_ns.most() - touch->time_ns.least() : 0};
}

std::optional<double> Results::Ratio(const Point& point, const Point* other) {
  if (other == nullptr || other->file != point.file) return std::nullopt;
  const Cost cost = CostOf(point);
  const Cost base = CostOf(*other);
  if (cost.over_touch != base.over_touch || base.ns <= 0) return std::nullopt;
  return cost.ns / base.ns;
}

bool Results::BeyondSpread(const Point& a, const Point& b) {
  if (a.file != b.file || a.time_ns.count() < 2 || b.time_ns.count() < 2) return false;
  return a.time_ns.upper_quartile() < b.time_ns.lower_quartile() ||
         b.time_ns.upper_quartile() < a.time_ns.lower_quartile();
}

}  // namespace inlay::bench_page
