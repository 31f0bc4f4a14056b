// Runs only a number of rounds over all sockets, for tools that count instructions and cache
// misses. The difference between two runs gives the cost of the additional rounds.
//
//   count_rounds OPERATION LAYOUT ROUNDS [SOCKETS]
//
// Operations: get; update, to another interned value; touch, the walk alone, on any layout. Prints
// the sockets, and for get the cache lines that the layout reports, as
//   sockets N own_lines X shared_lines Y
//
//   count_rounds context
//
// prints the context of the counts (machine, compiler, commit), a key and a value per line.

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/program/run_context.h"
#include "bench/workload/lines_of_gets.h"
#include "bench/workload/population.h"
#include "engine/workload/layouts.h"
#include "engine/workload/packet_walk.h"
#include "inlay/rcu.h"

namespace inlay::bench {
namespace {

constexpr uint32_t kValues = 500;
constexpr uint32_t kValueBytes = 100;

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "count_rounds: %s\n", message.c_str());
  std::exit(2);
}

size_t Number(const char* text, size_t least) {
  const std::string_view all = text;
  size_t number = 0;
  const auto [end, error] = std::from_chars(all.begin(), all.end(), number);
  if (error != std::errc() || end != all.end() || number < least) {
    Fail(std::string(text) + ": a number from " + std::to_string(least) + " is needed");
  }
  return number;
}

// Returns a sum that depends on all reads, so that the compiler drops none.
template <typename Layout>
uint64_t Rounds(std::string_view operation, size_t rounds, size_t sockets) {
  WorkloadShape shape;
  shape.sockets = sockets;
  shape.values = kValues;
  shape.value_bytes = kValueBytes;
  Population population(shape, Layout::Needs(kValueBytes));
  const Workload& workload = population.workload();
  std::string error;
  const auto map = MakeMap<Layout>(population, &error);
  if (map == nullptr || !Fill(*map, population, &error) ||
      !MatchesModel<Layout>(*map, population, true, &error)) {
    Fail(error);
  }
  RetireBarrier();
  if (operation == "get") {
    const LinesPerGet lines = CountLinesPerGet<workload::TouchedHeader, Layout>(*map, population);
    std::printf("sockets %zu own_lines %.3f shared_lines %.3f\n", sockets, lines.own, lines.shared);
  } else {
    std::printf("sockets %zu\n", sockets);
  }

  uint64_t sum = 0;
  Socket* at = &population.first();
  const uint64_t zero = workload::OpaqueZero();
  for (size_t round = 1; round <= rounds; ++round) {
    const uint32_t* number = workload.values_in_packet_order().data();
    if (operation == "get") {
      const ReadSection section;
      sum += workload::PacketWalk(&at, sockets, zero, [&](const Socket& socket) {
        return Layout::Read(*map, socket, workload::ReadField);
      });
    } else if (operation == "touch") {
      sum += workload::PacketWalk(&at, sockets, zero, [](const Socket&) { return uint64_t{0}; });
    } else {
      sum += workload::PacketWalk(&at, sockets, zero, [&](Socket& socket) {
        const auto value = static_cast<uint32_t>((*number++ + round) % kValues);
        const Status status = map->Update(socket, workload.value(value), UpdateFlag::kExist);
        if (status != Status::kOk) Fail("an update failed");
        return uint64_t{0};
      });
      RetireBarrier();
    }
  }
  return sum;
}

int Main(int argc, char** argv) {
  if (argc == 2 && argv[1] == std::string_view("context")) {
    for (const auto& [key, value] : ContextOfRun(argc, argv)) {
      std::printf("%s %s\n", key.c_str(), value.c_str());
    }
    return 0;
  }
  if (argc != 4 && argc != 5) Fail("usage: count_rounds OPERATION LAYOUT ROUNDS [SOCKETS]");
  const std::string_view operation = argv[1];
  const std::string_view layout = argv[2];
  if (operation != "get" && operation != "update" && operation != "touch") {
    Fail(std::string(operation) + ": no such operation; there are get, update and touch");
  }
  const size_t rounds = Number(argv[3], 0);
  const size_t sockets = argc == 5 ? Number(argv[4], 1) : 10000;
  bool found = false;
  volatile uint64_t sum = 0;
  workload::ForEachLayout([&]<typename Layout>() {
    if (layout != Layout::kName) return;
    found = true;
    sum = Rounds<Layout>(operation, rounds, sockets);
  });
  if (!found) Fail(std::string(layout) + ": no such layout");
  return 0;
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
