// The layouts that scripts run on, and the reservation of their sockets. A new layout is one struct
// and one place in the list.

#ifndef INLAY_TESTS_KERNEL_ON_INLAY_LAYOUTS_H_
#define INLAY_TESTS_KERNEL_ON_INLAY_LAYOUTS_H_

#include <cstdint>
#include <string_view>
#include <tuple>

#include "inlay/emulated/inline_map.h"
#include "inlay/emulated/pointer_map.h"
#include "inlay/emulated/shared_pointer_map.h"
#include "inlay/emulated/single_pointer_map.h"
#include "inlay/emulated/socket.h"
#include "inlay/index_map.h"

namespace inlay::bpf_script {

// The width of codes, in layouts that have codes.
struct AnyLayout {
  static constexpr uint32_t kWidthBits = 16;
};

struct PointerLayout : AnyLayout {
  using Map = PointerMap;
  static constexpr std::string_view kName = "pointer";
  static constexpr SocketTableOptions kSockets = {.inline_bits = 0, .tail_bytes = 0};
};

struct InlineLayout : AnyLayout {
  using Map = InlineMap;
  static constexpr std::string_view kName = "inline";
  static constexpr SocketTableOptions kSockets = {.inline_bits = 0, .tail_bytes = 1024};
};

struct SinglePointerLayout : AnyLayout {
  using Map = SinglePointerMap;
  static constexpr std::string_view kName = "single_pointer";
  static constexpr SocketTableOptions kSockets = {.inline_bits = 0, .tail_bytes = 0};
};

struct SharedPointerLayout : AnyLayout {
  using Map = SharedPointerMap;
  static constexpr std::string_view kName = "shared_pointer";
  static constexpr SocketTableOptions kSockets = {.inline_bits = 0, .tail_bytes = 256};
};

struct IndexLayout : AnyLayout {
  using Map = IndexMap;
  static constexpr std::string_view kName = "index";
  static constexpr SocketTableOptions kSockets = {.inline_bits = 256, .tail_bytes = 0};
  static constexpr uint32_t kWidthBits = 16;
};

using Layouts =
    std::tuple<PointerLayout, InlineLayout, SinglePointerLayout, SharedPointerLayout, IndexLayout>;

// `pointer`, which emulates an older kernel.
struct PointerLayout61 : PointerLayout {
  static constexpr std::string_view kName = "pointer_6_1";
  static constexpr SocketTableOptions kSockets = {
      .inline_bits = 0, .tail_bytes = 0, .kernel = KernelVersion::kLinux61};
};

using OlderKernels = std::tuple<PointerLayout61>;

// Layouts with too little room, for random scripts.

struct SmallInlineLayout : InlineLayout {
  static constexpr std::string_view kName = "small_inline";
  static constexpr SocketTableOptions kSockets = {.inline_bits = 0, .tail_bytes = 64};
};

struct SmallSharedPointerLayout : SharedPointerLayout {
  static constexpr std::string_view kName = "small_shared_pointer";
  static constexpr SocketTableOptions kSockets = {.inline_bits = 0, .tail_bytes = 16};
};

struct NarrowIndexLayout : IndexLayout {
  static constexpr std::string_view kName = "narrow_index";
  static constexpr uint32_t kWidthBits = 3;  // six values have a code
};

using SmallLayouts = std::tuple<SmallInlineLayout, SmallSharedPointerLayout, NarrowIndexLayout>;

// Calls visit.operator()<Layout>() for each layout of a list.
template <typename List, typename Visit>
void ForEachLayout(Visit&& visit) {
  [&]<typename... L>(std::tuple<L...>*) {
    (visit.template operator()<L>(), ...);
  }(static_cast<List*>(nullptr));
}

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_INLAY_LAYOUTS_H_
