#include "tools/analysis/counting/snapshot_series.h"

#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/values_difference.h"

namespace inlay::analysis {
namespace {

// Adds each value once.
void AddEach(const DistinctValues& distinct, ValueCounter* counter) {
  for (const CountedValue& value : distinct.values()) {
    counter->AddCounted(value.bytes(), ValueCounter::HashOf(value.bytes()), 1);
  }
}

}  // namespace

absl::Status SnapshotSeries::Add(const std::string& name, Summary&& snapshot) {
  if (!last_.has_value()) {
    const uint64_t distinct = snapshot.distinct.values().size();
    snapshots_.push_back({.name = name,
                          .records = snapshot.distinct.records,
                          .distinct = distinct,
                          .appeared = distinct,
                          .distinct_so_far = distinct});
    last_ = std::move(snapshot);
    return absl::OkStatus();
  }
  if (!SameValues(last_->schema, snapshot.schema)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": its values are not those of the snapshots before it: ",
                     ValuesDifference(snapshot.schema, last_->schema)));
  }
  try {
    absl::Status compared = Compare(name, snapshot);
    if (!compared.ok()) return compared;
    last_ = std::move(snapshot);
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("not enough memory for the values of the snapshots");
  }
}

absl::Status SnapshotSeries::Compare(const std::string& name, const Summary& snapshot) {
  for (const bool of_last : {true, false}) {
    if ((of_last ? last_->distinct : snapshot.distinct).exact()) continue;
    return absl::ResourceExhaustedError(
        absl::StrCat(of_last ? snapshots_.back().name : name,
                     ": its distinct values do not fit into --memory; snapshots can only be ",
                     "compared when all are there"));
  }
  Snapshot next = {.name = name,
                   .records = snapshot.distinct.records,
                   .distinct = snapshot.distinct.values().size()};
  ValueCounter both(ValueCounter::Bytes::kBorrow);
  AddEach(last_->distinct, &both);
  const size_t before = both.values().size();
  AddEach(snapshot.distinct, &both);
  next.appeared = both.values().size() - before;
  next.disappeared = both.values().size() - next.distinct;
  if (snapshots_.size() == 1) AddEach(last_->distinct, &so_far_);
  AddEach(snapshot.distinct, &so_far_);
  next.distinct_so_far = so_far_.values().size();
  snapshots_.push_back(std::move(next));
  return absl::OkStatus();
}

}  // namespace inlay::analysis
