#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/analyze_page/verdict.h"

namespace inlay::analyze_page {
namespace {

using analysis::Report;

// inlay.bpf.h: the kernel's limit for keys of a hash map.
constexpr uint64_t kMostMapValueBytes = 512;
constexpr int kMarkBits = 32;

// The kernel's names of maps may have dots.
std::string AsIdentifier(std::string_view name) {
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  const auto is_letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  std::string identifier;
  if (name.empty() || is_digit(name.front())) identifier.push_back('_');
  for (const char c : name) identifier.push_back(is_letter(c) ? c : '_');
  return identifier;
}

bool HasPadding(const Report& report) {
  return std::any_of(report.codes.fields.begin(), report.codes.fields.end(),
                     [](const analysis::CodedField& coded) {
                       return coded.field.kind == analysis::FieldKind::kPadding;
                     });
}

}  // namespace

std::optional<page::Section> MapSection(const Report& report) {
  const analysis::RecordSchema& schema = report.schema;
  const bool is_shared = schema.map_type == "inlay_map";
  if ((schema.map_type != "sk_storage" && !is_shared) || schema.map_name.empty() ||
      report.records == 1 || report.value_bytes > kMostMapValueBytes || !IndexPays(report)) {
    return std::nullopt;
  }
  // Room for a change of all values; if that is too much, for the values of today.
  const std::optional<int> bits =
      report.rollout_index_bits.has_value() ? report.rollout_index_bits : report.index_bits;
  if (!bits.has_value()) return std::nullopt;
  const std::string name = AsIdentifier(schema.map_name);
  const std::string type =
      schema.value_type.empty() ? absl::StrCat("struct ", name, "_value") : schema.value_type;
  std::string code =
      absl::StrCat("#include <inlay/inlay.bpf.h>\n\nINLAY_MAP(", name, ", ", type, ", ",
                   analysis::IndexCapacity(*bits), ", ", kMarkBits - *bits, ");  /* ", *bits,
                   " bits of the mark, from bit ", kMarkBits - *bits, " on */\n");
  page::Section section{.id = "map", .title = "The map for BPF programs"};
  const std::string room = absl::StrCat("with room for ", report.rollout_index_bits.has_value()
                                                              ? "a change of all values"
                                                              : "the values of today");
  page::Text text(
      is_shared ? absl::StrCat("Programs share the values of ", name, " already. This is the map ",
                               room, ". Choose bits of the mark that nobody else uses.")
                : absl::StrCat("In place of the socket storage ", name, ", ", room,
                               ". Choose bits of the mark that nobody else uses; docs/bpf.md has "
                               "what to change in programs."));
  if (HasPadding(report)) text.Plain(" Give the padding of the struct a name, and zero it.");
  section.blocks.emplace_back(page::Paragraph{std::move(text)});
  section.blocks.emplace_back(page::CodeBlock{.title = "To paste", .code = std::move(code)});
  return section;
}

}  // namespace inlay::analyze_page
