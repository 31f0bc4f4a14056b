#include "tools/analysis/grammar/close_names.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/ascii.h"

namespace inlay::analysis {
namespace {

// The least number of edits that turn `a` into `b`, whatever the case: two letters that change
// places are one edit.
size_t Distance(std::string_view a, std::string_view b) {
  const auto same = [&](size_t i, size_t j) {
    return absl::ascii_tolower(static_cast<unsigned char>(a[i])) ==
           absl::ascii_tolower(static_cast<unsigned char>(b[j]));
  };
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({last[j] + (same(i, j) ? 0 : 1), row[j] + 1, last[j + 1] + 1});
      if (i > 0 && j > 0 && same(i, j - 1) && same(i - 1, j)) {
        row[j + 1] = std::min(row[j + 1], before_last[j - 1] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<std::string> CloseNames(std::string_view name, const std::set<std::string>& names,
                                    size_t most) {
  const size_t allowed = std::max<size_t>(1, name.size() / 3);
  std::vector<std::pair<size_t, std::string>> close;
  for (const std::string& candidate : names) {
    const size_t longer = std::max(candidate.size(), name.size());
    if (longer - std::min(candidate.size(), name.size()) > allowed) continue;
    const size_t distance = Distance(candidate, name);
    if (distance <= allowed) close.emplace_back(distance, candidate);
  }
  std::sort(close.begin(), close.end());
  std::vector<std::string> result;
  for (size_t i = 0; i < std::min(most, close.size()); ++i) result.push_back(close[i].second);
  return result;
}

}  // namespace inlay::analysis
