// What inlay.bpf.h declares for a map, in a BPF object of libbpf: its maps, its state, and the
// constant for its shift.

#ifndef INLAY_ENGINE_LIVE_MAPS_MAP_OBJECTS_H_
#define INLAY_ENGINE_LIVE_MAPS_MAP_OBJECTS_H_

#include <array>
#include <cstdint>
#include <string>

#include "inlay/bpf_map_state.h"
#include "inlay/status.h"

struct bpf_map;
struct bpf_object;

namespace inlay {

// The kernel's maps of one map.
enum class Part : uint8_t { kStorage, kCodes, kFree, kValues, kState };
inline constexpr std::array kParts = {Part::kStorage, Part::kCodes, Part::kFree, Part::kValues,
                                      Part::kState};

// The endings of the names of the programs of INLAY_BRING_HOME(), in an object and of their pins,
// in the order in which they run.
inline constexpr std::array kHomePrograms = {"_home", "_home_end"};

// The name of a part in an object, as libbpf knows it; and of its pin.
std::string NameInObject(const std::string& map, Part part);
std::string NameOfPin(const std::string& map, Part part);
// The map whose part has this name; empty if it is no state.
std::string MapOfState(const std::string& name_in_object);
std::string MapOfStatePin(const std::string& pin);

// Null if the object does not have it.
bpf_map* FindPart(const bpf_object* object, const std::string& map, Part part);
// The state that an object which is not loaded gives its map. Null if it has none.
inlay_map_state* InitialState(const bpf_object* object, const std::string& map);
// The variable in .rodata that has the shift of a map of INLAY_MAP_ALLOTTED(); null for others.
uint32_t* InitialShift(const bpf_object* object, const std::string& map);

// The twin of a kernel error, positive or negative.
Status StatusOfErrno(int error);

}  // namespace inlay

#endif  // INLAY_ENGINE_LIVE_MAPS_MAP_OBJECTS_H_
