#include "tools/analysis/split/split_exact.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <limits>
#include <utility>

#include "tools/analysis/bytes/in_parallel.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/split/row_partition.h"

namespace inlay::analysis {
namespace {

// The number of the lowest bit. REQUIRES: there is one.
size_t LowestField(uint32_t fields) { return static_cast<size_t>(std::countr_zero(fields)); }

using Mask = uint32_t;
using Prices = std::array<double, kMaxExactFields>;

struct PricedGroup {
  Mask fields = 0;
  int width = 0;     // of its index
  double bytes = 0;  // per socket, without the index
};

// Step 1: the groups that could be part of a cheaper split.
class Enumeration {
 public:
  Enumeration(const SplitCost& cost, const std::vector<size_t>& fields, double known,
              uint64_t max_rows)
      : cost_(cost), fields_(fields), known_(known), max_rows_(max_rows) {}

  // False if the limit is reached.
  bool Run(size_t threads) {
    // Groups of one field first; then one task for each pair of first fields.
    const RowPartition whole = RowPartition::Whole(cost_.codes().values());
    std::vector<RowPartition> single(fields_.size());
    std::vector<bool> possible(fields_.size());
    PartitionRefiner refiner;
    for (size_t i = 0; i < fields_.size(); ++i) {
      CStructSize size;
      possible[i] = TryGroup(whole, i, 0, &size, &refiner, &single[i], &groups_);
    }
    std::vector<std::pair<size_t, size_t>> pairs;
    for (size_t i = 0; i < fields_.size(); ++i) {
      for (size_t j = i + 1; j < fields_.size(); ++j) {
        if (possible[i] && possible[j]) pairs.emplace_back(i, j);
      }
    }
    std::vector<std::vector<PricedGroup>> found(pairs.size());
    std::atomic<size_t> next{0};
    InParallel(std::clamp<size_t>(threads, 1, pairs.size() + 1), [&](size_t) {
      Worker worker;
      for (size_t task; (task = next.fetch_add(1)) < pairs.size();) {
        const auto [first, second] = pairs[task];
        CStructSize size;
        size.Add(cost_.form(fields_[first]));
        Extend(single[first], second, Mask{1} << first, &size, 0, &worker, &found[task]);
      }
    });
    for (const std::vector<PricedGroup>& more : found) {
      groups_.insert(groups_.end(), more.begin(), more.end());
    }
    return rows_.load() <= max_rows_;
  }

  std::vector<PricedGroup> TakeGroups() { return std::move(groups_); }

 private:
  struct Worker {
    PartitionRefiner refiner;
    std::vector<RowPartition> stack = std::vector<RowPartition>(kMaxExactFields);
  };

  // Adds field `next` to the group `with`, keeps it if it is possible, and goes on with the fields
  // after it.
  void Extend(const RowPartition& partition, size_t next, Mask with, CStructSize* size,
              size_t depth, Worker* worker, std::vector<PricedGroup>* found) {
    RowPartition& refined = worker->stack[depth];
    const bool possible = TryGroup(partition, next, with, size, &worker->refiner, &refined, found);
    if (!possible) return;
    size->Add(cost_.form(fields_[next]));
    for (size_t after = next + 1; after < fields_.size(); ++after) {
      Extend(refined, after, with | Mask{1} << next, size, depth + 1, worker, found);
    }
    size->Remove(cost_.form(fields_[next]));
  }

  bool TryGroup(const RowPartition& partition, size_t field, Mask with, CStructSize* size,
                PartitionRefiner* refiner, RowPartition* refined, std::vector<PricedGroup>* found) {
    if (rows_.load(std::memory_order_relaxed) > max_rows_) return false;
    // Charges all rows, although counting may stop early: the place depends on the order of the
    // values.
    rows_.fetch_add(partition.class_of.size() + 1, std::memory_order_relaxed);
    size->Add(cost_.form(fields_[field]));
    const uint64_t struct_bytes = size->Bytes();
    size->Remove(cost_.form(fields_[field]));
    if (!refiner->Refine(partition, cost_.codes().fields[fields_[field]],
                         MostDistinct(struct_bytes), refined)) {
      return false;
    }
    const std::optional<double> bytes = cost_.GroupBytes(refined->classes, struct_bytes);
    if (!bytes.has_value() || *bytes + kLeastIndexBytes >= known_ - kCostEpsilon) return false;
    found->push_back({with | Mask{1} << field, *SmallestIndexBits(refined->classes), *bytes});
    return true;
  }

