#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tools/pages/bench_page/bars.h"
#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/cost_figures.h"
#include "tools/pages/bench_page/peer_wins.h"
#include "tools/pages/bench_page/sections.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

using page::Text;

struct HeadlineColumn {
  const char* question;
  const char* title;
};
constexpr HeadlineColumn kCosts[] = {{"Get", "get"},
                                     {"Create", "create"},
                                     {"Update", "update"},
                                     {"Delete", "delete"},
                                     {"Clone", "clone on accept"}};

const Point* PacketPoint(const Measured& measured, const std::string& question,
                         const std::string& contender) {
  return GroupOf(measured.results, question, "packet", measured.base).Of(contender);
}

std::optional<double> BytesPerSocket(const Point* point) {
  return point == nullptr ? std::nullopt : point->counter("bytes_per_socket");
}

const Point* MemoryPoint(const Measured& measured, const std::string& contender) {
  return GroupOf(measured.results, "Memory", "", measured.base).Of(contender);
}

page::Facts ContextFacts(const Results& results) {
  const RunContext& context = results.context();
  std::set<std::string> dates;
  std::set<std::string> huge_pages;
  for (const auto& file : results.files()) {
    dates.insert(numbers::Minute(file->context().date));
    huge_pages.insert(HugePageSetting(file->context()));
  }
  std::string cores = absl::StrCat(context.num_cpus, context.num_cpus == 1 ? " core" : " cores");
  if (context.mhz_per_cpu > 0) {
    absl::StrAppendFormat(&cores, " at %.1f GHz", context.mhz_per_cpu / 1000);
  }
  page::Facts facts;
  facts.facts = {{"Machine", context.cpu}, {"Cores", cores}};
  if (!context.caches.empty())
    facts.facts.emplace_back("Caches", absl::StrJoin(context.caches, ", "));
  facts.facts.emplace_back("Kernel", context.kernel);
  facts.facts.emplace_back("Compiler", context.compiler + ", " + context.build_type);
  facts.facts.emplace_back("Commit", Text::OfCode(context.commit));
  facts.facts.emplace_back(
      "Measured", dates.size() == 1 ? *dates.begin() : *dates.begin() + " to " + *dates.rbegin());
  facts.facts.emplace_back("Huge pages", absl::StrJoin(huge_pages, ", "));
  return facts;
}

page::Tiles::Tile CostTile(const Point& point, Text note) {
  if (Results::CostOf(point).within_noise()) return {"within noise", "", std::move(note)};
  return {CostText(&point), "ns", std::move(note)};
}

page::Tiles HeadlineTiles(const Measured& measured) {
  page::Tiles tiles;
  if (const Point* const get = PacketPoint(measured, "Get", "index"); get != nullptr) {
    Text note("a get of ");
    note.Code("index").Plain(Results::CostOf(*get).over_touch ? " over the packet's own touch"
                                                              : "");
    if (const auto share = ShareInWords(*get, Results::Beside(*get, "pointer"))) {
      note.Plain(", " + *share + " of ").Code("pointer");
    }
    tiles.tiles.push_back(CostTile(*get, std::move(note)));
  }
  const Point* const memory = MemoryPoint(measured, "index");
  if (const auto bytes = BytesPerSocket(memory); bytes.has_value()) {
    Text note("per socket with ");
    note.Code("index");
    const auto pointer = BytesPerSocket(Results::Beside(*memory, "pointer"));
    if (pointer.has_value())
      note.Plain("; ").Code("pointer").Plain(" takes " + numbers::ThreeDigits(*pointer));
    tiles.tiles.push_back({numbers::ThreeDigits(*bytes), "bytes", std::move(note)});
  }
  if (const Point* const create = PacketPoint(measured, "Create", "index"); create != nullptr) {
    Text note("a create of ");
    note.Code("index").Plain(", its value known");
    if (const auto share = ShareInWords(*create, Results::Beside(*create, "pointer"))) {
      note.Plain("; " + *share + " of ").Code("pointer");
    }
    tiles.tiles.push_back(CostTile(*create, std::move(note)));
  }
  const BarCounts bars = CountBars(measured.results);
  if (bars.met + bars.not_met > 0) {
    std::string note = "bars met";
    if (bars.not_measured > 0) note += absl::StrCat("; ", bars.not_measured, " not measured");
    tiles.tiles.push_back(
        {absl::StrCat(bars.met, " of ", bars.met + bars.not_met), "", Text(note)});
  }
  return tiles;
}

