#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/cost_figures.h"
#include "tools/pages/bench_page/sections.h"

namespace inlay::bench_page {
namespace {

using page::Text;

// The layouts and the handwritten code; peers have a section of their own.
std::vector<std::string> ListedContenders(const std::vector<const Point*>& points) {
  std::vector<std::string> contenders = ContendersOf(points);
  std::erase_if(contenders, [](const std::string& contender) {
    return contender == "touch" || ContenderOf(contender).kind == ContenderKind::kPeer;
  });
  return contenders;
}

void AddSweep(const Measured& measured, const std::string& key, const std::string& title,
              const std::string& x_title, page::Section* section) {
  const std::vector<Sweep> sweeps =
      SweepsOver(measured.results, "Get", "packet", key, measured.base, 2);
  if (sweeps.empty()) return;
  const Sweep& sweep = sweeps.front();
  std::vector<std::string> listed = ListedContenders(sweep.points);
  // One line for each layout, without other ways to read it: such lines would hide each other.
  std::vector<std::string> drawn = listed;
  std::erase_if(drawn, [](const std::string& contender) {
    return contender == "handwritten" || contender == "inline_const" ||
           contender == "inline_runtime_const" || contender == "index_const" ||
           contender == "index12";
  });
  listed.insert(listed.begin(), "touch");
  page::Figure figure = SweepFigure(absl::StrCat(title, ": ", DescribeSizes(sweep.others)), sweep,
                                    {.drawn = std::move(drawn),
                                     .listed = std::move(listed),
                                     .x_title = x_title,
                                     .quantity = CostQuantity(),
                                     .logarithmic_y = false});
  AddCostNotes(sweep.points, &figure);
  section->blocks.emplace_back(std::move(figure));
}

using Patterns = std::vector<std::pair<std::string, std::string>>;  // and their meanings

// The run that has most of these patterns, the first of several.
const ResultFile& FileWithMost(const Results& results, const Patterns& patterns) {
  const ResultFile* best = nullptr;
  ptrdiff_t most = 0;
  for (const auto& file : results.files()) {
    const ptrdiff_t count =
        std::count_if(patterns.begin(), patterns.end(), [&](const auto& pattern) {
          return std::any_of(file->points().begin(), file->points().end(), [&](const Point& point) {
            return point.name.question == "Get" && point.name.pattern == pattern.first;
          });
        });
    if (best == nullptr || count > most) {
      best = file.get();
      most = count;
    }
  }
  return *best;
}

// Adds the columns of several patterns side by side, from one run as far as it has them.
void AddPatterns(const Measured& measured, const std::string& title, const Patterns& patterns,
                 page::Section* section) {
  const ResultFile& file = FileWithMost(measured.results, patterns);
  std::vector<Column> columns;
  std::vector<const Point*> points;
  for (const auto& [pattern, meaning] : patterns) {
    Group group = UsualGroup(measured.results, "Get", pattern, measured.base);
    if (group.empty()) continue;
    Group in_file = GroupIn(file, "Get", pattern, group.arguments);
    if (!in_file.empty()) group = std::move(in_file);
    points.insert(points.end(), group.points.begin(), group.points.end());
    Text column_title = Text::OfCode(pattern);
    column_title.Plain(": " + meaning);
    columns.push_back({std::move(column_title), std::move(group)});
  }
  if (columns.size() < 2) return;
  std::vector<std::string> contenders = ListedContenders(points);
  contenders.insert(contenders.begin(), "touch");
  section->blocks.emplace_back(CostTable(title, columns, contenders, /*with_chart=*/false));
}

}  // namespace

std::optional<page::Section> GetSection(const Measured& measured) {
  page::Section section{.id = "get", .title = "What a get costs"};
  const Group packet = UsualGroup(measured.results, "Get", "packet", measured.base);
  if (!packet.empty()) {
    section.blocks.emplace_back(page::Paragraph{
        "Packets go to random sockets, and each waits for the one before. The bars show the "
        "time that a get adds to the packet's own touch of the socket. Whiskers reach from the "
        "minimum to the maximum; an arrow means that they continue."});
    section.blocks.emplace_back(
        CostFigure("A get in the packet path: " + DescribeSizes(packet.arguments), packet,
                   ListedContenders(packet.points)));
  }
  const Group hot = UsualGroup(measured.results, "Get", "hot", measured.base);
  if (!hot.empty()) {
    section.blocks.emplace_back(
        CostFigure("A get from sockets that stay in the cache: " + DescribeSizes(hot.arguments),
                   hot, ListedContenders(hot.points)));
  }
  AddSweep(measured, "sockets", "A get against the number of sockets", "sockets", &section);
  AddSweep(measured, "values", "A get against the number of distinct values", "distinct values",
           &section);
  AddSweep(measured, "bytes", "A get against the size of a value", "bytes of a value", &section);
  AddPatterns(measured, "What the packet had touched before the get",
              {{"packet_nothing", "nothing"},
               {"packet", "the socket's header"},
               {"packet_tail", "the header and the tail's first line"}},
              &section);
  AddPatterns(measured, "How much of the value is read",
              {{"packet", "one field"},
               {"packet_whole", "the whole value"},
               {"hot", "one field, cached"},
               {"hot_whole", "the whole value, cached"}},
              &section);
  AddPatterns(measured, "One by one, and batches whose sockets are known before",
              {{"packet", "one by one"}, {"batch", "a batch"}}, &section);
  AddPatterns(measured, "How values are drawn",
              {{"packet", "all alike"}, {"packet_zipf", "a few often, many seldom"}}, &section);
  if (section.blocks.empty()) return std::nullopt;
  return section;
}

}  // namespace inlay::bench_page
