#include "tools/analysis/split/split_greedy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/fields/row_hashes.h"

namespace inlay::analysis {
namespace {

constexpr double kImpossible = std::numeric_limits<double>::infinity();
constexpr uint64_t kMostDistinct = IndexCapacity(kMaxIndexBits);
// With more fields than this, they join a new group in one order instead of the best one at each
// step.
constexpr size_t kMaxChoosingFields = 80;
// With more fields than this, new groups do not start with each of them in turn.
constexpr size_t kMaxStartingFields = 24;
// Stands for the bits of a field that adds no values, so that its worth is finite.
constexpr double kFreeBits = 0.01;

// Rows that may still be looked at.
class Budget {
 public:
  explicit Budget(uint64_t rows) : left_(rows) {}
  void Take(uint64_t rows) { left_ -= std::min(left_, rows); }
  bool exhausted() const { return left_ == 0; }

 private:
  uint64_t left_;
};

// A group that fields join and leave, with its price after one more or one less of them.
class Group {
 public:
  explicit Group(const SplitCost& cost, Budget* budget)
      : cost_(cost), budget_(budget), hashes_(cost.codes()) {}

  const std::vector<size_t>& fields() const { return fields_; }
  bool has(size_t field) const { return hashes_.includes(field); }

  struct Price {
    double bytes = 0;  // without the index; kImpossible if it cannot be shared
    int width = 0;
    uint64_t distinct = 1;
  };
  const Price& price() const { return price_; }

  // The price of the group after `field` joins, or leaves.
  Price Toggled(size_t field) {
    if (toggled_.empty()) toggled_.resize(cost_.codes().fields.size(), kUnknown);
    uint64_t& distinct = toggled_[field];
    const bool leaves = has(field);
    if (distinct == kUnknown) {
      budget_->Take(cost_.codes().values() + 1);
      distinct = leaves ? hashes_.DistinctWithout(field, &scratch_, kMostDistinct)
                        : hashes_.DistinctWith(field, &scratch_, kMostDistinct);
      // Where counting stopped depends on the order of the values.
      distinct = std::min(distinct, kMostDistinct + 1);
    }
    if (leaves && fields_.size() == 1) return {};
    Change(field, leaves);
    const Price price = PriceOf(distinct);
    Change(field, !leaves);
    return price;
  }

  // REQUIRES: the group is empty.
  void Fill(const std::vector<size_t>& fields) {
    for (const size_t field : fields) {
      hashes_.Include(field);
      Change(field, false);
    }
    fields_ = fields;
    price_ = PriceOf(std::min(hashes_.Distinct(&scratch_, kMostDistinct), kMostDistinct + 1));
  }

  void Toggle(size_t field) {
    price_ = Toggled(field);
    Change(field, has(field));
    budget_->Take(cost_.codes().values() + 1);
    if (has(field)) {
      hashes_.Exclude(field);
      std::erase(fields_, field);
    } else {
      hashes_.Include(field);
      fields_.push_back(field);
    }
    toggled_.clear();
  }

 private:
  static constexpr uint64_t kUnknown = UINT64_MAX;

  void Change(size_t field, bool leaves) {
    if (leaves) {
      size_.Remove(cost_.form(field));
    } else {
      size_.Add(cost_.form(field));
    }
  }

  Price PriceOf(uint64_t distinct) const {
    const std::optional<double> bytes = cost_.GroupBytes(distinct, size_.Bytes());
    if (!bytes.has_value()) return {kImpossible, kMaxIndexBits, distinct};
    return {*bytes, *SmallestIndexBits(distinct), distinct};
  }

  const SplitCost& cost_;
  Budget* const budget_;
  std::vector<size_t> fields_;
  RowHashes hashes_;
  RowHashes::Scratch scratch_;
  CStructSize size_;
  Price price_;
  std::vector<uint64_t> toggled_;  // distinct values; empty: none known
};

// A split under change.
class Searcher {
 public:
  Searcher(const SplitCost& cost, const std::vector<size_t>& fields,
           const std::vector<size_t>& always_private, Budget* budget)
      : cost_(cost), fields_(fields), always_private_(always_private), budget_(budget) {
    for (const size_t field : always_private) private_size_.Add(cost.form(field));
    for (const size_t field : fields) private_size_.Add(cost.form(field));
    private_ = fields;
  }

  double total() const { return Total(); }

  // Whether padding and unused bits of words are free. Then small changes show before they add up
  // to a whole word.
  void set_smooth(bool smooth) { smooth_ = smooth; }

  void ShareAll() {
    NewGroup().Fill(fields_);
    for (const size_t field : fields_) private_size_.Remove(cost_.form(field));
    private_.clear();
  }

