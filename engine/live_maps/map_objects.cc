#include "engine/live_maps/map_objects.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cstdlib>
#include <string_view>

namespace inlay {
namespace {

constexpr std::string_view kData = ".data.";
constexpr std::string_view kStateEnding = "_state";

std::string Between(std::string_view text, std::string_view begin, std::string_view end) {
  if (!text.starts_with(begin) || !text.ends_with(end)) return "";
  if (text.size() <= begin.size() + end.size()) return "";
  return std::string(text.substr(begin.size(), text.size() - begin.size() - end.size()));
}

}  // namespace

std::string NameInObject(const std::string& map, Part part) {
  switch (part) {
    case Part::kStorage:
      return map;
    case Part::kCodes:
      return map + "_codes";
    case Part::kFree:
      return map + "_free";
    case Part::kValues:
      return std::string(kData) + map;
    case Part::kState:
      break;
  }
  return std::string(kData) + map + std::string(kStateEnding);
}

std::string NameOfPin(const std::string& map, Part part) {
  // A BPF file system takes no dots in names.
  switch (part) {
    case Part::kStorage:
      return map + "_storage";
    case Part::kValues:
      return map + "_values";
    case Part::kState:
      return map + std::string(kStateEnding);
    case Part::kCodes:
    case Part::kFree:
      break;
  }
  return NameInObject(map, part);
}

std::string MapOfState(const std::string& name_in_object) {
  return Between(name_in_object, kData, kStateEnding);
}

std::string MapOfStatePin(const std::string& pin) { return Between(pin, "", kStateEnding); }

bpf_map* FindPart(const bpf_object* object, const std::string& map, Part part) {
  return bpf_object__find_map_by_name(object, NameInObject(map, part).c_str());
}

inlay_map_state* InitialState(const bpf_object* object, const std::string& map) {
  bpf_map* const state = FindPart(object, map, Part::kState);
  if (state == nullptr) return nullptr;
  size_t bytes = 0;
  void* const initial = const_cast<void*>(bpf_map__initial_value(state, &bytes));
  if (initial == nullptr || bytes < sizeof(inlay_map_state)) return nullptr;
  auto* const head = static_cast<inlay_map_state*>(initial);
  return head->magic == INLAY_STATE_MAGIC ? head : nullptr;
}

uint32_t* InitialShift(const bpf_object* object, const std::string& map) {
  bpf_map* const constants = bpf_object__find_map_by_name(object, ".rodata");
  const btf* const types = bpf_object__btf(object);
  if (constants == nullptr || types == nullptr) return nullptr;
  size_t bytes = 0;
  void* const initial = const_cast<void*>(bpf_map__initial_value(constants, &bytes));
  const int section = btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
  if (initial == nullptr || section < 0) return nullptr;
  const btf_type* const variables = btf__type_by_id(types, static_cast<uint32_t>(section));
  const std::string wanted = map + "_inlay_shift";
  for (uint32_t i = 0; i < btf_vlen(variables); ++i) {
    const btf_var_secinfo& place = btf_var_secinfos(variables)[i];
    const btf_type* const variable = btf__type_by_id(types, place.type);
    if (wanted != btf__name_by_offset(types, variable->name_off)) continue;
    if (place.offset + sizeof(uint32_t) > bytes) return nullptr;
    return reinterpret_cast<uint32_t*>(static_cast<std::byte*>(initial) + place.offset);
  }
  return nullptr;
}

Status StatusOfErrno(int error) {
  switch (std::abs(error)) {
    case 0:
      return Status::kOk;
    case ENOENT:
      return Status::kNotFound;
    case EBADF:
      return Status::kBadDescriptor;
    case ENOTSOCK:
      return Status::kNotSocket;
    case ENOMEM:
      return Status::kNoMemory;
    case EEXIST:
      return Status::kExists;
    case EINVAL:
      return Status::kInvalid;
    case E2BIG:
      return Status::kTooBig;
    case EMFILE:
    case ENFILE:
      return Status::kTooManyOpen;
    case EPERM:
    case EACCES:
      return Status::kNotPermitted;
    default:
      return Status::kUnsupported;
  }
}

}  // namespace inlay
