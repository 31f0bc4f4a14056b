// WalkStorage: the values of a map of socket storage, by the kernel's iterator.

#ifndef INLAY_TESTS_KERNEL_ON_KERNEL_STORAGE_WALK_H_
#define INLAY_TESTS_KERNEL_ON_KERNEL_STORAGE_WALK_H_

#include <cstdint>
#include <vector>

#include "tests/kernel/script/backend.h"

namespace inlay::bpf_script {

// Appends the map's values, in any order. `target`: see LoadWalkProgram(). Returns 0 or the errno
// of the walk. Throws std::system_error if there can be no walk.
int WalkStorage(int map_fd, uint32_t value_bytes, int target, std::vector<HeldValue>* values);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_KERNEL_STORAGE_WALK_H_
