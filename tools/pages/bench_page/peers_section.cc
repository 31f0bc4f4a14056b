#include <string>
#include <utility>
#include <vector>

#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/cost_figures.h"
#include "tools/pages/bench_page/peer_wins.h"
#include "tools/pages/bench_page/sections.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

using page::Text;

// The contenders to show: index and pointer for comparison, then the peers.
std::vector<std::string> ListedContenders(const std::vector<Group>& groups) {
  std::vector<const Point*> points;
  for (const Group& group : groups) {
    points.insert(points.end(), group.points.begin(), group.points.end());
  }
  std::vector<std::string> contenders = ContendersOf(points);
  std::erase_if(contenders, [](const std::string& contender) {
    return contender != "pointer" && contender != "index" &&
           ContenderOf(contender).kind != ContenderKind::kPeer;
  });
  return contenders;
}

std::optional<double> BytesPerSocket(const Point& point) {
  return point.counter("bytes_per_socket");
}

bool IsMemory(const Group& group) {
  return group.question == "Memory" || group.question == "MemoryMaps";
}

// The time groups at the usual sizes, as one chart with a group of bars each.
std::optional<page::Figure> Times(const Measured& measured, const std::vector<Group>& groups,
                                  const std::string& pattern, const std::string& title) {
  std::vector<Column> columns;
  for (const char* const question : {"Get", "Create", "Update", "Clone"}) {
    const Group* best = nullptr;
    for (const Group& group : groups) {
      if (group.question != question || group.pattern != pattern) continue;
      const bool at_base = group.arguments == measured.base;
      if (best == nullptr || at_base ||
          (best->arguments != measured.base && group.points.size() > best->points.size())) {
        best = &group;
      }
    }
    if (best != nullptr) {
      columns.push_back({question, *best});
    }
  }
  if (columns.empty()) return std::nullopt;
  return CostTable(title, columns, ListedContenders(groups), /*with_chart=*/true);
}

std::optional<page::Figure> Memory(const Measured& measured, const std::vector<Group>& groups) {
  const Group* best = nullptr;
  for (const Group& group : groups) {
    if (group.question != "Memory") continue;
    if (best == nullptr || group.arguments == measured.base) best = &group;
  }
  if (best == nullptr) return std::nullopt;
  page::Figure figure{.title = "Bytes per socket: " + DescribeSizes(best->arguments),
                      .commands = CommandsOf(best->points)};
  figure.table.columns = {{"", false}, {"bytes per socket"}};
  std::vector<page::BarChart::Bar> bars;
  for (const std::string& contender : ListedContenders({*best})) {
    const Point* const point = best->Of(contender);
    const std::optional<double> bytes = point == nullptr ? std::nullopt : BytesPerSocket(*point);
    if (!bytes.has_value()) continue;
    figure.table.rows.push_back(
        {.series = contender, .cells = {contender, numbers::ThreeDigits(*bytes)}});
    bars.push_back({.series = contender,
                    .label = contender,
                    .value = *bytes,
                    .value_text = numbers::ThreeDigits(*bytes)});
  }
  if (bars.empty()) return std::nullopt;
  figure.chart = ChartOf(figure.title, "bytes per socket", std::move(bars));
  figure.notes.push_back(
      "Of layouts by the kernel's slab classes; of peers as the allocator of a program counts it.");
  return figure;
}

page::Figure AllPoints(const std::vector<Group>& groups) {
  page::Figure figure{.title = "All points that have a peer: ns over touch, or bytes per socket"};
  const std::vector<std::string> contenders = ListedContenders(groups);
  figure.table.columns = {{"", false}, {"sockets"}, {"values"}, {"bytes"}};
  for (const std::string& contender : contenders) {
    figure.table.columns.push_back({Text::OfCode(contender)});
  }
  std::vector<const Point*> listed;
  for (const Group& group : groups) {
    // The first column has the arguments that are not sizes.
    BenchmarkName what = group.points.front()->name;
    std::vector<Text> sizes;
    for (const char* const key : {"sockets", "values", "bytes"}) {
      const std::optional<int64_t> size = what.argument(key);
      sizes.emplace_back(size.has_value() ? numbers::GroupedSigned(*size) : numbers::kNoNumber);
      what.arguments.erase(key);
    }
    page::Table::Row row{.cells = {DescribePoint(what)}};
    row.cells.insert(row.cells.end(), sizes.begin(), sizes.end());
    for (const std::string& contender : contenders) {
      const Point* const point = group.Of(contender);
      if (point == nullptr) {
        row.cells.emplace_back(numbers::kNoNumber);
        continue;
      }
      listed.push_back(point);
      if (!IsMemory(group)) {
        row.cells.emplace_back(CostText(point));
      } else {
        const std::optional<double> bytes = BytesPerSocket(*point);
        row.cells.emplace_back(bytes.has_value() ? numbers::ThreeDigits(*bytes)
                                                 : numbers::kNoNumber);
      }
    }
    figure.table.rows.push_back(std::move(row));
  }
  std::vector<const Point*> times = listed;
  std::erase_if(times,
                [](const Point* point) { return point->name.question.starts_with("Memory"); });
  AddCostNotes(times, &figure);
  figure.commands = CommandsOf(listed);
  return figure;
}

}  // namespace

std::optional<page::Section> PeersSection(const Measured& measured) {
  const std::vector<Group> groups = PeerGroups(measured.results);
  if (groups.empty()) return std::nullopt;
  page::Section section{.id = "peers", .title = "Peers: what one would use instead"};
  page::Facts peers;
  for (const std::string& contender : ListedContenders(groups)) {
    const Contender known = ContenderOf(contender);
    if (known.kind != ContenderKind::kPeer) continue;
    peers.facts.emplace_back(Text::OfCode(contender), std::string(known.meaning));
  }
  section.blocks.emplace_back(std::move(peers));
  section.blocks.emplace_back(page::Subheading{"Where a peer wins"});
  for (SituationInWords& words : PeerWinsInWords(ComparePeers(measured.results))) {
    section.blocks.emplace_back(page::Paragraph{std::move(words.summary)});
    if (!words.wins.empty()) section.blocks.emplace_back(page::BulletList{std::move(words.wins)});
  }
  section.blocks.emplace_back(page::Subheading{"Side by side"});
  if (auto times =
          Times(measured, groups, "packet", "In the packet path, beside index and pointer")) {
    section.blocks.emplace_back(*std::move(times));
  }
  if (auto times = Times(measured, groups, "hot",
                         "In sockets that stay in the cache, beside index and pointer")) {
    section.blocks.emplace_back(*std::move(times));
  }
  if (auto memory = Memory(measured, groups)) section.blocks.emplace_back(*std::move(memory));
  section.blocks.emplace_back(AllPoints(groups));
  return section;
}

}  // namespace inlay::bench_page
