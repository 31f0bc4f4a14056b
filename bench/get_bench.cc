// Measures the cost of a get: Get/<reader>/<pattern>/sockets:N/values:D/bytes:V, in nanoseconds per
// packet. Patterns are in get_pattern.h.
//
// Readers: the layouts and the other ways to read them (layouts.h); the peers, in some patterns,
// for the sizes of values that they have (peers.h); `index_spilled` and `index_side_table`, index
// maps whose values are nearly all spilled (spilled.h), at the usual point; `touch`, the walk
// without a get, to subtract from the time of a get; `handwritten`, a plain
// table[(word >> shift) & mask]; `index_const`, the index map with its field as a constant;
// `index_get_many`, which gets the values of a batch at once.
//
// --inlay_sweep=: base (the usual point, in and out of the cache), sockets, values, bytes, or
// touched (what the packet has touched before the get, how much it reads, batches, and values drawn
// by Zipf).

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/layouts/peers.h"
#include "bench/layouts/spilled.h"
#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "bench/program/shape_arguments.h"
#include "bench/workload/filled_maps.h"
#include "bench/workload/get_pattern.h"
#include "bench/workload/lines_of_gets.h"
#include "bench/workload/population.h"
#include "engine/workload/bar.h"
#include "engine/workload/layouts.h"

namespace inlay::bench {
namespace {

constexpr size_t kStepsPerRound = 32 * workload::kBatch;

template <typename Take>
void RunRounds(benchmark::State& state, Take&& take) {
  const uint64_t zero = workload::OpaqueZero();
  const ReadSection section;
  benchmark::DoNotOptimize(take(zero));  // code and tables
  while (state.KeepRunningBatch(kStepsPerRound)) benchmark::DoNotOptimize(take(zero));
}

template <typename Pattern, typename Get>
void RunWalk(benchmark::State& state, Population& population, Get&& get) {
  RunRounds(state, [&](uint64_t zero) {
    return Pattern::Walk::Take(population, kStepsPerRound, zero, get);
  });
}

template <typename Pattern>
WorkloadShape ShapeOf(const benchmark::State& state) {
  WorkloadShape shape = bench::ShapeOf(state);
  shape.draw = Pattern::kDraw;
  return shape;
}

template <typename Pattern>
void Touch(benchmark::State& state) {
  RunWalk<Pattern>(state, SharedPopulation(ShapeOf<Pattern>(state)),
                   [](const Socket&) { return uint64_t{0}; });
}

// The map of a layout or a peer.
template <typename Pattern, typename Layout, typename List = workload::Layouts>
const typename Layout::Map* FindMap(benchmark::State& state) {
  const WorkloadShape shape = ShapeOf<Pattern>(state);
  // Layouts first, so that their places in the sockets do not depend on the order of measurements.
  FilledMaps<workload::Layouts>::OfShape(shape);
  std::string error;
  const auto* const map = FilledMaps<List>::OfShape(shape).template Find<Layout>(&error);
  if (map == nullptr) state.SkipWithError(error.c_str());
  return map;
}

template <typename Pattern, typename Reader, typename Map>
void ReadEach(benchmark::State& state, const Map& map) {
  const WorkloadShape shape = ShapeOf<Pattern>(state);
  RunWalk<Pattern>(
      state, SharedPopulation(shape), [&map, bytes = shape.value_bytes](const Socket& socket) {
        return Reader::Read(
            map, socket, [bytes](const void* value) { return Pattern::Read::Read(value, bytes); });
      });
}

template <typename Pattern, typename Layout, typename List = workload::Layouts>
void Get(benchmark::State& state) {
  const auto* const map = FindMap<Pattern, Layout, List>(state);
  if (map == nullptr) return;
  ReadEach<Pattern, Layout>(state, *map);
  if constexpr (requires { map->stats().spilled_now; }) {
    state.counters["spilled"] = static_cast<double>(map->stats().spilled_now);
  }
  if constexpr (TellsLines<Layout>) {
    const LinesPerGet lines = CountLinesPerGet<typename Pattern::Walk::Touched, Layout>(
        *map, SharedPopulation(ShapeOf<Pattern>(state)));
    state.counters["own_lines"] = lines.own;
    state.counters["shared_lines"] = lines.shared;
  }
}

template <typename Pattern, typename Reading>
void GetByOtherReading(benchmark::State& state) {
  const auto* const map = FindMap<Pattern, typename Reading::Layout>(state);
  std::string error;
  if (map == nullptr) return;
  if (!Reading::Prepare(*map, &error)) return state.SkipWithError(error.c_str());
  ReadEach<Pattern, Reading>(state, *map);
}

void GetMany(benchmark::State& state) {
  const auto* const map = FindMap<Batch, workload::IndexLayout>(state);
  if (map == nullptr) return;
  Population& population = SharedPopulation(ShapeOf<Batch>(state));
  RunRounds(state, [&](uint64_t zero) {
    const auto get_all = [map](std::span<Socket* const, workload::kBatch> sockets) {
      const std::byte* found[workload::kBatch];
      map->GetMany(std::span<Socket* const>(sockets), found);
      uint64_t sum = 0;
      for (const std::byte* const value : found) sum += workload::ReadField(value);
      return sum;
    };
    return Batched::TakeAll(population, kStepsPerRound, zero, get_all);
  });
}

// A hand-written lookup in a table that never changes: no absent or spilled values, no counts, no
// reclamation. It reads the words of an index map of 16 bits.
template <typename Pattern, uint32_t kValueBytes>
void HandwrittenOf(benchmark::State& state) {
  const IndexMap* const map = FindMap<Pattern, workload::IndexLayout>(state);
  if (map == nullptr) return;
  struct Value {
    std::byte bytes[kValueBytes];
  };
  std::vector<Value> table(map->table().max_values() + 1);
  map->table().ForEach([&](ValueIndex index, std::span<const std::byte> bytes, uint32_t) {
    std::memcpy(table[index].bytes, bytes.data(), bytes.size());
  });
  const InlineField field = map->field();
  const uint32_t shift = field.shift;
  const uint64_t mask = field.mask();
  RunWalk<Pattern>(state, SharedPopulation(ShapeOf<Pattern>(state)),
                   [&, values = table.data()](const Socket& socket) {
                     uint64_t word;
                     std::memcpy(&word, &socket.sk_inline_words, sizeof(word));
                     return Pattern::Read::Read(&values[(word >> shift) & mask], kValueBytes);
                   });
}

// The same map, with its field and its stride as constants in the instructions.
template <typename Pattern, uint32_t kValueBytes>
void IndexConstOf(benchmark::State& state) {
  static constexpr InlineField kFirstField{.word = 0, .shift = 0, .width_bits = 16};
  static constexpr size_t kStrideBytes = (size_t{kValueBytes} + 7) / 8 * 8;
  const IndexMap* const map = FindMap<Pattern, workload::IndexLayout>(state);
  if (map == nullptr) return;
  if (map->field() != kFirstField || map->table().stride_bytes() != kStrideBytes) {
    return state.SkipWithError("the index map does not have the first field");
  }
  RunWalk<Pattern>(state, SharedPopulation(ShapeOf<Pattern>(state)), [map](const Socket& socket) {
    const std::byte* const value = map->GetAt<kFirstField, kStrideBytes>(socket);
    return value == nullptr ? 0 : Pattern::Read::Read(value, kValueBytes);
  });
}

class Registry {
 public:
  explicit Registry(const Results& results)
      : sockets_(static_cast<size_t>(results.sockets())), sweep_(results.sweep()) {}

