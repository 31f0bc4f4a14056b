// ValueOrder: the values of a socket in the order of the kernel's list, which sock_diag prints. A
// layout need not have an order, so scripts on Inlay keep it here.

#ifndef INLAY_TESTS_KERNEL_ON_INLAY_VALUE_ORDER_H_
#define INLAY_TESTS_KERNEL_ON_INLAY_VALUE_ORDER_H_

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "tests/kernel/script/backend.h"

namespace inlay::bpf_script {

// Sockets are keyed by their cookies, which are never reused, so closed sockets may stay.
class ValueOrder {
 public:
  bool Has(uint64_t socket, MapNumber map) const {
    const auto at = maps_of_.find(socket);
    return at != maps_of_.end() && std::ranges::find(at->second, map) != at->second.end();
  }
  // A new element comes first; a replacement is a new element.
  void Insert(uint64_t socket, MapNumber map) {
    Remove(socket, map);
    std::vector<MapNumber>& maps = maps_of_[socket];
    maps.insert(maps.begin(), map);
  }
  void Remove(uint64_t socket, MapNumber map) { std::erase(maps_of_[socket], map); }
  void Free(MapNumber map) {
    for (auto& [socket, maps] : maps_of_) std::erase(maps, map);
  }
  // The child's elements are made one by one in the order of the parent's, so the last one is the
  // first of the child. `is_cloned(map)`: whether children inherit it.
  template <typename IsCloned>
  void Clone(uint64_t parent, uint64_t child, IsCloned&& is_cloned) {
    const std::vector<MapNumber> maps = Of(parent);
    for (const MapNumber map : maps) {
      if (is_cloned(map)) Insert(child, map);
    }
  }
  std::vector<MapNumber> Of(uint64_t socket) const {
    const auto at = maps_of_.find(socket);
    return at != maps_of_.end() ? at->second : std::vector<MapNumber>();
  }

 private:
  std::unordered_map<uint64_t, std::vector<MapNumber>> maps_of_;
};

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_INLAY_VALUE_ORDER_H_
