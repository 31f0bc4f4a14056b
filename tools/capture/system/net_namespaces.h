// Finds and enters the network namespaces of the machine.

#ifndef INLAY_TOOLS_CAPTURE_SYSTEM_NET_NAMESPACES_H_
#define INLAY_TOOLS_CAPTURE_SYSTEM_NET_NAMESPACES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/live_kernel/file_descriptor.h"

namespace inlay::capture {

// The namespaces of all processes and of `ip netns`, each once; the first is this process's own.
// Misses a namespace that only a socket or another bind mount keeps. *refused is the number of
// processes whose namespace this process may not open (it needs CAP_SYS_PTRACE for other users).
std::vector<live_kernel::FileDescriptor> OpenNetNamespaces(size_t* refused);

// Calls `function` on a new thread in the namespace, and returns its result. Needs CAP_SYS_ADMIN.
absl::Status InNetNamespace(const live_kernel::FileDescriptor& net_namespace,
                            const std::function<absl::Status()>& function);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_SYSTEM_NET_NAMESPACES_H_
