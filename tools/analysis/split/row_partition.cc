#include "tools/analysis/split/row_partition.h"

#include <algorithm>
#include <bit>

namespace inlay::analysis {
namespace {

// Up to this many pairs of class and code have a slot each, without hashing: 1 MiB of slots.
constexpr uint64_t kMaxDirectSlots = uint64_t{1} << 16;

}  // namespace

template <typename FindSlot>
bool PartitionRefiner::Number(const RowPartition& partition, const CodedField& field,
                              uint64_t limit, RowPartition* refined, FindSlot find_slot) {
  uint32_t classes = 0;
  for (size_t row = 0; row < partition.class_of.size(); ++row) {
    Slot& slot = find_slot(partition.class_of[row], field.codes[row]);
    if (slot.round != round_) {
      if (classes == limit) return false;
      slot.round = round_;
      slot.id = classes++;
    }
    refined->class_of[row] = slot.id;
  }
  refined->classes = classes;
  return true;
}

bool PartitionRefiner::Refine(const RowPartition& partition, const CodedField& field,
                              uint64_t limit, RowPartition* refined) {
  const size_t rows = partition.class_of.size();
  refined->class_of.resize(rows);
  if (++round_ == 0) {
    slots_.clear();
    round_ = 1;
  }
  const uint64_t codes = field.distinct();
  if (partition.classes <= kMaxDirectSlots / std::max<uint64_t>(codes, 1)) {
    if (slots_.size() < partition.classes * codes) slots_.resize(partition.classes * codes);
    return Number(partition, field, limit, refined, [&](uint32_t class_of, uint32_t code) -> Slot& {
      return slots_[class_of * codes + code];
    });
  }
  const size_t wanted = std::bit_ceil(2 * std::min<uint64_t>(rows, limit) + 2);
  if (slots_.size() < wanted) slots_.resize(wanted);
  const size_t mask = wanted - 1;
  return Number(partition, field, limit, refined, [&](uint32_t class_of, uint32_t code) -> Slot& {
    const uint64_t key = uint64_t{class_of} << 32 | code;
    size_t at = (key * 0x9e37'79b9'7f4a'7c15) >> 20 & mask;
    while (slots_[at].round == round_ && slots_[at].key != key) at = (at + 1) & mask;
    slots_[at].key = key;
    return slots_[at];
  });
}

}  // namespace inlay::analysis
