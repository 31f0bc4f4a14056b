#include "tools/analysis/values/field_list.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/analysis/values/record_limits.h"

namespace inlay::analysis {
namespace {

struct Type {
  FieldKind kind = FieldKind::kUnsigned;
  uint64_t bytes = 0;
  bool big_endian = false;
};

std::optional<Type> FindType(std::string_view name) {
  if (name == "char") return Type{FieldKind::kSigned, 1};
  if (name == "bool" || name == "_Bool") return Type{FieldKind::kBool, 1};
  if (name == "float") return Type{FieldKind::kFloat, 4};
  if (name == "double") return Type{FieldKind::kFloat, 8};
  if (name == "bytes") return Type{FieldKind::kBytes, 1};
  if (name == "pad") return Type{FieldKind::kPadding, 1};
  // The rest is u32, s32, __u32, uint32_t, int32_t, be32 or __be32.
  if (name.starts_with("__")) name.remove_prefix(2);
  Type type;
  if (name.starts_with("uint") && name.ends_with("_t")) {
    name = name.substr(4, name.size() - 6);
  } else if (name.starts_with("int") && name.ends_with("_t")) {
    type.kind = FieldKind::kSigned;
    name = name.substr(3, name.size() - 5);
  } else if (name.starts_with("be")) {
    type.big_endian = true;
    name.remove_prefix(2);
  } else if (name.starts_with("s")) {
    type.kind = FieldKind::kSigned;
    name.remove_prefix(1);
  } else if (name.starts_with("u")) {
    name.remove_prefix(1);
  } else {
    return std::nullopt;
  }
  if (name == "8" && !type.big_endian) type.bytes = 1;
  if (name == "16") type.bytes = 2;
  if (name == "32") type.bytes = 4;
  if (name == "64") type.bytes = 8;
  if (type.bytes == 0) return std::nullopt;
  return type;
}

bool IsName(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  };
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
         std::all_of(text.begin(), text.end(), allowed);
}

// A number from 1 to kMaxRecordBytes.
std::optional<uint64_t> ParseCount(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number == 0 || number > kMaxRecordBytes) return std::nullopt;
  return number;
}

absl::Status Error(const std::string& message) { return absl::InvalidArgumentError(message); }

// "name:type[count]:bits" taken apart.
struct Item {
  std::string_view name;
  std::string_view type_text;  // with its count
  Type type;
  std::optional<uint64_t> count;
  std::optional<uint64_t> bits;
};

absl::StatusOr<Item> ParseItem(std::string_view text) {
  Item item;
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return Error("is not of the form name:type");
  item.name = text.substr(0, colon);
  if (!IsName(item.name)) {
    return Error(absl::StrCat("'", std::string(item.name), "' is not a name"));
  }
  item.type_text = text.substr(colon + 1);
  const size_t second = item.type_text.find(':');
  if (second != std::string_view::npos) {
    const std::string_view bits = item.type_text.substr(second + 1);
    item.bits = ParseCount(bits);
    if (!item.bits.has_value()) {
      return Error(absl::StrCat("'", std::string(bits), "' is not a number of bits"));
    }
    item.type_text = item.type_text.substr(0, second);
  }
  std::string_view type = item.type_text;
  const size_t open = type.find('[');
  if (open != std::string_view::npos) {
    const std::string_view count = type.substr(open);
    item.count =
        count.ends_with("]") ? ParseCount(count.substr(1, count.size() - 2)) : std::nullopt;
    if (!item.count.has_value()) {
      return Error(absl::StrCat("'", std::string(count), "' is not the size of an array, [1] to [",
                                kMaxRecordBytes, "]"));
    }
    type = type.substr(0, open);
  }
  const std::optional<Type> found = FindType(type);
  if (!found.has_value()) {
    return Error(
        absl::StrCat("unknown type '", std::string(type),
                     "'; types are u8 to u64, s8 to s64, be16 to be64, bool, float, double, "
                     "char[N], bytes[N] and pad[N]"));
  }
  item.type = *found;
  if (!item.bits.has_value()) return item;
  if (item.count.has_value()) return Error("an array cannot be a bit-field");
  if (item.type.kind == FieldKind::kFloat || item.type.kind == FieldKind::kBytes ||
      item.type.kind == FieldKind::kPadding || item.type.big_endian) {
    return Error(absl::StrCat("a bit-field cannot be of type '", std::string(type), "'"));
  }
  const uint64_t most = item.type.kind == FieldKind::kBool ? 1 : 8 * item.type.bytes;
  if (*item.bits > most) {
    return Error(absl::StrCat(*item.bits, " bits are more than the ", most, " of '",
                              std::string(type), "'"));
  }
  return item;
}

