#include "tools/analysis/fields/spoilers.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "tools/analysis/bytes/in_parallel.h"
#include "tools/analysis/fields/row_hashes.h"

namespace inlay::analysis {
namespace {

constexpr double kCheapIndexBytes = 4;

// Groups below this size count each field alone, so futile group counts stay few.
constexpr size_t kSmallGroup = 12;

// A candidate to leave out next. The smallest choice wins.
struct Choice {
  uint64_t distinct = 0;  // values that are left then, or a lower bound
  uint64_t own = 0;       // values of the field by itself
  size_t field = 0;

  friend bool operator<(const Choice& a, const Choice& b) {
    return std::tuple(a.distinct, b.own, a.field) < std::tuple(b.distinct, a.own, b.field);
  }
};

// The fields that are not left out yet, and the values that differ in them.
class Remaining {
 public:
  Remaining(const FieldCodes& codes, size_t threads)
      : codes_(&codes),
        scratches_(std::clamp<size_t>(threads, 1, std::max<size_t>(codes.fields.size(), 1))) {
    hashes_ = std::make_unique<RowHashes>(codes);
    for (size_t field = 0; field < codes.fields.size(); ++field) {
      own_.push_back(codes.fields[field].distinct());
      can_spoil_.push_back(CanSpoil(codes.fields[field]));
      fields_.push_back(field);
    }
    hashes_->IncludeAll(fields_, scratches_.size());
    distinct_ = hashes_->Distinct(std::span(scratches_));
  }

  uint64_t distinct() const { return distinct_; }

  // The values that are left without each field, by field. REQUIRES: no field is left out.
  std::vector<uint64_t> DistinctWithoutEach() {
    std::vector<Choice> bounds = Bounds([](size_t) { return true; });
    RaiseBounds(bounds);
    std::vector<uint64_t> without(own_.size());
    std::atomic<size_t> next = 0;
    InParallel(scratches_.size(), [&](size_t thread) {
      for (size_t i = next++; i < bounds.size(); i = next++) {
        without[bounds[i].field] = Count(bounds[i], &scratches_[thread]);
      }
    });
    return without;
  }

  // The best field to leave out next; nothing if none can spoil.
  std::optional<Choice> Best() {
    std::vector<Choice> bounds = Bounds([this](size_t field) { return can_spoil_[field]; });
    RaiseBounds(bounds);
    // The most promising ones first: then most of the others need not be counted.
    std::sort(bounds.begin(), bounds.end());
    std::optional<Choice> best;
    std::mutex mutex;
    std::atomic<size_t> next = 0;
    InParallel(scratches_.size(), [&](size_t thread) {
      for (size_t i = next++; i < bounds.size(); i = next++) {
        {
          const std::lock_guard lock(mutex);
          if (best.has_value() && *best < bounds[i]) return;
        }
        Choice choice = bounds[i];
        choice.distinct = Count(bounds[i], &scratches_[thread]);
        const std::lock_guard lock(mutex);
        if (!best.has_value() || choice < *best) best = choice;
      }
    });
    return best;
  }

  void LeaveOut(const Choice& choice) {
    hashes_->Exclude(choice.field);
    std::erase(fields_, choice.field);
    distinct_ = choice.distinct;
    if (distinct_ <= hashes_->rows() / 2) Compact();
  }

 private:
  // For each remaining field with `wanted(field)`: a lower bound on the values that are left
  // without it.
  template <typename Wanted>
  std::vector<Choice> Bounds(Wanted wanted) const {
    // Any field that stays has at most as many values as are left.
    uint64_t most = 1;
    uint64_t second = 1;
    for (const size_t field : fields_) {
      if (own_[field] > most) {
        second = std::exchange(most, own_[field]);
      } else {
        second = std::max(second, own_[field]);
      }
    }
    std::vector<Choice> bounds;
    for (const size_t field : fields_) {
      if (!wanted(field)) continue;
      // A field with n values splits one value into at most n.
      const uint64_t by_itself = (distinct_ + own_[field] - 1) / own_[field];
      const uint64_t by_others = own_[field] == most ? second : most;
      bounds.push_back({std::max(by_itself, by_others), own_[field], field});
    }
    return bounds;
  }

