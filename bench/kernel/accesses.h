// The names of the two walks over sockets and of the timed accesses, in benchmarks and BPF
// programs.

#ifndef INLAY_BENCH_KERNEL_ACCESSES_H_
#define INLAY_BENCH_KERNEL_ACCESSES_H_

#include <array>
#include <cstdint>

namespace inlay::bench {

enum class Walk : uint8_t { kPacket, kIterator };
inline constexpr std::array kWalks = {Walk::kPacket, Walk::kIterator};
constexpr const char* Name(Walk walk) { return walk == Walk::kPacket ? "packet" : "iterator"; }

enum class Access : uint8_t { kClock, kTouch, kMark, kSkStorage, kIndex, kInlay };
inline constexpr std::array kAccesses = {Access::kClock,     Access::kTouch, Access::kMark,
                                         Access::kSkStorage, Access::kIndex, Access::kInlay};
constexpr const char* Name(Access access) {
  constexpr std::array kNames = {"clock", "touch", "mark", "sk_storage", "index", "inlay"};
  return kNames[static_cast<size_t>(access)];
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_ACCESSES_H_
