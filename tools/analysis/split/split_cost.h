// The cost of a split: some fields stay private to each socket; the others form shared groups, each
// a struct of its own whose distinct values a table stores once. Unit: bytes per socket.
// docs/analyze.md has the formulas.

#ifndef INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_COST_H_
#define INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_COST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "tools/analysis/fields/field_codes.h"
#include "tools/analysis/split/binary_form.h"
#include "tools/analysis/split/c_struct.h"

namespace inlay::analysis {

inline constexpr double kDefaultWriteCost = 0.5;
// The cost of a value that is new to the table, in writes of a known value: the more records bring
// new values, the less a group is worth sharing. With the default write cost a group whose values
// all differ pays 256 bytes a socket, two thirds of what the pointer layout takes for a value of
// 100 bytes.
inline constexpr double kNewValueWrites = 512;
// Differences below this are rounding.
inline constexpr double kCostEpsilon = 1e-9;
// No split with a shared group reserves less.
inline constexpr double kLeastIndexBytes = 2;

// Fields by number. Each is in at most one place.
struct Split {
  std::vector<std::vector<size_t>> shared;  // the groups
  std::vector<size_t> private_fields;

  // Ascending fields, groups by their first field; equal splits look equal.
  void Normalize();
  bool operator==(const Split&) const = default;
};

// Bytes that an owner reserves for codes of these widths, packed as the library packs them: 2 or 4
// if they fit, otherwise words of 8 that no code straddles, filled first fit by falling width. 0
// for none.
uint64_t IndexWordBytes(std::vector<int> widths);

// Not thread-safe unless only const functions run.
class SplitCost {
 public:
  // `forms` are those of the fields of `codes`; both must outlive it. REQUIRES: codes.records > 0.
  SplitCost(const FieldCodes& codes, const std::vector<BinaryForm>& forms, double write_cost)
      : codes_(codes), forms_(forms), write_cost_(write_cost) {}

  // The same with other values of the same fields and as many records.
  SplitCost With(const FieldCodes& codes) const { return {codes, forms_, write_cost_}; }

  const FieldCodes& codes() const { return codes_; }
  const BinaryForm& form(size_t field) const { return forms_[field]; }
  double write_cost() const { return write_cost_; }
  double sockets() const { return static_cast<double>(codes_.records); }

  // The cost of the table of a group and of its writes, without the bits of the index. Nothing if
  // no index is wide enough for `distinct` values.
  std::optional<double> GroupBytes(uint64_t distinct, uint64_t struct_bytes) const;

  // sizeof() of a struct of `fields`.
  uint64_t StructBytes(const std::vector<size_t>& fields) const;

  // The number of distinct values of `fields`.
  uint64_t Distinct(const std::vector<size_t>& fields) const;

  // The cost of all of `split`; nothing if one of its groups cannot be shared.
  std::optional<double> Total(const Split& split) const;

 private:
  const FieldCodes& codes_;
  const std::vector<BinaryForm>& forms_;
  const double write_cost_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_COST_H_
