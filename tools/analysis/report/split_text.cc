#include "tools/analysis/report/split_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/numbers/printable.h"
#include "tools/pages/numbers/text_table.h"

namespace inlay::analysis {
namespace {

using enum numbers::TextTable::Align;
constexpr size_t kPartLineWidth = 96;
constexpr size_t kPartNameBytes = 40;

std::string Bytes(double bytes) { return absl::StrCat(numbers::GroupedDecimal(bytes, 2), " B"); }

// "  head: name, name, name", broken into lines.
std::string NameList(const std::string& head, const FieldNames& names) {
  std::string text;
  std::string line = absl::StrCat("  ", head, ":");
  for (size_t i = 0; i < names.members.size(); ++i) {
    const std::string& name = names.members[i];
    const std::string listed =
        absl::StrCat(name.empty() ? "(no name)" : numbers::Printable(name, kPartNameBytes),
                     i + 1 < names.members.size() ? "," : "");
    if (numbers::DisplayWidth(line) + 1 + numbers::DisplayWidth(listed) > kPartLineWidth) {
      absl::StrAppend(&text, line, "\n");
      line = "   ";
    }
    absl::StrAppend(&line, " ", listed);
  }
  return absl::StrCat(text, line, "\n");
}

std::string Costs(const SplitAdvice& split) {
  numbers::TextTable table({kLeft, kRight, kLeft});
  table.AddRow({"stored", "per socket", ""});
  table.AddRow({"all private", Bytes(split.all_private_bytes), "one struct in every socket"});
  table.AddRow({"all shared",
                split.all_shared_bytes.has_value() ? Bytes(*split.all_shared_bytes) : "-",
                split.all_shared_bytes.has_value() ? "one index in every socket"
                                                   : "no index is wide enough"});
  table.AddRow({"split", Bytes(split.bytes_per_socket),
                split.exact ? "no split costs less"
                            : "a good one; too many fields or values to try every split"});
  return table.Format();
}

std::string Parts(const SplitAdvice& split) {
  if (split.shared.empty()) {
    return "  Keep everything private: no group of fields is worth a table of its own.\n";
  }
  numbers::TextTable table({kLeft, kRight, kRight, kRight, kRight});
  table.AddRow({"part", "values", "index bits", "struct bytes", "table"});
  for (const SharedGroup& group : split.shared) {
    table.AddRow({group.struct_name, numbers::Grouped(group.distinct),
                  absl::StrCat(group.index_bits), numbers::Grouped(group.struct_bytes),
                  numbers::ByteSize(group.table_bytes)});
  }
  if (split.private_bytes > 0) {
    table.AddRow({"private rest", "", "", numbers::Grouped(split.private_bytes), ""});
  }
  return absl::StrCat(table.Format(), "  The indexes take ", split.index_bytes,
                      " bytes of a socket together.\n");
}

std::string Structs(const SplitAdvice& split) {
  std::string text;
  for (const absl::string_view line : absl::StrSplit(split.c_structs, '\n')) {
    if (!line.empty()) absl::StrAppend(&text, "  ", line);
    text += "\n";
  }
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace

std::string FormatSplit(const SplitAdvice& split) {
  std::string text = absl::StrCat(
      "\nSplit: fields shared in groups, each once in a table, and the rest private in the "
      "socket;\n"
      "tables included, and ",
      numbers::GroupedDecimal(split.write_cost, 2),
      " B and more for the writes of each shared group\n", Costs(split), Parts(split));
  for (const SharedGroup& group : split.shared) text += NameList(group.struct_name, group.names);
  if (!split.private_rest.members.empty()) text += NameList("private", split.private_rest);
  if (!split.constants.members.empty()) {
    text += NameList("the same in all records, counted nowhere", split.constants);
  }
  if (!split.c_structs.empty()) absl::StrAppend(&text, "\n", Structs(split));
  return text;
}

}  // namespace inlay::analysis
