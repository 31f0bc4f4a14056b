// A C struct of some fields: its size by the rules of the C compilers of Linux, and its text.
//
// Members are ordered so that only the end is padded: by falling alignment, bit-fields after the
// other members of their unit's alignment.

#ifndef INLAY_TOOLS_ANALYSIS_SPLIT_C_STRUCT_H_
#define INLAY_TOOLS_ANALYSIS_SPLIT_C_STRUCT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/analysis/split/binary_form.h"

namespace inlay::analysis {

// sizeof() of a struct whose members come and go. Not thread-safe.
class CStructSize {
 public:
  void Add(const BinaryForm& form) { Change(form, +1); }
  // REQUIRES: such a member was added.
  void Remove(const BinaryForm& form) { Change(form, -1); }

  // 0 without members.
  uint64_t Bytes() const;
  // The bits of the members themselves.
  uint64_t MemberBits() const { return member_bits_; }

 private:
  static constexpr size_t kClasses = 4;  // alignments of 8, 4, 2 and 1
  void Change(const BinaryForm& form, int by);

  std::array<int64_t, kClasses> members_ = {};
  std::array<int64_t, kClasses> plain_bytes_ = {};
  std::array<std::array<int64_t, 65>, kClasses> bitfields_ = {};  // how many of each number of bits
  int64_t all_bitfields_ = 0;
  uint64_t member_bits_ = 0;
};

struct CMember {
  std::string name;  // any text; made a C identifier
  BinaryForm form;
};

// "struct NAME {...};" with the members in their order, on several lines. Names that are no
// identifiers, that are words of C or that occur twice are changed. The size is that of
// CStructSize. REQUIRES: some members.
std::string CStructText(std::string_view struct_name, const std::vector<CMember>& members);

// `name` as a C identifier: letters, digits and '_'; never empty, never a word of C.
std::string CIdentifier(std::string_view name);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_SPLIT_C_STRUCT_H_
