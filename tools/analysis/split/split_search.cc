#include "tools/analysis/split/split_search.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/split/row_partition.h"

namespace inlay::analysis {
namespace {

// `codes` without the values that agree with an earlier one in all of `fields`. Only `fields` have
// codes; the fields keep their numbers, and the records theirs.
FieldCodes Projected(const FieldCodes& codes, const std::vector<size_t>& fields) {
  RowPartition rows = RowPartition::Whole(codes.values());
  RowPartition refined;
  PartitionRefiner refiner;
  for (const size_t field : fields) {
    if (rows.classes == codes.values()) break;
    refiner.Refine(rows, codes.fields[field], codes.values(), &refined);
    std::swap(rows, refined);
  }
  FieldCodes projected;
  projected.records = codes.records;
  projected.counts.assign(rows.classes, 0);
  projected.fields.resize(codes.fields.size());
  for (const size_t field : fields) {
    const CodedField& from = codes.fields[field];
    CodedField& to = projected.fields[field];
    to.code_count = from.code_count;
    to.codes.reserve(rows.classes);
    for (size_t row = 0; row < codes.values(); ++row) {
      if (rows.class_of[row] == to.codes.size()) to.codes.push_back(from.codes[row]);
    }
  }
  for (size_t row = 0; row < codes.values(); ++row) {
    projected.counts.Add(rows.class_of[row], codes.counts[row]);
  }
  return projected;
}

// The rest of `fields` goes to *others.
std::vector<size_t> WorthSharing(const SplitCost& cost, const std::vector<size_t>& fields,
                                 double known, std::vector<size_t>* others) {
  std::vector<size_t> worth;
  for (const size_t field : fields) {
    // No group with this field is cheaper than the field alone.
    const std::optional<double> alone =
        cost.GroupBytes(cost.codes().fields[field].distinct(), cost.StructBytes({field}));
    const bool possible = alone.has_value() && *alone + kLeastIndexBytes < known - kCostEpsilon;
    (possible ? &worth : others)->push_back(field);
  }
  return worth;
}

}  // namespace

FoundSplit SearchSplit(const SplitCost& cost, const std::vector<size_t>& fields,
                       const SearchLimits& limits, size_t threads) {
  const auto all_private = static_cast<double>(cost.StructBytes(fields));
  std::vector<size_t> never_shared;
  const std::vector<size_t> sharable = WorthSharing(cost, fields, all_private, &never_shared);
  const FieldCodes projected = Projected(cost.codes(), sharable);
  const SplitCost projected_cost = cost.With(projected);

  FoundSplit found;
  // Any other split with a group has one more field elsewhere: it pays for a byte of its own, or
  // for the writes of a second group.
  if (never_shared.empty()) {
    const Split one_group{.shared = {sharable}, .private_fields = {}};
    const std::optional<double> bytes = projected_cost.Total(one_group);
    const double least_of_others =
        kLeastIndexBytes + cost.write_cost() + std::min(1.0, cost.write_cost());
    if (bytes.has_value() && *bytes <= std::min(least_of_others, all_private)) {
      found.cheapest.split = one_group;
      found.cheapest.bytes = *bytes;
      found.exact = true;
      return found;
    }
  }
  found.cheapest = SearchGreedily(projected_cost, sharable, never_shared, limits.greedy_rows);
  std::vector<size_t> always_private = never_shared;
  const std::vector<size_t> candidates =
      WorthSharing(projected_cost, sharable, found.cheapest.bytes, &always_private);
  if (candidates.size() > limits.exact_fields) return found;
  ExactOutcome exact = SearchExactly(projected_cost, candidates, always_private,
                                     found.cheapest.bytes, limits.exact, threads);
  found.exact = exact.complete;
  if (exact.cheaper.has_value()) {
    found.cheapest.bytes = *projected_cost.Total(*exact.cheaper);
    found.cheapest.split = *std::move(exact.cheaper);
  }
  return found;
}

}  // namespace inlay::analysis
