// The layouts that the contract tests run on. For a new layout, add a struct and its name in
// AllLayouts.

#ifndef INLAY_TESTS_CONTRACT_LAYOUTS_H_
#define INLAY_TESTS_CONTRACT_LAYOUTS_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "inlay/emulated/value_map.h"

namespace inlay {

template <ValueMap M, uint32_t kWidth = 16>
struct Layout {
  using Map = M;
  static constexpr uint32_t kWidthBits = kWidth;  // only IndexMap uses it
  static constexpr bool kReplaceable = false;     // likewise
};

struct PointerLayout : Layout<PointerMap> {
  static constexpr const char* kName = "pointer";
};
struct InlineLayout : Layout<InlineMap> {
  static constexpr const char* kName = "inline";
};
struct SinglePointerLayout : Layout<SinglePointerMap> {
  static constexpr const char* kName = "single_pointer";
};
struct SharedPointerLayout : Layout<SharedPointerMap> {
  static constexpr const char* kName = "shared_pointer";
};
struct Index9Layout : Layout<IndexMap, 9> {
  static constexpr const char* kName = "index9";
};
struct Index12Layout : Layout<IndexMap, 12> {
  static constexpr const char* kName = "index12";
};
struct Index16Layout : Layout<IndexMap, 16> {
  static constexpr const char* kName = "index16";
};

struct ReplaceableLayout : Layout<IndexMap, 16> {
  static constexpr const char* kName = "replaceable";
  static constexpr bool kReplaceable = true;
};

using AllLayouts =
    testing::Types<PointerLayout, InlineLayout, SinglePointerLayout, SharedPointerLayout,
                   Index9Layout, Index12Layout, Index16Layout, ReplaceableLayout>;

struct LayoutName {
  template <typename L>
  static std::string GetName(int /*position*/) {
    return L::kName;
  }
};

}  // namespace inlay

#endif  // INLAY_TESTS_CONTRACT_LAYOUTS_H_