// Places members one after the other.
class Placement {
 public:
  explicit Placement(bool packed) : packed_(packed) {}

  absl::Status Add(const Item& item) {
    const bool padding = item.type.kind == FieldKind::kPadding;
    if (!padding && !names_.insert(std::string(item.name)).second) {
      return Error(absl::StrCat("the name '", std::string(item.name), "' is used twice"));
    }
    if (item.bits.has_value()) {
      AddBits(item);
    } else {
      AddWhole(item);
    }
    if (end_bits_ > 8 * kMaxRecordBytes) {
      return Error(
          absl::StrCat("ends beyond the ", kMaxRecordBytes, " bytes that a value can have"));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<StructFields> Finish() && {
    result_.value_bytes = RoundUp(end_bits_, 8 * alignment_bytes_) / 8;
    if (names_.empty()) return Error("--fields: names no field, only padding");
    if (result_.value_bytes > kMaxRecordBytes) {
      return Error(absl::StrCat("--fields: ", result_.value_bytes, " bytes, more than the ",
                                kMaxRecordBytes, " that a value can have"));
    }
    AddPadding(&result_);
    return std::move(result_);
  }

 private:
  static uint64_t RoundUp(uint64_t number, uint64_t unit) {
    return (number + unit - 1) / unit * unit;
  }

  void Align(const Type& type) {
    const uint64_t alignment = packed_ ? 1 : type.bytes;
    alignment_bytes_ = std::max(alignment_bytes_, alignment);
    end_bits_ = RoundUp(end_bits_, 8 * alignment);
  }

  void AddBits(const Item& item) {
    // By the System V ABI, a bit-field lies within one unit of its type.
    const uint64_t unit = 8 * item.type.bytes;
    if (!packed_ && end_bits_ / unit != (end_bits_ + *item.bits - 1) / unit) Align(item.type);
    if (!packed_) alignment_bytes_ = std::max(alignment_bytes_, item.type.bytes);
    AddField(item, std::string(item.name), *item.bits);
  }

  void AddWhole(const Item& item) {
    Align(item.type);
    const uint64_t count = item.count.value_or(1);
    const uint64_t all_bits = 8 * item.type.bytes * count;
    if (item.type.kind == FieldKind::kPadding) {
      end_bits_ += all_bits;  // a gap like any other
      return;
    }
    const bool is_text = item.type_text.starts_with("char[");
    if (!item.count.has_value() || is_text || item.type.kind == FieldKind::kBytes ||
        count > kMaxArrayFields) {
      AddField(item, std::string(item.name), all_bits);
      if (is_text) {
        result_.fields.back().kind = FieldKind::kText;
      } else if (item.count.has_value()) {
        result_.fields.back().kind = FieldKind::kBytes;
      }
      return;
    }
    for (uint64_t i = 0; i < count; ++i) {
      AddField(item, absl::StrCat(std::string(item.name), "[", i, "]"), 8 * item.type.bytes);
      ValueField& element = result_.fields.back();
      element.type_name = element.type_name.substr(0, element.type_name.find('['));
    }
  }

  void AddField(const Item& item, std::string name, uint64_t size_bits) {
    result_.fields.push_back({.name = std::move(name),
                              .kind = item.type.kind,
                              .offset_bits = end_bits_,
                              .size_bits = size_bits,
                              .type_name = std::string(item.type_text),
                              .big_endian = item.type.big_endian});
    end_bits_ += size_bits;
  }

  const bool packed_;
  StructFields result_;
  std::set<std::string> names_;
  uint64_t end_bits_ = 0;
  uint64_t alignment_bytes_ = 1;
};

}  // namespace

absl::StatusOr<StructFields> ParseFieldList(std::string_view list) {
  constexpr std::string_view kPacked = "packed,";
  const bool packed = list.starts_with(kPacked);
  Placement placement(packed);
  size_t number = packed ? 2 : 1;
  for (size_t at = packed ? kPacked.size() : 0;; ++number) {
    const size_t comma = std::min(list.find(',', at), list.size());
    const std::string_view text = list.substr(at, comma - at);
    const absl::StatusOr<Item> item = ParseItem(text);
    const absl::Status status = item.ok() ? placement.Add(*item) : item.status();
    if (!status.ok()) {
      return Error(absl::StrCat("--fields: item ", number, ", '", std::string(text),
                                "', at character ", at + 1, ": ", std::string(status.message())));
    }
    if (comma == list.size()) break;
    at = comma + 1;
  }
  return std::move(placement).Finish();
}

}  // namespace inlay::analysis
