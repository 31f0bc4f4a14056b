// UpdateOrAssign(): gives a socket a value in one step, or for the index layout in two.

#ifndef INLAY_TESTS_CONTRACT_UPDATE_OR_ASSIGN_H_
#define INLAY_TESTS_CONTRACT_UPDATE_OR_ASSIGN_H_

#include <cstddef>
#include <span>

#include "inlay/emulated/socket.h"
#include "inlay/operation.h"
#include "inlay/status.h"
#include "inlay/value_table.h"

namespace inlay {

// Update(). If `assign`, and if the map can intern the value, Intern() and Assign().
template <typename Map>
Status UpdateOrAssign(Map& map, Socket& socket, std::span<const std::byte> value, UpdateFlag flag,
                      bool assign) {
  if constexpr (requires(ValueRef * ref) { map.Intern(value, ref); }) {
    ValueRef ref;
    if (assign && map.Intern(value, &ref) == Status::kOk) return map.Assign(socket, ref, flag);
  }
  return map.Update(socket, value, flag);
}

}  // namespace inlay

#endif  // INLAY_TESTS_CONTRACT_UPDATE_OR_ASSIGN_H_
