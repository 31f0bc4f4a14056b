// Measures what a handle of an interned value costs: <step>/<who>/<pattern>/handles:H/values:D, in
// nanoseconds for one handle of a value of 100 bytes.
//
// Steps: Share, a second handle of the same value and its end; Make, a handle of a value that is
// interned already, and its end; Read, the first 8 bytes through the handle. Patterns: `hot`, all
// handles are in the cache; `all`, the handles are more than the cache holds, and of random values.
//
// Who: `typed`, inlay/typed_table.h; `flyweight` and `flyweight_no_locking`, Boost.Flyweight with
// its default locking and without any (peers/flyweight.h). A handle takes 8 bytes in each.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/peers/value.h"
#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "engine/workload/bar.h"
#include "inlay/typed_table.h"

#if __has_include(<boost/flyweight.hpp>)
#include "bench/peers/flyweight.h"
#define INLAY_HANDLE_BENCH_HAS_FLYWEIGHT 1
#endif

namespace inlay::bench {
namespace {

constexpr uint32_t kHandleValueBytes = 100;
constexpr size_t kHandleValues = 500;
constexpr int64_t kHotHandles = 1000;
// Two atomic operations are nearly all of a share in both.
constexpr double kMostOverFlyweight = 1.0;
using HandleValue = PeerValue<kHandleValueBytes>;

HandleValue NumberedHandleValue(uint64_t number) {
  HandleValue value{};
  std::memcpy(value.bytes, &number, sizeof(number));
  return value;
}

struct TypedHandles {
  using Handle = TypedRef<HandleValue>;
  bool Prepare() { return TypedTable<HandleValue>::Create({}, &table) == Status::kOk; }
  Handle Make(const HandleValue& value) const {
    Handle handle;
    static_cast<void>(table->Intern(value, &handle));
    return handle;
  }
  static Handle Second(const Handle& handle) { return handle.Share(); }
  static const std::byte* BytesOf(const Handle& handle) { return handle->bytes; }

  std::unique_ptr<TypedTable<HandleValue>> table;
};

#ifdef INLAY_HANDLE_BENCH_HAS_FLYWEIGHT
template <typename Locking>
struct FlyweightHandles {
  using Factory = FlyweightFactory<kHandleValueBytes, Locking>;
  using Handle = typename Factory::Handle;
  static bool Prepare() { return true; }
  Handle Make(const HandleValue& value) { return factory.Make(value); }
  static Handle Second(const Handle& handle) { return handle; }
  static const std::byte* BytesOf(const Handle& handle) { return Factory::BytesOf(handle); }

  Factory factory;
};
#endif

enum class HandleStep : uint8_t { kShare, kMake, kRead };

uint64_t NumberAt(const std::byte* bytes) {
  uint64_t number = 0;
  std::memcpy(&number, bytes, sizeof(number));
  return number;
}

template <typename Who, HandleStep kStep>
void MeasureHandles(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  Who who;
  if (!who.Prepare()) return state.SkipWithError("cannot make the table");
  std::vector<HandleValue> values;
  for (uint64_t i = 0; i < kHandleValues; ++i) values.push_back(NumberedHandleValue(i));
  std::mt19937_64 random(1);
  std::vector<typename Who::Handle> handles;
  std::vector<uint32_t> number_of(count);
  handles.reserve(count);
  for (uint32_t& number : number_of) {
    number = static_cast<uint32_t>(random() % kHandleValues);
    handles.push_back(who.Make(values[number]));
  }
  for (size_t i = 0; i < count; ++i) {
    if (NumberAt(Who::BytesOf(handles[i])) != number_of[i]) {
      return state.SkipWithError("a handle has another value");
    }
  }
  uint64_t sum = 0;
  while (state.KeepRunningBatch(static_cast<int64_t>(count))) {
    for (size_t i = 0; i < count; ++i) {
      if constexpr (kStep == HandleStep::kShare) {
        auto second = Who::Second(handles[i]);
        benchmark::DoNotOptimize(second);
      } else if constexpr (kStep == HandleStep::kMake) {
        auto made = who.Make(values[number_of[i]]);
        benchmark::DoNotOptimize(made);
      } else {
        sum += NumberAt(Who::BytesOf(handles[i]));
      }
    }
    benchmark::DoNotOptimize(sum);
  }
}

template <typename Who>
void AddHandles(const char* who, int64_t handles) {
  for (const auto& [pattern, count] : {std::pair{"hot", kHotHandles}, std::pair{"all", handles}}) {
    // Named anew, since clang 14 captures no structured bindings.
    const auto add = [who, name = pattern, count = count](const char* step,
                                                          void (*run)(benchmark::State&)) {
      RegisterRun(std::string(step) + "/" + who + "/" + name, run)
          ->ArgNames({"handles", "values"})
          ->Args({count, int64_t{kHandleValues}});
    };
    add("Share", &MeasureHandles<Who, HandleStep::kShare>);
    add("Make", &MeasureHandles<Who, HandleStep::kMake>);
    add("Read", &MeasureHandles<Who, HandleStep::kRead>);
  }
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv)) return 1;
  AddHandles<TypedHandles>("typed", results.sockets());
#ifdef INLAY_HANDLE_BENCH_HAS_FLYWEIGHT
  AddHandles<FlyweightHandles<boost::flyweights::simple_locking>>("flyweight", results.sockets());
  AddHandles<FlyweightHandles<boost::flyweights::no_locking>>("flyweight_no_locking",
                                                              results.sockets());
  for (const std::string step : {"Share", "Make"}) {
    const std::string hot =
        "/hot/handles:" + std::to_string(kHotHandles) + "/values:" + std::to_string(kHandleValues);
    results.AddBar(workload::Bar::AtMost(step + "/typed" + hot, step + "/flyweight" + hot,
                                         kMostOverFlyweight));
  }
#endif
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
