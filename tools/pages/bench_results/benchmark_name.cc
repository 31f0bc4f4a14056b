#include "tools/pages/bench_results/benchmark_name.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"

namespace inlay::bench_page {
namespace {

// Whether Google Benchmark appended the part: it describes the method, not the subject.
bool IsAppended(std::string_view part) {
  for (const std::string_view whole : {"real_time", "manual_time", "process_time"}) {
    if (part == whole) return true;
  }
  for (const std::string_view key : {"iterations:", "repeats:", "min_time:", "min_warmup_time:"}) {
    if (part.starts_with(key)) return true;
  }
  return false;
}

bool ParseArgument(std::string_view part, Arguments* arguments) {
  const size_t colon = part.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(part.begin() + colon + 1, part.end(), value);
  if (error != std::errc() || end != part.end()) return false;
  arguments->emplace(part.substr(0, colon), value);
  return true;
}

}  // namespace

BenchmarkName BenchmarkName::Parse(std::string_view name) {
  BenchmarkName parsed;
  std::vector<std::string> words;
  for (const auto& part : absl::StrSplit(std::string(name), '/')) {
    if (IsAppended(std::string_view(part.data(), part.size()))) continue;
    if (ParseArgument(std::string_view(part.data(), part.size()), &parsed.arguments)) continue;
    words.emplace_back(part);
  }
  // Kernel/<walk>/<access> names the pattern first.
  if (words.size() > 2 && words[0] == "Kernel") std::swap(words[1], words[2]);
  if (!words.empty()) parsed.question = words[0];
  if (words.size() > 1) parsed.contender = words[1];
  for (size_t i = 2; i < words.size(); ++i) {
    parsed.pattern += (i > 2 ? "/" : "") + words[i];
  }
  return parsed;
}

std::optional<int64_t> BenchmarkName::argument(const std::string& key) const {
  const auto found = arguments.find(key);
  if (found == arguments.end()) return std::nullopt;
  return found->second;
}

}  // namespace inlay::bench_page