  // Makes small changes until none helps.
  void Improve() {
    while (!budget_->exhausted()) {
      if (MoveFields()) continue;
      if (DissolveGroups()) continue;
      if (MergeGroups()) continue;
      if (SplitGroups()) continue;
      if (Grow(nullptr)) continue;
      if (!GrowFromEachField()) break;
    }
  }

  PricedSplit Result() const {
    PricedSplit result;
    for (const std::unique_ptr<Group>& group : groups_) {
      result.split.shared.push_back(group->fields());
    }
    result.split.private_fields = always_private_;
    result.split.private_fields.insert(result.split.private_fields.end(), private_.begin(),
                                       private_.end());
    result.split.Normalize();
    result.bytes = Total();
    return result;
  }

 private:
  using Price = Group::Price;

  // The total with other prices for two groups.
  struct Instead {
    const Group* group = nullptr;
    Price price = {};
  };
  double Total(const Instead& a, const Instead& b) const {
    auto total = smooth_ ? static_cast<double>(private_size_.MemberBits()) / 8
                         : static_cast<double>(private_size_.Bytes());
    std::vector<int> widths;
    const auto add = [&](const Price& price) {
      if (price.width == 0) return;  // an empty group
      total += price.bytes;
      widths.push_back(price.width);
    };
    for (const std::unique_ptr<Group>& group : groups_) {
      add(group.get() == a.group ? a.price : group.get() == b.group ? b.price : group->price());
    }
    if (smooth_) return total + std::accumulate(widths.begin(), widths.end(), 0) / 8.0;
    return total + static_cast<double>(IndexWordBytes(std::move(widths)));
  }

  double Total(const Instead& a) const { return Total(a, Instead()); }
  double Total() const { return Total(Instead(), Instead()); }

  Group& NewGroup() {
    groups_.push_back(std::make_unique<Group>(cost_, budget_));
    return *groups_.back();
  }

  void DropEmptyGroups() {
    std::erase_if(groups_,
                  [](const std::unique_ptr<Group>& group) { return group->fields().empty(); });
  }

  Group* GroupOf(size_t field) const {
    for (const std::unique_ptr<Group>& group : groups_) {
      if (group->has(field)) return group.get();
    }
    return nullptr;
  }

  // Removes the field from its place.
  void Detach(size_t field) {
    if (Group* const group = GroupOf(field)) {
      group->Toggle(field);
    } else {
      std::erase(private_, field);
      private_size_.Remove(cost_.form(field));
    }
  }

  void MoveToGroup(size_t field, Group* group) {
    Detach(field);
    group->Toggle(field);
  }

  void MoveToPrivate(size_t field) {
    Detach(field);
    private_.push_back(field);
    private_size_.Add(cost_.form(field));
  }

  // Moves each field to where it is cheapest. True if that helped.
  bool MoveFields() {
    bool moved = false;
    for (const size_t field : fields_) {
      if (budget_->exhausted()) break;
      moved |= MoveField(field);
    }
    return moved;
  }

  bool MoveField(size_t field) {
    double best = Total() - kCostEpsilon;
    Group* const from = GroupOf(field);
    const Instead left = from == nullptr ? Instead{} : Instead{from, from->Toggled(field)};
    bool found = false;
    Group* to = nullptr;
    if (from != nullptr) {
      private_size_.Add(cost_.form(field));
      const double total = Total(left);
      private_size_.Remove(cost_.form(field));
      if (total < best) {
        best = total;
        found = true;
      }
    } else {
      private_size_.Remove(cost_.form(field));
    }
    for (const std::unique_ptr<Group>& group : groups_) {
      if (group.get() == from) continue;
      const double total = Total(left, {group.get(), group->Toggled(field)});
      if (total >= best) continue;
      best = total;
      found = true;
      to = group.get();
    }
    if (from == nullptr) private_size_.Add(cost_.form(field));
    if (!found) return false;
    if (to == nullptr) {
      MoveToPrivate(field);
    } else {
      MoveToGroup(field, to);
    }
    DropEmptyGroups();
    return true;
  }

  bool DissolveGroups() {
    for (const std::unique_ptr<Group>& group : groups_) {
      const std::vector<size_t> fields = group->fields();
      for (const size_t field : fields) private_size_.Add(cost_.form(field));
      const double total = Total({group.get(), Price{}});
      for (const size_t field : fields) private_size_.Remove(cost_.form(field));
      if (total >= Total() - kCostEpsilon) continue;
      for (const size_t field : fields) MoveToPrivate(field);
      DropEmptyGroups();
      return true;
    }
    return false;
  }

