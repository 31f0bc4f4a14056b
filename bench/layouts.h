// The layouts that the benchmarks compare. A new layout is one struct and one place in the list.

#ifndef INLAY_BENCH_LAYOUTS_H_
#define INLAY_BENCH_LAYOUTS_H_

#include <cstdint>
#include <tuple>

#include "inlay/index_map.h"
#include "inlay/pointer_map.h"
#include "inlay/storage_map.h"

namespace inlay::bench {

struct PointerLayout {
  using Map = PointerMap;
  static constexpr char kName[] = "pointer";
  static constexpr uint32_t kWidthBits = 0;  // has no codes
};

struct IndexLayout {
  using Map = IndexMap;
  static constexpr char kName[] = "index";
  static constexpr uint32_t kWidthBits = 16;
};

struct Index9Layout {
  using Map = IndexMap;
  static constexpr char kName[] = "index9";
  static constexpr uint32_t kWidthBits = 9;
};

using Layouts = std::tuple<PointerLayout, IndexLayout, Index9Layout>;

// Calls visit.operator()<Layout>() for each layout.
template <typename Visit>
void ForEachLayout(Visit&& visit) {
  [&]<typename... L>(std::tuple<L...>*) {
    (visit.template operator()<L>(), ...);
  }(static_cast<Layouts*>(nullptr));
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_LAYOUTS_H_
