// Measures the cost of a socket's value in the running kernel: Kernel/<walk>/<access>/sockets:N, in
// nanoseconds per access, measured by the BPF programs and including the cost of reading the clock.
//
// Walks: `packet`, one-byte datagrams over loopback to sockets in random order, with the access
// when a datagram has found its socket; `iterator`, a UDP iterator. Accesses: `clock`, nothing
// between two readings of the clock; `touch`, the socket's state; `mark`, sk_mark; `sk_storage`,
// bpf_sk_storage_get() and a field of the value; `index`, an index in sk_mark and the value's field
// in an array map: the index design on an unmodified kernel; `inlay`, inlay_get() of inlay.bpf.h.
//
// KernelMemory/sk_storage/sockets:N, the kernel memory of the values:
//   slab_bytes_per_socket         growth of the objects in use in the general caches
//   slab_page_bytes_per_socket    growth of these caches' pages
//   expected_bytes_per_socket     by the sizes of the kernel's types and caches
// KernelCreate/<sk_storage|mark>/sockets:N, the system call that gives one socket its value.
// Sockets get their values once, when they are opened, so these are one measurement each.
//
// --inlay_sweep=connections: Connections/<program>, the CPU time of a TCP connection over loopback,
// its accept and the end of both sockets, while a program gives the sockets values, or none does;
// ConnectionSet/<program>, what the program's set takes of that, and the reading of the clock.
// --inlay_sweep=census: Census/sockets:N, the CPU time of a pass of LiveCollector.
// --inlay_sweep=churn: ReturnUnderChurn/open:N, the time until an unused index comes back while
// 5,000 connections a second come and go, N of them open at any time; ReturnOfHidden, the same for
// a socket in an io_uring, after passes that must free nothing.
// --inlay_sweep=maps: ManyMaps/<access>, sockets with sixteen storages and sixteen maps of Inlay's.
//
// Exit code 77, with the reason, if this machine cannot run it.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <system_error>

#include "bench/kernel/accesses.h"
#include "bench/kernel/census_cost.h"
#include "bench/kernel/connection_rate.h"
#include "bench/kernel/kernel_sockets.h"
#include "bench/kernel/loaded_programs.h"
#include "bench/kernel/return_under_churn.h"
#include "bench/kernel/slab_usage.h"
#include "bench/kernel/socket_capacity.h"
#include "bench/kernel/socket_holders.h"
#include "bench/kernel/socket_with_many_maps.h"
#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "engine/live_kernel/scratch_cgroup.h"
#include "engine/workload/bar.h"

namespace inlay::bench {
namespace {

constexpr int kSkipped = 77;
// These sockets stay in the second-level cache, with all that a packet reads of them.
constexpr size_t kSmallSockets = 200;
constexpr char kMeasured[] = "/iterations:1/manual_time";

// The state that all benchmarks share. Destruction order matters: sockets, then the signal handlers
// that end their holders, then the cgroup.
class Session {
 public:
  explicit Session(size_t sockets) : programs_(static_cast<uint32_t>(kSmallSockets + sockets)) {}

  // Opens the sockets at the first call. Throws as KernelSockets does; after a failure, every
  // further call throws.
  KernelSockets& Sockets(size_t sockets) {
    const auto opened = opened_.find(sockets);
    if (opened != opened_.end() && opened->second == nullptr) {
      throw std::runtime_error("the sockets could not be opened");
    }
    if (opened != opened_.end()) return *opened->second;
    std::unique_ptr<KernelSockets>& place = opened_[sockets];
    const uint32_t first_number = sockets == kSmallSockets ? 0 : kSmallSockets;
    place = std::make_unique<KernelSockets>(programs_, cgroup_.fd(), sockets, first_number);
    return *place;
  }

