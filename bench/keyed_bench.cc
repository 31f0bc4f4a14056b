// Measures what a value with a key costs, such as the policy of a tenant:
// <question>/<who>/<pattern>/owners:N/keys:D, in nanoseconds per operation. Values have 100 bytes.
//
//   KeyedReload   one key gets a new value, which all of its owners show then. An index map updates
//                 each owner of the key, or replaces the key's value
//   KeyedGet      the value of a packet's owner; `touch` is the walk without a get
//   KeyedAssign   an owner gets another key, or another value that is interned already
//
// Who: `keyed`, a KeyedMap; `keyed_ref`, the same by a KeyRef; `index`, a SharedMap; `index_ref`,
// the same by a TypedRef; `replace`, a SharedMap whose values can be replaced
// (MapOptions::replaceable); `slot`, the peer that is written by hand (peers/slot_table.h).
//
// Patterns: `packet`, over all owners in random order, each of which leads to the next; `hot`, over
// 1,000 owners, which stay in the cache. A reload has no pattern: a key has 1/100 of its owners.
//
// Counters: bytes_per_owner, beside a get: two bytes of the owner, and the owner's share of what
// the map takes.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/peers/slot_table.h"
#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "engine/workload/bar.h"
#include "engine/workload/packet_walk.h"
#include "inlay/keyed_map.h"
#include "inlay/rcu.h"
#include "inlay/shared_map.h"
#include "inlay/store.h"

namespace inlay::bench {
namespace {

constexpr size_t kStepsPerRound = 1024;
constexpr size_t kBytesOfACode = 2;

struct Policy {
  uint32_t number = 0;
  uint32_t more[24] = {};
};
static_assert(sizeof(Policy) == 100);

// A connection has four cache lines, of which a packet touches the first.
struct alignas(64) Tenanted {
  Tenanted* next = nullptr;  // the owner of the next packet
  uint64_t state = 1;
  InlineWords<64> words;
  std::atomic<uint16_t> slot{0};
  std::byte rest[192] = {};
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

// Owners of `keys` keys, each of which has its value in all ways.
class Tenants {
 public:
  using Keyed = KeyedMap<uint32_t, Policy>;
  using Index = SharedMap<Policy>;

  // Made at its first use, and kept. Null if something could not be made, or is wrong.
  static Tenants* Of(size_t owners, uint32_t keys) {
    static auto* const all = new std::map<std::pair<size_t, uint32_t>, std::unique_ptr<Tenants>>;
    std::unique_ptr<Tenants>& tenants = (*all)[{owners, keys}];
    if (tenants == nullptr) tenants = std::make_unique<Tenants>(owners, keys);
    return tenants->ready_ ? tenants.get() : nullptr;
  }
  static Tenants* Of(const benchmark::State& state) {
    return Of(static_cast<size_t>(state.range(0)), static_cast<uint32_t>(state.range(1)));
  }

  Tenants(size_t owners, uint32_t keys)
      : slots(keys),
        owners_(owners),
        holders_(keys),
        policies_(keys),
        key_refs(keys),
        policy_refs(keys) {
    ready_ = Make() && Check();
    std::vector<size_t> order(owners);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
    for (size_t i = 0; i < owners; ++i) {
      owners_[order[i]].next = &owners_[order[(i + 1) % owners]];
    }
    position = &owners_[order[0]];
  }

  // Each way must show the same value, of the owner's key.
  bool Check() const {
    const ReadSection section;
    for (size_t i = 0; i < owners_.size(); ++i) {
      const Tenanted& owner = owners_[i];
      const uint32_t number = policies_[KeyOf(i)].number;
      const Policy* const by_key = keyed->Get(section, owner);
      const Policy* const by_index = index->Get(section, owner);
      const Policy* const by_replace = replaceable->Get(section, owner);
      const Policy* const by_slot = slots.Get(owner.slot);
      if (by_key == nullptr || by_key->number != number || by_index == nullptr ||
          by_index->number != number || by_replace == nullptr || by_replace->number != number ||
          by_slot == nullptr || by_slot->number != number) {
        return false;
      }
    }
    return true;
  }

