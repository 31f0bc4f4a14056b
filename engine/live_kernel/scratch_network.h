// A network namespace of our own, with nothing in it but loopback.

#ifndef INLAY_ENGINE_LIVE_KERNEL_SCRATCH_NETWORK_H_
#define INLAY_ENGINE_LIVE_KERNEL_SCRATCH_NETWORK_H_

#include <cstdint>

namespace inlay::live_kernel {

// Moves this thread into a new network namespace. The kernel frees a namespace with its last
// socket. Throws std::system_error that names the step that failed.
void EnterScratchNetwork();

// Sets the namespace's net.core.optmem_max. 0 or errno.
int SetScratchOptmem(int64_t bytes);

}  // namespace inlay::live_kernel

#endif  // INLAY_ENGINE_LIVE_KERNEL_SCRATCH_NETWORK_H_
