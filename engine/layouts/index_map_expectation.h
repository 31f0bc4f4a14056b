// IndexMap::Expectation: the state that an owner must be in for a write to take effect.

#ifndef INLAY_ENGINE_LAYOUTS_INDEX_MAP_EXPECTATION_H_
#define INLAY_ENGINE_LAYOUTS_INDEX_MAP_EXPECTATION_H_

#include <cstddef>
#include <cstdint>

#include "inlay/index_map.h"
#include "inlay/operation.h"
#include "inlay/status.h"
#include "inlay/store.h"

namespace inlay {

struct IndexMap::Expectation {
  UpdateFlag flag = UpdateFlag::kAny;
  bool may_be_dying = true;  // false for a new child, to save the load
  // For Modify(): the code, and for a spilled value the address, that the copy was made from.
  // Within one reader section neither can refer to other bytes.
  bool unchanged = false;
  uint32_t code = kAbsentCode;
  const std::byte* private_value = nullptr;

  Status Check(const IndexMap& map, const OwnerRef& owner, uint32_t code_now) const {
    if (unchanged) return code_now == code ? Status::kOk : Status::kAgain;
    if (code_now == kAbsentCode && may_be_dying && owner.IsGone(map.closed_)) {
      return Status::kNotFound;
    }
    return CheckUpdateFlag(flag, code_now != kAbsentCode);
  }
  bool CheckPrivate(const std::byte* value_now) const {
    return !unchanged || value_now == private_value;
  }
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_INDEX_MAP_EXPECTATION_H_