// "`a` (1.0 ns), `b` (2.0 ns)": other layouts that cost less than index beyond the spread.
Text CheaperThanIndex(const Measured& measured, const std::string& question) {
  const Point* const index = PacketPoint(measured, question, "index");
  if (index == nullptr) return {};
  std::vector<std::pair<double, std::string>> cheaper;
  for (const std::string& layout : HeadlineLayouts()) {
    if (layout.starts_with("index")) continue;
    const Point* const other = Results::Beside(*index, layout);
    if (other == nullptr || !Results::BeyondSpread(*other, *index)) continue;
    const Cost cost = Results::CostOf(*other);
    // Does not compare costs within noise with each other.
    if (cost.ns < Results::CostOf(*index).ns && !Results::CostOf(*index).within_noise()) {
      cheaper.emplace_back(cost.ns, layout);
    }
  }
  std::sort(cheaper.begin(), cheaper.end());
  Text text;
  for (const auto& [ns, layout] : cheaper) {
    const Point& other = *Results::Beside(*index, layout);
    const char* const unit = Results::CostOf(other).within_noise() ? "" : " ns";
    text.Plain(text.empty() ? "" : ", ").Code(layout).Plain(" (" + CostText(&other) + unit + ")");
  }
  return text;
}

std::optional<Text> GetInWords(const Measured& measured) {
  const Point* const index = PacketPoint(measured, "Get", "index");
  const Point* const touch = index == nullptr ? nullptr : Results::Beside(*index, "touch");
  const Point* const pointer = index == nullptr ? nullptr : Results::Beside(*index, "pointer");
  if (touch == nullptr || pointer == nullptr) return std::nullopt;
  Text text("A packet's own touch of its socket takes ");
  text.Plain(numbers::Nanoseconds(touch->time_ns.median()) + " ns here. A get of ")
      .Code("pointer")
      .Plain(" adds " + numbers::Nanoseconds(Results::CostOf(*pointer).ns) +
             " ns to that, a get of ")
      .Code("index")
      .Plain(" " + CostInWords(*index));
  if (const auto share = ShareInWords(*index, pointer)) {
    text.Plain(": " + *share + " of it");
  }
  return std::move(text.Plain("."));
}

std::optional<Text> MemoryInWords(const Measured& measured) {
  const Point* const index = MemoryPoint(measured, "index");
  const auto bytes = BytesPerSocket(index);
  const auto pointer =
      index == nullptr ? std::nullopt : BytesPerSocket(Results::Beside(*index, "pointer"));
  if (!bytes.has_value() || !pointer.has_value() || *bytes <= 0) return std::nullopt;
  Text text("A socket pays " + numbers::ThreeDigits(*bytes) + " bytes for ");
  return text.Code("index")
      .Plain(", everything included, and " + numbers::ThreeDigits(*pointer) + " for ")
      .Code("pointer")
      .Plain(", " + numbers::Times(*pointer / *bytes) + " as much.");
}

std::optional<Text> WritesInWords(const Measured& measured) {
  Text text("With ");
  text.Code("index");
  bool any = false;
  for (const HeadlineColumn& column : kCosts) {
    const Point* const index = PacketPoint(measured, column.question, "index");
    if (std::string(column.question) == "Get" || index == nullptr) continue;
    const Point* const pointer = Results::Beside(*index, "pointer");
    const std::optional<std::string> share = ShareInWords(*index, pointer);
    if (!share.has_value()) continue;
    text.Plain(", ").Plain(absl::StrCat(column.title, " costs ", *share, " of "));
    text.Code("pointer");
    any = true;
  }
  if (!any) return std::nullopt;
  return std::move(text.Plain(", each over the touch."));
}

