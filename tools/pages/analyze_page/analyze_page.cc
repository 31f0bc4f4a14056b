#include "tools/pages/analyze_page/analyze_page.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/styles/styles.h"

namespace inlay::analyze_page {
namespace {

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

page::Document BuildPage(const analysis::Report& report, const Origin& origin) {
  page::Document document;
  document.styles = page::Styles();
  document.title = Title(origin);
  document.subtitle = absl::StrCat(analysis::DataTitle(report.schema), ", ",
                                   numbers::CountOf(report.records, "record"), ".");
  document.verdict = Verdict(report);
  const auto add = [&document](std::optional<page::Section> section) {
    if (section.has_value()) document.sections.push_back(*std::move(section));
  };
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
  add(NotesSection(report));
  add(GlossarySection(report));
  add(OriginSection(report, origin));
  document.footer = absl::StrCat("Written by inlay analyze, version ", origin.version, ".");
  return document;
}

}  // namespace inlay::analyze_page
