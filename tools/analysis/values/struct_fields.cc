#include "tools/analysis/values/struct_fields.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace inlay::analysis {
namespace {

ValueField Padding(uint64_t begin, uint64_t end) {
  ValueField padding;
  padding.kind = FieldKind::kPadding;
  padding.offset_bits = begin;
  padding.size_bits = end - begin;
  if (padding.is_bitfield()) {
    padding.name =
        absl::StrCat("padding ", begin / 8, end - begin == 1 ? " bit " : " bits ", begin % 8,
                     end - begin == 1 ? "" : absl::StrCat("-", (end - 1) % 8));
  } else {
    padding.name = ByteRangeName("padding", "padding", begin / 8, end / 8 - 1);
  }
  return padding;
}

// Adds the bits [begin, end) as padding: the rest of a byte, whole bytes, and the first bits of one
// more.
void AddGap(uint64_t begin, uint64_t end, std::vector<ValueField>* fields) {
  const uint64_t first_byte = std::min(end, (begin + 7) / 8 * 8);
  const uint64_t last_byte = std::max(first_byte, end / 8 * 8);
  if (begin < first_byte) fields->push_back(Padding(begin, first_byte));
  if (first_byte < last_byte) fields->push_back(Padding(first_byte, last_byte));
  if (last_byte < end) fields->push_back(Padding(last_byte, end));
}

}  // namespace

void AddPadding(StructFields* fields) {
  std::vector<ValueField> all;
  uint64_t end = 0;
  for (ValueField& field : fields->fields) {
    AddGap(end, *field.offset_bits, &all);
    end = *field.offset_bits + field.size_bits;
    all.push_back(std::move(field));
  }
  AddGap(end, 8 * fields->value_bytes, &all);
  fields->fields = std::move(all);
}

std::string ByteRangeName(std::string_view one, std::string_view several, uint64_t first,
                          uint64_t last) {
  std::string name(first == last ? one : several);
  absl::StrAppend(&name, " ", first);
  if (first != last) absl::StrAppend(&name, "-", last);
  return name;
}

}  // namespace inlay::analysis