  uint32_t keys() const { return static_cast<uint32_t>(policies_.size()); }
  size_t owners() const { return owners_.size(); }
  const std::vector<Tenanted*>& holders(uint32_t key) const { return holders_[key]; }
  const Policy& policy(uint32_t key) const { return policies_[key]; }
  // A policy that no key has had.
  Policy NewPolicy() { return Policy{.number = next_number_++}; }
  void Remember(uint32_t key, const Policy& policy) { policies_[key] = policy; }

  std::unique_ptr<Store> store;
  std::unique_ptr<Keyed> keyed;
  std::unique_ptr<Index> index;
  std::unique_ptr<Index> replaceable;
  std::vector<Policy> in_replaceable;  // what that shows for each key
  SlotTable<Policy> slots;

 private:
  uint32_t KeyOf(size_t owner) const { return static_cast<uint32_t>(owner % policies_.size()); }
  bool Make() {
    if (Store::Create({.reserved_bits = 64}, &store) != Status::kOk ||
        Keyed::Create(*store, {.width_bits = 16}, &keyed) != Status::kOk ||
        Index::Create(*store, {.width_bits = 16}, &index) != Status::kOk ||
        Index::Create(*store, {.width_bits = 16, .replaceable = true}, &replaceable) !=
            Status::kOk) {
      return false;
    }
    for (uint32_t key = 0; key < keys(); ++key) {
      policies_[key] = NewPolicy();
      slots.Set(static_cast<uint16_t>(key), policies_[key]);
      if (keyed->Set(key, policies_[key], &key_refs[key]) != Status::kOk ||
          index->Intern(policies_[key], &policy_refs[key]) != Status::kOk) {
        return false;
      }
    }
    for (size_t i = 0; i < owners_.size(); ++i) {
      const uint32_t key = KeyOf(i);
      holders_[key].push_back(&owners_[i]);
      owners_[i].slot = static_cast<uint16_t>(key);
      if (keyed->Assign(owners_[i], key_refs[key]) != Status::kOk ||
          index->Assign(owners_[i], policy_refs[key]) != Status::kOk ||
          replaceable->Update(owners_[i], policies_[key]) != Status::kOk) {
        return false;
      }
    }
    in_replaceable = policies_;
    return true;
  }

  bool ready_ = false;
  uint32_t next_number_ = 1;
  std::vector<Tenanted> owners_;
  std::vector<std::vector<Tenanted*>> holders_;
  std::vector<Policy> policies_;

