// Structs of inlay/inlay.h that begin with their size, so that a program and a library of different
// versions understand each other. The kernel treats structs of system calls so.

#ifndef INLAY_ENGINE_C_API_SIZED_STRUCT_H_
#define INLAY_ENGINE_C_API_SIZED_STRUCT_H_

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace inlay::c_api {

// Copies the caller's struct to *known; what the caller does not know is zero there. 0; -EINVAL: it
// is shorter than in the first version; -E2BIG: it has a wish that this version does not know.
template <size_t kFirstVersionBytes, typename T>
int ReadSized(const T* given, T* known) {
  if (given == nullptr || given->size < kFirstVersionBytes) return -EINVAL;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(given);
  if (given->size > sizeof(T) &&
      std::any_of(bytes + sizeof(T), bytes + given->size, [](unsigned char b) { return b != 0; })) {
    return -E2BIG;
  }
  *known = T{};
  std::memcpy(known, given, std::min(given->size, sizeof(T)));
  return 0;
}

// Copies `known` to the caller's struct, as much as the caller knows, and zeroes what it
// knows more. 0; -EINVAL: it is shorter than in the first version.
template <size_t kFirstVersionBytes, typename T>
int WriteSized(T known, T* given) {
  if (given == nullptr || given->size < kFirstVersionBytes) return -EINVAL;
  known.size = given->size;
  const size_t copied = std::min(given->size, sizeof(T));
  std::memcpy(given, &known, copied);
  std::memset(reinterpret_cast<unsigned char*>(given) + copied, 0, known.size - copied);
  return 0;
}

}  // namespace inlay::c_api

#endif  // INLAY_ENGINE_C_API_SIZED_STRUCT_H_
