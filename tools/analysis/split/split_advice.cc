#include "tools/analysis/split/split_advice.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/analysis/split/c_struct.h"

namespace inlay::analysis {
namespace {

// The members of a struct. Adjacent bytes without a name become one member.
class Members {
 public:
  Members(const SplitCost& cost, const std::vector<size_t>& fields) {
    for (const size_t field : fields) fields_.push_back(Field(cost, field).name);
    for (size_t i = 0; i < fields.size();) {
      size_t end = i + 1;
      while (end < fields.size() && IsByte(cost, fields[i]) && IsByte(cost, fields[end]) &&
             Offset(cost, fields[end]) == Offset(cost, fields[end - 1]) + 8) {
        ++end;
      }
      Add(cost, fields[i], end - i);
      i = end;
    }
  }

  const std::vector<CMember>& members() const { return members_; }

  FieldNames Names() const {
    FieldNames names{fields_, {}};
    for (const CMember& member : members_) names.members.push_back(member.name);
    return names;
  }

 private:
  static const ValueField& Field(const SplitCost& cost, size_t field) {
    return cost.codes().fields[field].field;
  }
  static uint64_t Offset(const SplitCost& cost, size_t field) {
    return Field(cost, field).offset_bits.value_or(0);
  }
  static bool IsByte(const SplitCost& cost, size_t field) {
    const ValueField& byte = Field(cost, field);
    return byte.kind == FieldKind::kBytes && byte.size_bits == 8 && byte.type_name.empty() &&
           byte.offset_bits.has_value() && *byte.offset_bits % 8 == 0 &&
           byte.name == absl::StrCat("byte ", *byte.offset_bits / 8);
  }

  void Add(const SplitCost& cost, size_t first, size_t count) {
    CMember member{Field(cost, first).name, cost.form(first)};
    if (count > 1) {
      const uint64_t offset = Offset(cost, first) / 8;
      member.name = absl::StrCat("bytes ", offset, "-", offset + count - 1);
      member.form.size_bits *= count;
      member.form.suffix = absl::StrCat("[", count, "]");
    }
    members_.push_back(std::move(member));
  }

  std::vector<std::string> fields_;
  std::vector<CMember> members_;
};

}  // namespace

std::optional<SplitAdvice> AdviseSplit(const RecordSchema& schema, const CountedValues& values,
                                       const FieldCodes& codes, const SplitOptions& options,
                                       size_t threads) {
  if (codes.fields.size() < 2 || codes.records == 0) return std::nullopt;
  SplitAdvice advice;
  std::vector<size_t> fields;
  std::vector<size_t> constants;
  for (size_t i = 0; i < codes.fields.size(); ++i) {
    if (codes.fields[i].field.kind == FieldKind::kPadding) {
      ++advice.padding_fields;
    } else {
      (codes.fields[i].distinct() <= 1 ? constants : fields).push_back(i);
    }
  }
  const std::vector<BinaryForm> forms = BinaryForms(schema, values, codes);
  const SplitCost cost(codes, forms, options.write_cost);
  const FoundSplit found = SearchSplit(cost, fields, {}, threads);
  const Split& split = found.cheapest.split;

  std::vector<int> widths;
  for (const std::vector<size_t>& group : split.shared) {
    const Members members(cost, group);
    SharedGroup& shared = advice.shared.emplace_back();
    shared.names = members.Names();
    shared.distinct = cost.Distinct(group);
    shared.index_bits = SmallestIndexBits(shared.distinct).value_or(kMaxIndexBits);
    shared.struct_bytes = cost.StructBytes(group);
    shared.table_bytes = TableBytes(shared.distinct, shared.struct_bytes);
    shared.struct_name =
        absl::StrCat(options.struct_name, "_shared",
                     split.shared.size() == 1 ? "" : absl::StrCat("_", advice.shared.size()));
    widths.push_back(shared.index_bits);
    absl::StrAppend(&advice.c_structs, CStructText(shared.struct_name, members.members()), "\n");
  }
  const Members private_members(cost, split.private_fields);
  advice.private_rest = private_members.Names();
  advice.constants = Members(cost, constants).Names();
  advice.private_bytes = cost.StructBytes(split.private_fields);
  advice.index_bytes = IndexWordBytes(std::move(widths));
  advice.write_cost = options.write_cost;
  advice.bytes_per_socket = found.cheapest.bytes;
  advice.all_private_bytes = static_cast<double>(cost.StructBytes(fields));
  if (fields.empty()) {
    advice.all_shared_bytes = 0;
  } else {
    advice.all_shared_bytes = cost.Total({{fields}, {}});
  }
  advice.exact = found.exact;
  if (!split.private_fields.empty()) {
    absl::StrAppend(&advice.c_structs, CStructText(absl::StrCat(options.struct_name, "_private"),
                                                   private_members.members()));
  } else if (!advice.c_structs.empty()) {
    advice.c_structs.pop_back();  // the empty line
  }
  return advice;
}

}  // namespace inlay::analysis
