// Says which capabilities this process lacks.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_CAPTURE_SYSTEM_CAPABILITIES_H_
#define INLAY_TOOLS_CAPTURE_SYSTEM_CAPABILITIES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace inlay::capture {

// The values are the kernel's numbers.
enum class Capability { kNetAdmin = 12, kSysPtrace = 19, kSysAdmin = 21, kPerfmon = 38, kBpf = 39 };

// "CAP_BPF".
std::string_view CapabilityName(Capability capability);

// Those of `needed` that this process lacks. CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON.
std::vector<Capability> MissingCapabilities(const std::vector<Capability>& needed);

// The error of a call that failed with `error`, an errno: "WHAT: needs CAP_BPF, which this process
// lacks" if it was refused and one of `needed` is missing, else "WHAT: REASON"; in a container, the
// message mentions that.
absl::Status CallFailed(std::string_view what, int error, const std::vector<Capability>& needed);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_SYSTEM_CAPABILITIES_H_