 private:
  live_kernel::ScratchCgroup cgroup_;
  EndHoldersOnSignal end_holders_on_signal_;
  LoadedPrograms programs_;
  std::map<size_t, std::unique_ptr<KernelSockets>> opened_;  // null: opening failed
};

// Runs `measure(sockets)` once, and reports an exception as the benchmark's error.
template <typename Measure>
void RunOnce(benchmark::State& state, Session& session, Measure&& measure) {
  for (auto _ : state) {
    try {
      measure(session.Sockets(static_cast<size_t>(state.range(0))));
    } catch (const std::exception& failed) {
      state.SkipWithError(failed.what());
      return;
    }
  }
}

template <typename Measure>
benchmark::internal::Benchmark* Register(Session& session, const std::string& name, size_t sockets,
                                         Measure measure, int repetitions = 0) {
  return RegisterRun(
             name,
             [&session, measure](benchmark::State& state) {
               RunOnce(state, session, [&](KernelSockets& opened) { measure(state, opened); });
             },
             repetitions)
      ->ArgName("sockets")
      ->Arg(static_cast<int64_t>(sockets))
      ->Iterations(1)
      ->UseManualTime()
      ->Unit(benchmark::kNanosecond);
}

void RegisterWalks(Session& session, size_t sockets) {
  for (const Walk walk : kWalks) {
    for (const Access access : kAccesses) {
      Register(session, std::string("Kernel/") + Name(walk) + "/" + Name(access), sockets,
               [walk, access](benchmark::State& state, KernelSockets& opened) {
                 const KernelSockets::WalkTime time = opened.Take(walk, access);
                 state.SetIterationTime(time.ns_per_socket * 1e-9);
                 state.counters["interrupted_per_million"] = time.interrupted * 1e6;
               });
    }
  }
}

void RegisterCosts(Session& session, size_t sockets) {
  Register(
      session, "KernelMemory/sk_storage", sockets,
      [](benchmark::State& state, KernelSockets& opened) {
        state.SetIterationTime(0);  // only the counters matter
        state.counters["slab_bytes_per_socket"] = opened.slab_object_bytes_per_socket();
        state.counters["slab_page_bytes_per_socket"] = opened.slab_page_bytes_per_socket();
        state.counters["expected_bytes_per_socket"] =
            static_cast<double>(ExpectedStorageBytes(kValueBytes));
      },
      1);
  Register(
      session, "KernelCreate/sk_storage", sockets,
      [](benchmark::State& state, KernelSockets& opened) {
        state.SetIterationTime(opened.store_ns_per_socket() * 1e-9);
      },
      1);
  Register(
      session, "KernelCreate/mark", sockets,
      [](benchmark::State& state, KernelSockets& opened) {
        state.SetIterationTime(opened.mark_ns_per_socket() * 1e-9);
      },
      1);
}

// --- the other sweeps ---

// What they share: the cgroup, and the objects that they open when they are needed.
struct OtherSession {
  live_kernel::ScratchCgroup cgroup;
  EndHoldersOnSignal end_holders_on_signal;
  std::unique_ptr<ConnectionRate> connections = nullptr;
  std::unique_ptr<SocketsWithManyMaps> many_maps = nullptr;
};

// `measure` returns nanoseconds.
template <typename Measure>
void RegisterTimed(const std::string& name, Measure measure, int repetitions = 0) {
  RegisterRun(
      name,
      [measure](benchmark::State& state) {
        for (auto _ : state) {
          try {
            state.SetIterationTime(measure(state) * 1e-9);
          } catch (const std::exception& failed) {
            state.SkipWithError(failed.what());
            return;
          }
        }
      },
      repetitions)
      ->Iterations(1)
      ->UseManualTime()
      ->Unit(benchmark::kNanosecond);
}

void RegisterConnections(OtherSession& session, Results& results, size_t sockets) {
  const size_t connections = std::min<size_t>(sockets, 10000);
  const auto rate = [&session]() -> ConnectionRate& {
    if (session.connections == nullptr) {
      session.connections = std::make_unique<ConnectionRate>(session.cgroup.fd());
    }
    return *session.connections;
  };
  RegisterTimed("Connections/none", [rate, connections](benchmark::State&) {
    return rate().NsPerConnection("", connections);
  });
  for (const std::string program :
       {"create_inlay", "create_storage", "sockops_inlay", "sockops_storage"}) {
    RegisterTimed("Connections/" + program, [rate, program, connections](benchmark::State&) {
      return rate().NsPerConnection(program, connections);
    });
    RegisterTimed("ConnectionSet/" + program, [rate, program, connections](benchmark::State&) {
      return rate().NsPerSet(program + "_timed", connections);
    });
  }
  results.AddBar(workload::Bar::AtMost(std::string("Connections/create_inlay") + kMeasured,
                                       std::string("Connections/none") + kMeasured, 1.03));
  for (const std::string where : {"create", "sockops"}) {
    results.AddBar(workload::Bar::AtMost("ConnectionSet/" + where + "_inlay" + kMeasured,
                                         "ConnectionSet/" + where + "_storage" + kMeasured, 1));
  }
}

void RegisterCensus(OtherSession& session, Results& results, size_t sockets) {
  std::set<size_t> sizes = {10000, 100000};
  sizes.erase(sizes.lower_bound(sockets), sizes.end());
  sizes.insert(sockets);
  for (const size_t size : sizes) {
    const std::string name = "Census/sockets:" + std::to_string(size);
    RegisterTimed(name, [&session, size](benchmark::State& state) {
      const CensusCost cost = MeasureCensus(size, session.cgroup.fd());
      state.counters["wall_seconds"] = cost.wall_seconds;
      state.counters["cpu_us_per_socket"] = cost.cpu_seconds * 1e6 / static_cast<double>(size);
      return cost.cpu_seconds * 1e9;
    });
    // 500,000 sockets in a second.
    if (size == sockets) {
      results.AddBar(workload::Bar::Counter(name + kMeasured, "cpu_us_per_socket", 2));
    }
  }
}

void RegisterChurn(OtherSession& session, Results& results) {
  const auto add = [&](const std::string& name, size_t open, auto measure) {
    RegisterTimed(name, [&session, open, measure](benchmark::State& state) {
      const ReturnUnderChurn found = measure(open, session.cgroup.fd());
      state.counters["connections_per_second"] = found.connections_per_second;
      state.counters["passes"] = static_cast<double>(found.passes);
      state.counters["incomplete"] = static_cast<double>(found.incomplete);
      state.counters["seconds"] = found.seconds;
      return found.seconds * 1e9;
    });
    results.AddBar(workload::Bar::Counter(name + kMeasured, "seconds", 60));
  };
  for (const size_t open : {size_t{0}, size_t{64}, size_t{1000}}) {
    add("ReturnUnderChurn/open:" + std::to_string(open), open, MeasureReturn);
  }
  add("ReturnOfHidden/open:64", 64, MeasureReturnOfHidden);
}

void RegisterManyMaps(OtherSession& session, Results& results, size_t sockets) {
  for (const std::string access : kManyMapsAccesses) {
    RegisterTimed("ManyMaps/" + access, [&session, access, sockets](benchmark::State&) {
      if (session.many_maps == nullptr) {
        session.many_maps = std::make_unique<SocketsWithManyMaps>(sockets, session.cgroup.fd());
      }
      return session.many_maps->Take(access);
    });
  }
  const auto name = [](const std::string& access) { return "ManyMaps/" + access + kMeasured; };
  results.AddBar(
      workload::Bar::OverTouch(name("inlay_last"), name("storage_last"), name("touch"), 0.05));
}

bool HasCgroup2() {
  std::ifstream mounts("/proc/mounts");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" cgroup2 ") != std::string::npos) return true;
  }
  return false;
}

