// RowPartition: classes of values that agree in some fields. Each further field divides the
// classes.

#ifndef INLAY_TOOLS_ANALYSIS_SPLIT_ROW_PARTITION_H_
#define INLAY_TOOLS_ANALYSIS_SPLIT_ROW_PARTITION_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/analysis/fields/field_codes.h"

namespace inlay::analysis {

struct RowPartition {
  std::vector<uint32_t> class_of;  // of each value: 0 .. classes - 1, in the order of appearance
  uint64_t classes = 0;

  // All `rows` values in one class.
  static RowPartition Whole(size_t rows) {
    return {std::vector<uint32_t>(rows), rows == 0 ? 0U : 1U};
  }
};

// Divides partitions; keeps its memory from one to the next. Not thread-safe.
class PartitionRefiner {
 public:
  // Stores in *refined the classes of `partition`, divided by `field`, and returns true. When there
  // are more than `limit` classes, returns false, and *refined is unspecified. REQUIRES: `refined`
  // is not `partition`.
  bool Refine(const RowPartition& partition, const CodedField& field, uint64_t limit,
              RowPartition* refined);

 private:
  struct Slot {
    uint64_t key = 0;
    uint32_t round = 0;  // that wrote the slot; slots of other rounds are empty
    uint32_t id = 0;
  };

  template <typename FindSlot>
  bool Number(const RowPartition& partition, const CodedField& field, uint64_t limit,
              RowPartition* refined, FindSlot find_slot);

  std::vector<Slot> slots_;
  uint32_t round_ = 0;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_SPLIT_ROW_PARTITION_H_