  void AddSweep() {
    constexpr uint32_t kValues = 500;
    constexpr uint32_t kValueBytes = 100;
    if (sweep_ == "base") {
      AddWithPeers<Packet>(sockets_, kValues, kValueBytes);
      workload::ForEachOf<SpilledLayouts>([&]<typename Layout>() {
        AddOne<Packet>(Layout::kName, Get<Packet, Layout, SpilledLayouts>, sockets_, kValues,
                       kValueBytes);
      });
      AddWithPeers<Hot>(kHotSockets, kValues, kValueBytes);
    } else if (sweep_ == "sockets") {
      for (const size_t sockets : {sockets_ / 500, sockets_ / 50, sockets_ / 10, sockets_}) {
        if (sockets >= kHotSockets) AddWithPeers<Packet>(sockets, kValues, kValueBytes);
      }
      // No peers: they would take 3 GB more.
      Add<Packet>(sockets_ * 10, kValues, kValueBytes);
    } else if (sweep_ == "values") {
      for (const uint32_t values : {1U, 10U, 100U, 500U, 5000U, 60000U}) {
        AddWithPeers<Packet>(sockets_, values, kValueBytes);
      }
    } else if (sweep_ == "bytes") {
      for (const uint32_t value_bytes : {8U, 16U, 64U, 88U, 100U, 224U, 1024U}) {
        AddWithPeers<Packet>(sockets_, kValues, value_bytes);
      }
    } else {
      Add<PacketNothing>(sockets_, kValues, kValueBytes);
      AddWithPeers<Packet>(sockets_, kValues, kValueBytes);
      Add<PacketTail>(sockets_, kValues, kValueBytes);
      Add<PacketWhole>(sockets_, kValues, kValueBytes);
      AddWithPeers<PacketZipf>(sockets_, kValues, kValueBytes);
      AddWithPeers<Batch>(sockets_, kValues, kValueBytes);
      AddOne<Batch>("index_get_many", GetMany, sockets_, kValues, kValueBytes);
      Add<HotWhole>(kHotSockets, kValues, kValueBytes);
      AddWithPeers<Hot>(kHotSockets, 1, kValueBytes);
      AddWithPeers<Hot>(kHotSockets, kValues, 8);
    }
  }

