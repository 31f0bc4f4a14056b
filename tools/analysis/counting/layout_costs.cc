#include "tools/analysis/counting/layout_costs.h"

#include <algorithm>

#include "inlay/memory_usage.h"
#include "inlay/value_table.h"

namespace inlay::analysis {
namespace {

constexpr uint64_t kPointerBytes = 8;
// The smallest word of inline bits that an owner can reserve holds a code of any width up to 16.
constexpr uint64_t kReservationBytes = 2;
constexpr uint64_t kSingleObjectHeaderBytes = 16;

constexpr uint64_t RoundUp8(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

// The bytes outside the socket for a private value in the kernel's layout.
uint64_t PrivateValueBytes(uint64_t value_bytes) {
  return KmallocBytes(kStorageElementHeaderBytes + value_bytes) + KmallocBytes(kLocalStorageBytes);
}

uint64_t InternedValues(const LayoutInput& input) {
  return std::min(input.distinct, IndexCapacity(kMaxIndexBits));
}

LayoutCost Cost(std::string_view name, uint64_t sockets, uint64_t socket_bytes,
                uint64_t private_bytes, uint64_t table_bytes) {
  LayoutCost cost{name, socket_bytes, private_bytes, table_bytes, 0, 0};
  cost.total_bytes = sockets * socket_bytes + private_bytes + table_bytes;
  cost.bytes_per_socket = static_cast<double>(cost.total_bytes) / static_cast<double>(sockets);
  return cost;
}

// Lookup of a spilled value works as in the kernel's layout, and costs the same, with the pointer.
uint64_t SpilledBytes(const LayoutInput& input) {
  return input.spilled_sockets * (PrivateValueBytes(input.value_bytes) + kPointerBytes);
}

}  // namespace

uint64_t TableBytes(uint64_t distinct, uint64_t value_bytes) {
  return distinct == 0 ? 0 : ValueTableBytes(distinct, value_bytes);
}

std::vector<LayoutCost> LayoutCosts(const LayoutInput& input) {
  const uint64_t n = input.sockets;
  const uint64_t value_bytes = input.value_bytes;
  return {
      Cost("pointer", n, kPointerBytes, n * PrivateValueBytes(value_bytes), 0),
      Cost("inline", n, RoundUp8(value_bytes), 0, 0),
      Cost("single_pointer", n, kPointerBytes,
           n * KmallocBytes(kSingleObjectHeaderBytes + value_bytes), 0),
      Cost("shared_pointer", n, kPointerBytes, 0, TableBytes(input.distinct, value_bytes)),
      Cost("index", n, kReservationBytes, SpilledBytes(input),
           TableBytes(InternedValues(input), value_bytes)),
  };
}

double PackedIndexBytesPerSocket(const LayoutInput& input) {
  const int bits = SmallestIndexBits(input.distinct).value_or(kMaxIndexBits);
  const uint64_t shared_bytes =
      TableBytes(InternedValues(input), input.value_bytes) + SpilledBytes(input);
  return bits / 8.0 + static_cast<double>(shared_bytes) / static_cast<double>(input.sockets);
}

}  // namespace inlay::analysis
