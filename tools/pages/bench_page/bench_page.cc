#include "tools/pages/bench_page/bench_page.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/pages/bench_page/groups.h"
#include "tools/pages/bench_page/sections.h"
#include "tools/pages/document/markdown.h"
#include "tools/pages/document/picture_file.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/styles/styles.h"

namespace inlay::bench_page {
namespace {

using page::Text;

std::string Days(const Results& results) {
  std::vector<std::string> days;
  for (const auto& file : results.files()) days.push_back(numbers::Day(file->context().date));
  const auto [first, last] = std::minmax_element(days.begin(), days.end());
  return *first == *last ? *first : *first + " to " + *last;
}

std::string Machine(const Results& results) {
  const RunContext& context = results.context();
  return absl::StrCat(context.cpu, " (", context.num_cpus,
                      context.num_cpus == 1 ? " core)" : " cores)");
}

// All figures of a file, as measured.
page::Appendix AllFigures(const ResultFile& file) {
  page::Appendix appendix{
      .title = absl::StrCat(file.path(), ", ", file.points().size(),
                            file.points().size() == 1 ? " benchmark" : " benchmarks")};
  appendix.table.columns = {{"", false},    {"repetitions"},    {"ns"}, {"least"}, {"most"},
                            {"over touch"}, {"counters", false}};
  for (const Point& point : file.points()) {
    const Cost cost = Results::CostOf(point);
    std::string counters;
    for (const auto& [counter, sample] : point.counters) {
      absl::StrAppend(&counters, counters.empty() ? "" : ", ", counter, " ",
                      numbers::ThreeDigits(sample.median()));
    }
    appendix.table.rows.push_back(
        {.cells = {Text::OfCode(point.run_name), absl::StrCat(point.time_ns.count()),
                   numbers::Nanoseconds(point.time_ns.median()),
                   numbers::Nanoseconds(point.time_ns.least()),
                   numbers::Nanoseconds(point.time_ns.most()),
                   cost.over_touch ? numbers::Nanoseconds(cost.ns) : numbers::kNoNumber,
                   counters}});
  }
  return appendix;
}

struct OptionalSection {
  const char* missing;  // the text if it is missing
  std::optional<page::Section> (*make)(const Measured&);
};
constexpr OptionalSection kSections[] = {
    {"what a get costs", GetSection},
    {"what a layout takes", MemorySection},
    {"break-even curves", BreakEvenSection},
    {"what a change costs", WriteSection},
    {"several threads", ThreadsSection},
    {"many maps on one socket", MapCountSection},
    {"instructions and cache lines", CountsSection},
    {"peers", PeersSection},
    {"the live kernel against an index", KernelSection},
    {"bars", BarsSection},
};

}  // namespace

page::Document BuildBenchPage(const Results& results) {
  const Measured measured{.results = results, .base = BaseSizes(results)};
  page::Document document;
  document.styles = page::Styles();
  document.title = "Inlay: what values of sockets cost";
  document.subtitle =
      absl::StrCat("Benchmarks of ", Days(results), " on ", Machine(results), ", ",
                   results.context().kernel, ", commit ", results.context().commit, ".");
  document.sections.push_back(HeadlineSection(measured));
  std::vector<Text> missing;
  for (const OptionalSection& optional : kSections) {
    if (std::optional<page::Section> section = optional.make(measured)) {
      document.sections.push_back(*std::move(section));
    } else {
      missing.emplace_back(optional.missing);
    }
  }
  if (std::optional<page::Section> failures = FailuresSection(measured)) {
    document.sections.push_back(*std::move(failures));
  }
  document.sections.push_back(MethodSection(measured));
  page::Section figures{.id = "figures", .title = "All figures"};
  for (const auto& file : results.files()) {
    if (!file->points().empty()) figures.blocks.emplace_back(AllFigures(*file));
  }
  if (!figures.blocks.empty()) document.sections.push_back(std::move(figures));
  if (!missing.empty()) {
    page::Section section{.id = "missing", .title = "Not measured in this run"};
    section.blocks.emplace_back(page::BulletList{std::move(missing)});
    document.sections.push_back(std::move(section));
  }
  document.footer = "Written by inlay report.";
  return document;
}

std::string ReadmeTable(const Results& results) {
  const Measured measured{.results = results, .base = BaseSizes(results)};
  const page::Table table = HeadlineTable(measured);
  if (table.empty()) return "";
  const RunContext& context = results.context();
  Text line(absl::StrCat(Machine(results), ", ", context.kernel, ", ", context.compiler, ", ",
                         context.build_type, ", commit ", context.commit, ", ", Days(results), ": ",
                         DescribeSizes(measured.base),
                         "; ns over the packet's own touch of the socket"));
  if (const Point* const touch = GroupOf(results, "Get", "packet", measured.base).Of("touch");
      touch != nullptr) {
    line.Plain(", which takes " + numbers::Nanoseconds(touch->time_ns.median()) + " ns");
  }
  line.Plain("; within noise: less than the repetitions of the touch differ by.");
  if (const Text note = HeadlineNote(measured); !note.empty()) line.Plain(" ").Append(note);
  return page::FormatMarkdown(line) + "\n\n" + page::FormatMarkdown(table);
}

std::string ReadmeChart(const Results& results) {
  std::optional<page::Picture> picture =
      HeadlinePicture({.results = results, .base = BaseSizes(results)});
  if (!picture.has_value()) return "";
  picture->notes.push_back(
      absl::StrCat(Machine(results), ", ", results.context().kernel, ", ", Days(results)));
  return page::FormatPicture(*picture, page::Styles());
}

}  // namespace inlay::bench_page
