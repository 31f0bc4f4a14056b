#include "tools/analysis/split/c_struct.h"

#include <algorithm>
#include <bit>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace inlay::analysis {
namespace {

constexpr uint64_t RoundUp(uint64_t number, uint64_t unit) {
  return (number + unit - 1) / unit * unit;
}

// 0 for an alignment of 8 to 3 for one of 1.
size_t ClassOf(uint32_t alignment) { return 3 - static_cast<size_t>(std::countr_zero(alignment)); }
uint64_t AlignmentBits(size_t alignment_class) { return uint64_t{64} >> alignment_class; }

// Keywords of C11, those that C23 adds, and macros of GNU compilers.
bool IsWordOfC(std::string_view name) {
  static const auto* const words = new std::set<std::string_view>{
      "alignas",      "alignof",  "auto",          "bool",      "break",
      "case",         "char",     "const",         "constexpr", "continue",
      "default",      "do",       "double",        "else",      "enum",
      "extern",       "false",    "float",         "for",       "goto",
      "if",           "inline",   "int",           "long",      "nullptr",
      "register",     "restrict", "return",        "short",     "signed",
      "sizeof",       "static",   "static_assert", "struct",    "switch",
      "thread_local", "true",     "typedef",       "typeof",    "typeof_unqual",
      "union",        "unsigned", "void",          "volatile",  "while",
      "asm",          "linux",    "unix",          "i386"};
  return words->contains(name);
}

// `text` with "?" for every character that could end a comment or its line.
std::string CommentText(std::string_view text) {
  std::string result;
  for (const char c : text) result += absl::ascii_isprint(static_cast<unsigned char>(c)) ? c : '?';
  for (size_t at; (at = result.find("*/")) != std::string::npos;) result[at] = '?';
  return result;
}

}  // namespace

void CStructSize::Change(const BinaryForm& form, int by) {
  const size_t alignment_class = ClassOf(form.alignment);
  members_[alignment_class] += by;
  member_bits_ += by > 0 ? form.size_bits : -form.size_bits;
  if (form.is_bitfield) {
    bitfields_[alignment_class][form.size_bits] += by;
    all_bitfields_ += by;
  } else {
    plain_bytes_[alignment_class] += by * static_cast<int64_t>(form.size_bits / 8);
  }
}

uint64_t CStructSize::Bytes() const {
  uint64_t bits = 0;
  uint64_t widest = 0;
  for (size_t i = 0; i < kClasses; ++i) {
    if (members_[i] == 0) continue;
    const uint64_t unit = AlignmentBits(i);
    widest = std::max(widest, unit);
    if (plain_bytes_[i] != 0) {
      bits = RoundUp(bits, unit) + 8 * static_cast<uint64_t>(plain_bytes_[i]);
    }
    if (all_bitfields_ == 0) continue;
    for (uint64_t size = unit; size > 0; --size) {
      for (int64_t n = 0; n < bitfields_[i][size]; ++n) {
        // A bit-field stays within one unit of its type.
        if (bits % unit + size > unit) bits = RoundUp(bits, unit);
        bits += size;
      }
    }
  }
  return widest == 0 ? 0 : RoundUp(bits, widest) / 8;
}

std::string CIdentifier(std::string_view name) {
  std::string identifier;
  for (const char c : name) {
    const bool fits = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
    if (fits) {
      identifier += c;
    } else if (!identifier.empty() && !identifier.ends_with('_')) {
      identifier += '_';
    }
  }
  while (identifier.size() > 1 && identifier.ends_with('_') && !name.ends_with('_')) {
    identifier.pop_back();
  }
  if (identifier.empty()) identifier = "field";
  if (absl::ascii_isdigit(static_cast<unsigned char>(identifier[0]))) identifier.insert(0, "_");
  if (IsWordOfC(identifier)) identifier += '_';
  return identifier;
}

std::string CStructText(std::string_view struct_name, const std::vector<CMember>& members) {
  std::vector<const CMember*> order;
  for (const CMember& member : members) order.push_back(&member);
  std::stable_sort(order.begin(), order.end(), [](const CMember* a, const CMember* b) {
    if (a->form.alignment != b->form.alignment) return a->form.alignment > b->form.alignment;
    if (a->form.is_bitfield != b->form.is_bitfield) return b->form.is_bitfield;
    return a->form.is_bitfield && a->form.size_bits > b->form.size_bits;
  });
  std::set<std::string> taken;
  std::string text = absl::StrCat("struct ", std::string(struct_name), " {\n");
  for (const CMember* member : order) {
    const std::string wanted = CIdentifier(member->name);
    std::string name = wanted;
    for (int number = 2; !taken.insert(name).second; ++number) {
      name = absl::StrCat(wanted, "_", number);
    }
    absl::StrAppend(&text, "\t", member->form.type, " ", name, member->form.suffix, ";");
    if (!member->form.remark.empty()) {
      absl::StrAppend(&text, " /* ", CommentText(member->form.remark), " */");
    }
    text += "\n";
  }
  return text + "};\n";
}

}  // namespace inlay::analysis
