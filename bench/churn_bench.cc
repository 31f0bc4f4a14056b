// Measures the cost of connections that come and go:
// Churn/<layout>/zipf/sockets:N/values:D/bytes:V, in nanoseconds per operation.
//
// Of N open connections, an operation closes one at random, opens another in its place and gives it
// a value, drawn by Zipf; then 10 packets come for random connections, and each gets its
// connection's value. As in get_bench, a packet cannot start before the last one is done. `touch`
// is the same without a map: connections are closed, opened, and touched by packets.
//
// Rare values go with their last connection and come back. Counters, per operation, have the
// indexes that the layouts reclaim, and the connections that get a private value because no index
// is left.

#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "bench/layouts/has_value.h"
#include "bench/layouts/no_layout.h"
#include "bench/layouts/peers.h"
#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "bench/program/shape_arguments.h"
#include "bench/workload/connections.h"
#include "bench/workload/workload.h"
#include "engine/workload/layouts.h"
#include "engine/workload/packet_walk.h"
#include "inlay/rcu.h"

namespace inlay::bench {
namespace {

constexpr uint32_t kValueBytes = 100;
constexpr size_t kPackets = 10;  // per operation

// Pseudo-random numbers, the same in every run: splitmix64.
class RandomNumbers {
 public:
  // Below `limit`, which is less than 2^32.
  size_t Below(size_t limit) {
    state_ += 0x9e37'79b9'7f4a'7c15U;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58'476d'1ce4'e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11ebU;
    mixed ^= mixed >> 31;
    return static_cast<size_t>(((mixed >> 32) * limit) >> 32);
  }

 private:
  uint64_t state_ = 1;
};

// The connections of a shape, open between benchmarks, and their values. They live to the end of
// the program.
struct Traffic {
  explicit Traffic(const WorkloadShape& shape)
      : workload(shape), connections(Connections::Create(shape.sockets, shape.value_bytes)) {}

  static Traffic& OfShape(const WorkloadShape& shape) {
    static auto* const all = new std::map<WorkloadShape, std::unique_ptr<Traffic>>;
    std::unique_ptr<Traffic>& traffic = (*all)[shape];
    if (traffic == nullptr) traffic = std::make_unique<Traffic>(shape);
    return *traffic;
  }

  const Workload workload;
  const std::unique_ptr<Connections> connections;  // null: no memory
};

template <typename Layout>
class Churn {
 public:
  using Map = typename Layout::Map;

  explicit Churn(Traffic& traffic)
      : workload_(traffic.workload), connections_(traffic.connections.get()) {}
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;

  // Gives every connection its value of the workload, and checks all of them.
  bool Prepare(std::string* error) {
    if (connections_ == nullptr || connections_->OpenAll() != Status::kOk) {
      *error = "cannot open the sockets";
      return false;
    }
    if constexpr (kHasMap) {
      map_ = MakeMap<Layout>(*connections_, workload_.shape().value_bytes, error);
      if (map_ == nullptr) return false;
    }
    value_of_.resize(connections_->count());
    for (size_t number = 0; number < connections_->count(); ++number) {
      if (GiveNextValue(number) == Status::kOk) continue;
      *error = "cannot give a socket its value";
      return false;
    }
    return Check(error);
  }

  // `count` operations; ends at the first that fails. `zero`: see PacketWalk().
  uint64_t Run(size_t count, uint64_t zero) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count && status_ == Status::kOk; ++i) {
      const size_t number = random_.Below(connections_->count());
      status_ = connections_->Close(number);
      if (status_ == Status::kOk) status_ = connections_->Open(number);
      if (status_ == Status::kOk) status_ = GiveNextValue(number);
      if (status_ == Status::kOk) sum = TakePackets(sum, zero);
    }
    return sum;
  }

