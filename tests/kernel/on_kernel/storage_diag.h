// Asks sock_diag for the values of a socket, as `ss --bpf-maps` does.

#ifndef INLAY_TESTS_KERNEL_ON_KERNEL_STORAGE_DIAG_H_
#define INLAY_TESTS_KERNEL_ON_KERNEL_STORAGE_DIAG_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tests/kernel/script/hex.h"

namespace inlay::bpf_script {

// Map ids and values, in the reply's order.
using DiagValues = std::vector<std::pair<uint32_t, Bytes>>;

// Finds the socket with that cookie among those of the protocol. `map_fds`: empty for all maps.
// Without values if the socket is not listed or has none. Returns 0 or errno.
int ReadStorageDiag(int family, int protocol, uint64_t cookie, std::span<const int> map_fds,
                    DiagValues* values);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_KERNEL_STORAGE_DIAG_H_