 public:
  Tenanted* position = nullptr;  // of the walk
  std::vector<KeyRef> key_refs;
  std::vector<TypedRef<Policy>> policy_refs;
};

// --- a get

// Takes steps from one owner to the next. `read(owner)` returns the field that it read.
template <typename Read>
void Walk(benchmark::State& state, Tenants& tenants, Read&& read) {
  const uint64_t zero = workload::OpaqueZero();
  const ReadSection section;
  Tenanted* owner = tenants.position;
  uint64_t sum = 0;
  while (state.KeepRunningBatch(kStepsPerRound)) {
    for (size_t step = 0; step < kStepsPerRound; ++step) {
      const Tenanted* const next = owner->next;
      const uint64_t seen = owner->state + read(*owner);
      sum += seen;
      owner = reinterpret_cast<Tenanted*>(reinterpret_cast<uintptr_t>(next) + (seen & zero));
    }
  }
  tenants.position = owner;
  benchmark::DoNotOptimize(sum);
}

void CountBytes(benchmark::State& state, const Tenants& tenants, size_t bytes) {
  state.counters["bytes_per_owner"] =
      kBytesOfACode + static_cast<double>(bytes) / static_cast<double>(tenants.owners());
}

template <typename Measure>
void WithTenants(benchmark::State& state, Measure&& measure) {
  Tenants* const tenants = Tenants::Of(state);
  if (tenants == nullptr) return state.SkipWithError("an owner has not its value");
  measure(*tenants);
}

uint64_t NumberOf(const Policy* policy) { return policy == nullptr ? 0 : policy->number; }

void GetTouch(benchmark::State& state) {
  WithTenants(state, [&](Tenants& tenants) {
    Walk(state, tenants, [](const Tenanted&) { return uint64_t{0}; });
  });
}
void GetKeyed(benchmark::State& state) {
  WithTenants(state, [&](Tenants& tenants) {
    Walk(state, tenants,
         [&map = *tenants.keyed](const Tenanted& owner) { return NumberOf(map.Get(owner)); });
    CountBytes(state, tenants, tenants.keyed->bytes().memory_usage().total_bytes());
  });
}
void GetIndex(benchmark::State& state) {
  WithTenants(state, [&](Tenants& tenants) {
    Walk(state, tenants,
         [&map = *tenants.index](const Tenanted& owner) { return NumberOf(map.Get(owner)); });
    CountBytes(state, tenants, tenants.index->bytes().memory_usage().total_bytes());
  });
}
void GetReplaceable(benchmark::State& state) {
  WithTenants(state, [&](Tenants& tenants) {
    Walk(state, tenants,
         [&map = *tenants.replaceable](const Tenanted& owner) { return NumberOf(map.Get(owner)); });
    CountBytes(state, tenants, tenants.replaceable->bytes().memory_usage().total_bytes());
  });
}
void GetSlot(benchmark::State& state) {
  WithTenants(state, [&](Tenants& tenants) {
    Walk(state, tenants, [&table = tenants.slots](const Tenanted& owner) {
      return NumberOf(table.Get(owner.slot.load(std::memory_order_acquire)));
    });
    CountBytes(state, tenants, tenants.slots.bytes(tenants.keys()));
  });
}

// --- a reload

bool ReplacePolicy(Tenants& tenants, uint32_t key, const Policy& policy) {
  const Policy old = std::exchange(tenants.in_replaceable[key], policy);
  return tenants.replaceable->Replace(old, policy) == Status::kOk;
}

// `reload(tenants, key, policy)` returns whether it was done. Every owner's value is checked after
// the run, untimed, against what the other ways show.
template <typename Reload>
void Reloads(benchmark::State& state, Reload&& reload) {
  WithTenants(state, [&](Tenants& tenants) {
    uint32_t key = 0;
    bool done = true;
    std::vector<Policy> last(tenants.keys());
    for (uint32_t k = 0; k < tenants.keys(); ++k) last[k] = tenants.policy(k);
    const auto start = std::chrono::steady_clock::now();
    for (auto _ : state) {
      last[key] = tenants.NewPolicy();
      done = reload(tenants, key, last[key]) && done;
      key = key + 1 == tenants.keys() ? 0 : key + 1;
    }
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    state.counters["ns_per_reload"] = taken.count() / static_cast<double>(state.iterations());
    for (uint32_t k = 0; k < tenants.keys(); ++k) {
      tenants.Remember(k, last[k]);
      done = tenants.keyed->Set(k, last[k]) == Status::kOk && done;
      done = ReplacePolicy(tenants, k, last[k]) && done;
      tenants.slots.Set(static_cast<uint16_t>(k), last[k]);
      for (Tenanted* const owner : tenants.holders(k)) {
        done = tenants.index->Update(*owner, last[k]) == Status::kOk && done;
      }
    }
    if (!done || !tenants.Check()) state.SkipWithError("an owner has not its value");
    RetireBarrier();
  });
}

void ReloadKeyed(benchmark::State& state) {
  Reloads(state, [](Tenants& tenants, uint32_t key, const Policy& policy) {
    return tenants.keyed->Set(key, policy) == Status::kOk;
  });
}
void ReloadKeyedRef(benchmark::State& state) {
  Reloads(state, [](Tenants& tenants, uint32_t key, const Policy& policy) {
    return tenants.keyed->Set(tenants.key_refs[key], policy) == Status::kOk;
  });
}
void ReloadReplaceable(benchmark::State& state) { Reloads(state, ReplacePolicy); }
void ReloadSlot(benchmark::State& state) {
  Reloads(state, [](Tenants& tenants, uint32_t key, const Policy& policy) {
    tenants.slots.Set(static_cast<uint16_t>(key), policy);
    return true;
  });
}
void ReloadIndex(benchmark::State& state) {
  Reloads(state, [](Tenants& tenants, uint32_t key, const Policy& policy) {
    bool done = true;
    for (Tenanted* const owner : tenants.holders(key)) {
      done = tenants.index->Update(*owner, policy) == Status::kOk && done;
    }
    return done;
  });
}
void ReloadIndexRef(benchmark::State& state) {
  Reloads(state, [](Tenants& tenants, uint32_t key, const Policy& policy) {
    TypedRef<Policy> ref;
    bool done = tenants.index->Intern(policy, &ref) == Status::kOk;
    for (Tenanted* const owner : tenants.holders(key)) {
      done = tenants.index->Assign(*owner, ref) == Status::kOk && done;
    }
    return done;
  });
}

// --- an assignment

// Gives every owner on the way the value of the next key. All keys but one take turns: no multiple
// of so many is a number of owners, so that each time an owner gets another key than it has.
// `assign(tenants, owner, key)` returns whether it was done.
template <typename Assign>
void Assigns(benchmark::State& state, Assign&& assign) {
  WithTenants(state, [&](Tenants& tenants) {
    const uint32_t keys = tenants.keys();
    uint32_t key = 0;
    bool done = true;
    Walk(state, tenants, [&](Tenanted& owner) {
      key = key + 2 >= keys ? 0 : key + 1;
      done = assign(tenants, owner, key) && done;
      return uint64_t{0};
    });
    for (uint32_t k = 0; k < keys; ++k) {  // restores the owners
      for (Tenanted* const owner : tenants.holders(k)) {
        owner->slot = static_cast<uint16_t>(k);
        done = tenants.keyed->Assign(*owner, k) == Status::kOk && done;
        done = tenants.index->Update(*owner, tenants.policy(k)) == Status::kOk && done;
      }
    }
    if (!done || !tenants.Check()) state.SkipWithError("an owner has not its value");
  });
}

void AssignKeyed(benchmark::State& state) {
  Assigns(state, [](Tenants& tenants, Tenanted& owner, uint32_t key) {
    return tenants.keyed->Assign(owner, key) == Status::kOk;
  });
}
void AssignKeyedRef(benchmark::State& state) {
  Assigns(state, [](Tenants& tenants, Tenanted& owner, uint32_t key) {
    return tenants.keyed->Assign(owner, tenants.key_refs[key]) == Status::kOk;
  });
}
void AssignIndex(benchmark::State& state) {
  Assigns(state, [](Tenants& tenants, Tenanted& owner, uint32_t key) {
    return tenants.index->Update(owner, tenants.policy(key)) == Status::kOk;
  });
}
void AssignIndexRef(benchmark::State& state) {
  Assigns(state, [](Tenants& tenants, Tenanted& owner, uint32_t key) {
    return tenants.index->Assign(owner, tenants.policy_refs[key]) == Status::kOk;
  });
}
void AssignSlot(benchmark::State& state) {
  Assigns(state, [](Tenants&, Tenanted& owner, uint32_t key) {
    owner.slot.store(static_cast<uint16_t>(key), std::memory_order_release);
    return true;
  });
}

// --- the program

constexpr uint32_t kKeys = 500;
constexpr int64_t kHotOwners = 1000;

std::string SizesOf(int64_t owners, int64_t keys) {
  return "/owners:" + std::to_string(owners) + "/keys:" + std::to_string(keys);
}
void Add(const std::string& name, void (*run)(benchmark::State&), int64_t owners, int64_t keys) {
  RegisterRun(name, run)->ArgNames({"owners", "keys"})->Args({owners, keys});
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv)) return 1;
  // At 500,000 owners: 1,000 of 100,000.
  const int64_t reloaded = results.sockets() / 5;
  constexpr int64_t kReloadedKeys = 100;
  Add("KeyedReload/keyed", ReloadKeyed, reloaded, kReloadedKeys);
  Add("KeyedReload/keyed_ref", ReloadKeyedRef, reloaded, kReloadedKeys);
  Add("KeyedReload/replace", ReloadReplaceable, reloaded, kReloadedKeys);
  Add("KeyedReload/slot", ReloadSlot, reloaded, kReloadedKeys);
  Add("KeyedReload/index", ReloadIndex, reloaded, kReloadedKeys);
  Add("KeyedReload/index_ref", ReloadIndexRef, reloaded, kReloadedKeys);
  for (const auto& [pattern, owners] :
       {std::pair{"/packet", results.sockets()}, std::pair{"/hot", kHotOwners}}) {
    const auto name = [pattern = pattern](const std::string& of) { return of + pattern; };
    Add(name("KeyedGet/touch"), GetTouch, owners, kKeys);
    Add(name("KeyedGet/keyed"), GetKeyed, owners, kKeys);
    Add(name("KeyedGet/index"), GetIndex, owners, kKeys);
    Add(name("KeyedGet/replace"), GetReplaceable, owners, kKeys);
    Add(name("KeyedGet/slot"), GetSlot, owners, kKeys);
    Add(name("KeyedAssign/keyed"), AssignKeyed, owners, kKeys);
    Add(name("KeyedAssign/keyed_ref"), AssignKeyedRef, owners, kKeys);
    Add(name("KeyedAssign/index"), AssignIndex, owners, kKeys);
    Add(name("KeyedAssign/index_ref"), AssignIndexRef, owners, kKeys);
    Add(name("KeyedAssign/slot"), AssignSlot, owners, kKeys);
  }
  const std::string cold = "/packet" + SizesOf(results.sockets(), kKeys);
  const std::string hot = "/hot" + SizesOf(kHotOwners, kKeys);
  const std::string reload = SizesOf(reloaded, kReloadedKeys);
  using workload::Bar;
  results.AddBar(Bar::Counter("KeyedReload/keyed" + reload, "ns_per_reload", 2000));
  results.AddBar(Bar::AtMost("KeyedReload/keyed" + reload, "KeyedReload/index" + reload, 0.05));
  results.AddBar(Bar::Counter("KeyedReload/replace" + reload, "ns_per_reload", 2000));
  results.AddBar(Bar::AtMost("KeyedGet/replace" + cold, "KeyedGet/index" + cold, 1.1));
  results.AddBar(Bar::AtMost("KeyedGet/replace" + hot, "KeyedGet/slot" + hot, 1.15));
  results.AddBar(Bar::AtMost("KeyedGet/keyed" + cold, "KeyedGet/index" + cold, 1.1));
  results.AddBar(Bar::AtMost("KeyedGet/keyed" + hot, "KeyedGet/slot" + hot, 1.15));
  results.AddBar(Bar::Counter("KeyedGet/keyed" + cold, "bytes_per_owner", 2.3));
  results.AddBar(Bar::AtMost("KeyedAssign/index_ref" + hot, "KeyedAssign/index" + hot, 0.8));
  results.AddBar(Bar::AtMost("KeyedAssign/keyed_ref" + hot, "KeyedAssign/index" + hot, 0.8));
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
