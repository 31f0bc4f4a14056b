#include "tools/pages/analyze_page/short_text.h"

#include "absl/strings/str_cat.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/document/drawing.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/numbers/printable.h"

namespace inlay::analyze_page {
namespace {

constexpr size_t kMaxSentenceBytes = 2'000;
constexpr double kMaxChartNamePixels = 240;

}  // namespace

std::string IndexWidthText(std::optional<int> index_bits) {
  return index_bits.has_value() ? absl::StrCat(*index_bits, " bits") : "no index is wide enough";
}

std::string ShortSentence(const std::string& sentence) {
  return numbers::Printable(sentence, kMaxSentenceBytes);
}

std::string ChartName(const std::string& name) {
  const std::string whole = analysis::PrintableFieldName(name);
  if (page::WordsWidth(whole) <= kMaxChartNamePixels) return whole;
  std::string cut;
  for (size_t at = 0; at < whole.size();) {
    size_t end = at + 1;
    while (end < whole.size() && (static_cast<unsigned char>(whole[end]) & 0xC0) == 0x80) ++end;
    const std::string longer = cut + whole.substr(at, end - at);
    if (page::WordsWidth(longer + "...") > kMaxChartNamePixels) break;
    cut = longer;
    at = end;
  }
  return cut + "...";
}

}  // namespace inlay::analyze_page
