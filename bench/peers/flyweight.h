// The peers `flyweight` and `flyweight_no_locking`: a boost::flyweights::flyweight in each socket,
// 8 bytes, with Boost's own choices, a hashed factory, counted references and, unless it is told
// not to, a mutex around the factory; and with XXH3 as the hash. handle_map.h has the limits of
// sockets with handles. Besides:
//   - The factory is static, one for each type: all maps of one value size share it, with their
//     values and (not in no_locking) its mutex. It never frees its array of buckets.
//   - A flyweight is never empty. Absent is an empty place here (handle_map.h) rather than a
//     std::optional, which would take 16 bytes.
//
// Thread-safety: handles of `flyweight` may be made and released by several threads at once.
// `flyweight_no_locking`: one thread at a time uses all maps of one value size.

#ifndef INLAY_BENCH_PEERS_FLYWEIGHT_H_
#define INLAY_BENCH_PEERS_FLYWEIGHT_H_

#include <atomic>
#include <boost/flyweight/flyweight.hpp>
#include <boost/flyweight/hashed_factory.hpp>
#include <boost/flyweight/no_locking.hpp>
#include <boost/flyweight/refcounted.hpp>
#include <boost/flyweight/simple_locking.hpp>
#include <boost/flyweight/static_holder.hpp>
#include <boost/flyweight/tag.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "bench/peers/handle_map.h"
#include "bench/peers/value.h"

namespace inlay::bench {

// The allocations of the factory of Tag's flyweights.
template <typename Tag>
struct FactoryUsage {
  static inline std::atomic<size_t> nodes{0};  // values, and the container's own end
  static inline std::atomic<size_t> bytes{0};
  static inline std::atomic<size_t> maps{0};  // that share the factory
};

// std::allocator with counts, since the factory does not report its memory. The factory calls it
// for each new value and for each value that dies.
template <typename T, typename Tag>
struct FactoryAllocator {
  using value_type = T;
  using Usage = FactoryUsage<Tag>;

  FactoryAllocator() = default;
  template <typename Other>
  // NOLINTNEXTLINE(google-explicit-constructor): Boost converts allocators implicitly
  FactoryAllocator(const FactoryAllocator<Other, Tag>& /*other*/) {}

  T* allocate(size_t count) {
    T* const made = std::allocator<T>().allocate(count);
    if (count == 1) Usage::nodes.fetch_add(1, std::memory_order_relaxed);
    // NOLINTNEXTLINE(bugprone-sizeof-expression): T may be a pointer
    Usage::bytes.fetch_add(ArrayBytes(count * sizeof(T)), std::memory_order_relaxed);
    return made;
  }
  void deallocate(T* object, size_t count) {
    if (count == 1) Usage::nodes.fetch_sub(1, std::memory_order_relaxed);
    // NOLINTNEXTLINE(bugprone-sizeof-expression): likewise
    Usage::bytes.fetch_sub(ArrayBytes(count * sizeof(T)), std::memory_order_relaxed);
    std::allocator<T>().deallocate(object, count);
  }
  template <typename Other>
  bool operator==(const FactoryAllocator<Other, Tag>& /*other*/) const {
    return true;
  }
};

template <uint32_t kBytes, typename Locking>
class FlyweightFactory {
  struct Tag {};
  using Usage = FactoryUsage<Tag>;

 public:
  static constexpr uint32_t kValueBytes = kBytes;
  static constexpr bool kSharesEqualValues = true;
  using Value = PeerValue<kBytes>;
  using Handle = boost::flyweights::flyweight<
      Value, boost::flyweights::tag<Tag>, boost::flyweights::refcounted,
      boost::flyweights::hashed_factory<HashPeerValue<kBytes>, std::equal_to<Value>,
                                        FactoryAllocator<boost::mpl::_1, Tag>>,
      Locking, boost::flyweights::static_holder>;

  FlyweightFactory() { Usage::maps.fetch_add(1, std::memory_order_relaxed); }
  ~FlyweightFactory() { Usage::maps.fetch_sub(1, std::memory_order_relaxed); }
  FlyweightFactory(const FlyweightFactory&) = delete;
  FlyweightFactory& operator=(const FlyweightFactory&) = delete;

  Handle Make(const Value& value) { return Handle(value); }
  static const std::byte* BytesOf(const Handle& handle) { return handle.get().bytes; }

  // Memory of all maps that share the factory.
  size_t values() const { return Usage::nodes.load(std::memory_order_relaxed) - 1; }
  // One map's part of it.
  MemoryUsage memory_usage(size_t /*handles*/) const {
    return {.table_bytes = Usage::bytes.load(std::memory_order_relaxed) /
                           Usage::maps.load(std::memory_order_relaxed)};
  }
};

template <uint32_t kBytes>
using FlyweightMap = HandleMap<FlyweightFactory<kBytes, boost::flyweights::simple_locking>>;
template <uint32_t kBytes>
using FlyweightNoLockingMap = HandleMap<FlyweightFactory<kBytes, boost::flyweights::no_locking>>;

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PEERS_FLYWEIGHT_H_