  // Whether every operation succeeded, and every connection has the value that it was given.
  bool Check(std::string* error) const {
    if (status_ != Status::kOk) {
      *error = "an operation failed: " + std::string(StatusName(status_));
      return false;
    }
    if constexpr (kHasMap) {
      const ReadSection section;
      for (size_t number = 0; number < connections_->count(); ++number) {
        const Socket& socket = connections_->socket(number);
        if (HasValue<Layout>(*map_, socket, workload_.value(value_of_[number]))) continue;
        *error = "connection " + std::to_string(number) + " has not the value that it was given";
        return false;
      }
    }
    return true;
  }

  // REQUIRES: Prepare() has succeeded, with a map.
  const Map& map() const { return *map_; }

 private:
  static constexpr bool kHasMap = !std::is_same_v<Layout, NoLayout>;

  Status GiveNextValue(size_t number) {
    const uint32_t value = workload_.value_of_socket(next_value_);
    if (++next_value_ == workload_.shape().sockets) next_value_ = 0;
    value_of_[number] = value;
    if constexpr (kHasMap) {
      return map_->Update(connections_->socket(number), workload_.value(value),
                          UpdateFlag::kNoExist);
    }
    return Status::kOk;
  }

  uint64_t TakePackets(uint64_t sum, uint64_t zero) {
    const ReadSection section;
    for (size_t packet = 0; packet < kPackets; ++packet) {
      const size_t number = random_.Below(connections_->count()) + (sum & zero);
      const Socket& socket = connections_->socket(number);
      sum += workload::TouchedHeader::Touch(socket);
      if constexpr (kHasMap) sum += Layout::Read(*map_, socket, workload::ReadField);
    }
    return sum;
  }

  const Workload& workload_;
  Connections* const connections_;
  std::unique_ptr<Map> map_;
  RandomNumbers random_;
  std::vector<uint32_t> value_of_;  // the model: the number of each connection's value
  size_t next_value_ = 0;           // place in the workload of the next connection's value
  Status status_ = Status::kOk;
};

// Layouts with an overflow ladder (index_map.h).
template <typename Map>
concept CountsSpills = requires(const Map& map) {
  map.stats().spilled;
};

template <typename Layout>
void RunChurn(benchmark::State& state) {
  constexpr size_t kOperationsPerRound = 100;
  WorkloadShape shape = ShapeOf(state);
  shape.draw = Draw::kZipf;
  Churn<Layout> churn(Traffic::OfShape(shape));
  std::string error;
  if (!churn.Prepare(&error)) return state.SkipWithError(error.c_str());
  [[maybe_unused]] IndexMapStats before;
  if constexpr (CountsSpills<typename Layout::Map>) before = churn.map().stats();
  RetireBarrier();  // so that the timing includes no older frees
  const uint64_t zero = workload::OpaqueZero();
  while (state.KeepRunningBatch(kOperationsPerRound)) {
    benchmark::DoNotOptimize(churn.Run(kOperationsPerRound, zero));
  }
  if (!churn.Check(&error)) return state.SkipWithError(error.c_str());
  if constexpr (CountsSpills<typename Layout::Map>) {
    const IndexMapStats after = churn.map().stats();
    const auto per_op = [](uint64_t count) {
      return benchmark::Counter(static_cast<double>(count), benchmark::Counter::kAvgIterations);
    };
    state.counters["spilled_per_op"] = per_op(after.spilled - before.spilled);
    state.counters["reclaimed_per_op"] = per_op(after.reclaimed - before.reclaimed);
  }
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv, {.repetitions = "--benchmark_repetitions=3"})) return 1;
  for (const int64_t values : {500, 5000, 60000}) {
    const auto add = [&](const std::string& layout, void (*run)(benchmark::State&)) {
      RegisterRun("Churn/" + layout + "/zipf", run)
          ->ArgNames(kShapeArguments)
          ->Args({results.sockets(), values, kValueBytes});
    };
    const auto add_layout = [&]<typename Layout>() { add(Layout::kName, RunChurn<Layout>); };
    add("touch", RunChurn<NoLayout>);
    workload::ForEachLayout(add_layout);
    workload::ForEachOf<Peers<kValueBytes>>(add_layout);
  }
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