  bool MergeGroups() {
    for (size_t i = 0; i < groups_.size(); ++i) {
      for (size_t j = i + 1; j < groups_.size() && !budget_->exhausted(); ++j) {
        Group both(cost_, budget_);
        for (const size_t field : groups_[i]->fields()) both.Toggle(field);
        for (const size_t field : groups_[j]->fields()) {
          // More fields do not make an impossible group possible.
          if (both.price().bytes < kImpossible) both.Toggle(field);
        }
        const double total = Total({groups_[i].get(), both.price()}, {groups_[j].get(), Price{}});
        if (total >= Total() - kCostEpsilon) continue;
        const std::vector<size_t> fields = groups_[j]->fields();
        for (const size_t field : fields) MoveToGroup(field, groups_[i].get());
        DropEmptyGroups();
        return true;
      }
    }
    return false;
  }

  // Tries new groups from every first field, not only from the best one.
  bool GrowFromEachField() {
    if (fields_.size() > kMaxStartingFields) return false;
    for (const size_t first : fields_) {
      if (budget_->exhausted()) return false;
      if (Grow(GroupOf(first), first)) return true;
    }
    return false;
  }

  bool SplitGroups() {
    for (size_t i = 0; i < groups_.size() && !budget_->exhausted(); ++i) {
      if (Grow(groups_[i].get())) return true;
    }
    return false;
  }

  // Moves fields of `from`, nullptr for the private ones, to a new group, one after the other, and
  // keeps the cheapest state on the way. True if that is cheaper than before. The first to move is
  // `first` if given.
  bool Grow(Group* from, std::optional<size_t> first = std::nullopt) {
    std::vector<size_t> pool = from == nullptr ? private_ : from->fields();
    if (pool.empty()) return false;
    std::sort(pool.begin(), pool.end());
    std::stable_sort(pool.begin(), pool.end(), [this](size_t a, size_t b) {
      return Worth(a, 1, Codes(a)) > Worth(b, 1, Codes(b));
    });
    const double before = Total();
    double best = before - kCostEpsilon;
    size_t best_moved = 0;
    std::vector<size_t> moved;
    Group& group = NewGroup();
    while (!pool.empty() && !budget_->exhausted()) {
      size_t next = 0;
      if (moved.empty() && first.has_value()) {
        next = static_cast<size_t>(std::find(pool.begin(), pool.end(), *first) - pool.begin());
      } else if (pool.size() <= kMaxChoosingFields) {
        next = BestToJoin(&group, pool);
      }
      const size_t field = pool[next];
      pool.erase(pool.begin() + static_cast<std::ptrdiff_t>(next));
      const Price price = group.Toggled(field);
      // The group alone costs more than everything before, and no field makes it cheaper.
      if (price.bytes >= before) {
        if (field == first) break;
        continue;
      }
      MoveToGroup(field, &group);
      moved.push_back(field);
      const double total = Total();
      if (total < best) {
        best = total;
        best_moved = moved.size();
      }
    }
    for (size_t i = best_moved; i < moved.size(); ++i) {
      if (from != nullptr) {
        MoveToGroup(moved[i], from);
      } else {
        MoveToPrivate(moved[i]);
      }
    }
    DropEmptyGroups();
    return best_moved > 0;
  }

  uint64_t Codes(size_t field) const { return cost_.codes().fields[field].distinct(); }

  // The bits of `field` for each bit that it adds to log2 of the number of values.
  double Worth(size_t field, uint64_t distinct, uint64_t distinct_with) const {
    const double bits =
        std::log2(static_cast<double>(distinct_with) / static_cast<double>(distinct));
    return static_cast<double>(cost_.form(field).size_bits) / (bits + kFreeBits);
  }

  size_t BestToJoin(Group* group, const std::vector<size_t>& pool) {
    size_t best = 0;
    double most = -1;
    for (size_t i = 0; i < pool.size(); ++i) {
      const double worth =
          Worth(pool[i], group->price().distinct, group->Toggled(pool[i]).distinct);
      if (worth <= most) continue;
      most = worth;
      best = i;
    }
    return best;
  }

  const SplitCost& cost_;
  const std::vector<size_t>& fields_;
  const std::vector<size_t>& always_private_;
  Budget* const budget_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<size_t> private_;  // of fields_
  CStructSize private_size_;     // always_private_ with them
  bool smooth_ = false;
};

}  // namespace

PricedSplit SearchGreedily(const SplitCost& cost, const std::vector<size_t>& fields,
                           const std::vector<size_t>& always_private, uint64_t max_rows) {
  PricedSplit best = Searcher(cost, fields, always_private, nullptr).Result();  // all private
  if (fields.empty()) return best;
  for (const bool smooth : {false, true}) {
    for (const bool all_shared : {false, true}) {
      Budget budget(max_rows / 4);
      Searcher searcher(cost, fields, always_private, &budget);
      if (all_shared) searcher.ShareAll();
      if (searcher.total() == kImpossible) continue;
      searcher.set_smooth(smooth);
      searcher.Improve();
      searcher.set_smooth(false);
      if (smooth) searcher.Improve();
      if (searcher.total() < best.bytes - kCostEpsilon) best = searcher.Result();
    }
  }
  return best;
}

}  // namespace inlay::analysis
