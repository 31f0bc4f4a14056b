// AcceptChild: the child socket of a handshake over loopback.

#ifndef INLAY_TESTS_KERNEL_ON_KERNEL_ACCEPTED_CHILD_H_
#define INLAY_TESTS_KERNEL_ON_KERNEL_ACCEPTED_CHILD_H_

#include "engine/live_kernel/hidden_fd.h"

namespace inlay::bpf_script {

// Makes `listener` listen if it does not yet, connects a client to it, and accepts. *child is a
// descriptor like any other. Returns 0 or errno; ETIMEDOUT: no child within half a second.
int AcceptChild(int listener, live_kernel::HiddenFd* client, int* child);

// Closes a TCP client with a reset, so that no part of the connection lingers.
void ResetClient(live_kernel::HiddenFd client);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_KERNEL_ACCEPTED_CHILD_H_