 private:
  static constexpr size_t kHotSockets = 1000;

  template <typename Pattern>
  void AddOne(const std::string& reader, void (*run)(benchmark::State&), size_t sockets,
              uint32_t values, uint32_t value_bytes) {
    RegisterRun("Get/" + reader + "/" + Pattern::kName, run)
        ->ArgNames(kShapeArguments)
        ->Args({static_cast<int64_t>(sockets), values, value_bytes});
  }

  template <typename Pattern>
  void Add(size_t sockets, uint32_t values, uint32_t value_bytes) {
    const auto add = [&](const std::string& reader, void (*run)(benchmark::State&)) {
      AddOne<Pattern>(reader, run, sockets, values, value_bytes);
    };
    add("touch", Touch<Pattern>);
    const auto add_constants = [&]<uint32_t kValueBytes>() {
      add("handwritten", HandwrittenOf<Pattern, kValueBytes>);
      add("index_const", IndexConstOf<Pattern, kValueBytes>);
    };
    if (value_bytes == 8) add_constants.template operator()<8>();
    if (value_bytes == 100) add_constants.template operator()<100>();
    if (value_bytes == 1024) add_constants.template operator()<1024>();
    workload::ForEachLayout([&]<typename Layout>() { add(Layout::kName, Get<Pattern, Layout>); });
    workload::ForEachOf<workload::OtherReadings>(
        [&]<typename Reading>() { add(Reading::kName, GetByOtherReading<Pattern, Reading>); });
  }

  template <typename Pattern>
  void AddWithPeers(size_t sockets, uint32_t values, uint32_t value_bytes) {
    Add<Pattern>(sockets, values, value_bytes);
    ForEachPeerList(value_bytes, [&]<typename List>() {
      workload::ForEachOf<List>([&]<typename Peer>() {
        AddOne<Pattern>(Peer::kName, Get<Pattern, Peer, List>, sockets, values, value_bytes);
      });
    });
  }

  const size_t sockets_;
  const std::string_view sweep_;
};

void AddBars(Results* results) {
  const auto shape = [&](int64_t sockets) {
    return "/packet/sockets:" + std::to_string(sockets) + "/values:500/bytes:100";
  };
  if (results->sweep() == "sockets") {
    const std::string few = shape(results->sockets() / 10);
    const std::string many = shape(results->sockets() * 10);
    results->AddBar(workload::Bar::OverTouches("Get/index" + many, "Get/touch" + many,
                                               "Get/index" + few, "Get/touch" + few, 2));
  }
  if (results->sweep() != "base") return;
  const std::string cold = shape(results->sockets());
  const std::string hot = "/hot/sockets:1000/values:500/bytes:100";
  const auto over_touch = [&](const char* layout, const char* other, double limit) {
    results->AddBar(workload::Bar::OverTouch("Get/" + (layout + cold), "Get/" + (other + cold),
                                             "Get/touch" + cold, limit));
  };
  over_touch("index", "pointer", 0.03);
  over_touch("index", "inline", 1);
  over_touch("inline", "single_pointer", 1);
  over_touch("single_pointer", "pointer", 1);
  over_touch("index_spilled", "pointer", 1.1);
  over_touch("index_side_table", "pointer", 1.1);
  results->AddBar(workload::Bar::AtMost("Get/index" + cold, "Get/shared_pointer" + cold, 1.05));
  results->AddBar(workload::Bar::AtMost("Get/index" + hot, "Get/handwritten" + hot, 1.15));
  results->AddBar(workload::Bar::AtMost("Get/index_const" + hot, "Get/handwritten" + hot, 1));
  results->AddBar(workload::Bar::AtMost("Get/inline_runtime_const" + cold, "Get/inline" + cold, 1));
}

int Main(int argc, char** argv) {
  Results results;
  // Many short runs: the differences are smaller than the machine's jumps between speeds.
  if (!results.Initialize(argc, argv,
                          {.repetitions = "--benchmark_repetitions=25",
                           .sweeps = {"base", "sockets", "values", "bytes", "touched"}})) {
    return 1;
  }
  Registry(results).AddSweep();
  AddBars(&results);
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
