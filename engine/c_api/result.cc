#include "engine/c_api/result.h"

#include <array>
#include <cerrno>

#include "inlay/inlay.h"

namespace inlay::c_api {
namespace {

// By the number of the limit.
constexpr std::array kLimits = {Status::kNoMemory,     Status::kNoBits,     Status::kNoIndexes,
                                Status::kAccountLimit, Status::kSpillLimit, Status::kPendingLimit};
static_assert(kLimits[INLAY_LIMIT_BITS] == Status::kNoBits &&
              kLimits[INLAY_LIMIT_INDEXES] == Status::kNoIndexes &&
              kLimits[INLAY_LIMIT_TABLE] == Status::kAccountLimit &&
              kLimits[INLAY_LIMIT_SPILL] == Status::kSpillLimit &&
              kLimits[INLAY_LIMIT_PENDING] == Status::kPendingLimit);

thread_local constinit int last_limit = INLAY_LIMIT_SYSTEM;

}  // namespace

int Result(Status status) noexcept {
  if (IsNoMemory(status)) {
    last_limit = INLAY_LIMIT_SYSTEM;
    for (size_t limit = 0; limit < kLimits.size(); ++limit) {
      if (kLimits[limit] == status) last_limit = static_cast<int>(limit);
    }
  }
  return status == Status::kUnsupported ? -EOPNOTSUPP : -ToErrno(status);
}

}  // namespace inlay::c_api

namespace {
using inlay::Status;
}  // namespace

// The texts are literals, which end with a zero.
extern "C" const char* inlay_status_text(int result) noexcept {
  if (result == -EOPNOTSUPP) return "EOPNOTSUPP";
  return inlay::StatusName(static_cast<Status>(-result)).data();
}

extern "C" int inlay_last_limit(void) noexcept { return inlay::c_api::last_limit; }

extern "C" const char* inlay_limit_text(int limit) noexcept {
  const auto& limits = inlay::c_api::kLimits;
  if (limit < 0 || static_cast<size_t>(limit) >= limits.size()) return "?";
  return inlay::StatusName(limits[static_cast<size_t>(limit)]).data();
}
