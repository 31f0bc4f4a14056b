#include "tools/analysis/split/binary_form.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

#include "tools/analysis/grammar/delimited_row.h"

namespace inlay::analysis {
namespace {

// The types that a printed struct may use, with their sizes; the alignment is the same.
const std::map<std::string_view, uint32_t>& KnownTypes() {
  static const auto* const types =
      new std::map<std::string_view, uint32_t>{{"__u8", 1},
                                               {"__s8", 1},
                                               {"char", 1},
                                               {"signed char", 1},
                                               {"_Bool", 1},
                                               {"__u16", 2},
                                               {"__s16", 2},
                                               {"__be16", 2},
                                               {"__le16", 2},
                                               {"short", 2},
                                               {"short int", 2},
                                               {"unsigned short", 2},
                                               {"__u32", 4},
                                               {"__s32", 4},
                                               {"__be32", 4},
                                               {"__le32", 4},
                                               {"int", 4},
                                               {"unsigned int", 4},
                                               {"float", 4},
                                               {"__u64", 8},
                                               {"__s64", 8},
                                               {"__be64", 8},
                                               {"__le64", 8},
                                               {"double", 8},
                                               {"long", 8},
                                               {"unsigned long", 8},
                                               {"unsigned char", 1},
                                               {"long long", 8},
                                               {"unsigned long long", 8}};
  return *types;
}

std::string IntegerType(uint64_t bytes, bool is_signed) {
  return (is_signed ? "__s" : "__u") + std::to_string(8 * bytes);
}

// `type_name` as a known type with an array's length, if it is one and of that size.
std::optional<BinaryForm> FormOfType(std::string_view type_name, uint64_t size_bits) {
  const size_t bracket = type_name.find('[');
  std::string_view base = type_name.substr(0, bracket);
  while (base.ends_with(' ')) base.remove_suffix(1);
  const auto known = KnownTypes().find(base);
  if (known == KnownTypes().end()) return std::nullopt;
  uint64_t elements = 1;
  std::string_view suffix;
  if (bracket != std::string_view::npos) {
    suffix = type_name.substr(bracket);
    const char* const end = suffix.data() + suffix.size();
    const auto [after, error] = std::from_chars(suffix.data() + 1, end, elements);
    if (error != std::errc() || after + 1 != end || *after != ']') return std::nullopt;
  }
  if (size_bits % 8 != 0 || size_bits / 8 % known->second != 0 ||
      elements != size_bits / 8 / known->second) {
    return std::nullopt;
  }
  return BinaryForm{.size_bits = size_bits,
                    .alignment = known->second,
                    .type = std::string(base),
                    .suffix = std::string(suffix)};
}

BinaryForm FormOfBitfield(const ValueField& field) {
  const uint64_t unit_bytes = std::bit_ceil(field.size_bytes());
  return {.size_bits = field.size_bits,
          .alignment = static_cast<uint32_t>(unit_bytes),
          .is_bitfield = true,
          .type = IntegerType(unit_bytes, field.kind == FieldKind::kSigned),
          .suffix = ":" + std::to_string(field.size_bits),
          .remark = field.kind == FieldKind::kEnum ? field.type_name : ""};
}

// All texts of a column seen so far.
class TextRange {
 public:
  void Add(std::string_view text) {
    longest_ = std::max(longest_, text.size());
    if (!numbers_) return;
    const char* const end = text.data() + text.size();
    if (text.starts_with('-')) {
      int64_t number = 0;
      const auto [after, error] = std::from_chars(text.data(), end, number);
      // "-0" and leading zeros would not survive a round trip.
      numbers_ = error == std::errc() && after == end && text.size() > 1 && text[1] != '0';
      smallest_ = std::min(smallest_, number);
    } else {
      uint64_t number = 0;
      const auto [after, error] = std::from_chars(text.data(), end, number);
      numbers_ = error == std::errc() && after == end && (text.size() == 1 || text[0] != '0');
      largest_ = std::max(largest_, number);
    }
  }

