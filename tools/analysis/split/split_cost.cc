#include "tools/analysis/split/split_cost.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/fields/row_hashes.h"

namespace inlay::analysis {

void Split::Normalize() {
  std::erase_if(shared, [](const std::vector<size_t>& group) { return group.empty(); });
  for (std::vector<size_t>& group : shared) std::sort(group.begin(), group.end());
  std::sort(shared.begin(), shared.end());
  std::sort(private_fields.begin(), private_fields.end());
}

uint64_t IndexWordBytes(std::vector<int> widths) {
  const int bits = std::accumulate(widths.begin(), widths.end(), 0);
  if (bits == 0) return 0;
  if (bits <= 16) return 2;
  if (bits <= 32) return 4;
  if (bits <= 64) return 8;
  std::sort(widths.begin(), widths.end(), std::greater<>());
  std::vector<int> words;
  for (const int width : widths) {
    const auto word =
        std::find_if(words.begin(), words.end(), [width](int used) { return used + width <= 64; });
    if (word == words.end()) {
      words.push_back(width);
    } else {
      *word += width;
    }
  }
  return 8 * words.size();
}

std::optional<double> SplitCost::GroupBytes(uint64_t distinct, uint64_t struct_bytes) const {
  if (distinct > IndexCapacity(kMaxIndexBits)) return std::nullopt;
  const double new_values = static_cast<double>(distinct) / sockets();
  return static_cast<double>(TableBytes(distinct, struct_bytes)) / sockets() +
         write_cost_ * (1 + kNewValueWrites * new_values);
}

uint64_t SplitCost::StructBytes(const std::vector<size_t>& fields) const {
  CStructSize size;
  for (const size_t field : fields) size.Add(forms_[field]);
  return size.Bytes();
}

uint64_t SplitCost::Distinct(const std::vector<size_t>& fields) const {
  RowHashes hashes(codes_);
  for (const size_t field : fields) hashes.Include(field);
  RowHashes::Scratch scratch;
  return hashes.Distinct(&scratch);
}

std::optional<double> SplitCost::Total(const Split& split) const {
  auto total = static_cast<double>(StructBytes(split.private_fields));
  std::vector<int> widths;
  for (const std::vector<size_t>& group : split.shared) {
    const uint64_t distinct = Distinct(group);
    const std::optional<double> bytes = GroupBytes(distinct, StructBytes(group));
    if (!bytes.has_value()) return std::nullopt;
    total += *bytes;
    widths.push_back(*SmallestIndexBits(distinct));
  }
  return total + static_cast<double>(IndexWordBytes(std::move(widths)));
}

}  // namespace inlay::analysis