  // With more values, the table alone costs more than the known split.
  uint64_t MostDistinct(uint64_t struct_bytes) const {
    const double values = known_ * cost_.sockets() / static_cast<double>(struct_bytes);
    return std::min<uint64_t>(IndexCapacity(kMaxIndexBits), static_cast<uint64_t>(values) + 1);
  }

  const SplitCost& cost_;
  const std::vector<size_t>& fields_;
  const double known_;
  const uint64_t max_rows_;
  std::vector<PricedGroup> groups_;
  std::atomic<uint64_t> rows_{0};
};

double Sum(const Prices& prices, Mask fields) {
  double sum = 0;
  for (; fields != 0; fields &= fields - 1) sum += prices[LowestField(fields)];
  return sum;
}

// Step 2, for splits whose indexes take at most `index_bytes`.
class Branching {
 public:
  Branching(const SplitCost& cost, const std::vector<size_t>& fields,
            const std::vector<size_t>& always_private, const std::vector<PricedGroup>& groups)
      : cost_(cost), fields_(fields), groups_(groups) {
    for (const size_t field : always_private) {
      private_size_.Add(cost.form(field));
      always_private_bytes_ += static_cast<double>(cost.form(field).size_bits) / 8;
    }
    for (size_t i = 0; i < fields.size(); ++i) {
      alone_[i] = static_cast<double>(cost.form(fields[i]).size_bits) / 8;
    }
    for (const double bit_price : {0.0, 1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2}) {
      offers_.push_back({bit_price, FieldPrices(bit_price)});
    }
  }

  // Looks for a split cheaper than *known, and stores its cost there and its groups in *best. False
  // if *steps run out.
  bool Run(uint64_t index_bytes, double* known, std::optional<std::vector<PricedGroup>>* best,
           uint64_t* steps) {
    index_bytes_ = static_cast<double>(index_bytes);
    known_ = known;
    best_ = best;
    steps_ = steps;
    const Mask all = (Mask{1} << fields_.size()) - 1;
    double bound = -std::numeric_limits<double>::infinity();
    for (const Offer& offer : offers_) {
      const double sum = index_bytes_ - 8 * index_bytes_ * offer.bit_price + Sum(offer.prices, all);
      if (sum <= bound) continue;
      bound = sum;
      prices_ = offer.prices;
      bit_price_ = offer.bit_price;
    }
    bound += always_private_bytes_;
    if (bound >= *known_ - kCostEpsilon) return true;
    for (std::vector<Choice>& choices : choices_) choices.clear();
    for (const PricedGroup& group : groups_) {
      const double extra = group.bytes + bit_price_ * group.width - Sum(prices_, group.fields);
      if (bound + extra < *known_ - kCostEpsilon) {
        choices_[LowestField(group.fields)].push_back({&group, extra});
      }
    }
    for (std::vector<Choice>& choices : choices_) {
      std::sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
        return a.extra != b.extra ? a.extra < b.extra : a.group->fields < b.group->fields;
      });
    }
    return Place(all, bound, 0);
  }

 private:
  struct Choice {
    const PricedGroup* group;
    double extra;  // its cost above the prices of its fields
  };
  struct Offer {
    double bit_price;
    Prices prices;
  };

  // Prices of fields whose sum no group exceeds, with `bit_price` for each bit of its index, and no
  // private field exceeds alone.
  Prices FieldPrices(double bit_price) const {
    Prices prices = alone_;
    for (const PricedGroup& group : groups_) {
      const double share =
          std::min(1.0, (group.bytes + bit_price * group.width) / Sum(alone_, group.fields));
      for (Mask rest = group.fields; rest != 0; rest &= rest - 1) {
        const size_t field = LowestField(rest);
        prices[field] = std::min(prices[field], alone_[field] * share);
      }
    }
    // Raises each price by the slack that the groups of the field leave.
    for (size_t field = 0; field < fields_.size(); ++field) {
      double slack = alone_[field] - prices[field];
      for (const PricedGroup& group : groups_) {
        if ((group.fields >> field & 1) == 0) continue;
        slack = std::min(slack, group.bytes + bit_price * group.width - Sum(prices, group.fields));
      }
      prices[field] += std::max(0.0, slack);
    }
    return prices;
  }

