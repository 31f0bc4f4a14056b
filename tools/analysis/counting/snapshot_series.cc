#include "tools/analysis/counting/snapshot_series.h"

#include <new>
#include <utility>

#include "absl/strings/str_cat.h"

namespace inlay::analysis {
namespace {

// Adds each value once.
void AddEach(const DistinctValues& distinct, ValueCounter* counter) {
  for (const CountedValue& value : distinct.values()) {
    counter->AddCounted(value.bytes(), value.hash, 1);
  }
}

}  // namespace

absl::Status SnapshotSeries::Add(const std::string& name, Summary&& snapshot) {
  if (last_.has_value() && !SameValues(last_->schema, snapshot.schema)) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": its values are not those of the snapshots before it: ",
        DescribeValues(snapshot.schema), " instead of ", DescribeValues(last_->schema)));
  }
  if (!snapshot.distinct.exact()) {
    return absl::ResourceExhaustedError(
        absl::StrCat(name, ": its distinct values do not fit into --memory; snapshots can only be ",
                     "compared when all are there"));
  }
  try {
    Snapshot next = {.name = name,
                     .records = snapshot.distinct.records,
                     .distinct = snapshot.distinct.values().size()};
    ValueCounter both(ValueCounter::Bytes::kBorrow);
    if (last_.has_value()) AddEach(last_->distinct, &both);
    const size_t before = both.values().size();
    AddEach(snapshot.distinct, &both);
    next.appeared = both.values().size() - before;
    next.disappeared = both.values().size() - next.distinct;
    AddEach(snapshot.distinct, &so_far_);
    next.distinct_so_far = so_far_.values().size();
    snapshots_.push_back(std::move(next));
    last_ = std::move(snapshot);
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("not enough memory for the values of the snapshots");
  }
}

absl::Status SnapshotSeries::AddAll(const std::string& name, RecordSource& source, size_t threads,
                                    size_t budget_bytes) {
  for (;;) {
    const std::string own_name = source.SnapshotName();
    absl::StatusOr<DistinctValues> distinct = CountDistinct(source, threads, budget_bytes);
    const std::string& shown = own_name.empty() ? name : own_name;
    if (absl::IsNotFound(distinct.status())) {
      return absl::InvalidArgumentError(absl::StrCat(shown, ": the snapshot has no record"));
    }
    if (!distinct.ok()) return distinct.status();
    absl::Status added = Add(shown, {source.schema(), *std::move(distinct)});
    if (!added.ok()) return added;
    absl::StatusOr<bool> more = source.NextSnapshot();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
  }
}

}  // namespace inlay::analysis
