#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/cost_figures.h"
#include "tools/pages/bench_page/sections.h"

namespace inlay::bench_page {
namespace {

struct Operation {
  const char* question;
  const char* title;
};
constexpr Operation kOperations[] = {
    {"Create", "create"}, {"Update", "update"}, {"UpdateNew", "update to a new value"},
    {"Modify", "modify"}, {"Delete", "delete"}, {"Clone", "clone on accept"},
    {"Close", "close"},
};

std::vector<std::string> ListedContenders(const std::vector<Column>& columns) {
  std::vector<const Point*> points;
  for (const Column& column : columns) {
    points.insert(points.end(), column.group.points.begin(), column.group.points.end());
  }
  std::vector<std::string> contenders = ContendersOf(points);
  std::erase_if(contenders, [](const std::string& contender) {
    return contender != "touch" && ContenderOf(contender).kind == ContenderKind::kPeer;
  });
  return contenders;
}

void AddOperations(const Measured& measured, const std::string& pattern, const std::string& title,
                   page::Section* section) {
  std::vector<Column> columns;
  for (const Operation& operation : kOperations) {
    Group group = UsualGroup(measured.results, operation.question, pattern, measured.base);
    if (!group.empty()) columns.push_back({operation.title, std::move(group)});
  }
  if (columns.empty()) return;
  section->blocks.emplace_back(
      CostTable(title, columns, ListedContenders(columns), /*with_chart=*/true));
}

void AddChurn(const Measured& measured, page::Section* section) {
  // Shows all sizes: layouts differ where the table is full.
  std::vector<std::pair<std::string, Arguments>> seen;
  for (const Point* const point : measured.results.PointsOf("Churn")) {
    const std::pair sizes(point->name.pattern, point->name.arguments);
    if (std::find(seen.begin(), seen.end(), sizes) != seen.end()) continue;
    seen.push_back(sizes);
    const Group group = GroupOf(measured.results, "Churn", sizes.first, sizes.second);
    std::vector<std::string> contenders = ContendersOf(group.points);
    std::erase_if(contenders, [](const std::string& contender) {
      return contender == "touch" || ContenderOf(contender).kind == ContenderKind::kPeer;
    });
    section->blocks.emplace_back(CostFigure("Churn, sockets that open and close, values drawn by " +
                                                group.pattern + ": " +
                                                DescribeSizes(group.arguments),
                                            group, contenders));
  }
}

}  // namespace

std::optional<page::Section> WriteSection(const Measured& measured) {
  page::Section section{.id = "writes", .title = "What a change costs"};
  AddOperations(measured, "packet", "Changes in the packet path", &section);
  AddOperations(measured, "hot", "Changes in sockets that stay in the cache", &section);
  AddChurn(measured, &section);
  if (section.blocks.empty()) return std::nullopt;
  return section;
}

}  // namespace inlay::bench_page
