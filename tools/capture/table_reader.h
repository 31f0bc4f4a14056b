// Reads all values of a map that is a table: hash, lru_hash, array, and those with a value for
// every CPU.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_CAPTURE_TABLE_READER_H_
#define INLAY_TOOLS_CAPTURE_TABLE_READER_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/capture/kernel_map.h"

namespace inlay::capture {

// Both live while the call lasts. An error ends the reading.
using OnTableValue =
    std::function<absl::Status(std::span<const uint8_t> key, std::span<uint8_t> value)>;

struct TableRead {
  uint64_t entries = 0;    // of a map per CPU each is a value for every CPU that there may be
  bool in_batches = true;  // false: key by key, since this kernel has no batches for such maps
  uint64_t vanished =
      0;  // entries that were deleted between the reading of their key and their value
};

// Gives every value to `on_value`; with `locked`, as they are while nobody holds the value's
// bpf_spin_lock. Not a snapshot: what changes meanwhile is seen before or after. Needs CAP_BPF, or
// CAP_SYS_ADMIN.
absl::StatusOr<TableRead> ReadTable(const KernelMap& map, bool locked, const OnTableValue& on_value,
                                    const std::function<bool()>& stop);

// How many entries there are now. Of arrays as many as there may be: all of them exist.
absl::StatusOr<uint64_t> CountTableEntries(const KernelMap& map);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_TABLE_READER_H_
