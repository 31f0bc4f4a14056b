#include "tools/pages/analyze_page/analyze_page.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/analyze_page/verdict.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/styles/styles.h"

namespace inlay::analyze_page {
namespace {

using analysis::Report;

std::string Title(const Origin& origin) {
  if (origin.paths.size() > 1) {
    return absl::StrCat("Would the values in ", numbers::Grouped(origin.paths.size()),
                        " files deduplicate?");
  }
  if (origin.paths.empty() || origin.paths.front() == "-") return "Would these values deduplicate?";
  const std::string name = std::filesystem::path(origin.paths.front()).filename().string();
  return absl::StrCat("Would the values in ", ChartName(name), " deduplicate?");
}

}  // namespace

std::string Subtitle(const Report& report) {
  return absl::StrCat(analysis::DataTitle(report.schema), ", ",
                      numbers::CountOf(report.records, "record"), ".");
}

page::Document BuildFull(const Report& report) {
  page::Document document;
  document.styles = page::Styles();
  document.subtitle = Subtitle(report);
  document.verdict = Verdict(report);
  const auto add = [&document](std::optional<page::Section> section) {
    if (section.has_value()) document.sections.push_back(*std::move(section));
  };
  add(NotesSection(report));
  add(TodoSection(report));
  add(ValuesSection(report));
  add(SpoilersSection(report));
  add(MemorySection(report));
  add(BreakEvenSection(report));
  add(SplitSection(report));
  add(GrowthSection(report));
  add(SnapshotsSection(report));
  add(CopiesSection(report));
  add(TopSection(report));
  add(FieldsSection(report));
  add(MapSection(report));
  return document;
}

page::Document BuildPage(const Report& report, const Origin& origin) {
  page::Document document = BuildFull(report);
  document.title = Title(origin);
  document.sections.push_back(GlossarySection(report));
  document.sections.push_back(OriginSection(report, origin));
  document.footer = absl::StrCat("Written by inlay analyze, version ", origin.version, ".");
  return document;
}

}  // namespace inlay::analyze_page
