// What does a get cost? Get/<layout>/<pattern>/sockets:N/values:D/bytes:V, in nanoseconds per
// packet.
//
// Patterns: `packet` walks over all sockets in random order, `hot` over 1,000 sockets that stay in
// the cache. Layouts: `touch` is the walk without a get, `handwritten` is a plain table[(word >>
// shift) & mask]. What a layout's get costs is its time less that of `touch`. `inline_const` and
// `inline_runtime_const` read the map of `inline` by an offset that is known at compile time, and by
// one that is patched into the code.

#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/bar.h"
#include "bench/layouts.h"
#include "bench/packet_walk.h"
#include "bench/population.h"
#include "bench/result_table.h"
#include "bench/shape_arguments.h"

namespace inlay::bench {
namespace {

constexpr size_t kStepsPerBatch = 1000;

template <typename Get>
void RunWalk(benchmark::State& state, Population& population, Get&& get) {
  // From where the last run has stopped: those sockets have been out of the cache for longest.
  Socket*& at = population.walk_position();
  const uint64_t zero = OpaqueZero();
  const ReadSection section;
  benchmark::DoNotOptimize(PacketWalk(&at, kStepsPerBatch, zero, get));  // code and tables
  while (state.KeepRunningBatch(kStepsPerBatch)) {
    benchmark::DoNotOptimize(PacketWalk(&at, kStepsPerBatch, zero, get));
  }
}

void Touch(benchmark::State& state) {
  RunWalk(state, SharedPopulation(ShapeOf(state)), [](const Socket&) { return uint64_t{0}; });
}

// The maps of all layouts over a shape's sockets. They are made together, so that each has the same
// place in the sockets whatever is measured; filled and checked one by one at first use; and kept, so
// that many short runs of all layouts can be mixed. Layouts touch nothing of each other's memory.
template <typename Layout>
struct LazilyFilled {
  std::unique_ptr<typename Layout::Map> map;
  bool filled = false;
};
template <typename List>
struct MapsOf;
template <typename... L>
struct MapsOf<std::tuple<L...>> : LazilyFilled<L>... {};

MapsOf<Layouts>* MadeMaps(Population& population, std::string* error) {
  auto maps = std::make_unique<MapsOf<Layouts>>();
  bool made = true;
  ForEachLayout([&]<typename Layout>() {
    if (made)
      made = (maps->LazilyFilled<Layout>::map = MakeMap<Layout>(population, error)) != nullptr;
  });
  return made ? maps.release() : nullptr;
}

MapsOf<Layouts>*& MapsOfShape(const WorkloadShape& shape) {
  static auto* const all = new std::map<WorkloadShape, MapsOf<Layouts>*>;
  return (*all)[shape];
}

template <typename Layout>
typename Layout::Map* FilledMap(benchmark::State& state) {
  Population& population = SharedPopulation(ShapeOf(state));
  std::string error;
  MapsOf<Layouts>*& maps = MapsOfShape(ShapeOf(state));
  if (maps == nullptr) maps = MadeMaps(population, &error);
  if (maps == nullptr) {
    state.SkipWithError(error.c_str());
    return nullptr;
  }
  LazilyFilled<Layout>& entry = *maps;
  if (entry.filled) return entry.map.get();
  // The check is a get on every socket, which also fills the caches that a layout has.
  entry.filled =
      Fill(*entry.map, population, &error) && MatchesModel(*entry.map, population, true, &error);
  if (entry.filled) return entry.map.get();
  state.SkipWithError(error.c_str());
  return nullptr;
}

template <typename Layout>
void Get(benchmark::State& state) {
  const auto* const map = FilledMap<Layout>(state);
  if (map == nullptr) return;
  RunWalk(state, SharedPopulation(ShapeOf(state)),
          [&map = *map](const Socket& socket) { return ReadField(Layout::Get(map, socket)); });
}

template <typename Reading>
void GetByOtherReading(benchmark::State& state) {
  const auto* const map = FilledMap<typename Reading::Layout>(state);
  std::string error;
  if (map == nullptr) return;
  if (!Reading::Prepare(*map, &error)) return state.SkipWithError(error.c_str());
  RunWalk(state, SharedPopulation(ShapeOf(state)),
          [&map = *map](const Socket& socket) { return ReadField(Reading::Get(map, socket)); });
}

// What one would write by hand for one table that never changes: no absent values, no spilled ones,
// no counts, no reclamation. The words are the same, filled by an index map of 16 bits.
template <uint32_t kValueBytes>
void HandwrittenOf(benchmark::State& state) {
  const IndexMap* const map = FilledMap<IndexLayout>(state);
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
  RunWalk(state, SharedPopulation(ShapeOf(state)),
          [&, values = table.data()](const Socket& socket) {
            uint64_t word;
            std::memcpy(&word, &socket.sk_inline_words, sizeof(word));
            return ReadField(&values[(word >> shift) & mask]);
          });
}

void Handwritten(benchmark::State& state) {
  switch (state.range(2)) {
    case 8:
      return HandwrittenOf<8>(state);
    case 100:
      return HandwrittenOf<100>(state);
    case 1024:
      return HandwrittenOf<1024>(state);
    default:
      state.SkipWithError("handwritten knows values of 8, 100 and 1024 bytes");
  }
}

void Register(const std::string& pattern, int64_t sockets, int64_t values, int64_t value_bytes) {
  const auto add = [&](const std::string& layout, void (*run)(benchmark::State&)) {
    benchmark::RegisterBenchmark(("Get/" + layout + "/" + pattern).c_str(), run)
        ->ArgNames(kShapeArguments)
        ->Args({sockets, values, value_bytes});
  };
  add("touch", Touch);
  if (value_bytes == 8 || value_bytes == 100 || value_bytes == 1024)
    add("handwritten", Handwritten);
  ForEachLayout([&]<typename Layout>() { add(Layout::kName, Get<Layout>); });
  ForEachOf<OtherReadings>(
      [&]<typename Reading>() { add(Reading::kName, GetByOtherReading<Reading>); });
}

int Main(int argc, char** argv) {
  Results results;
  // Many short runs: what is to be seen is smaller than the machine's jumps between speeds.
  if (!results.Initialize(argc, argv, "--benchmark_repetitions=25")) return 1;
  const int64_t sockets = results.sockets();
  constexpr int64_t kHotSockets = 1000;
  for (const int64_t value_bytes : {int64_t{100}}) {
    Register("packet", sockets, 500, value_bytes);
    Register("hot", kHotSockets, 500, value_bytes);
  }
  const std::string cold = "/packet/sockets:" + std::to_string(sockets) + "/values:500/bytes:100";
  const std::string hot = "/hot/sockets:1000/values:500/bytes:100";
  const auto over_touch = [&](const char* layout, const char* other, double limit) {
    results.AddBar(Bar::OverTouch("Get/" + (layout + cold), "Get/" + (other + cold),
                                  "Get/touch" + cold, limit));
  };
  over_touch("index", "pointer", 0.03);
  over_touch("index", "inline", 1);
  over_touch("inline", "single_pointer", 1);
  over_touch("single_pointer", "pointer", 1);
  results.AddBar(Bar::AtMost("Get/index" + cold, "Get/shared_pointer" + cold, 1.05));
  results.AddBar(Bar::AtMost("Get/index" + hot, "Get/handwritten" + hot, 1.15));
  results.AddBar(Bar::AtMost("Get/inline_runtime_const" + cold, "Get/inline" + cold, 1));
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
