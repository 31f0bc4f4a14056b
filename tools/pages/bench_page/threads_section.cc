#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/cost_figures.h"
#include "tools/pages/bench_page/sections.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

// Operations of all threads together, in millions a second.
std::string MillionsPerSecond(double ns_per_operation) {
  const double millions = 1e3 / ns_per_operation;
  return absl::StrFormat("%.*f", millions < 9.995 ? 2 : 1, millions);
}

std::string DescribeThreads(const BenchmarkName& name) {
  std::vector<std::string> parts;
  for (const char* const role : {"readers", "writers", "threads"}) {
    const int64_t count = name.argument(role).value_or(0);
    if (count == 0) continue;
    const std::string word = role;
    parts.push_back(absl::StrCat(count, " ", count == 1 ? word.substr(0, word.size() - 1) : word));
  }
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : " and ") + part;
  return text.empty() ? "no threads" : text;
}

int64_t ThreadsOf(const BenchmarkName& name) {
  return name.argument("readers").value_or(0) + name.argument("writers").value_or(0) +
         name.argument("threads").value_or(0);
}

// The time without interference by other work on the machine, if the program reports it.
std::optional<double> QuietNs(const Point& point) {
  const auto quiet = point.counters.find("quiet_ns_per_op");
  if (quiet == point.counters.end()) return std::nullopt;
  return quiet->second.median();
}

// The throughput as a multiple of one thread's of the same kind: 1 reader for readers, 1 writer for
// writers. Uses the fastest rounds if known, like the bars.
std::optional<double> Gain(const Point& point) {
  BenchmarkName alone = point.name;
  int kinds = 0;
  for (auto& [role, count] : alone.arguments) {
    if (role != "readers" && role != "writers" && role != "threads") continue;
    if (count > 0) {
      ++kinds;
      count = 1;
    }
  }
  const Point* const one = point.file->Find(alone);
  if (kinds != 1 || one == nullptr || one == &point || point.time_ns.median() <= 0) {
    return std::nullopt;
  }
  const std::optional<double> quiet = QuietNs(point);
  const std::optional<double> quiet_of_one = QuietNs(*one);
  if (quiet.has_value() && quiet_of_one.has_value() && *quiet > 0) return *quiet_of_one / *quiet;
  return one->time_ns.median() / point.time_ns.median();
}

// The work of the threads; the mix itself if it is unknown here.
std::string MixTitle(const std::string& mix) {
  static constexpr std::pair<const char*, const char*> kTitles[] = {
      {"get", "gets, in sockets that stay in the cache"},
      {"get_hot_value", "gets, in sockets that stay in the cache and have one value"},
      {"get_packet", "gets, in all sockets"},
      {"get_with_writer", "gets, while others are updated"},
      {"create_delete", "creates and deletes"},
      {"create_delete_hot_value", "creates and deletes of one value"},
  };
  for (const auto& [name, title] : kTitles) {
    if (mix == name) return title;
  }
  return mix;
}

// Merges the groups if each contender has only one bar, for the same threads.
void MergeSingleBars(page::BarChart* chart) {
  page::BarChart::Group merged;
  for (const page::BarChart::Group& group : chart->groups) {
    if (group.bars.size() != 1 || group.bars[0].label != chart->groups[0].bars[0].label) return;
    merged.title = group.bars[0].label;
    merged.bars.push_back(group.bars[0]);
    merged.bars.back().label = group.title;
  }
  if (!merged.bars.empty()) chart->groups = {std::move(merged)};
}

page::Figure OfMix(const std::string& mix, const std::vector<const Point*>& points) {
  page::Figure figure{.title = "Throughput: " + MixTitle(mix), .commands = CommandsOf(points)};
  figure.table.columns = {{"", false},          {"threads", false},  {"million a second"},
                          {"ns per operation"}, {"least"},           {"most"},
                          {"fastest tenth"},    {"times one thread"}};
  page::BarChart chart;
  chart.unit = "million operations a second, all threads together";
  chart.description = figure.title + ", " + chart.unit + ":";
  for (const std::string& contender : ContendersOf(points)) {
    page::BarChart::Group bars{.title = contender};
    for (const Point* const point : points) {
      if (point->name.contender != contender || point->time_ns.median() <= 0) continue;
      const Sample& time_ns = point->time_ns;
      const std::optional<double> gain = Gain(*point);
      const std::optional<double> quiet = QuietNs(*point);
      const std::string threads = DescribeThreads(point->name);
      figure.table.rows.push_back(
          {.series = contender,
           .cells = {contender, threads, MillionsPerSecond(time_ns.median()),
                     numbers::Nanoseconds(time_ns.median()), numbers::Nanoseconds(time_ns.least()),
                     numbers::Nanoseconds(time_ns.most()),
                     quiet.has_value() ? numbers::Nanoseconds(*quiet) : numbers::kNoNumber,
                     gain.has_value() ? absl::StrFormat("%.2f", *gain) : numbers::kNoNumber}});
      page::BarChart::Bar bar{.series = contender,
                              .label = threads,
                              .value = 1e3 / time_ns.median(),
                              .value_text = MillionsPerSecond(time_ns.median())};
      if (time_ns.count() > 1 && time_ns.least() > 0) {
        bar.spread = {{.least = 1e3 / time_ns.most(), .most = 1e3 / time_ns.least()}};
      }
      absl::StrAppend(&chart.description, " ", contender, ", ", threads, " ", bar.value_text, ";");
      bars.bars.push_back(std::move(bar));
    }
    if (!bars.bars.empty()) chart.groups.push_back(std::move(bars));
  }
  MergeSingleBars(&chart);
  if (!chart.groups.empty()) figure.chart = std::move(chart);
  return figure;
}

}  // namespace

std::optional<page::Section> ThreadsSection(const Measured& measured) {
  std::vector<std::pair<std::string, std::vector<const Point*>>> by_mix;
  for (const Point* const point : measured.results.PointsOf("Scaling")) {
    const auto same = std::find_if(by_mix.begin(), by_mix.end(), [&](const auto& mix) {
      return mix.first == point->name.pattern;
    });
    if (same != by_mix.end()) {
      same->second.push_back(point);
    } else {
      by_mix.push_back({point->name.pattern, {point}});
    }
  }
  if (by_mix.empty()) return std::nullopt;
  page::Section section{.id = "threads", .title = "With several threads"};
  section.blocks.emplace_back(page::Paragraph{absl::StrCat(
      "Threads share a map and its values, and each has sockets of its own. The machine has ",
      measured.results.context().num_cpus,
      measured.results.context().num_cpus == 1 ? " core" : " cores",
      "; with more threads than cores, the figures are about the scheduler. Two threads run beside "
      "whatever "
      "else the machine does: the fastest tenth of the rounds is the 10th percentile of their "
      "times, and "
      "\"times one thread\" compares those.")});
  for (auto& [mix, points] : by_mix) {
    std::stable_sort(points.begin(), points.end(), [](const Point* a, const Point* b) {
      return ThreadsOf(a->name) < ThreadsOf(b->name);
    });
    section.blocks.emplace_back(OfMix(mix, points));
  }
  return section;
}

}  // namespace inlay::bench_page