  // Finds fields that are harmless: all values stay distinct without them. If a whole group is
  // harmless, each of its fields is. Most fields are, so this takes few counts. Sets their bounds
  // to the exact number.
  void RaiseBounds(std::vector<Choice>& bounds) {
    std::vector<Choice*> open;
    for (Choice& bound : bounds) {
      if (bound.distinct < distinct_) open.push_back(&bound);
    }
    if (open.size() < kSmallGroup) return;
    // Fields with few values are more likely to form a harmless group.
    std::sort(open.begin(), open.end(), [](const Choice* a, const Choice* b) {
      return std::tuple(a->own, a->field) < std::tuple(b->own, b->field);
    });
    const size_t parts = std::min(scratches_.size(), open.size() / 2);
    InParallel(parts, [&](size_t part) {
      const size_t begin = open.size() * part / parts;
      const size_t end = open.size() * (part + 1) / parts;
      RaiseGroup(std::span(open).subspan(begin, end - begin), &scratches_[part]);
    });
  }

  void RaiseGroup(std::span<Choice* const> group, RowHashes::Scratch* scratch) const {
    bool harmless = false;
    {
      RowHashes without = *hashes_;
      std::vector<size_t> fields;
      for (const Choice* bound : group) fields.push_back(bound->field);
      without.ExcludeAll(fields);
      harmless = without.Distinct(scratch) == distinct_;
    }
    if (harmless) {
      for (Choice* bound : group) bound->distinct = distinct_;
    } else if (group.size() >= kSmallGroup) {
      RaiseGroup(group.first(group.size() / 2), scratch);
      RaiseGroup(group.subspan(group.size() / 2), scratch);
    }
  }

  uint64_t Count(const Choice& bound, RowHashes::Scratch* scratch) const {
    if (bound.distinct == distinct_) return distinct_;
    return hashes_->DistinctWithout(bound.field, scratch);
  }

  // Replaces the rows by one for each value that is left.
  void Compact() {
    const std::vector<uint32_t> rows = hashes_->FirstRows(&scratches_[0]);
    auto compacted = std::make_unique<FieldCodes>();
    compacted->counts.assign(rows.size(), 1);
    compacted->records = rows.size();
    compacted->fields.resize(codes_->fields.size());
    for (const size_t field : fields_) {
      const std::vector<uint32_t>& from = codes_->fields[field].codes;
      std::vector<uint32_t>& to = compacted->fields[field].codes;
      to.reserve(rows.size());
      for (const uint32_t row : rows) to.push_back(from[row]);
    }
    hashes_ = std::make_unique<RowHashes>(*compacted);
    hashes_->IncludeAll(fields_, scratches_.size());
    codes_ = compacted.get();
    compacted_ = std::move(compacted);
  }

  const FieldCodes* codes_;  // the caller's, or compacted_ with no more than what hashes_ needs
  std::unique_ptr<FieldCodes> compacted_;
  std::unique_ptr<RowHashes> hashes_;  // of *codes_; counts fields_
  std::vector<RowHashes::Scratch> scratches_;
  std::vector<uint64_t> own_;  // of each field: its distinct values
  std::vector<bool> can_spoil_;
  std::vector<size_t> fields_;  // that are not left out, ascending
  uint64_t distinct_ = 0;
};

}  // namespace

bool CanSpoil(const CodedField& field) {
  return field.distinct() > 1 && field.field.kind != FieldKind::kPadding;
}

Spoilers FindSpoilers(const FieldCodes& codes, size_t max_steps, size_t threads) {
  Remaining remaining(codes, threads);
  Spoilers spoilers;
  spoilers.distinct = remaining.distinct();
  spoilers.distinct_without = remaining.DistinctWithoutEach();
  while (spoilers.steps.size() < max_steps && remaining.distinct() > 1) {
    const std::optional<Choice> best = remaining.Best();
    if (!best.has_value()) break;
    spoilers.steps.push_back({best->field, best->distinct});
    remaining.LeaveOut(*best);
  }
  return spoilers;
}

bool SharesCheaply(const LayoutInput& input) {
  const std::vector<LayoutCost> layouts = LayoutCosts(input);
  const auto index = std::find_if(layouts.begin(), layouts.end(),
                                  [](const LayoutCost& layout) { return layout.name == "index"; });
  return index != layouts.end() && index->bytes_per_socket <= kCheapIndexBytes;
}

size_t JointSpoilers(const FieldCodes& codes, const Spoilers& spoilers, const LayoutInput& input) {
  if (SharesCheaply(input)) return 0;
  const auto candidates =
      static_cast<size_t>(std::count_if(codes.fields.begin(), codes.fields.end(), CanSpoil));
  const size_t most = std::min(spoilers.steps.size(), candidates / 2);
  const std::vector<SpoilerStep>& steps = spoilers.steps;
  size_t joint = 1;
  while (joint <= most && steps[joint - 1].distinct > spoilers.distinct / 2) ++joint;
  if (joint > most) return 0;
  while (joint < most && steps[joint].distinct <= steps[joint - 1].distinct / 2) ++joint;
  return joint;
}

}  // namespace inlay::analysis