std::optional<Text> CheaperInWords(const Measured& measured) {
  Text text;
  for (const HeadlineColumn& column : kCosts) {
    const Text cheaper = CheaperThanIndex(measured, column.question);
    if (cheaper.empty()) continue;
    text.Plain(text.empty() ? "Cheaper than " : "; ");
    if (text.spans().size() == 1) text.Code("index").Plain(": ");
    text.Plain(absl::StrCat(column.title, " with ")).Append(cheaper);
  }
  if (text.empty()) return std::nullopt;
  return std::move(text.Plain("."));
}

std::optional<Text> PeersInWords(const Measured& measured) {
  const std::vector<PeerComparison> comparisons = ComparePeers(measured.results);
  if (comparisons.empty()) return std::nullopt;
  const auto wins =
      std::count_if(comparisons.begin(), comparisons.end(),
                    [](const PeerComparison& comparison) { return comparison.peer_wins(); });
  Text text(absl::StrCat("Of ", comparisons.size(),
                         " comparisons with peers, a peer is faster or smaller than "));
  return std::move(text.Code("index").Plain(
      wins == 0 ? " in none." : absl::StrCat(" in ", wins, "; the section on peers says where.")));
}

std::optional<Text> SpreadInWords(const Measured& measured) {
  const Point* const touch = PacketPoint(measured, "Get", "touch");
  if (touch == nullptr || touch->time_ns.count() < 2) return std::nullopt;
  const Sample& time_ns = touch->time_ns;
  return Text(absl::StrCat(
      "In ", time_ns.count(), " repetitions the touch alone took ",
      numbers::Nanoseconds(time_ns.least()), " to ", numbers::Nanoseconds(time_ns.most()),
      " ns, half of them ", numbers::Nanoseconds(time_ns.lower_quartile()), " to ",
      numbers::Nanoseconds(time_ns.upper_quartile()), " ns. A cost below ",
      numbers::Nanoseconds(time_ns.most() - time_ns.least()),
      " ns is within that noise. The page compares medians, and only within one run; believe a "
      "smaller difference when other runs agree."));
}

std::vector<const Point*> HeadlinePoints(const Measured& measured) {
  std::vector<const Point*> points;
  for (const std::string& layout : HeadlineLayouts()) {
    for (const HeadlineColumn& column : kCosts) {
      points.push_back(PacketPoint(measured, column.question, layout));
    }
    points.push_back(MemoryPoint(measured, layout));
  }
  std::erase(points, nullptr);
  return points;
}

}  // namespace

page::Table HeadlineTable(const Measured& measured) {
  page::Table table;
  table.columns.push_back({"layout", false});
  for (const HeadlineColumn& column : kCosts) table.columns.push_back({column.title});
  table.columns.push_back({"bytes per socket"});
  for (const std::string& layout : HeadlineLayouts()) {
    Text name = Text::OfCode(layout);
    name.Plain(": " + std::string(ContenderOf(layout).meaning));
    page::Table::Row row{.series = layout, .cells = {std::move(name)}};
    bool any = false;
    for (const HeadlineColumn& column : kCosts) {
      const Point* const point = PacketPoint(measured, column.question, layout);
      any = any || point != nullptr;
      row.cells.emplace_back(CostText(point));
    }
    const auto bytes = BytesPerSocket(MemoryPoint(measured, layout));
    any = any || bytes.has_value();
    row.cells.emplace_back(bytes.has_value() ? numbers::ThreeDigits(*bytes) : numbers::kNoNumber);
    if (any) table.rows.push_back(std::move(row));
  }
  return table;
}

