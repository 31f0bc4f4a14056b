// A network namespace of our own, with nothing in it but loopback.

#ifndef INLAY_ENGINE_LIVE_KERNEL_SCRATCH_NETWORK_H_
#define INLAY_ENGINE_LIVE_KERNEL_SCRATCH_NETWORK_H_

#include <cstdint>

namespace inlay::live_kernel {

// net.core.optmem_max, the limit of the charge for a socket's values and options.
struct OptmemLimit {
  int64_t bytes = 0;        // 0: unknown
  bool adjustable = false;  // false: Linux before 6.8, where the machine has one limit
};

// The limit in a scratch network whose kernel lets us set it. The default of Linux 6.18.
inline constexpr int64_t kScratchOptmemBytes = 131072;

// Moves this thread into a new network namespace. The kernel frees a namespace with its last
// socket. Throws std::system_error that names the step that failed.
// Where the limit is not adjustable, the machine's limit applies.
OptmemLimit EnterScratchNetwork();

// Sets the namespace's net.core.optmem_max. 0 or errno; ENOENT if it is not adjustable.
int SetScratchOptmem(int64_t bytes);

}  // namespace inlay::live_kernel

#endif  // INLAY_ENGINE_LIVE_KERNEL_SCRATCH_NETWORK_H_
