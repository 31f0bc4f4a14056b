// Reads all values of a hash, lru_hash or array map, per-CPU ones included.
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

// Both are valid during the call. An error ends the reading.
using OnTableValue =
    std::function<absl::Status(std::span<const uint8_t> key, std::span<uint8_t> value)>;

struct TableRead {
  uint64_t entries = 0;    // in a per-CPU map, each has one value for every possible CPU
  bool in_batches = true;  // false: key by key, without batch lookups
  uint64_t vanished =
      0;  // entries that were deleted between the reading of their key and their value
};

// Passes every value to `on_value`; with `locked`, copies each under its bpf_spin_lock. Not a
// snapshot: it sees an entry that changes meanwhile before or after the change. Needs CAP_BPF, or
// CAP_SYS_ADMIN.
absl::StatusOr<TableRead> ReadTable(const KernelMap& map, bool locked, const OnTableValue& on_value,
                                    const std::function<bool()>& stop);

// The number of entries now. All elements of an array exist.
absl::StatusOr<uint64_t> CountTableEntries(const KernelMap& map);

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_TABLE_READER_H_
