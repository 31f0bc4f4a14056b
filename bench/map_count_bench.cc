// Measures the cost of a get if the owner has values of many maps:
// MapCount/<layout>/<order>/maps:N, in nanoseconds per get of one owner that stays in the cache.
//
// The kernel's storage has a cache of 16 slots, and each map has one of them: from the 17th map on
// two share a slot and drive each other out, and a get that misses its slot walks the list of all
// values.
//
// Orders, those of the kernel's own benchmark of local storage (bench_local_storage.c in its BPF
// selftests): `sequential` gets every map's value in turn; `interleaved` puts a get of one
// important map before every third of these, four for ten others. ns_per_important_get is measured
// around those gets alone, less what reading the clock costs, in runs of its own.
//
// Layouts: `pointer`; `index9`, an emulated socket, whose 256 bits hold 28 fields of 9 bits, so
// that further maps fall back to the pointer layout; `index9_embedded`, an owner of ours that
// embeds as many words as its maps need.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "engine/workload/layouts.h"
#include "engine/workload/packet_walk.h"
#include "inlay/emulated/socket.h"
#include "inlay/rcu.h"

namespace inlay::bench {
namespace {

constexpr uint32_t kValueBytes = 100;
constexpr size_t kMaxMaps = 1000;
constexpr uint32_t kWidthBits = 9;

// One socket and its table.
class OneSocket {
 public:
  OneSocket() {
    SocketTableOptions options;
    options.inline_bits = Socket::kMaxInlineBits;
    options.optmem_max_bytes = 1 << 30;  // the kernel's default holds 761 such values
    int fd = -1;
    if (SocketTable::Create(options, &table_) != Status::kOk ||
        table_->Open(SocketFamily::kUdp, &fd) != Status::kOk) {
      return;
    }
    ReadSection section;  // the open descriptor holds it from here on
    if (table_->Find(fd, &socket_) != Status::kOk) socket_ = nullptr;
  }
  SocketTable& maps_over() { return *table_; }
  Socket* owner() { return socket_; }

 private:
  std::unique_ptr<SocketTable> table_;
  Socket* socket_ = nullptr;
};

// One owner with room for kMaxMaps fields.
class OneConnection {
 public:
  static constexpr size_t kBits = kMaxMaps / (64 / kWidthBits) * 64 + 64;
  using Words = InlineWords<kBits>;

  OneConnection() { ready_ = Store::Create({.reserved_bits = kBits}, &store_) == Status::kOk; }
  Store& maps_over() { return *store_; }
  Words* owner() { return ready_ ? &words_ : nullptr; }

 private:
  std::unique_ptr<Store> store_;
  Words words_;
  bool ready_ = false;
};

// The owner with a value of each of `count` maps, each the only one of its map and checked.
template <typename Map, typename Owner>
class OwnerWithMaps {
 public:
  explicit OwnerWithMaps(size_t count) {
    if (owner_.owner() == nullptr) return;
    MapOptions options;
    options.value_bytes = kValueBytes;
    options.width_bits = kWidthBits;
    std::vector<std::byte> value(kValueBytes);
    for (size_t i = 0; i < count; ++i) {
      const auto number = static_cast<uint32_t>(i + 1);
      std::memcpy(value.data(), &number, sizeof(number));
      std::unique_ptr<Map> map;
      if (Map::Create(owner_.maps_over(), options, &map) != Status::kOk ||
          map->Update(*owner_.owner(), value, UpdateFlag::kAny) != Status::kOk) {
        return;
      }
      maps_.push_back(std::move(map));
    }
    const ReadSection section;
    for (size_t i = 0; i < count; ++i) {
      const std::byte* const found = maps_[i]->Get(*owner_.owner());
      if (found == nullptr || workload::ReadField(found) != i + 1) return;
    }
    ready_ = true;
  }
  ~OwnerWithMaps() {
    for (auto& map : maps_) {
      if (owner_.owner() != nullptr) static_cast<void>(map->Delete(*owner_.owner()));
    }
  }
  OwnerWithMaps(const OwnerWithMaps&) = delete;
  OwnerWithMaps& operator=(const OwnerWithMaps&) = delete;

  bool ready() const { return ready_; }
  uint64_t Get(size_t map) const { return workload::ReadField(maps_[map]->Get(*owner_.owner())); }

 private:
  mutable Owner owner_;
  std::vector<std::unique_ptr<Map>> maps_;  // destroyed before the owner
  bool ready_ = false;
};

enum class Order : uint8_t { kSequential, kInterleaved };

constexpr bool TakesImportant(Order order, size_t at) {
  return order == Order::kInterleaved && at % 3 == 0;
}

// Nanoseconds of one get of the important map, timed by itself among gets of the others: the
// median, which a few interruptions do not change.
template <typename Maps>
double ImportantGetNs(const Maps& maps, size_t count) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kGets = 2001;
  std::vector<Clock::duration> with_get;
  std::vector<Clock::duration> without;
  while (with_get.size() < kGets) {
    for (size_t at = 0; at < count; ++at) {
      if (TakesImportant(Order::kInterleaved, at)) {
        const Clock::time_point start = Clock::now();
        benchmark::DoNotOptimize(maps.Get(0));
        const Clock::time_point end = Clock::now();
        const Clock::time_point after = Clock::now();
        with_get.push_back(end - start);
        without.push_back(after - end);
      }
      benchmark::DoNotOptimize(maps.Get(at));
    }
  }
  const auto median_ns = [](std::vector<Clock::duration>& times) {
    const auto middle = times.begin() + static_cast<ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return std::chrono::duration<double, std::nano>(*middle).count();
  };
  return median_ns(with_get) - median_ns(without);
}

template <typename Map, typename Owner, Order kOrder>
void MapCount(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  const OwnerWithMaps<Map, Owner> maps(count);
  if (!maps.ready()) return state.SkipWithError("cannot give the owner its values");
  size_t gets_per_round = count;
  for (size_t at = 0; at < count; ++at) gets_per_round += TakesImportant(kOrder, at);
  const ReadSection section;
  while (state.KeepRunningBatch(static_cast<int64_t>(gets_per_round))) {
    for (size_t at = 0; at < count; ++at) {
      if (TakesImportant(kOrder, at)) benchmark::DoNotOptimize(maps.Get(0));
      benchmark::DoNotOptimize(maps.Get(at));
    }
  }
  if constexpr (kOrder == Order::kInterleaved) {
    state.counters["ns_per_important_get"] = ImportantGetNs(maps, count);
  }
}

template <typename Map, typename Owner>
void Register(const std::string& layout) {
  const auto add = [&](const char* order, void (*run)(benchmark::State&)) {
    for (const int64_t maps : {1, 10, 16, 17, 24, 32, 100, 1000}) {
      RegisterRun("MapCount/" + layout + "/" + order, run)->ArgName("maps")->Arg(maps);
    }
  };
  add("sequential", MapCount<Map, Owner, Order::kSequential>);
  add("interleaved", MapCount<Map, Owner, Order::kInterleaved>);
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv)) return 1;
  Register<PointerMap, OneSocket>("pointer");
  Register<IndexMap, OneSocket>("index9");
  Register<IndexMap, OneConnection>("index9_embedded");
  // The cliff: from the 17th map on, a get of the pointer layout costs more; a get of index does
  // not.
  results.AddBar(workload::Bar::AtMost("MapCount/index9/sequential/maps:24",
                                       "MapCount/index9/sequential/maps:16", 1.15));
  results.AddBar(workload::Bar::AtMost("MapCount/index9/sequential/maps:24",
                                       "MapCount/pointer/sequential/maps:24", 0.5));
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
