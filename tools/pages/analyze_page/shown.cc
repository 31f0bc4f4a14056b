#include "tools/pages/analyze_page/shown.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/analysis/report/report_words.h"
#include "tools/pages/document/drawing.h"
#include "tools/pages/numbers/shown_numbers.h"

namespace inlay::analyze_page {
namespace {

constexpr size_t kSentenceBytes = 2'000;
constexpr double kChartNamePixels = 240;

std::string ShownError(double error, int decimals) {
  return error == 0 ? "" : " ± " + analysis::GroupedDecimal(error, decimals);
}

}  // namespace

std::string ShownEstimate(uint64_t figure, double error) {
  return analysis::Grouped(figure) + ShownError(error, 0);
}

std::string ShownEstimate(double figure, double error, int decimals) {
  return analysis::GroupedDecimal(figure, decimals) + ShownError(error, decimals);
}

std::string ShownBytes(double bytes) {
  return absl::StrCat(analysis::GroupedDecimal(bytes, 2), "\u00a0B");  // not to be broken there
}

std::string ShownCount(double count) {
  constexpr double kMostWritten = 1e15;
  if (!(std::abs(count) < kMostWritten)) return absl::StrFormat("%.3g", count);
  return analysis::GroupedDecimal(std::round(count), 0);
}

std::string ShownIndexWidth(std::optional<int> index_bits) {
  return index_bits.has_value() ? absl::StrCat(*index_bits, " bits") : "no index is wide enough";
}

std::string Counted(uint64_t number, const std::string& word) {
  return absl::StrCat(analysis::Grouped(number), " ", word, number == 1 ? "" : "s");
}

std::string ShownSentence(const std::string& sentence) {
  return analysis::Printable(sentence, kSentenceBytes);
}

std::string ChartName(const std::string& name) {
  const std::string shown = analysis::ShownFieldName(name);
  if (page::WordsWidth(shown) <= kChartNamePixels) return shown;
  std::string cut;
  for (size_t at = 0; at < shown.size();) {
    size_t end = at + 1;
    while (end < shown.size() && (static_cast<unsigned char>(shown[end]) & 0xC0) == 0x80) ++end;
    const std::string longer = cut + shown.substr(at, end - at);
    if (page::WordsWidth(longer + "...") > kChartNamePixels) break;
    cut = longer;
    at = end;
  }
  return cut + "...";
}

std::string OneLine(std::string words) {
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words;
}

}  // namespace inlay::analyze_page
