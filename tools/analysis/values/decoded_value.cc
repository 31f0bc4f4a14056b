#include "tools/analysis/values/decoded_value.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "absl/strings/str_cat.h"

namespace inlay::analysis {
namespace {

using Bytes = std::span<const uint8_t>;

uint64_t ReadNumber(Bytes value, const ValueField& field) {
  uint64_t number = 0;
  if (field.big_endian) {
    for (const uint8_t byte : value.subspan(*field.offset_bits / 8, field.size_bytes())) {
      number = number << 8 | byte;
    }
    return number;
  }
  for (uint64_t bit = 0; bit < field.size_bits; ++bit) {
    const uint64_t at = *field.offset_bits + bit;
    number |= uint64_t{value[at / 8] >> (at % 8) & 1U} << bit;
  }
  return number;
}

int64_t Signed(uint64_t number, uint64_t size_bits) {
  const uint64_t unused = 64 - size_bits;
  return static_cast<int64_t>(number << unused) >> unused;
}

std::string Text(Bytes bytes) {
  // Zeroes within the text stay, so that different values look different.
  const auto end =
      std::find_if(bytes.rbegin(), bytes.rend(), [](uint8_t byte) { return byte != 0; });
  return {bytes.begin(), end.base()};
}

decltype(DecodedField::value) Decode(Bytes value, const ValueField& field) {
  const Bytes bytes =
      value.subspan(*field.offset_bits / 8, field.is_bitfield() ? 0 : field.size_bytes());
  switch (field.kind) {
    case FieldKind::kText:
      return Text(bytes);
    case FieldKind::kBytes:
    case FieldKind::kPadding:
      return Hex(bytes);
    case FieldKind::kUnsigned:
      return ReadNumber(value, field);
    case FieldKind::kSigned:
      return Signed(ReadNumber(value, field), field.size_bits);
    case FieldKind::kBool: {
      const uint64_t number = ReadNumber(value, field);
      if (number > 1) return number;  // not a bool: show the number
      return number == 1;
    }
    case FieldKind::kFloat: {
      const uint64_t number = ReadNumber(value, field);
      if (field.size_bits == 32) {
        return double{std::bit_cast<float>(static_cast<uint32_t>(number))};
      }
      return std::bit_cast<double>(number);
    }
    case FieldKind::kEnum: {
      const uint64_t number = ReadNumber(value, field);
      if (field.enum_names == nullptr) return number;
      for (const int64_t key : {static_cast<int64_t>(number), Signed(number, field.size_bits)}) {
        const auto named = field.enum_names->find(key);
        if (named != field.enum_names->end()) return named->second;
      }
      const bool is_signed = !field.enum_names->empty() && field.enum_names->begin()->first < 0;
      if (is_signed) return Signed(number, field.size_bits);
      return number;
    }
  }
  return Hex(bytes);
}

std::string ValueText(const decltype(DecodedField::value)& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (!text->empty() && text->find_first_of(" =\"") == std::string::npos) return *text;
    std::string quoted = "\"";
    for (const char c : *text) {
      if (c == '"') quoted += '\\';
      quoted += c;
    }
    return quoted + "\"";
  }
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<uint64_t>(&value)) return absl::StrCat(*number);
  if (const auto* number = std::get_if<int64_t>(&value)) return absl::StrCat(*number);
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), std::get<double>(value));
  return {digits, end.ptr};
}

}  // namespace

std::vector<DecodedField> DecodeValue(Bytes value, const std::vector<ValueField>& fields) {
  std::vector<DecodedField> decoded;
  for (const ValueField& field : fields) {
    if (field.kind == FieldKind::kPadding) continue;
    decoded.push_back({field.name, Decode(value, field)});
  }
  return decoded;
}

std::string DecodedText(const std::vector<DecodedField>& fields) {
  std::string text;
  for (const DecodedField& field : fields) {
    absl::StrAppend(&text, text.empty() ? "" : " ", field.name, "=", ValueText(field.value));
  }
  return text;
}

std::string Hex(Bytes bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace inlay::analysis
