#include "tools/capture/system/capabilities.h"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "tools/capture/system/first_namespace.h"

namespace inlay::capture {
namespace {

uint64_t EffectiveCapabilities() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) return std::strtoull(line.c_str() + 7, nullptr, 16);
  }
  return ~uint64_t{0};  // unknown: report no capability as missing
}

}  // namespace

std::string_view CapabilityName(Capability capability) {
  switch (capability) {
    case Capability::kNetAdmin:
      return "CAP_NET_ADMIN";
    case Capability::kSysPtrace:
      return "CAP_SYS_PTRACE";
    case Capability::kSysAdmin:
      return "CAP_SYS_ADMIN";
    case Capability::kPerfmon:
      return "CAP_PERFMON";
    case Capability::kBpf:
      return "CAP_BPF";
  }
  return "a capability";
}

std::vector<Capability> MissingCapabilities(const std::vector<Capability>& needed) {
  const uint64_t effective = EffectiveCapabilities();
  const auto has = [&](Capability capability) {
    return (effective >> static_cast<int>(capability) & 1) != 0;
  };
  std::vector<Capability> missing;
  for (const Capability capability : needed) {
    const bool implied = (capability == Capability::kBpf || capability == Capability::kPerfmon) &&
                         has(Capability::kSysAdmin);
    if (!has(capability) && !implied) missing.push_back(capability);
  }
  return missing;
}

absl::Status CallFailed(std::string_view what, int error, const std::vector<Capability>& needed) {
  const std::string prefix = absl::StrCat(std::string(what), ": ");
  if (error == EPERM || error == EACCES) {
    const char* const container =
        InFirstUserNamespace()
            ? ""
            : "; this process is in a user namespace of its own (a container), whose "
              "capabilities do not count for BPF";
    const std::vector<Capability> missing = MissingCapabilities(needed);
    if (missing.empty()) {
      return absl::PermissionDeniedError(
          absl::StrCat(prefix, std::generic_category().message(error), container));
    }
    std::string names;
    for (const Capability capability : missing) {
      absl::StrAppend(&names, names.empty() ? "" : " and ",
                      std::string(CapabilityName(capability)));
    }
    return absl::PermissionDeniedError(
        absl::StrCat(prefix, "needs ", names, ", which this process lacks", container));
  }
  const std::string message = absl::StrCat(prefix, std::generic_category().message(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

}  // namespace inlay::capture
