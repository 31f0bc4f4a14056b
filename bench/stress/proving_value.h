// ProvingValue: a value that carries its own proof, so that a reader can tell from the bytes alone
// that they are whole, belong where they were found, and how old they are.

#ifndef INLAY_BENCH_STRESS_PROVING_VALUE_H_
#define INLAY_BENCH_STRESS_PROVING_VALUE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace inlay {

struct ProvingValue {
  uint64_t map_id = 0;
  uint64_t group = 0;       // of owners: owners of one group share values
  uint64_t generation = 0;  // counts the changes of the group, from 1
  std::array<uint64_t, 6> filler = {};
  uint64_t checksum = 0;

  static ProvingValue Make(uint64_t map_id, uint64_t group, uint64_t generation) {
    ProvingValue value{.map_id = map_id, .group = group, .generation = generation};
    value.filler.fill((generation + group) * 0x9e37'79b9'7f4a'7c15U);
    value.checksum = value.Sum();
    return value;
  }
  static ProvingValue At(const std::byte* found) {
    ProvingValue value;
    std::memcpy(&value, found, sizeof(value));
    return value;
  }
  uint64_t Sum() const {
    uint64_t sum = (map_id * 31 + group) * 31 + generation;
    for (const uint64_t part : filler) sum = sum * 31 + part;
    return sum;
  }
  bool Proves(uint64_t of_map, uint64_t of_group) const {
    return map_id == of_map && group == of_group && checksum == Sum();
  }
  std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span<const ProvingValue, 1>(this, 1));
  }
};

}  // namespace inlay

#endif  // INLAY_BENCH_STRESS_PROVING_VALUE_H_
