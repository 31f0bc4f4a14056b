#include "bench/program/result_table.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <utility>

#include "bench/program/progress.h"

namespace inlay::bench {
namespace {

// Keeps all runs for the table at the end; prints the context and failures.
class TableReporter final : public benchmark::ConsoleReporter {
 public:
  explicit TableReporter(const RunContext& context)
      : ConsoleReporter(isatty(STDOUT_FILENO) ? OO_Color : OO_None), context_(context) {}

  // Replaces the console reporter's context, which would repeat the bars.
  bool ReportContext(const Context& context) override {
    name_field_width_ = context.name_field_width;
    std::fprintf(stdout, "%d processors", context.cpu_info.num_cpus);
    for (const double load : context.cpu_info.load_avg) std::fprintf(stdout, ", load %.2f", load);
    std::fprintf(stdout, "\n");
    for (const auto& [key, value] : context_) {
      std::fprintf(stdout, "%s: %s\n", key.c_str(), value.c_str());
    }
    std::fflush(stdout);
    return true;
  }

  void ReportRuns(const std::vector<Run>& reports) override {
    std::vector<Run> shown;
    for (const Run& run : reports) {
      if (run.error_occurred) failed_ = true;
      // Runs go into the table at the end; failures are printed at once.
      if (run.error_occurred) shown.push_back(run);
      if (run.error_occurred || run.run_type != Run::RT_Iteration) continue;
      Row& row = RowOf(run);
      row.times_ns.push_back(run.GetAdjustedRealTime());
      for (const auto& [name, counter] : run.counters) {
        row.counters[name].push_back(counter.value);
      }
    }
    if (shown.empty()) return;
    ClearProgress();
    ConsoleReporter::ReportRuns(shown);
  }

  bool failed() const { return failed_; }

  workload::Measurements Collect() const {
    workload::Measurements measured;
    for (const Row& row : rows_) {
      measured[row.name] = Median(row.times_ns);
      for (const auto& [name, values] : row.counters) {
        measured[row.name + ":" + name] = Median(values);
      }
    }
    return measured;
  }

  void PrintTable(std::FILE* out) {
    // In the order of registration, since interleaved runs arrive in any order.
    std::sort(rows_.begin(), rows_.end(),
              [](const Row& a, const Row& b) { return a.position < b.position; });
    const workload::Measurements measured = Collect();
    size_t width = 0;
    for (const Row& row : rows_) width = std::max(width, row.name.size());
    std::fprintf(out, "\n%-*s %9s %9s %9s %11s %11s\n", static_cast<int>(width), "ns/op", "median",
                 "least", "most", "over touch", "vs pointer");
    for (const Row& row : rows_) {
      const auto [least, most] = std::minmax_element(row.times_ns.begin(), row.times_ns.end());
      const double median = Median(row.times_ns);
      std::fprintf(out, "%-*s %9.1f %9.1f %9.1f", static_cast<int>(width), row.name.c_str(), median,
                   *least, *most);
      // Relative to pointer's cost over touch, or to its time if there is no touch.
      const std::optional<double> touch = Beside(measured, row.name, "touch", "touch");
      const std::optional<double> pointer = Beside(measured, row.name, "pointer", "sk_storage");
      const double base = touch.value_or(0);
      if (touch.has_value()) {
        std::fprintf(out, " %11.1f", median - base);
      } else {
        std::fprintf(out, " %11s", "-");
      }
      if (pointer.has_value()) {
        std::fprintf(out, " %10.1f%%", 100 * (median - base) / (*pointer - base));
      } else {
        std::fprintf(out, " %11s", "-");
      }
      for (const auto& [name, values] : row.counters) {
        std::fprintf(out, "  %s=%.2f", name.c_str(), Median(values));
      }
      std::fprintf(out, "\n");
    }
  }

 private:
  struct Row {
    std::pair<int64_t, int64_t> position;  // in the order of registration
    std::string name;
    std::vector<double> times_ns;
    std::map<std::string, std::vector<double>> counters;  // of each run
  };

  Row& RowOf(const Run& run) {
    for (Row& row : rows_) {
      if (row.name == run.benchmark_name()) return row;
    }
    const std::pair position(run.family_index, run.per_family_instance_index);
    return rows_.emplace_back(Row{position, run.benchmark_name(), {}, {}});
  }

  static double Median(std::vector<double> figures) {
    std::sort(figures.begin(), figures.end());
    return (figures[figures.size() / 2] + figures[(figures.size() - 1) / 2]) / 2;
  }

