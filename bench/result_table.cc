#include "bench/result_table.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

namespace inlay::bench {
namespace {

std::string FirstValueInFile(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) return line;
    const size_t start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "unknown";
}

// Keeps all runs for the table at the end; prints the context, failures, and progress on a terminal.
class TableReporter final : public benchmark::ConsoleReporter {
 public:
  TableReporter() : ConsoleReporter(isatty(STDOUT_FILENO) ? OO_Color : OO_None) {}

  void ReportRuns(const std::vector<Run>& reports) override {
    std::vector<Run> shown;
    for (const Run& run : reports) {
      if (run.error_occurred) failed_ = true;
      // Runs go into the table at the end; only failures are shown at once.
      if (run.error_occurred) shown.push_back(run);
      if (run.error_occurred || run.run_type != Run::RT_Iteration) continue;
      if (isatty(STDERR_FILENO)) std::fprintf(stderr, "\r%zu runs ", ++runs_);
      Row& row = RowOf(run);
      row.times_ns.push_back(run.GetAdjustedRealTime());
      for (const auto& [name, counter] : run.counters) row.counters[name] = counter.value;
    }
    if (!shown.empty()) ConsoleReporter::ReportRuns(shown);
  }

  bool failed() const { return failed_; }

  Measurements Collect() const {
    Measurements measured;
    for (const Row& row : rows_) {
      measured[row.name] = Median(row.times_ns);
      for (const auto& [name, value] : row.counters) measured[row.name + ":" + name] = value;
    }
    return measured;
  }

  void PrintTable(std::FILE* out) {
    // In the order of registration: interleaved runs arrive in any.
    std::sort(rows_.begin(), rows_.end(),
              [](const Row& a, const Row& b) { return a.position < b.position; });
    const Measurements measured = Collect();
    size_t width = 0;
    for (const Row& row : rows_) width = std::max(width, row.name.size());
    std::fprintf(out, "\n%-*s %9s %9s %9s %11s %11s\n", static_cast<int>(width), "ns/op", "median",
                 "least", "most", "over touch", "vs pointer");
    for (const Row& row : rows_) {
      const auto [least, most] = std::minmax_element(row.times_ns.begin(), row.times_ns.end());
      const double median = Median(row.times_ns);
      std::fprintf(out, "%-*s %9.1f %9.1f %9.1f", static_cast<int>(width), row.name.c_str(), median,
                   *least, *most);
      // Of pointer's cost over touch where there is a touch, of its time where there is none.
      const auto touch = measured.find(WithLayout(row.name, "touch"));
      const auto pointer = measured.find(WithLayout(row.name, "pointer"));
      const double base = touch != measured.end() ? touch->second : 0;
      if (touch != measured.end()) {
        std::fprintf(out, " %11.1f", median - base);
      } else {
        std::fprintf(out, " %11s", "-");
      }
      if (pointer != measured.end()) {
        std::fprintf(out, " %10.1f%%", 100 * (median - base) / (pointer->second - base));
      }
      for (const auto& [name, value] : row.counters) {
        std::fprintf(out, "  %s=%.2f", name.c_str(), value);
      }
      std::fprintf(out, "\n");
    }
  }

 private:
  struct Row {
    std::pair<int64_t, int64_t> position;  // of the registration
    std::string name;
    std::vector<double> times_ns;
    std::map<std::string, double> counters;
  };

  Row& RowOf(const Run& run) {
    for (Row& row : rows_) {
      if (row.name == run.benchmark_name()) return row;
    }
    const std::pair position(run.family_index, run.per_family_instance_index);
    return rows_.emplace_back(Row{position, run.benchmark_name(), {}, {}});
  }

  static double Median(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    return (times[times.size() / 2] + times[(times.size() - 1) / 2]) / 2;
  }

  // The same benchmark of another layout: the second part of the name.
  static std::string WithLayout(const std::string& name, const std::string& layout) {
    const size_t first = name.find('/');
    const size_t second = name.find('/', first + 1);
    return name.substr(0, first + 1) + layout + name.substr(second);
  }

  std::vector<Row> rows_;
  size_t runs_ = 0;
  bool failed_ = false;
};

}  // namespace

bool Results::Initialize(int argc, char** argv, const char* repetitions) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    constexpr std::string_view kSockets = "--inlay_sockets=";
    const std::string_view argument = argv[i];
    if (argument.starts_with("--benchmark_format=") && !argument.ends_with("=console")) {
      machine_readable_ = true;
    }
    if (argument == "--inlay_check_bars") {
      check_bars_ = true;
    } else if (argument.starts_with(kSockets)) {
      const std::string_view number = argument.substr(kSockets.size());
      const auto [end, error] = std::from_chars(number.begin(), number.end(), sockets_);
      if (error != std::errc() || end != number.end() || sockets_ < 1000) {
        std::fprintf(stderr, "bench: %s: a number of sockets from 1000 is needed\n", argv[i]);
        return false;
      }
    } else {
      argv[kept++] = argv[i];
    }
  }
  // How everything here is measured unless the command line says otherwise: several runs of each
  // benchmark, those of all benchmarks mixed, so that what the machine does hits all of them.
  static char interleaving[] = "--benchmark_enable_random_interleaving=true";
  static char min_time[] = "--benchmark_min_time=0.1";
  std::vector<char*> arguments = {argv[0], const_cast<char*>(repetitions), interleaving, min_time};
  arguments.insert(arguments.end(), argv + 1, argv + kept);
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return false;
  benchmark::AddCustomContext("cpu", FirstValueInFile("/proc/cpuinfo", "model name"));
  benchmark::AddCustomContext("compiler", INLAY_COMPILER);
  benchmark::AddCustomContext("build_type", INLAY_BUILD_TYPE);
  benchmark::AddCustomContext("kernel", FirstValueInFile("/proc/version", "Linux"));
  benchmark::AddCustomContext("transparent_hugepage",
                              FirstValueInFile("/sys/kernel/mm/transparent_hugepage/enabled", ""));
  return true;
}

int Results::Run() {
  if (machine_readable_) {
    // Standard output belongs to the format that was asked for.
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
  }
  TableReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.PrintTable(stdout);
  const Measurements measured = reporter.Collect();
  bool all_met = true;
  for (const Bar& bar : bars_) {
    std::printf("%s\n", bar.Describe(measured).c_str());
    all_met = all_met && bar.Met(measured).value_or(false);
  }
  benchmark::Shutdown();
  return reporter.failed() || (check_bars_ && !all_met) ? 1 : 0;
}

}  // namespace inlay::bench
