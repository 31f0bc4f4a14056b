// The layouts that the benchmarks compare. A new layout is one struct and one place in the list.

#ifndef INLAY_ENGINE_WORKLOAD_LAYOUTS_H_
#define INLAY_ENGINE_WORKLOAD_LAYOUTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>

#include "engine/workload/line_count.h"
#include "inlay/emulated/inline_map.h"
#include "inlay/emulated/pointer_map.h"
#include "inlay/emulated/shared_pointer_map.h"
#include "inlay/emulated/single_pointer_map.h"
#include "inlay/emulated/value_map.h"
#include "inlay/index_map.h"
#include "inlay/runtime_constant.h"

namespace inlay::workload {

// The reservation of each socket of a population for values.
struct Reservation {
  uint32_t inline_bits = 0;
  uint32_t tail_bytes = 0;
};

// The bytes that a benchmark reads when it reads one field of a value.
inline constexpr size_t kFieldBytes = 4;

inline const std::byte* AtOffset(const Socket& socket, size_t offset_bytes) {
  return reinterpret_cast<const std::byte*>(&socket) + offset_bytes;
}

// The defaults of a layout. A layout that can tell which memory of a socket a get loads also has
//   static void Touch(const Map& map, const Socket& socket, LineCount* lines);
// Touch() leaves out the memory of the map itself, which stays in the cache. REQUIRES: the socket
// has a value, and a get has filled the layout's own caches.
template <ValueMap M>
struct LayoutOf {
  using Map = M;
  static constexpr uint32_t kWidthBits = 16;  // of codes, in layouts that have codes
  // The reservation of one map with values of `value_bytes` in a socket.
  static constexpr Reservation Needs(uint32_t /*value_bytes*/) { return {}; }
  // Gets the socket's value and returns use(value), which runs while the value is valid.
  template <typename Use>
  static uint64_t Read(const Map& map, const Socket& socket, Use&& use) {
    return use(map.Get(socket));
  }
};

struct PointerLayout : LayoutOf<PointerMap> {
  static constexpr char kName[] = "pointer";
  static void Touch(const PointerMap& map, const Socket& socket, LineCount* lines) {
    const StoragePointer& slot = socket.sk_bpf_storage;
    const std::byte* const value = map.Get(socket);
    lines->Own(&slot, sizeof(slot));
    const auto* const cache = reinterpret_cast<const LocalStorageCache*>(slot.load());
    lines->Own(&cache->slots[map.cache_slot()], sizeof(cache->slots[0]));
    lines->Own(value - sizeof(StorageData), sizeof(StorageData) + kFieldBytes);
  }
};

struct InlineLayout : LayoutOf<InlineMap> {
  static constexpr char kName[] = "inline";
  static constexpr Reservation Needs(uint32_t value_bytes) {
    return {.tail_bytes = 8 + (value_bytes + 7) / 8 * 8};
  }
  static void Touch(const InlineMap& map, const Socket& socket, LineCount* lines) {
    lines->Own(AtOffset(socket, map.offset_bytes()), sizeof(uint64_t));
    lines->Own(map.Get(socket), kFieldBytes);
  }
};

struct SinglePointerLayout : LayoutOf<SinglePointerMap> {
  static constexpr char kName[] = "single_pointer";
  static void Touch(const SinglePointerMap& map, const Socket& socket, LineCount* lines) {
    lines->Own(&socket.sk_single_object, sizeof(socket.sk_single_object));
    const SingleObject* const object = socket.sk_single_object.load();
    lines->Own(&object->maps, sizeof(object->maps));
    lines->Own(&object->offset_bytes(map.number()), sizeof(uint32_t));
    lines->Own(map.Get(socket), kFieldBytes);
  }
};

struct SharedPointerLayout : LayoutOf<SharedPointerMap> {
  static constexpr char kName[] = "shared_pointer";
  static constexpr Reservation Needs(uint32_t /*value_bytes*/) { return {.tail_bytes = 8}; }
  static void Touch(const SharedPointerMap& map, const Socket& socket, LineCount* lines) {
    lines->Own(AtOffset(socket, map.offset_bytes()), sizeof(void*));
    lines->Shared(map.Get(socket), kFieldBytes);
  }
};

template <uint32_t kBits>
struct IndexLayoutOf : LayoutOf<IndexMap> {
  static constexpr uint32_t kWidthBits = kBits;
  static constexpr Reservation Needs(uint32_t /*value_bytes*/) { return {.inline_bits = 16}; }
  static void Touch(const IndexMap& map, const Socket& socket, LineCount* lines) {
    const auto* const words = reinterpret_cast<const std::byte*>(&socket.inline_words());
    lines->Own(words + size_t{map.field().word} * sizeof(uint64_t), sizeof(uint64_t));
    lines->Shared(map.Get(socket), kFieldBytes);
  }
};
struct IndexLayout : IndexLayoutOf<16> {
  static constexpr char kName[] = "index";
};
struct Index12Layout : IndexLayoutOf<12> {
  static constexpr char kName[] = "index12";
};
struct Index9Layout : IndexLayoutOf<9> {
  static constexpr char kName[] = "index9";
};

// In this order maps take their places in the sockets of a population: inline before
// shared_pointer.
using Layouts = std::tuple<PointerLayout, InlineLayout, SinglePointerLayout, SharedPointerLayout,
                           IndexLayout, Index12Layout, Index9Layout>;

// Other ways to read the map of a layout. Each names that layout, and checks that the value is at
// the place that it reads.

// The compiler knows the place: first in the tail.
struct InlineConstReading {
  using Layout = InlineLayout;
  static constexpr char kName[] = "inline_const";
  static constexpr size_t kOffsetBytes = sizeof(Socket);
  static bool Prepare(const InlineMap& map, std::string* error) {
    if (map.is_inline() && map.offset_bytes() == kOffsetBytes) return true;
    *error = "the inline map is not first in the tail";
    return false;
  }
  template <typename Use>
  static uint64_t Read(const InlineMap& /*map*/, const Socket& socket, Use&& use) {
    return use(InlineMap::GetAt(socket, kOffsetBytes));
  }
};

// The place is patched into the code at start-up.
struct InlineRuntimeConstReading {
  using Layout = InlineLayout;
  using OffsetBytes = RuntimeConstant<struct InlineOffsetTag>;
  static constexpr char kName[] = "inline_runtime_const";
  static bool Prepare(const InlineMap& map, std::string* error) {
    if (map.is_inline() && OffsetBytes::Set(map.offset_bytes()) == Status::kOk) return true;
    *error = "the run-time constant cannot be patched into the code";
    return false;
  }
  template <typename Use>
  static uint64_t Read(const InlineMap& /*map*/, const Socket& socket, Use&& use) {
    return use(InlineMap::GetAt(socket, OffsetBytes::Load()));
  }
};

using OtherReadings = std::tuple<InlineConstReading, InlineRuntimeConstReading>;

// Calls visit.operator()<T>() for each type of a list.
template <typename List, typename Visit>
void ForEachOf(Visit&& visit) {
  [&]<typename... T>(std::tuple<T...>*) {
    (visit.template operator()<T>(), ...);
  }(static_cast<List*>(nullptr));
}
template <typename Visit>
void ForEachLayout(Visit&& visit) {
  ForEachOf<Layouts>(visit);
}

// The reservation for one map of every layout.
inline Reservation NeedsOfAll(uint32_t value_bytes) {
  Reservation all;
  ForEachLayout([&]<typename Layout>() {
    const Reservation needs = Layout::Needs(value_bytes);
    all.inline_bits += needs.inline_bits;
    all.tail_bytes += needs.tail_bytes;
  });
  all.inline_bits = (all.inline_bits + 63) / 64 * 64;
  return all;
}

}  // namespace inlay::workload

#endif  // INLAY_ENGINE_WORKLOAD_LAYOUTS_H_
