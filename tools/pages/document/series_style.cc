#include "tools/pages/document/series_style.h"

#include <algorithm>

namespace inlay::page {
namespace {

constexpr SeriesStyle kNeutral = {"other", "#69727b", "#a2abb4", Marker::kRing, true};

}  // namespace

const SeriesStyle& SeriesStyles::Of(std::string_view series) const {
  const auto found = std::find_if(named_.begin(), named_.end(), [series](const SeriesStyle& style) {
    return style.series == series;
  });
  return found == named_.end() ? kNeutral : *found;
}

std::string SeriesStyles::ClassOf(std::string_view series) const {
  return "s-" + std::string(Of(series).series);
}

std::vector<SeriesStyle> SeriesStyles::All() const {
  std::vector<SeriesStyle> all(named_.begin(), named_.end());
  all.push_back(kNeutral);
  return all;
}

}  // namespace inlay::page
