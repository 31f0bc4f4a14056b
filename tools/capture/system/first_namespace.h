// Tells whether this process is in an initial namespace of the machine, or in a container's.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_CAPTURE_SYSTEM_FIRST_NAMESPACE_H_
#define INLAY_TOOLS_CAPTURE_SYSTEM_FIRST_NAMESPACE_H_

namespace inlay::capture {

// Otherwise walks do not see the descriptors of some processes. False if unknown.
bool InFirstPidNamespace();

// Otherwise the capabilities of this process do not count for BPF. True if unknown.
bool InFirstUserNamespace();

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_SYSTEM_FIRST_NAMESPACE_H_
