// Results for test reports: invented figures for every question that a report answers.

#ifndef INLAY_TESTS_TOOLS_PAGES_EXAMPLE_RESULTS_H_
#define INLAY_TESTS_TOOLS_PAGES_EXAMPLE_RESULTS_H_

#include <string>
#include <vector>

#include "tests/tools/pages/benchmark_json.h"

namespace inlay {

inline constexpr char kCold[] = "/packet/sockets:500000/values:500/bytes:100";
inline constexpr char kSizes[] = "/sockets:500000/values:500/bytes:100";

// The headline point of every layout of the table, each half of the one before over the touch.
inline BenchmarkJson Headline() {
  BenchmarkJson json;
  for (const std::string question : {"Get", "Create", "Update", "Delete", "Clone"}) {
    json.Add(question + "/touch" + kCold, {332, 336, 340});
    double over = 386;
    for (const std::string layout :
         {"pointer", "single_pointer", "inline", "shared_pointer", "index", "index9"}) {
      json.Add(question + "/" + layout + kCold, {336 + over - 1, 336 + over, 336 + over + 5});
      over /= 2;
    }
  }
  json.Add("Memory/pointer" + std::string(kSizes), {1}, {{"bytes_per_socket", 393}});
  json.Add("Memory/index" + std::string(kSizes), {1}, {{"bytes_per_socket", 2.125}});
  return json;
}

// A bit of everything, in several runs.
inline std::vector<BenchmarkJson> AllQuestions() {
  BenchmarkJson sweeps;
  sweeps.Context("command", "get_bench --sweep").Context("program", "get_bench");
  for (const std::string sockets : {"1000", "500000"}) {
    for (const std::string contender : {"touch", "index", "pointer", "handwritten"}) {
      sweeps.Add("Get/" + contender + "/packet/sockets:" + sockets + "/values:500/bytes:100",
                 {100});
    }
  }
  for (const std::string pattern : {"packet_nothing", "packet_whole", "batch", "packet_zipf"}) {
    sweeps.Add("Get/touch/" + pattern + kSizes, {100}).Add("Get/index/" + pattern + kSizes, {120});
  }
  sweeps.Add("Get/index_get_many/batch" + std::string(kSizes), {105});
  BenchmarkJson memory;
  memory.Context("command", "memory_bench").Context("program", "memory_bench");
  for (const int values : {1, 500, 200000, 500000}) {
    for (const std::string contender : {"index", "inline", "shared_pointer"}) {
      memory.Add(
          "Memory/" + contender + "/sockets:500000/values:" + std::to_string(values) + "/bytes:100",
          {1}, {{"bytes_per_socket", contender == "inline" ? 112 : 2 + values * 0.00025}});
    }
  }
  memory.Add("BreakEven/inline/sockets:500000/bytes:100", {1}, {{"distinct_values", 440000}});
  memory.Add("BreakEven/shared_pointer/sockets:500000/bytes:100", {1},
             {{"distinct_values", 500001}, {"never", 1}});
  BenchmarkJson others;
  others.Context("command", "other_bench").Context("bar_01", "Get/index/packet||||1");
  for (const int threads : {1, 2}) {
    others.Add("Scaling/index/get/readers:" + std::to_string(threads) + "/writers:0/real_time",
               {100.0 / threads});
    others.Add("MapCount/index9/sequential/maps:" + std::to_string(threads), {5});
  }
  others.Add("Kernel/packet/touch/sockets:100", {60})
      .Add("Kernel/packet/sk_storage/sockets:100", {160})
      .Add("Kernel/packet/index/sockets:100", {68})
      .Add("KernelMemory/sk_storage/sockets:100", {1}, {{"slab_bytes_per_socket", 392}})
      .Add("KernelCreate/sk_storage/sockets:100", {2000})
      .Add("Counts/index/get/sockets:100", {0}, {{"instructions", 12}, {"d1_misses", 1.1}})
      .Add("Churn/index/zipf/sockets:1000/values:10/bytes:8", {100}, {{"spilled_per_op", 0.5}})
      .Add("Get/flyweight" + std::string(kCold), {100})
      .Add("Get/index" + std::string(kCold), {120})
      .Add("Something/new/entirely", {42});
  return {Headline(), sweeps, memory, others};
}

}  // namespace inlay

#endif  // INLAY_TESTS_TOOLS_PAGES_EXAMPLE_RESULTS_H_
