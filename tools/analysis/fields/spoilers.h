// Finds the fields that keep values apart: counts the distinct values without each field, and
// without the fields that do most harm together. docs/analyze.md defines the numbers.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_FIELDS_SPOILERS_H_
#define INLAY_TOOLS_ANALYSIS_FIELDS_SPOILERS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/fields/field_codes.h"

namespace inlay::analysis {

inline constexpr size_t kDefaultSpoilerSteps = 10;

struct SpoilerStep {
  size_t field = 0;       // left out in this step, besides those of the steps before
  uint64_t distinct = 0;  // values that are left then
};

struct Spoilers {
  uint64_t distinct = 0;                   // values by all fields
  std::vector<uint64_t> distinct_without;  // of each field: values by all others
  std::vector<SpoilerStep> steps;
  bool exact = true;  // every figure above was counted, and none estimated
};

// Whether leaving out the field can be a step: it varies, and it is not padding.
bool CanSpoil(const CodedField& field);

// Every step removes the field without which the fewest values remain; among equals the one with
// more values of its own, then the first. The search ends when one value remains, when no field can
// spoil, or after `max_steps`. It uses `threads` threads; the result does not depend on them.
// REQUIRES: a value. Throws std::bad_alloc when memory runs out.
Spoilers FindSpoilers(const FieldCodes& codes, size_t max_steps, size_t threads);

// Whether sharing is cheap with all fields: an index for `input` costs at most twice the 2 bytes of
// the index itself, so fewer values would save next to nothing.
bool SharesCheaply(const LayoutInput& input);

// The number of first steps whose fields are the spoilers: the fewest steps that leave at most half
// of the values, and the next ones as long as each halves the rest again; at most half of the
// fields that can spoil. 0 if so many do not halve the values, or if SharesCheaply(input).
size_t JointSpoilers(const FieldCodes& codes, const Spoilers& spoilers, const LayoutInput& input);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_FIELDS_SPOILERS_H_
