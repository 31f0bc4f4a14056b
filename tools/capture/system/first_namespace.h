// Whether this process is in the namespace that the kernel began with, and not in one of a
// container.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_CAPTURE_SYSTEM_FIRST_NAMESPACE_H_
#define INLAY_TOOLS_CAPTURE_SYSTEM_FIRST_NAMESPACE_H_

namespace inlay::capture {

// Else the descriptors of some processes are not seen. False if it cannot be known.
bool InFirstPidNamespace();

// Else the capabilities that a process has do not count for BPF. True if it cannot be known.
bool InFirstUserNamespace();

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_SYSTEM_FIRST_NAMESPACE_H_
