// ValueField: one field of a value: a column of text, or some bits of a raw record.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_VALUE_FIELD_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_VALUE_FIELD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace inlay::analysis {

enum class FieldKind : uint8_t {
  kText,      // a column, or an array of char that holds a string
  kUnsigned,  // a number, little-endian as in the kernel's memory
  kSigned,
  kBool,
  kFloat,
  kEnum,
  kBytes,    // of unknown meaning
  kPadding,  // bytes of no member; their content has no meaning
};

// The name in reports and files: "unsigned".
inline std::string_view FieldKindName(FieldKind kind) {
  switch (kind) {
    case FieldKind::kText:
      return "text";
    case FieldKind::kUnsigned:
      return "unsigned";
    case FieldKind::kSigned:
      return "signed";
    case FieldKind::kBool:
      return "bool";
    case FieldKind::kFloat:
      return "float";
    case FieldKind::kEnum:
      return "enum";
    case FieldKind::kBytes:
      return "bytes";
    case FieldKind::kPadding:
      return "padding";
  }
  return "bytes";
}

struct ValueField {
  std::string name = {};  // "mss", "in.port", "hist[2]", "bytes 4-7"
  FieldKind kind = FieldKind::kBytes;
  // Raw records only: the place in the value; bit 0 is the lowest of byte 0.
  std::optional<uint64_t> offset_bits = {};
  uint64_t size_bits = 0;
  std::string type_name = {};  // the C type, "__u16" or "char[16]"; empty: unknown
  std::shared_ptr<const std::map<int64_t, std::string>> enum_names = {};  // kEnum
  bool big_endian = false;  // a number in network byte order; never a bit-field

  bool is_bitfield() const { return (offset_bits.value_or(0) | size_bits) % 8 != 0; }
  uint64_t size_bytes() const { return (size_bits + 7) / 8; }
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_VALUE_FIELD_H_
