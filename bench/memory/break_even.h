// BreakEven: the number of distinct values from which on the index layout takes at least as much
// memory as another layout. Bisection over real maps finds the least such number by memory_usage():
// a table grows with the distinct values, and the other layout grows no faster.
//
// The expected memory of N sockets with values of V bytes, D of them distinct; R is V rounded up to
// 8:
//   index          2 N + D (R + 12 + 6 to 12)   a value, its entry, and its slots in the hash index
//   inline         N (8 + R)                    for every D
//   shared_pointer 8 N + D (R + 12 + 6 to 12)   the same table
// So inline breaks even at D = N (R + 6) / (R + 18 to 24): at about half of the sockets for values
// of 8 bytes, at nearly nine tenths for 100. Above 65,534 values the table is full. Every further
// value is private to its socket and takes 192 bytes for the storage and the slab class of 72 + V
// for the element; in shared_pointer, the slab class of 32 + V. So shared_pointer breaks even where
// the 192 bytes have used up the 6 N by which index was ahead: at N / 32 to N / 37 values above the
// limit, if there are as many sockets. With more sockets, inline breaks even earlier than without
// the limit.

#ifndef INLAY_BENCH_BREAK_EVEN_H_
#define INLAY_BENCH_BREAK_EVEN_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/workload/population.h"
#include "bench/workload/workload.h"
#include "engine/workload/layouts.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay::bench {

// A layout's memory as a function of the number of distinct values.
template <typename Layout>
class MemoryOfValues {
 public:
  MemoryOfValues(size_t sockets, uint32_t value_bytes)
      : population_({.sockets = sockets, .values = 1, .value_bytes = value_bytes},
                    Layout::Needs(value_bytes)) {}

  // Bytes for a value in every socket, `distinct` of which differ. Empty, with *error set, on
  // failure. REQUIRES: 1 <= distinct <= sockets.
  std::optional<size_t> Bytes(size_t distinct, std::string* error) {
    const auto map = MakeMap<Layout>(population_, error);
    if (map == nullptr) return std::nullopt;
    const std::span<const std::byte> first = population_.workload().value(0);
    std::vector<std::byte> value(first.begin(), first.end());
    for (size_t number = 0; number < population_.sockets(); ++number) {
      const auto field = static_cast<uint32_t>(number % distinct);
      std::memcpy(value.data(), &field, sizeof(field));
      const Status status = map->Update(population_.socket(number), value, UpdateFlag::kNoExist);
      if (status == Status::kOk) continue;
      *error = "cannot fill the map: " + std::string(StatusName(status));
      return std::nullopt;
    }
    RetireBarrier();  // arrays that a table has outgrown
    return map->memory_usage().total_bytes();
  }

 private:
  Population population_;
};

struct FoundBreakEven {
  size_t distinct_values = 0;
  char error[128] = {};  // not empty: the search failed
};

// The least number of distinct values with which index takes at least as much as `Other`; sockets +
// 1 if it takes less even when all differ.
template <typename Other>
FoundBreakEven FindBreakEven(size_t sockets, uint32_t value_bytes) {
  MemoryOfValues<workload::IndexLayout> index(sockets, value_bytes);
  MemoryOfValues<Other> other(sockets, value_bytes);
  FoundBreakEven found;
  std::string error;
  size_t least = 1;
  size_t beyond = sockets + 1;
  while (least < beyond) {
    const size_t distinct = least + (beyond - least) / 2;
    const std::optional<size_t> index_bytes = index.Bytes(distinct, &error);
    const std::optional<size_t> other_bytes = other.Bytes(distinct, &error);
    if (!index_bytes.has_value() || !other_bytes.has_value()) {
      std::snprintf(found.error, sizeof(found.error), "%s", error.c_str());
      return found;
    }
    if (*index_bytes >= *other_bytes) {
      beyond = distinct;
    } else {
      least = distinct + 1;
    }
  }
  found.distinct_values = least;
  return found;
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_BREAK_EVEN_H_
