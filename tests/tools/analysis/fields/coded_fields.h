// Values as codes, made up for tests.

#ifndef INLAY_TESTS_TOOLS_ANALYSIS_FIELDS_CODED_FIELDS_H_
#define INLAY_TESTS_TOOLS_ANALYSIS_FIELDS_CODED_FIELDS_H_

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tools/analysis/fields/field_codes.h"
#include "tools/analysis/split/binary_form.h"

namespace inlay::analysis {

struct RandomValues {
  FieldCodes codes;
  std::vector<BinaryForm> forms;
};

// Adds a field whose cells have these codes, in any numbering.
inline void AddField(const std::vector<uint32_t>& cells, const std::string& type, uint32_t bytes,
                     RandomValues* values) {
  CodedField& field = values->codes.fields.emplace_back();
  field.field.name = "f" + std::to_string(values->codes.fields.size() - 1);
  std::map<uint32_t, uint32_t> numbers;
  for (size_t row = 0; row < cells.size(); ++row) {
    const auto [number, is_new] =
        numbers.emplace(cells[row], static_cast<uint32_t>(numbers.size()));
    if (is_new) ++field.code_count;
    field.codes.push_back(number->second);
  }
  values->forms.push_back({.size_bits = uint64_t{8} * bytes, .alignment = bytes, .type = type});
}

// `fields` fields of `rows` values, in each of which one to a few hidden causes decide most cells:
// some vary together, some alone, some hardly, some always.
inline RandomValues MakeValues(size_t fields, size_t rows, std::mt19937* random) {
  RandomValues values;
  const auto below = [&](uint32_t limit) { return static_cast<uint32_t>((*random)() % limit); };
  std::vector<std::vector<uint32_t>> causes(1 + below(3));
  for (std::vector<uint32_t>& cause : causes) {
    const uint32_t kinds = 1 + below(1U << below(8));
    for (size_t row = 0; row < rows; ++row) cause.push_back(below(kinds));
  }
  for (size_t i = 0; i < fields; ++i) {
    const std::vector<uint32_t>& cause = causes[below(static_cast<uint32_t>(causes.size()))];
    const uint32_t kinds = 2 + below(1U << below(14));
    const uint32_t noise = below(4) == 0 ? 100 : below(3) == 0 ? 5 : 0;  // percent of the cells
    const uint32_t factor = 1 + below(1000);
    std::vector<uint32_t> cells;
    for (size_t row = 0; row < rows; ++row) {
      cells.push_back(below(100) < noise ? below(kinds) : cause[row] * factor % kinds);
    }
    const uint32_t bytes = 1U << below(4);
    AddField(cells, "__u" + std::to_string(8 * bytes), bytes, &values);
  }
  for (size_t row = 0; row < rows; ++row) {
    values.codes.counts.push_back(1 + (below(4) == 0 ? below(100) : 0));
    values.codes.records += values.codes.counts.back();
  }
  return values;
}

}  // namespace inlay::analysis

#endif  // INLAY_TESTS_TOOLS_ANALYSIS_FIELDS_CODED_FIELDS_H_
