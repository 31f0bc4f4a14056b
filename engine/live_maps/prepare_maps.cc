// LiveMap before its object is loaded: which bits of the mark a map gets, and whose maps it uses.

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "engine/live_maps/map_objects.h"
#include "inlay/live_map.h"
#include "inlay/mark_users.h"

namespace inlay {
namespace {

constexpr uint32_t kMarkBits = 32;

bool IsSound(const inlay_map_state& head) {
  return head.version == INLAY_STATE_VERSION && head.width >= 2 && head.width <= 16 &&
         head.most_values >= 1 && head.most_values <= (1u << head.width) - 2 &&
         (head.shift == INLAY_NO_SHIFT || head.shift + head.width <= kMarkBits);
}

// The lowest place for so many bits; INLAY_NO_SHIFT if there is none.
uint32_t LowestPlace(uint32_t width, uint32_t allowed_bits) {
  for (uint32_t shift = 0; shift + width <= kMarkBits; ++shift) {
    const uint32_t bits = MarkField{shift, width}.bits();
    if ((bits & ~allowed_bits) == 0) return shift;
  }
  return INLAY_NO_SHIFT;
}

// The bits that rules with a mask compare, which no map is allotted.
uint32_t BitsOfRules() {
  uint32_t bits = 0;
  for (const MarkUser& user : FindMarkUsers(~0u)) {
    if (user.disturbs && user.bits != ~0u) bits |= user.bits;
  }
  return bits;
}

}  // namespace

Status LiveMap::Prepare(bpf_object* object, const PrepareOptions& options) {
  const std::vector<std::string> names = NamesIn(object);
  uint32_t taken = options.taken_bits;
  for (const std::string& name : names) {
    const inlay_map_state& head = *InitialState(object, name);
    if (!IsSound(head)) return Status::kInvalid;
    if (head.shift == INLAY_NO_SHIFT) continue;
    const uint32_t bits = MarkField{head.shift, head.width}.bits();
    if ((bits & taken) != 0) return Status::kExists;
    taken |= bits;
  }
  // Find all places before anything changes.
  const uint32_t fixed = taken & ~options.taken_bits;
  const uint32_t avoided = options.ignore_mark_users ? 0 : BitsOfRules();
  uint32_t allotted = 0;
  std::vector<uint32_t> shifts;
  for (const std::string& name : names) {
    const inlay_map_state& head = *InitialState(object, name);
    if (head.shift != INLAY_NO_SHIFT) continue;
    if (InitialShift(object, name) == nullptr) return Status::kInvalid;
    const uint32_t shift = LowestPlace(head.width, options.allowed_bits & ~taken & ~avoided);
    if (shift == INLAY_NO_SHIFT) return Status::kNoMemory;
    allotted |= MarkField{shift, head.width}.bits();
    taken |= allotted;
    shifts.push_back(shift);
  }
  bool disturbs = false;
  for (const MarkUser& user : FindMarkUsers(fixed | allotted)) {
    disturbs = disturbs || user.disturbs;
    if (options.mark_users != nullptr) options.mark_users->push_back(user.text);
  }
  if (disturbs && !options.ignore_mark_users) return Status::kExists;
  auto shift = shifts.begin();
  for (const std::string& name : names) {
    inlay_map_state& head = *InitialState(object, name);
    if (head.shift == INLAY_NO_SHIFT) head.shift = *InitialShift(object, name) = *shift++;
    if (!options.read_only_values) continue;
    bpf_map* const values = FindPart(object, name, Part::kValues);
    bpf_map__set_map_flags(values, bpf_map__map_flags(values) | BPF_F_RDONLY_PROG);
  }
  return Status::kOk;
}

std::vector<std::string> LiveMap::NamesIn(const bpf_object* object) {
  std::vector<std::string> names;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string name = MapOfState(bpf_map__name(map));
    if (!name.empty() && InitialState(object, name) != nullptr) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> LiveMap::NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
    const std::string name = MapOfStatePin(entry.path().filename());
    if (!name.empty()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace inlay
