#include "tools/pages/bench_results/result_file.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/input_file.h"

namespace inlay::bench_page {
namespace {

using nlohmann::json;

// The keys that Google Benchmark writes into every run; other numbers are counters.
const std::set<std::string, std::less<>>& OwnKeys() {
  static const auto* const keys =
      new std::set<std::string, std::less<>>{"family_index",
                                             "per_family_instance_index",
                                             "repetitions",
                                             "repetition_index",
                                             "threads",
                                             "iterations",
                                             "real_time",
                                             "cpu_time",
                                             "allocs_per_iter",
                                             "max_bytes_used",
                                             "total_allocated_bytes",
                                             "net_heap_growth"};
  return *keys;
}

// Google Benchmark writes NaN and Infinity, which JSON does not have: the spread of a counter that
// is always zero is one. Replaces them by strings of the same length, which no code reads as
// numbers.
std::string WithoutNonFinite(std::string_view text) {
  std::string clean(text);
  bool in_string = false;
  for (size_t at = 0; at < clean.size(); ++at) {
    if (in_string && clean[at] == '\\') {
      ++at;
      continue;
    }
    if (clean[at] == '"') in_string = !in_string;
    if (in_string) continue;
    for (const std::string_view word : {"-NaN", "NaN", "-Infinity", "Infinity"}) {
      if (!std::string_view(clean).substr(at).starts_with(word)) continue;
      clean.replace(at, word.size(), "\"\"" + std::string(word.size() - 2, ' '));
      at += word.size() - 1;
      break;
    }
  }
  return clean;
}

std::string TextOf(const json& run, const char* key) {
  const auto found = run.find(key);
  return found != run.end() && found->is_string() ? found->get<std::string>() : "";
}

double NumberOf(const json& run, const char* key) {
  const auto found = run.find(key);
  return found != run.end() && found->is_number() ? found->get<double>() : 0;
}

std::optional<double> NanosecondsPer(const std::string& unit) {
  if (unit == "ns") return 1;
  if (unit == "us") return 1e3;
  if (unit == "ms") return 1e6;
  if (unit == "s") return 1e9;
  return std::nullopt;
}

// The repetitions of one benchmark during reading.
struct Repetitions {
  std::tuple<double, double> position;  // of the registration
  std::vector<double> times_ns;
  std::map<std::string, std::vector<double>> counters;
};

absl::Status NotAResult(const std::string& path, const std::string& why) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": not a result of Google Benchmark: ", why));
}

// Adds one run to its benchmark's repetitions, or to the failures.
absl::Status ReadRun(const std::string& path, size_t number, const json& run,
                     std::map<std::string, Repetitions>* all, std::vector<Failure>* failures) {
  const std::string name = TextOf(run, "run_name");
  const std::string where = absl::StrCat("run ", number);
  if (!run.is_object() || name.empty()) return NotAResult(path, where + " has no \"run_name\"");
  if (TextOf(run, "run_type") != "iteration") return absl::OkStatus();  // an aggregate of others
  if (const auto failed = run.find("error_occurred");
      failed != run.end() && failed->is_boolean() && failed->get<bool>()) {
    const std::string message = TextOf(run, "error_message");
    const bool known = std::any_of(failures->begin(), failures->end(), [&](const Failure& failure) {
      return failure.run_name == name && failure.message == message;
    });
    if (!known) failures->push_back({name, message});
    return absl::OkStatus();
  }
  const std::optional<double> unit_ns = NanosecondsPer(TextOf(run, "time_unit"));
  const auto time = run.find("real_time");
  if (!unit_ns.has_value() || time == run.end() || !time->is_number()) {
    return NotAResult(path, absl::StrCat(where, " (", name, ") has no \"real_time\" with a unit"));
  }
  Repetitions& repetitions = (*all)[name];
  repetitions.position = {NumberOf(run, "family_index"),
                          NumberOf(run, "per_family_instance_index")};
  repetitions.times_ns.push_back(time->get<double>() * *unit_ns);
  for (const auto& [key, value] : run.items()) {
    if (value.is_number() && !OwnKeys().contains(key)) {
      repetitions.counters[key].push_back(value.get<double>());
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<double> Point::counter(const std::string& counter_name) const {
  const auto found = counters.find(counter_name);
  if (found == counters.end()) return std::nullopt;
  return found->second.median();
}

ResultFile::ResultFile(ResultFile&& other) noexcept
    : path_(std::move(other.path_)),
      context_(std::move(other.context_)),
      points_(std::move(other.points_)),
      by_name_(std::move(other.by_name_)),
      failures_(std::move(other.failures_)) {
  for (Point& point : points_) point.file = this;
}

absl::StatusOr<ResultFile> ResultFile::Read(const std::string& path) {
  absl::StatusOr<analysis::InputFile> file = analysis::InputFile::Open(path);
  if (!file.ok()) return file.status();
  std::string content;
  constexpr size_t kBlockBytes = 1 << 20;
  for (;;) {
    const size_t had = content.size();
    content.resize(had + kBlockBytes);
    const absl::StatusOr<size_t> read = file->Read(
        std::span<uint8_t>(reinterpret_cast<uint8_t*>(content.data()) + had, kBlockBytes));
    if (!read.ok()) return read.status();
    content.resize(had + *read);
    if (*read < kBlockBytes) return Parse(path, content);
  }
}

absl::StatusOr<ResultFile> ResultFile::Parse(const std::string& path, std::string_view text) {
  json parsed;
  try {
    parsed = json::parse(WithoutNonFinite(text));
  } catch (const json::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not JSON, or cut off, at byte ", error.byte, " of ", text.size()));
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", error.what()));
  }
  if (!parsed.is_object() || !parsed.contains("context") || !parsed["context"].is_object()) {
    return NotAResult(path, "it has no \"context\"");
  }
  if (!parsed.contains("benchmarks") || !parsed["benchmarks"].is_array()) {
    return NotAResult(path, "it has no \"benchmarks\"");
  }
  ResultFile file;
  file.path_ = path;
  absl::StatusOr<RunContext> context = ReadRunContext(path, parsed["context"]);
  if (!context.ok()) return context.status();
  file.context_ = *std::move(context);

  std::map<std::string, Repetitions> all;
  size_t number = 0;
  for (const json& run : parsed["benchmarks"]) {
    if (absl::Status status = ReadRun(path, ++number, run, &all, &file.failures_); !status.ok()) {
      return status;
    }
  }
  if (all.empty() && file.failures_.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, number == 0 ? ": \"benchmarks\" is empty"
                                       : ": only aggregates, and no repetition of any benchmark"));
  }
  std::vector<std::pair<std::string, Repetitions>> in_order(all.begin(), all.end());
  std::stable_sort(in_order.begin(), in_order.end(), [](const auto& a, const auto& b) {
    return a.second.position < b.second.position;
  });
  for (auto& [name, repetitions] : in_order) {
    Point point{.file = nullptr,
                .run_name = name,
                .name = BenchmarkName::Parse(name),
                .time_ns = Sample(std::move(repetitions.times_ns))};
    for (auto& [counter, values] : repetitions.counters) {
      point.counters.emplace(counter, Sample(std::move(values)));
    }
    file.by_name_.emplace(point.name, file.points_.size());
    file.points_.push_back(std::move(point));
  }
  return file;
}

const Point* ResultFile::Find(const BenchmarkName& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &points_[found->second];
}

}  // namespace inlay::bench_page