// Null, or the name of what this machine lacks.
const char* Missing() {
  if (geteuid() != 0) return "it needs root";
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) return "the kernel has no BTF";
  if (!HasCgroup2()) return "no cgroup2 file system is mounted";
  return nullptr;
}

int Skip(const char* reason) {
  std::fprintf(stderr, "kernel_bench: skipped: this machine cannot run it: %s\n", reason);
  return kSkipped;
}

std::unique_ptr<Session> OpenSession(size_t sockets, std::string* not_permitted) {
  try {
    return std::make_unique<Session>(sockets);
  } catch (const std::system_error& failed) {
    if (failed.code() != std::errc::operation_not_permitted) throw;
    *not_permitted = failed.what();
    return nullptr;
  }
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv,
                          {.repetitions = "--benchmark_repetitions=7",
                           .sweeps = {"values", "connections", "census", "churn", "maps"}})) {
    return 1;
  }
  if (const char* const missing = Missing(); missing != nullptr) return Skip(missing);
  auto sockets = static_cast<size_t>(results.sockets());
  const SocketCapacity capacity = FindSocketCapacity();
  if (capacity.sockets < sockets) {
    std::fprintf(stderr, "kernel_bench: %zu sockets instead of %zu: %s\n", capacity.sockets,
                 sockets, capacity.limit.c_str());
    sockets = capacity.sockets;
  }
  if (sockets <= kSmallSockets) return Skip("too few sockets fit");
  if (results.sweep() != "values") {
    OtherSession session;
    if (results.sweep() == "connections") RegisterConnections(session, results, sockets);
    if (results.sweep() == "census") RegisterCensus(session, results, sockets);
    if (results.sweep() == "churn") RegisterChurn(session, results);
    // Sixteen storages take nearly as much as the socket.
    if (results.sweep() == "maps") {
      RegisterManyMaps(session, results, std::min(sockets, capacity.sockets / 2));
    }
    return results.Run();
  }
  std::string not_permitted;
  const std::unique_ptr<Session> session = OpenSession(sockets, &not_permitted);
  if (session == nullptr) return Skip(not_permitted.c_str());
  RegisterWalks(*session, kSmallSockets);
  RegisterWalks(*session, sockets);
  RegisterCosts(*session, sockets);
  const std::string size = "/sockets:" + std::to_string(sockets) + kMeasured;
  results.AddBar(workload::Bar::OverTouch("Kernel/packet/index" + size,
                                          "Kernel/packet/sk_storage" + size,
                                          "Kernel/packet/touch" + size, 0.08));
  results.AddBar(workload::Bar::OverTouch("Kernel/packet/inlay" + size,
                                          "Kernel/packet/sk_storage" + size,
                                          "Kernel/packet/touch" + size, 0.05));
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) {
  try {
    return inlay::bench::Main(argc, argv);
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "kernel_bench: %s\n", failed.what());
    return 1;
  }
}
