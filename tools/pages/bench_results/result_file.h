// ResultFile: one run of a benchmark program, as Google Benchmark wrote it with
// --benchmark_out=FILE --benchmark_out_format=json.
//
// Thread-safe: immutable.

#ifndef INLAY_TOOLS_PAGES_BENCH_RESULTS_RESULT_FILE_H_
#define INLAY_TOOLS_PAGES_BENCH_RESULTS_RESULT_FILE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/pages/bench_results/benchmark_name.h"
#include "tools/pages/bench_results/run_context.h"
#include "tools/pages/bench_results/sample.h"

namespace inlay::bench_page {

class ResultFile;

// All repetitions of one benchmark.
struct Point {
  const ResultFile* file = nullptr;  // the run that it belongs to
  std::string run_name;
  BenchmarkName name;
  Sample time_ns;                               // per operation
  std::map<std::string, Sample> counters = {};  // "bytes_per_socket"

  // The median of a counter, if the point has it.
  std::optional<double> counter(const std::string& counter_name) const;
};

// A benchmark that reported a failure.
struct Failure {
  std::string run_name;
  std::string message;
};

class ResultFile {
 public:
  // Reads a file. Fails, naming the file, if it is unreadable, is not JSON, is not a result of
  // Google Benchmark, lacks a part of its context, or has no measurement.
  static absl::StatusOr<ResultFile> Read(const std::string& path);
  static absl::StatusOr<ResultFile> Parse(const std::string& path, std::string_view json);

  ResultFile(ResultFile&& other) noexcept;
  ResultFile& operator=(ResultFile&&) = delete;
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  const std::string& path() const { return path_; }
  const RunContext& context() const { return context_; }
  const std::vector<Point>& points() const { return points_; }
  const std::vector<Failure>& failures() const { return failures_; }
  // The point of that name, or null.
  const Point* Find(const BenchmarkName& name) const;

 private:
  ResultFile() = default;

  std::string path_;
  RunContext context_;
  std::vector<Point> points_;  // in the order of registration
  std::map<BenchmarkName, size_t> by_name_;
  std::vector<Failure> failures_;
};

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_RESULTS_RESULT_FILE_H_
