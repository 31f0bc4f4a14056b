// The memory cost of each layout for sockets with given values. Sizes are those that the kernel's
// allocator really hands out; docs/analyze.md has the formulas.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_COUNTING_LAYOUT_COSTS_H_
#define INLAY_TOOLS_ANALYSIS_COUNTING_LAYOUT_COSTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace inlay::analysis {

inline constexpr int kMinIndexBits = 2;
inline constexpr int kMaxIndexBits = 16;

// The number of distinct values that an index of `bits` bits can name: two codes mean "absent" and
// "spilled".
constexpr uint64_t IndexCapacity(int bits) { return (uint64_t{1} << bits) - 2; }

// The smallest width of an index for `distinct` values; nothing if the widest is too small.
constexpr std::optional<int> SmallestIndexBits(uint64_t distinct) {
  for (int bits = kMinIndexBits; bits <= kMaxIndexBits; ++bits) {
    if (distinct <= IndexCapacity(bits)) return bits;
  }
  return std::nullopt;
}

// Bytes of the table that holds `distinct` values of `value_bytes` bytes once each.
uint64_t TableBytes(uint64_t distinct, uint64_t value_bytes);

struct LayoutInput {
  uint64_t sockets = 0;      // at least 1
  uint64_t value_bytes = 0;  // of the largest value
  uint64_t distinct = 0;
  uint64_t spilled_sockets = 0;  // sockets whose value gets no index of the largest width
};

struct LayoutCost {
  std::string_view name;        // as in "single_pointer"; lives forever
  uint64_t socket_bytes = 0;    // in the socket itself
  uint64_t private_bytes = 0;   // of all sockets together, outside of them
  uint64_t table_bytes = 0;     // shared by all sockets
  uint64_t total_bytes = 0;     // everything, for all sockets
  double bytes_per_socket = 0;  // total_bytes / sockets
};

// pointer, inline, single_pointer, shared_pointer, index, in this order.
std::vector<LayoutCost> LayoutCosts(const LayoutInput& input);

// Bytes per socket of an index whose codes are packed without gaps beside those of other maps,
// instead of having 16 bits of its own: bits / 8 plus the share of the table and the spilled
// values.
double PackedIndexBytesPerSocket(const LayoutInput& input);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_COUNTING_LAYOUT_COSTS_H_
