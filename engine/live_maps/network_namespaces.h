// The network namespaces of the machine.

#ifndef INLAY_ENGINE_LIVE_MAPS_NETWORK_NAMESPACES_H_
#define INLAY_ENGINE_LIVE_MAPS_NETWORK_NAMESPACES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_maps/census_counts.h"
#include "engine/live_maps/explained_count.h"

namespace inlay {

// Opens the namespaces that the kernel has listed: by the processes that are in them and the names
// of `ip netns`, and otherwise by their ids, which newer kernels have. Returns those that it could
// not open.
std::vector<CensusNamespace> OpenNamespaces(std::span<const CensusNamespace> listed,
                                            std::vector<live_kernel::FileDescriptor>* opened);

// Opens the namespace with this inode by a socket of it. Needs CAP_NET_ADMIN there.
live_kernel::FileDescriptor OpenNamespaceOfSocket(const CensusHolder& holder, uint32_t inum);

// Of this thread's namespace. False if the kernel does not say.
bool ReadNamespaceCookie(uint64_t* cookie);
// `sockets: used`.
bool ReadSocketsUsed(uint64_t* used);
// The same, again and again while it changes, for at most 20 ms.
bool ReadSocketsUsedOften(std::vector<UsedReading>* readings);

}  // namespace inlay

#endif  // INLAY_ENGINE_LIVE_MAPS_NETWORK_NAMESPACES_H_
