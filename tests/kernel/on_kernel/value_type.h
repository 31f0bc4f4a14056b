// Type information (BTF) of a map's keys and values: the kernel requires it for socket-local
// storage.

#ifndef INLAY_TESTS_KERNEL_ON_KERNEL_VALUE_TYPE_H_
#define INLAY_TESTS_KERNEL_ON_KERNEL_VALUE_TYPE_H_

#include <cstdint>

#include "engine/live_kernel/hidden_fd.h"
#include "tests/kernel/script/script.h"

namespace inlay::bpf_script {

struct ValueType {
  live_kernel::HiddenFd fd;
  uint32_t key_id = 0;
  uint32_t value_id = 0;
};

// Loads BTF of an int and of a value of this shape. For a size that no type can have, the type does
// not match it.
ValueType LoadValueType(const MapShape& shape);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_KERNEL_VALUE_TYPE_H_
