#include "tools/command/maps_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/capture/map_list.h"
#include "tools/command/output/exit_codes.h"
#include "tools/command/output/fail_command.h"
#include "tools/command/output/open_files_limit.h"
#include "tools/command/output/standard_output.h"
#include "tools/pages/numbers/number_text.h"
#include "tools/pages/numbers/printable.h"
#include "tools/pages/numbers/text_table.h"

namespace inlay {
namespace {

constexpr char kMapsExamples[] = R"(Examples:
  inlay maps          the maps that 'inlay capture' reads, and the kernel memory that they take
  inlay maps --json   the same as JSON

Exit codes: 0 success, 2 the kernel does not tell. Manual: docs/capture.md)";

constexpr size_t kShownBytes = 48;  // of a name or path

std::string Entries(const capture::ListedMap& map) {
  const std::string entries = map.entries.has_value() ? numbers::Grouped(*map.entries) : "?";
  if (!map.inlay_map.has_value()) return entries;
  return absl::StrCat(entries, " of ", numbers::Grouped(map.inlay_map->most_values));
}

// "inlay_map (bits 16-25)", of the mark.
std::string Kind(const capture::ListedMap& map) {
  if (!map.inlay_map.has_value()) return map.type;
  const uint32_t first = map.inlay_map->mark_shift;
  return absl::StrCat(map.type, " (bits ", first, "-", first + map.inlay_map->mark_width - 1, ")");
}

std::string Cost(const capture::ListedMap& map) {
  const bool has_owners = map.inlay_map.has_value() || map.type.ends_with("_storage");
  if (has_owners && !map.element_bytes.has_value()) return "?";
  if (!map.element_bytes.has_value()) return numbers::ByteSize(map.memlock_bytes);
  return numbers::ByteSize(map.memlock_bytes + *map.element_bytes + *map.storage_bytes);
}

std::string AsText(const capture::MapList& list) {
  if (list.maps.empty()) return "no map can be captured here\n";
  using Align = numbers::TextTable::Align;
  numbers::TextTable table({Align::kRight, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight,
                            Align::kRight, Align::kRight, Align::kLeft, Align::kLeft});
  table.AddRow({"id", "name", "kind", "value bytes", "entries", "kernel says", "takes", "BTF type",
                "pinned"});
  for (const capture::ListedMap& map : list.maps) {
    table.AddRow(
        {absl::StrCat(map.id), numbers::Printable(map.name, kShownBytes), Kind(map),
         numbers::Grouped(map.value_bytes), Entries(map), numbers::ByteSize(map.memlock_bytes),
         Cost(map), map.value_type.empty() ? "-" : numbers::Printable(map.value_type, kShownBytes),
         map.pinned.empty() ? "-"
                            : numbers::Printable(absl::StrJoin(map.pinned, " "), 4 * kShownBytes)});
  }
  return table.Format();
}

std::string AsJson(const capture::MapList& list) {
  nlohmann::ordered_json maps = nlohmann::ordered_json::array();
  for (const capture::ListedMap& map : list.maps) {
    nlohmann::ordered_json one;
    const auto optional = [](const std::optional<uint64_t>& number) {
      return number.has_value() ? nlohmann::ordered_json(*number) : nlohmann::ordered_json();
    };
    one["id"] = map.id;
    one["name"] = map.name;
    one["kind"] = map.type;
    one["value_bytes"] = map.value_bytes;
    one["value_type"] =
        map.value_type.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(map.value_type);
    one["pinned"] = map.pinned;
    one["entries"] = optional(map.entries);
    one["memlock_bytes"] = map.memlock_bytes;
    one["element_bytes"] = optional(map.element_bytes);
    one["storage_bytes"] = optional(map.storage_bytes);
    if (const auto& inlay_map = map.inlay_map; inlay_map.has_value()) {
      one["mark_shift"] = inlay_map->mark_shift;
      one["mark_width"] = inlay_map->mark_width;
      one["most_values"] = inlay_map->most_values;
      one["spilled_sockets"] = optional(inlay_map->spilled_sockets);
      one["part_ids"] = inlay_map->part_ids;
    }
    maps.push_back(std::move(one));
  }
  nlohmann::ordered_json document;
  document["maps"] = std::move(maps);
  document["notes"] = list.notes;
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

CLI::App* AddMapsCommand(CLI::App& app, MapsOptions* options) {
  CLI::App* command = app.add_subcommand(
      "maps", "List the BPF maps of this machine that can be captured, and what they cost");
  command->footer(kMapsExamples);
  command->add_flag("--json", options->json, "Print the list as JSON");
  return command;
}

int RunMaps(const MapsOptions& options) {
  RaiseOpenFilesLimit();
  const absl::StatusOr<capture::MapList> list = capture::ListMaps();
  if (!list.ok()) return FailCommand("maps", list.status());
  if (!options.json) {
    for (const std::string& note : list->notes) {
      std::fprintf(stderr, "inlay maps: note: %s\n", note.c_str());
    }
  }
  if (!WriteToStdout(options.json ? AsJson(*list) : AsText(*list))) {
    std::fprintf(stderr, "inlay maps: cannot write to standard output\n");
    return kExitBadInput;
  }
  return kExitOk;
}

}  // namespace inlay
