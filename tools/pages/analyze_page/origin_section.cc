#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/short_text.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/numbers/printable.h"

namespace inlay::analyze_page {
namespace {

constexpr size_t kMaxListedPaths = 20;
constexpr size_t kMaxPathBytes = 200;
constexpr size_t kMaxCommandBytes = 4'000;

page::Text Paths(const std::vector<std::string>& paths) {
  page::Text text;
  const size_t listed = std::min(paths.size(), kMaxListedPaths);
  for (size_t i = 0; i < listed; ++i) {
    if (i > 0) text.Plain(", ");
    if (paths[i] == "-") {
      text.Plain("standard input");
    } else {
      text.Code(numbers::Printable(paths[i], kMaxPathBytes));
    }
  }
  if (listed < paths.size()) {
    text.Plain(absl::StrCat(" and ", numbers::Grouped(paths.size() - listed), " more"));
  }
  return text;
}

}  // namespace

page::Section OriginSection(const analysis::Report& report, const Origin& origin) {
  page::Section section{.id = "origin", .title = "How this page was made"};
  page::Facts facts;
  facts.facts.emplace_back(
      "Command", page::Text::OfCode(numbers::Printable(origin.command, kMaxCommandBytes)));
  facts.facts.emplace_back("Version", page::Text("inlay " + origin.version));
  facts.facts.emplace_back(origin.paths.size() == 1 ? "File" : "Files", Paths(origin.paths));
  facts.facts.emplace_back("Data", analysis::DataTitle(report.schema));
  facts.facts.emplace_back("Records", numbers::Grouped(report.records));
  facts.facts.emplace_back(
      "Exact", report.exact && report.fields_exact ? "yes: every value was counted"
               : report.exact
                   ? "values yes; figures of fields are of a sample"
                   : "no: a sample of the values; estimates are marked with their errors");
  section.blocks.emplace_back(std::move(facts));
  return section;
}

}  // namespace inlay::analyze_page