std::optional<page::Picture> HeadlinePicture(const Measured& measured) {
  const std::string sizes = DescribeSizes(measured.base);
  page::Picture picture{.title = "What a get costs" + (sizes.empty() ? "" : ": " + sizes),
                        .chart = {.description = {},
                                  .unit = "ns of a get over the packet's own touch of the socket",
                                  .groups = {}},
                        .notes = {}};
  page::BarChart::Group group;
  std::vector<const Point*> gets;
  std::vector<std::string> figures;
  for (const std::string& layout : HeadlineLayouts()) {
    const Point* const get = PacketPoint(measured, "Get", layout);
    if (get == nullptr) continue;
    gets.push_back(get);
    page::BarChart::Bar bar = CostBar(*get);
    figures.push_back(absl::StrCat(layout, " ", bar.value_text));
    absl::StrAppend(&bar.label, ": ", std::string(ContenderOf(layout).meaning));
    if (Results::CostOf(*get).within_noise()) {
      // A length, or a whisker below zero, would say more than was measured.
      bar.value = 0;
      bar.spread.reset();
    }
    group.bars.push_back(std::move(bar));
  }
  if (gets.empty()) return std::nullopt;
  picture.chart.description =
      absl::StrCat(picture.chart.unit, ": ", absl::StrJoin(figures, ", "), ".");
  if (std::any_of(group.bars.begin(), group.bars.end(),
                  [](const page::BarChart::Bar& bar) { return bar.spread.has_value(); })) {
    picture.notes.emplace_back(
        "Bars are medians; whiskers reach from the least to the most of the repetitions.");
  }
  picture.chart.groups.push_back(std::move(group));
  page::Figure figure;
  AddCostNotes(gets, &figure);
  for (const Text& note : figure.notes) picture.notes.push_back(note.Words());
  return picture;
}

Text HeadlineNote(const Measured& measured) {
  const auto of_seven = BytesPerSocket(MemoryPoint(measured, "index9x7"));
  if (!of_seven.has_value()) return {};
  return std::move(
      Text::OfCode("index9").Plain(" takes " + numbers::ThreeDigits(*of_seven) +
                                   " bytes a map with six more maps in the same 64 bits."));
}

page::Section HeadlineSection(const Measured& measured) {
  page::Section section{.id = "headline", .title = "Headline"};
  page::Tiles tiles = HeadlineTiles(measured);
  if (!tiles.tiles.empty()) section.blocks.emplace_back(std::move(tiles));
  size_t failures = 0;
  for (const auto& file : measured.results.files()) failures += file->failures().size();
  if (failures > 0) {
    Text text;
    text.Bad(absl::StrCat(failures, failures == 1 ? " benchmark" : " benchmarks", " failed"));
    section.blocks.emplace_back(
        page::Paragraph{std::move(text.Plain("; see the list of failures."))});
  }
  page::BulletList words;
  for (std::optional<Text> sentence :
       {GetInWords(measured), MemoryInWords(measured), WritesInWords(measured),
        CheaperInWords(measured), PeersInWords(measured), SpreadInWords(measured)}) {
    if (sentence.has_value()) words.items.push_back(*std::move(sentence));
  }
  if (!words.items.empty()) section.blocks.emplace_back(std::move(words));
  page::Table table = HeadlineTable(measured);
  if (!table.empty()) {
    page::Figure figure{.title = "ns over touch, and bytes per socket: " +
                                 DescribeSizes(measured.base) + ", packets to random sockets",
                        .table = std::move(table),
                        .commands = CommandsOf(HeadlinePoints(measured))};
    std::vector<const Point*> costs = HeadlinePoints(measured);
    std::erase_if(costs, [](const Point* point) { return point->name.question == "Memory"; });
    AddCostNotes(costs, &figure);
    if (Text note = HeadlineNote(measured); !note.empty()) figure.notes.push_back(std::move(note));
    section.blocks.emplace_back(std::move(figure));
  }
  section.blocks.emplace_back(page::Subheading{"The machine and the build"});
  section.blocks.emplace_back(ContextFacts(measured.results));
  return section;
}

}  // namespace inlay::bench_page
