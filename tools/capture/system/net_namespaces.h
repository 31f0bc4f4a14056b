// The network namespaces of the machine, as far as they can be entered.

#ifndef INLAY_TOOLS_CAPTURE_SYSTEM_NET_NAMESPACES_H_
#define INLAY_TOOLS_CAPTURE_SYSTEM_NET_NAMESPACES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/live_kernel/file_descriptor.h"

namespace inlay::capture {

// Those that some process is in, and those of `ip netns`; each once, and first the one that this
// process is in. Not seen: one that only a socket or a bind mount elsewhere keeps. `refused` is how
// many processes do not tell theirs, as those of another user without CAP_SYS_PTRACE.
std::vector<live_kernel::FileDescriptor> OpenNetNamespaces(size_t* refused);

// Calls `function` on a thread that is in the namespace, and returns what it returns. Needs
// CAP_SYS_ADMIN.
absl::Status InNetNamespace(const live_kernel::FileDescriptor& net_namespace,
                            const std::function<absl::Status()>& function);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_SYSTEM_NET_NAMESPACES_H_
