// BenchmarkName: the parts of a benchmark's name, as in
// "Get/index/packet/sockets:500000/values:500/bytes:100". bench/README.md has the names.

#ifndef INLAY_TOOLS_PAGES_BENCH_RESULTS_BENCHMARK_NAME_H_
#define INLAY_TOOLS_PAGES_BENCH_RESULTS_BENCHMARK_NAME_H_

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace inlay::bench_page {

using Arguments = std::map<std::string, int64_t>;  // "sockets" -> 500000

struct BenchmarkName {
  std::string question;   // "Get"
  std::string contender;  // a layout, a peer, or a reference
  std::string pattern;    // "packet"; empty if the question has none
  Arguments arguments;

  // Accepts any name: missing parts stay empty. Drops the parts that Google Benchmark appends
  // ("real_time", "iterations:1", ...).
  static BenchmarkName Parse(std::string_view name);

  std::optional<int64_t> argument(const std::string& key) const;

  // NOLINTNEXTLINE(modernize-use-nullptr): the compiler's own 0
  friend auto operator<=>(const BenchmarkName&, const BenchmarkName&) = default;
};

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_RESULTS_BENCHMARK_NAME_H_
