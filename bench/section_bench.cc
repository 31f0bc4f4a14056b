// Measures what a message pays that opens a reader section of its own for one get:
// Section/<reader>/hot/owners:1000, in nanoseconds per message; SectionShared/.. in
// section_shared_bench, the same program with the shared library.
//
// Readers: `rcu_pointer`, a pointer in the owner to the value, read in liburcu's inlined section:
// what a program without Inlay would do; `index` and `index_const`, gets of an index map, the
// latter with its field as a constant, in a ReadSection; `section` and `liburcu_section`, the
// sections alone. A message leads to the owner of the next one, so that messages do not overlap.

#include <benchmark/benchmark.h>

// For liburcu's inlined section.
#define _LGPL_SOURCE  // NOLINT(bugprone-reserved-identifier): liburcu's name
#include <urcu/urcu-memb.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "engine/workload/bar.h"
#include "engine/workload/packet_walk.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/shared_map.h"
#include "inlay/store.h"

namespace inlay::bench {
namespace {

#if defined(INLAY_SECTION_BENCH_IS_SHARED)
constexpr char kQuestion[] = "SectionShared/";
#else
constexpr char kQuestion[] = "Section/";
#endif

constexpr size_t kOwners = 1000;
constexpr uint32_t kValues = 500;
constexpr size_t kMessagesPerRound = 1024;
constexpr InlineField kFirstField{.word = 0, .shift = 0, .width_bits = 10};

struct Value {
  uint32_t number = 0;
  uint32_t more[24] = {};
};
static_assert(sizeof(Value) == 100);

struct alignas(64) Owner {
  Owner* next = nullptr;  // the owner of the next message
  std::atomic<const Value*> pointer{nullptr};
  InlineWords<16> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

using Map = SharedMap<Value, kFirstField>;

// Owners in a random order, each with one value, which it has in both ways.
class Owners {
 public:
  static Owners& All() {
    static Owners owners;
    return owners;
  }

  // Null if the map or a value could not be made.
  Owner* first() { return ready_ ? &owners_[0] : nullptr; }
  const Map& map() const { return *map_; }

  ~Owners() {
    if (store_ == nullptr) return;
    for (Owner& owner : owners_) store_->Close(owner);
  }

 private:
  Owners() : owners_(kOwners), values_(kValues) {
    ready_ = Store::Create({.reserved_bits = 16}, &store_) == Status::kOk &&
             Map::Create(*store_, {}, &map_) == Status::kOk;
    std::vector<size_t> order(kOwners);
    for (size_t i = 0; i < kOwners; ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), std::mt19937_64(42));  // NOLINT(cert-msc51-cpp)
    for (uint32_t i = 0; i < kValues; ++i) values_[i].number = i;
    for (size_t i = 0; ready_ && i < kOwners; ++i) {
      Owner& owner = owners_[i];
      const Value& value = values_[i * 7 % kValues];
      owner.pointer.store(&value, std::memory_order_release);
      ready_ = map_->Update(owner, value) == Status::kOk;
    }
    for (size_t i = 0; i < kOwners; ++i) {
      owners_[order[i]].next = &owners_[order[(i + 1) % kOwners]];
    }
  }

  std::vector<Owner> owners_;
  std::vector<Value> values_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Map> map_;
  bool ready_ = false;
};

class LiburcuSection {
 public:
  LiburcuSection() { urcu_memb_read_lock(); }
  ~LiburcuSection() { urcu_memb_read_unlock(); }
  LiburcuSection(const LiburcuSection&) = delete;
  LiburcuSection& operator=(const LiburcuSection&) = delete;
};

// `take(owner)` is what a message does: returns the field that it has read.
template <typename Take>
void RunMessages(benchmark::State& state, Take&& take) {
  Owner* owner = Owners::All().first();
  if (owner == nullptr) return state.SkipWithError("cannot make the map and its values");
  { const ReadSection registers_this_thread; }
  const uint64_t zero = workload::OpaqueZero();
  uint64_t sum = 0;
  while (state.KeepRunningBatch(kMessagesPerRound)) {
    for (size_t message = 0; message < kMessagesPerRound; ++message) {
      const uint64_t read = take(*owner);
      sum += read;
      owner = reinterpret_cast<Owner*>(reinterpret_cast<uintptr_t>(owner->next) + (read & zero));
    }
  }
  benchmark::DoNotOptimize(sum);
}

void RcuPointer(benchmark::State& state) {
  RunMessages(state, [](const Owner& owner) {
    const LiburcuSection section;
    const Value* const value = owner.pointer.load(std::memory_order_acquire);
    return value == nullptr ? uint64_t{0} : value->number;
  });
}

void Index(benchmark::State& state) {
  const IndexMap& map = Owners::All().map().bytes();
  RunMessages(state, [&map](const Owner& owner) {
    const ReadSection section;
    const std::byte* const value = map.Get(section, owner);
    return value == nullptr ? uint64_t{0} : workload::ReadField(value);
  });
}

void IndexConst(benchmark::State& state) {
  const Map& map = Owners::All().map();
  RunMessages(state, [&map](const Owner& owner) {
    const ReadSection section;
    const Value* const value = map.Get(section, owner);
    return value == nullptr ? uint64_t{0} : value->number;
  });
}

template <typename Section>
void SectionAlone(benchmark::State& state) {
  RunMessages(state, [](const Owner&) {
    const Section section;
    return uint64_t{0};
  });
}

// Each way must read the same.
bool Check() {
  const Owner* owner = Owners::All().first();
  for (size_t i = 0; owner != nullptr && i < kOwners; ++i, owner = owner->next) {
    const ReadSection section;
    const Value* const value = Owners::All().map().Get(section, *owner);
    const uint32_t number = owner->pointer.load()->number;
    if (value == nullptr || value->number != number) return false;
  }
  return owner != nullptr;
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv, {.repetitions = "--benchmark_repetitions=25"})) return 1;
  if (!Check()) {
    std::fprintf(stderr, "section_bench: an owner has not its value\n");
    return 1;
  }
  const auto name = [](const std::string& reader) { return kQuestion + reader + "/hot"; };
  const std::string owners = "/owners:" + std::to_string(kOwners);
  const auto add = [&](const std::string& reader, void (*run)(benchmark::State&)) {
    RegisterRun(name(reader), run)->ArgName("owners")->Arg(static_cast<int64_t>(kOwners));
  };
  add("rcu_pointer", RcuPointer);
  add("index", Index);
  add("index_const", IndexConst);
  add("section", SectionAlone<ReadSection>);
  add("liburcu_section", SectionAlone<LiburcuSection>);
  for (const char* const reader : {"index", "index_const"}) {
    results.AddBar(workload::Bar::AtMost(name(reader) + owners, name("rcu_pointer") + owners, 1.3));
  }
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
