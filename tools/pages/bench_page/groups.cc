#include "tools/pages/bench_page/groups.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/pages/bench_page/contender.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

Group GroupOfPoints(const std::vector<const Point*>& points, const std::string& question,
                    const std::string& pattern, const Arguments& arguments) {
  Group group{.question = question, .pattern = pattern, .arguments = arguments};
  std::vector<const Point*> found;
  for (const Point* const point : points) {
    const BenchmarkName& name = point->name;
    if (name.question == question && name.pattern == pattern && name.arguments == arguments) {
      found.push_back(point);
    }
  }
  for (const std::string& contender : ContendersOf(found)) {
    group.points.push_back(*std::find_if(found.begin(), found.end(), [&](const Point* point) {
      return point->name.contender == contender;
    }));
  }
  return group;
}

std::vector<Sweep> SweepsOfPoints(const std::vector<const Point*>& points,
                                  std::string_view question, std::string_view pattern,
                                  const std::string& key) {
  std::map<Arguments, Sweep> by_others;
  for (const Point* const point : points) {
    const std::optional<int64_t> value = point->name.argument(key);
    if (point->name.question != question || point->name.pattern != pattern) continue;
    if (!value.has_value()) continue;
    Arguments others = point->name.arguments;
    others.erase(key);
    Sweep& sweep = by_others[others];
    sweep.key = key;
    sweep.others = std::move(others);
    sweep.points.push_back(point);
    sweep.values.push_back(*value);
  }
  std::vector<Sweep> sweeps;
  for (auto& [others, sweep] : by_others) {
    std::sort(sweep.values.begin(), sweep.values.end());
    sweep.values.erase(std::unique(sweep.values.begin(), sweep.values.end()), sweep.values.end());
    sweeps.push_back(std::move(sweep));
  }
  return sweeps;
}

bool HasSizes(const BenchmarkName& name) {
  return name.arguments.size() == 3 && name.argument("sockets").has_value() &&
         name.argument("values").has_value() && name.argument("bytes").has_value();
}

}  // namespace

const Point* Group::Of(std::string_view contender) const {
  for (const Point* const point : points) {
    if (point->name.contender == contender) return point;
  }
  return nullptr;
}

Group GroupOf(const Results& results, const std::string& question, const std::string& pattern,
              const Arguments& arguments) {
  const auto layouts_of = [](const Group& group) {
    return ContendersOf(group.points, ContenderKind::kLayout).size();
  };
  Group best{.question = question, .pattern = pattern, .arguments = arguments};
  std::vector<const Point*> all;
  for (const auto& file : results.files()) {
    Group group = GroupIn(*file, question, pattern, arguments);
    all.insert(all.end(), group.points.begin(), group.points.end());
    if (best.empty() || layouts_of(group) > layouts_of(best)) best = std::move(group);
  }
  // Puts them before those of other files, so that searches find them first.
  all.insert(all.begin(), best.points.begin(), best.points.end());
  return GroupOfPoints(all, question, pattern, arguments);
}

Group GroupIn(const ResultFile& file, const std::string& question, const std::string& pattern,
              const Arguments& arguments) {
  std::vector<const Point*> points;
  for (const Point& point : file.points()) points.push_back(&point);
  return GroupOfPoints(points, question, pattern, arguments);
}

Arguments BaseSizes(const Results& results) {
  std::map<Arguments, size_t> counts;
  for (const auto& file : results.files()) {
    for (const Point& point : file->points()) {
      const bool usual = point.name.pattern == "packet" || point.name.question == "Memory";
      if (usual && HasSizes(point.name)) ++counts[point.name.arguments];
    }
  }
  const auto best =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
        return std::tuple(a.second, a.first.at("sockets")) <
               std::tuple(b.second, b.first.at("sockets"));
      });
  return best == counts.end() ? Arguments() : best->first;
}

Group UsualGroup(const Results& results, const std::string& question, const std::string& pattern,
                 const Arguments& base) {
  std::map<Arguments, std::set<std::string>> contenders;
  for (const Point* const point : results.PointsOf(question)) {
    if (point->name.pattern != pattern) continue;
    contenders[point->name.arguments].insert(point->name.contender);
  }
  // Hot points have sockets of their own; values and bytes may still be those of the base.
  const auto shared = [&](const Arguments& arguments) {
    return std::count_if(arguments.begin(), arguments.end(), [&](const auto& argument) {
      const auto same = base.find(argument.first);
      return same != base.end() && same->second == argument.second;
    });
  };
  const auto best =
      std::max_element(contenders.begin(), contenders.end(), [&](const auto& a, const auto& b) {
        return std::tuple(a.first == base, a.second.size(), shared(a.first), a.first) <
               std::tuple(b.first == base, b.second.size(), shared(b.first), b.first);
      });
  if (best == contenders.end()) return {};
  return GroupOf(results, question, pattern, best->first);
}

const Point* Sweep::At(const std::string& contender, int64_t value) const {
  for (const Point* const point : points) {
    if (point->name.contender == contender && point->name.argument(key) == value) return point;
  }
  return nullptr;
}

std::vector<Sweep> SweepsOver(const Results& results, std::string_view question,
                              std::string_view pattern, const std::string& key,
                              const Arguments& base, size_t least_values) {
  std::vector<Sweep> sweeps;
  const auto add = [&](const std::vector<const Point*>& points) {
    for (Sweep& sweep : SweepsOfPoints(points, question, pattern, key)) {
      if (sweep.values.size() < least_values) continue;
      const auto same = std::find_if(sweeps.begin(), sweeps.end(), [&](const Sweep& other) {
        return other.others == sweep.others;
      });
      if (same == sweeps.end()) {
        sweeps.push_back(std::move(sweep));
      } else if (sweep.values.size() > same->values.size()) {
        *same = std::move(sweep);
      }
    }
  };
  for (const auto& file : results.files()) {
    std::vector<const Point*> points;
    for (const Point& point : file->points()) points.push_back(&point);
    add(points);
  }
  if (sweeps.empty()) add(results.Points());
  Arguments base_others = base;
  base_others.erase(key);
  std::stable_sort(sweeps.begin(), sweeps.end(), [&](const Sweep& a, const Sweep& b) {
    return std::tuple(a.values.size(), a.others == base_others) >
           std::tuple(b.values.size(), b.others == base_others);
  });
  return sweeps;
}

std::string DescribeSizes(const Arguments& arguments) {
  std::vector<std::string> parts;
  const auto find = [&](const char* key) -> std::optional<int64_t> {
    const auto found = arguments.find(key);
    if (found == arguments.end()) return std::nullopt;
    return found->second;
  };
  const auto counted = [](int64_t count, const std::string& what) {
    return absl::StrCat(numbers::GroupedSigned(count), " ", what, count == 1 ? "" : "s");
  };
  if (const auto sockets = find("sockets")) parts.push_back(counted(*sockets, "socket"));
  const auto values = find("values");
  const auto bytes = find("bytes");
  if (values && bytes) {
    parts.push_back(counted(*values, "value") + " of " + counted(*bytes, "byte"));
  } else if (values) {
    parts.push_back(counted(*values, "value"));
  } else if (bytes) {
    parts.push_back("values of " + counted(*bytes, "byte"));
  }
  for (const auto& [key, value] : arguments) {
    if (key == "sockets" || key == "values" || key == "bytes") continue;
    // "maps:7", "readers:1": plurals by name.
    parts.push_back(
        absl::StrCat(numbers::GroupedSigned(value), " ",
                     value == 1 && key.ends_with('s') ? key.substr(0, key.size() - 1) : key));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace inlay::bench_page