  // The result of the same benchmark with another layout (second part of the name), or in the live
  // kernel with another access (third part).
  static std::optional<double> Beside(const workload::Measurements& measured,
                                      const std::string& name, const std::string& layout,
                                      const std::string& access) {
    size_t start = name.find('/') + 1;
    for (const std::string& other : {layout, access}) {
      const size_t end = name.find('/', start);
      if (start == 0 || end == std::string::npos) break;
      const auto found = measured.find(name.substr(0, start) + other + name.substr(end));
      if (found != measured.end()) return found->second;
      start = end + 1;
    }
    return std::nullopt;
  }

  const RunContext& context_;
  std::vector<Row> rows_;
  bool failed_ = false;
};

// Of each benchmark; 0 if a filter leaves out an unknown number of benchmarks.
int RepetitionsIn(const std::vector<char*>& arguments) {
  constexpr std::string_view kRepetitions = "--benchmark_repetitions=";
  int repetitions = 0;
  for (const std::string_view argument : arguments) {
    if (argument.starts_with("--benchmark_filter=")) return 0;
    if (!argument.starts_with(kRepetitions)) continue;
    const std::string_view number = argument.substr(kRepetitions.size());
    std::from_chars(number.begin(), number.end(), repetitions);
  }
  return repetitions;
}

}  // namespace

bool Results::TakeFlag(std::string_view argument, const Program& program, bool* wrong) {
  constexpr std::string_view kSockets = "--inlay_sockets=";
  constexpr std::string_view kSweep = "--inlay_sweep=";
  if (argument == "--inlay_check_bars") {
    check_bars_ = true;
    return true;
  }
  if (argument.starts_with(kSockets)) {
    const std::string_view number = argument.substr(kSockets.size());
    const auto [end, error] = std::from_chars(number.begin(), number.end(), sockets_);
    *wrong = error != std::errc() || end != number.end() || sockets_ < 1000;
    if (*wrong) {
      std::fprintf(stderr, "bench: %s: expected a number of sockets of at least 1000\n",
                   std::string(argument).c_str());
    }
    return true;
  }
  if (!argument.starts_with(kSweep) || program.sweeps.empty()) return false;
  sweep_ = argument.substr(kSweep.size());
  *wrong = std::find(program.sweeps.begin(), program.sweeps.end(), sweep_) == program.sweeps.end();
  if (*wrong) {
    std::fprintf(stderr, "bench: %s: expected one of", std::string(argument).c_str());
    for (const std::string_view sweep : program.sweeps) {
      std::fprintf(stderr, " %s", std::string(sweep).c_str());
    }
    std::fprintf(stderr, "\n");
  }
  return true;
}

bool Results::Initialize(int argc, char** argv, const Program& program) {
  context_ = ContextOfRun(argc, argv);
  if (!program.sweeps.empty()) sweep_ = program.sweeps.front();
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    bool wrong = false;
    const bool ours = TakeFlag(argument, program, &wrong);
    if (wrong) return false;
    if (argument.starts_with("--benchmark_format=") && !argument.ends_with("=console")) {
      machine_readable_ = true;
    }
    if (!ours) argv[kept++] = argv[i];
  }
  // Defaults: several runs of each benchmark, the runs of all benchmarks interleaved, so that noise
  // hits all of them alike.
  static char interleaving[] = "--benchmark_enable_random_interleaving=true";
  static char min_time[] = "--benchmark_min_time=0.1";
  std::vector<char*> arguments = {argv[0], const_cast<char*>(program.repetitions), interleaving,
                                  min_time};
  arguments.insert(arguments.end(), argv + 1, argv + kept);
  repetitions_ = RepetitionsIn(arguments);
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (check_bars_ && machine_readable_) {
    std::fprintf(stderr, "bench: --inlay_check_bars needs the table: omit --benchmark_format\n");
    return false;
  }
  return !benchmark::ReportUnrecognizedArguments(count, arguments.data());
}

int Results::Run() {
  for (const auto& [key, value] : context_) benchmark::AddCustomContext(key, value);
  for (size_t i = 0; i < bars_.size(); ++i) {
    char key[32];
    std::snprintf(key, sizeof(key), "bar_%02zu", i + 1);
    benchmark::AddCustomContext(key, bars_[i].ToText());
  }
  ShowProgress(repetitions_);
  if (machine_readable_) {
    // Standard output belongs to the requested format.
    benchmark::RunSpecifiedBenchmarks();
    ClearProgress();
    benchmark::Shutdown();
    return 0;
  }
  TableReporter reporter(context_);
  benchmark::RunSpecifiedBenchmarks(&reporter);
  ClearProgress();
  reporter.PrintTable(stdout);
  const workload::Measurements measured = reporter.Collect();
  bool all_met = true;
  for (const workload::Bar& bar : bars_) {
    std::printf("%s\n", bar.Describe(measured).c_str());
    all_met = all_met && bar.Met(measured).value_or(false);
  }
  benchmark::Shutdown();
  return reporter.failed() || (check_bars_ && !all_met) ? 1 : 0;
}

}  // namespace inlay::bench
