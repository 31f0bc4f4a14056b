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
#include <string>
#include <system_error>

#include "bench/kernel/accesses.h"
#include "bench/kernel/kernel_sockets.h"
#include "bench/kernel/loaded_programs.h"
#include "bench/kernel/slab_usage.h"
#include "bench/kernel/socket_capacity.h"
#include "bench/kernel/socket_holders.h"
#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "engine/live_kernel/scratch_cgroup.h"

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
  if (!results.Initialize(argc, argv, {.repetitions = "--benchmark_repetitions=7"})) return 1;
  if (const char* const missing = Missing(); missing != nullptr) return Skip(missing);
  auto sockets = static_cast<size_t>(results.sockets());
  const SocketCapacity capacity = FindSocketCapacity();
  if (capacity.sockets < sockets) {
    std::fprintf(stderr, "kernel_bench: %zu sockets instead of %zu: %s\n", capacity.sockets,
                 sockets, capacity.limit.c_str());
    sockets = capacity.sockets;
  }
  if (sockets <= kSmallSockets) return Skip("too few sockets fit");
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
