// GetOrMake(): the part of GetOrCreate() that all layouts over sockets share.

#ifndef INLAY_ENGINE_LAYOUTS_GET_OR_MAKE_H_
#define INLAY_ENGINE_LAYOUTS_GET_OR_MAKE_H_

#include <cassert>
#include <cstddef>
#include <span>

#include "inlay/emulated/socket.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay {

// Returns the socket's value. If it is absent and `init` and the socket allow a new value, returns
// make(&result): the value that this or another thread makes, or null with the reason in `result`.
// `status` may be null.
template <typename Map, typename Make>
const std::byte* GetOrMake(const Map& map, const Socket& socket, std::span<const std::byte> init,
                           Status* status, Make&& make) noexcept {
  assert(InReadSection());
  Status ignored = Status::kOk;
  Status& result = status != nullptr ? *status : ignored;
  result = Status::kOk;
  if (const std::byte* const found = map.Get(socket)) return found;
  if (!init.empty() && init.size() != map.value_bytes()) {
    result = Status::kInvalid;
  } else if (socket.is_dying()) {
    result = Status::kNotFound;
  } else {
    return make(&result);
  }
  return nullptr;
}

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_GET_OR_MAKE_H_
