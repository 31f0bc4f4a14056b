// Finds where maps are pinned.
//
// Thread-safe: a function without state.

#ifndef INLAY_TOOLS_CAPTURE_PINNED_MAPS_H_
#define INLAY_TOOLS_CAPTURE_PINNED_MAPS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace inlay::capture {

// The paths of every map that is pinned in a BPF file system of this mount namespace, by the map's
// id. Skips what this process may not read.
std::map<uint32_t, std::vector<std::string>> FindPinnedMaps();

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_PINNED_MAPS_H_