  BinaryForm Form() const {
    for (const uint64_t bytes : {1U, 2U, 4U, 8U}) {
      if (!numbers_ || longest_ == 0) break;
      const bool is_signed = smallest_ < 0;
      const uint64_t most =
          std::numeric_limits<uint64_t>::max() >> (64 - 8 * bytes + (is_signed ? 1 : 0));
      const auto half =
          static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) >> (64 - 8 * bytes);
      if (largest_ > most || (is_signed && smallest_ < -static_cast<int64_t>(half) - 1)) continue;
      return {.size_bits = 8 * bytes,
              .alignment = static_cast<uint32_t>(bytes),
              .type = IntegerType(bytes, is_signed)};
    }
    const uint64_t length = std::max<uint64_t>(longest_, 1);
    return {.size_bits = 8 * length,
            .type = "char",
            .suffix = length == 1 ? "" : "[" + std::to_string(length) + "]"};
  }

 private:
  bool numbers_ = true;  // until a text is not a number
  int64_t smallest_ = 0;
  uint64_t largest_ = 0;
  size_t longest_ = 0;
};

}  // namespace

BinaryForm FormOfBytes(const ValueField& field) {
  if (field.is_bitfield()) return FormOfBitfield(field);
  if (std::optional<BinaryForm> known = FormOfType(field.type_name, field.size_bits)) {
    return *std::move(known);
  }
  const uint64_t bytes = field.size_bytes();
  BinaryForm form{.size_bits = field.size_bits, .remark = field.type_name};
  const bool is_number = field.kind != FieldKind::kBytes && field.kind != FieldKind::kText &&
                         field.kind != FieldKind::kPadding && bytes <= 8 &&
                         std::has_single_bit(bytes);
  if (is_number) {
    form.alignment = static_cast<uint32_t>(bytes);
    form.type = IntegerType(bytes, field.kind == FieldKind::kSigned);
    if (field.kind == FieldKind::kBool && bytes == 1) form.type = "_Bool";
    if (field.kind == FieldKind::kFloat && bytes >= 4) form.type = bytes == 4 ? "float" : "double";
    return form;
  }
  form.type = field.kind == FieldKind::kText ? "char" : "__u8";
  if (bytes != 1) form.suffix = "[" + std::to_string(bytes) + "]";
  return form;
}

BinaryForm FormOfTexts(const std::vector<std::string>& texts) {
  TextRange range;
  for (const std::string& text : texts) range.Add(text);
  return range.Form();
}

std::vector<BinaryForm> BinaryForms(const RecordSchema& schema, const CountedValues& values,
                                    const FieldCodes& codes) {
  std::vector<BinaryForm> forms;
  if (schema.kind == RecordSchema::Kind::kRaw) {
    for (const CodedField& coded : codes.fields) forms.push_back(FormOfBytes(coded.field));
    return forms;
  }
  std::vector<TextRange> ranges(codes.fields.size());
  std::vector<std::vector<bool>> seen;  // by field and code
  for (const CodedField& coded : codes.fields) seen.emplace_back(coded.distinct());
  std::vector<RawCell> cells;
  std::string text;
  for (size_t row = 0; row < codes.values(); ++row) {
    bool split = false;
    for (size_t i = 0; i < ranges.size(); ++i) {
      // Each text once: where its code appears first.
      const uint32_t code = codes.fields[i].codes[row];
      if (seen[i][code]) continue;
      seen[i][code] = true;
      const std::string_view canonical(reinterpret_cast<const char*>(values[row].data),
                                       values[row].length);
      if (!split) (void)SplitRow(canonical, schema.dialect, &cells);  // canonical rows always split
      split = true;
      text.clear();
      AppendCellText(canonical.substr(cells[i].begin, cells[i].end - cells[i].begin),
                     schema.dialect, &text);
      ranges[i].Add(text);
    }
  }
  for (const TextRange& range : ranges) forms.push_back(range.Form());
  return forms;
}

}  // namespace inlay::analysis
