// Peers: alternatives to Inlay, as layouts for the benchmarks. Each is a class in bench/peers/,
// whose header lists what it lacks. bench/peers/README.md is the map.
//
// A peer has the members of a layout (engine/workload/layouts.h): Map, kName, kWidthBits, Needs()
// and Read(). Its Map has Create, Update, Modify, Delete, Clone and memory_usage() with the
// contract of inlay/emulated/value_map.h, and no Get(): only Read() knows how long a value may be
// used.

#ifndef INLAY_BENCH_PEERS_H_
#define INLAY_BENCH_PEERS_H_

#include <cstdint>
#include <tuple>
#include <utility>

#include "bench/peers/interning_table.h"
#include "bench/peers/shared_ptr.h"
#include "bench/peers/side_table.h"
#include "engine/workload/layouts.h"
#include "engine/workload/line_count.h"
#include "inlay/emulated/socket.h"

#if __has_include(<boost/flyweight.hpp>)
#include "bench/peers/flyweight.h"
#define INLAY_BENCH_HAS_FLYWEIGHT 1
#endif

namespace inlay::bench {

// The concurrency that one map of a peer allows.
enum class PeerThreads : uint8_t {
  kOne,           // nothing: one thread at a time
  kOneASocket,    // anything, but one thread a socket; several may read if none writes
  kAnyOnASocket,  // anything
};

template <typename M, PeerThreads kAllowedThreads>
struct PeerOf {
  using Map = M;
  static constexpr PeerThreads kThreads = kAllowedThreads;
  static constexpr uint32_t kWidthBits = 16;  // for MapOptions; peers have no codes
  static constexpr workload::Reservation Needs(uint32_t /*value_bytes*/) {
    return {.tail_bytes = M::kPlaceBytes};
  }
  // Gets the socket's value and returns use(value), which runs while the value is valid.
  template <typename Use>
  static uint64_t Read(const Map& map, const Socket& socket, Use&& use) {
    return map.Read(socket, use);
  }
  // See layouts.h; side_table cannot tell.
  static void Touch(const Map& map, const Socket& socket,
                    workload::LineCount* lines) requires requires {
    map.Touch(socket, lines);
  }
  { map.Touch(socket, lines); }
};

#ifdef INLAY_BENCH_HAS_FLYWEIGHT
template <uint32_t kValueBytes>
struct FlyweightPeer : PeerOf<FlyweightMap<kValueBytes>, PeerThreads::kOneASocket> {
  static constexpr char kName[] = "flyweight";
};
template <uint32_t kValueBytes>
struct FlyweightNoLockingPeer : PeerOf<FlyweightNoLockingMap<kValueBytes>, PeerThreads::kOne> {
  static constexpr char kName[] = "flyweight_no_locking";
};
template <uint32_t kValueBytes>
using FlyweightPeers = std::tuple<FlyweightPeer<kValueBytes>, FlyweightNoLockingPeer<kValueBytes>>;
#else
template <uint32_t kValueBytes>
using FlyweightPeers = std::tuple<>;  // built without Boost
#endif
template <uint32_t kValueBytes>
struct SideTablePeer : PeerOf<SideTableMap<kValueBytes>, PeerThreads::kAnyOnASocket> {
  static constexpr char kName[] = "side_table";
};
template <uint32_t kValueBytes>
struct InterningTablePeer : PeerOf<InterningTableMap<kValueBytes>, PeerThreads::kOneASocket> {
  static constexpr char kName[] = "interning_table";
};
template <uint32_t kValueBytes>
struct SharedPtrPeer : PeerOf<SharedPtrMap<kValueBytes>, PeerThreads::kOneASocket> {
  static constexpr char kName[] = "shared_ptr";
};

// In this order maps take their places in the sockets of a population, behind those of all layouts.
template <uint32_t kValueBytes>
using Peers = decltype(std::tuple_cat(
    std::declval<FlyweightPeers<kValueBytes>>(),
    std::declval<std::tuple<SideTablePeer<kValueBytes>, InterningTablePeer<kValueBytes>,
                            SharedPtrPeer<kValueBytes>>>()));

// Calls visit.operator()<Peers<value_bytes>>() if there are peers with values of that size. A
// user's type has its size at compile time; these are for 8, 100 and 1024 bytes.
template <typename Visit>
void ForEachPeerList(uint32_t value_bytes, Visit&& visit) {
  if (value_bytes == 8) visit.template operator()<Peers<8>>();
  if (value_bytes == 100) visit.template operator()<Peers<100>>();
  if (value_bytes == 1024) visit.template operator()<Peers<1024>>();
}

// Calls visit.operator()<Peer>() for each peer with values of that size.
template <typename Visit>
void ForEachPeer(uint32_t value_bytes, Visit&& visit) {
  ForEachPeerList(value_bytes, [&]<typename List>() { workload::ForEachOf<List>(visit); });
}

// The reservation of a socket for one map of every peer.
inline workload::Reservation NeedsOfPeers(uint32_t value_bytes) {
  workload::Reservation all;
  ForEachPeer(value_bytes,
              [&]<typename Peer>() { all.tail_bytes += Peer::Needs(value_bytes).tail_bytes; });
  return all;
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PEERS_H_