  // `rest` have no place yet; nothing below costs less than `bound`.
  bool Place(Mask rest, double bound, int bits) {
    if (rest == 0) {
      Finish();
      return true;
    }
    const size_t field = LowestField(rest);
    const BinaryForm& form = cost_.form(fields_[field]);
    const double extra = alone_[field] - prices_[field];
    if (bound + extra < *known_ - kCostEpsilon) {
      private_size_.Add(form);
      const double sure =
          index_bytes_at_least(bits) + chosen_bytes_ + static_cast<double>(private_size_.Bytes());
      const bool on =
          sure >= *known_ - kCostEpsilon || Place(rest & (rest - 1), bound + extra, bits);
      private_size_.Remove(form);
      if (!on) return false;
    }
    for (const Choice& choice : choices_[field]) {
      if (bound + choice.extra >= *known_ - kCostEpsilon) break;
      if (*steps_ == 0) return false;
      --*steps_;
      const PricedGroup& group = *choice.group;
      if ((group.fields & ~rest) != 0) continue;
      if (bits + group.width > 8 * index_bytes_) continue;
      chosen_.push_back(group);
      chosen_bytes_ += group.bytes;
      const bool on = Place(rest & ~group.fields, bound + choice.extra, bits + group.width);
      chosen_bytes_ -= group.bytes;
      chosen_.pop_back();
      if (!on) return false;
    }
    return true;
  }

  static double index_bytes_at_least(int bits) {
    return bits == 0 ? 0 : bits <= 16 ? 2 : bits <= 32 ? 4 : (bits + 63) / 64 * 8;
  }

  void Finish() {
    std::vector<int> widths;
    double total = static_cast<double>(private_size_.Bytes());
    for (const PricedGroup& group : chosen_) {
      widths.push_back(group.width);
      total += group.bytes;
    }
    total += static_cast<double>(IndexWordBytes(std::move(widths)));
    if (total >= *known_ - kCostEpsilon) return;
    *known_ = total;
    *best_ = chosen_;
  }

  const SplitCost& cost_;
  const std::vector<size_t>& fields_;
  const std::vector<PricedGroup>& groups_;
  double always_private_bytes_ = 0;
  Prices alone_ = {};  // bytes of each field where it is private
  std::vector<Offer> offers_;

  double index_bytes_ = 0;
  double bit_price_ = 0;
  Prices prices_ = {};
  std::array<std::vector<Choice>, kMaxExactFields> choices_;  // by the first field of the group
  double* known_ = nullptr;
  std::optional<std::vector<PricedGroup>>* best_ = nullptr;
  uint64_t* steps_ = nullptr;

  // The split as far as it is decided.
  CStructSize private_size_;
  std::vector<PricedGroup> chosen_;
  double chosen_bytes_ = 0;
};

}  // namespace

ExactOutcome SearchExactly(const SplitCost& cost, const std::vector<size_t>& fields,
                           const std::vector<size_t>& always_private, double known,
                           const ExactLimits& limits, size_t threads) {
  assert(fields.size() <= kMaxExactFields);
  // Fields with many values first: few groups hold them.
  std::vector<size_t> order = fields;
  std::stable_sort(order.begin(), order.end(), [&cost](size_t a, size_t b) {
    return cost.codes().fields[a].distinct() > cost.codes().fields[b].distinct();
  });
  Enumeration enumeration(cost, order, known, limits.rows);
  if (!enumeration.Run(threads)) return {};
  const std::vector<PricedGroup> groups = enumeration.TakeGroups();

  ExactOutcome outcome{.complete = true, .cheaper = {}};
  std::optional<std::vector<PricedGroup>> best;
  Branching branching(cost, order, always_private, groups);
  uint64_t steps = limits.steps;
  const uint64_t most_bits = kMaxIndexBits * fields.size();
  for (uint64_t bytes = 2; outcome.complete; bytes = bytes < 8 ? 2 * bytes : bytes + 8) {
    outcome.complete = branching.Run(bytes, &known, &best, &steps);
    // Straddling wastes less than half of any word.
    if (4 * bytes >= most_bits || static_cast<double>(bytes) >= known) break;
  }
  if (!best.has_value()) return outcome;
  Mask rest = (Mask{1} << order.size()) - 1;
  Split split;
  for (const PricedGroup& group : *best) {
    rest &= ~group.fields;
    std::vector<size_t>& shared = split.shared.emplace_back();
    for (Mask left = group.fields; left != 0; left &= left - 1) {
      shared.push_back(order[LowestField(left)]);
    }
  }
  split.private_fields = always_private;
  for (; rest != 0; rest &= rest - 1) split.private_fields.push_back(order[LowestField(rest)]);
  split.Normalize();
  outcome.cheaper = std::move(split);
  return outcome;
}

}  // namespace inlay::analysis
