// Writes results as Google Benchmark does, with the context that the benchmarks of this project
// add.

#ifndef INLAY_TESTS_TOOLS_PAGES_BENCHMARK_JSON_H_
#define INLAY_TESTS_TOOLS_PAGES_BENCHMARK_JSON_H_

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/pages/bench_results/result_file.h"
#include "tools/pages/bench_results/results.h"

namespace inlay {

class BenchmarkJson {
 public:
  BenchmarkJson() {
    all_["context"] = {
        {"date", "2026-11-22T21:10:05+00:00"},
        {"num_cpus", 2},
        {"mhz_per_cpu", 2500},
        {"caches", nlohmann::json::array(
                       {{{"type", "Data"}, {"level", 1}, {"size", 32768}, {"num_sharing", 1}}})},
        {"cpu", "Test CPU"},
        {"compiler", "GNU 12.2.0"},
        {"build_type", "Release"},
        {"kernel", "Linux 6.18.1"},
        {"transparent_hugepage", "always [madvise] never"},
        {"commit", "abc1234"},
        {"command", "get_bench --flag"},
        {"program", "get_bench"}};
    all_["benchmarks"] = nlohmann::json::array();
  }

  BenchmarkJson& Context(const std::string& key, const nlohmann::json& value) {
    all_["context"][key] = value;
    return *this;
  }
  BenchmarkJson& Without(const std::string& key) {
    all_["context"].erase(key);
    return *this;
  }
  // One repetition for each time.
  BenchmarkJson& Add(const std::string& name, const std::vector<double>& times_ns,
                     const std::map<std::string, double>& counters = {}) {
    for (const double ns : times_ns) {
      nlohmann::json run = Run(name);
      run["real_time"] = ns;
      for (const auto& [counter, value] : counters) run[counter] = value;
      all_["benchmarks"].push_back(run);
    }
    ++added_;
    return *this;
  }
  BenchmarkJson& AddFailure(const std::string& name, const std::string& message) {
    nlohmann::json run = Run(name);
    run["error_occurred"] = true;
    run["error_message"] = message;
    run["real_time"] = 0;
    all_["benchmarks"].push_back(run);
    ++added_;
    return *this;
  }
  BenchmarkJson& AddRun(const nlohmann::json& run) {
    all_["benchmarks"].push_back(run);
    return *this;
  }

  std::string Text() const { return all_.dump(1); }

 private:
  nlohmann::json Run(const std::string& name) const {
    return {{"name", name},
            {"run_name", name},
            {"run_type", "iteration"},
            {"family_index", added_},
            {"per_family_instance_index", 0},
            {"iterations", 1000},
            {"cpu_time", 1.0},
            {"time_unit", "ns"}};
  }

  nlohmann::json all_;
  int added_ = 0;
};

// Reads files of that content, named "0.json", "1.json", ...; the test fails if one is refused.
inline bench_page::Results ResultsOf(const std::vector<BenchmarkJson>& contents) {
  std::vector<bench_page::ResultFile> files;
  for (const BenchmarkJson& content : contents) {
    absl::StatusOr<bench_page::ResultFile> file =
        bench_page::ResultFile::Parse(std::to_string(files.size()) + ".json", content.Text());
    EXPECT_TRUE(file.ok()) << file.status();
    if (file.ok()) files.push_back(*std::move(file));
  }
  absl::StatusOr<bench_page::Results> results = bench_page::Results::Of(std::move(files));
  EXPECT_TRUE(results.ok()) << results.status();
  return *std::move(results);
}

}  // namespace inlay

#endif  // INLAY_TESTS_TOOLS_PAGES_BENCHMARK_JSON_H_
