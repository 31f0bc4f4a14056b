#include "tools/pages/bench_results/run_context.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

using nlohmann::json;

struct TextKey {
  const char* key;
  std::string RunContext::*field;
};
constexpr std::array<TextKey, 9> kTextKeys = {{
    {"cpu", &RunContext::cpu},
    {"compiler", &RunContext::compiler},
    {"build_type", &RunContext::build_type},
    {"kernel", &RunContext::kernel},
    {"transparent_hugepage", &RunContext::transparent_hugepage},
    {"commit", &RunContext::commit},
    {"command", &RunContext::command},
    {"program", &RunContext::program},
    {"date", &RunContext::date},
}};

// The keys in which the results of one report must agree.
constexpr std::array<TextKey, 5> kSameKeys = {{
    {"cpu", &RunContext::cpu},
    {"kernel", &RunContext::kernel},
    {"compiler", &RunContext::compiler},
    {"build_type", &RunContext::build_type},
    {"commit", &RunContext::commit},
}};

absl::Status Missing(const std::string& path, const char* key) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": the context has no \"", key,
                   "\"; figures are not shown without the machine, the build and the command that "
                   "they come from"));
}

// `cache` is Google Benchmark's: type, level, size in bytes, and the number of threads that share
// it.
std::string DescribeCache(const json& cache) {
  if (!cache.is_object()) return "";
  const auto text = [&](const char* key) {
    const auto found = cache.find(key);
    return found != cache.end() && found->is_string() ? found->get<std::string>() : "";
  };
  const auto number = [&](const char* key) -> uint64_t {
    const auto found = cache.find(key);
    return found != cache.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
  };
  if (number("size") == 0) return "";
  std::string kind = text("type") == "Unified" ? "" : " " + text("type");
  for (char& c : kind) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return absl::StrCat("L", number("level"), kind, " ", numbers::ByteSize(number("size")));
}

}  // namespace

absl::StatusOr<RunContext> ReadRunContext(const std::string& path, const json& context) {
  RunContext read;
  for (const TextKey& text : kTextKeys) {
    const auto found = context.find(text.key);
    if (found == context.end() || !found->is_string()) return Missing(path, text.key);
    read.*text.field = found->get<std::string>();
    if ((read.*text.field).empty()) return Missing(path, text.key);
  }
  const auto cpus = context.find("num_cpus");
  if (cpus == context.end() || !cpus->is_number_unsigned()) return Missing(path, "num_cpus");
  read.num_cpus = cpus->get<int64_t>();
  if (const auto mhz = context.find("mhz_per_cpu"); mhz != context.end() && mhz->is_number()) {
    read.mhz_per_cpu = mhz->get<double>();
  }
  if (const auto caches = context.find("caches"); caches != context.end() && caches->is_array()) {
    for (const json& cache : *caches) {
      std::string described = DescribeCache(cache);
      if (!described.empty()) read.caches.push_back(std::move(described));
    }
  }
  // Keys of a JSON object are sorted, so bar_01, bar_02, ... come in their order.
  for (const auto& [key, value] : context.items()) {
    if (key.starts_with("bar_") && value.is_string()) {
      read.bars.push_back(value.get<std::string>());
    }
  }
  return read;
}

absl::Status CheckAgreement(const std::string& path, const RunContext& context,
                            const std::string& other_path, const RunContext& other) {
  const auto differ = [&](const char* key, const std::string& a, const std::string& b) {
    return absl::InvalidArgumentError(
        absl::StrCat(other_path, ": \"", key, "\" is \"", b, "\", but in ", path, " it is \"", a,
                     "\"; one report is about one machine and one build"));
  };
  for (const TextKey& text : kSameKeys) {
    if (context.*text.field != other.*text.field) {
      return differ(text.key, context.*text.field, other.*text.field);
    }
  }
  if (context.num_cpus != other.num_cpus) {
    return differ("num_cpus", absl::StrCat(context.num_cpus), absl::StrCat(other.num_cpus));
  }
  return absl::OkStatus();
}

std::string HugePageSetting(const RunContext& context) {
  const std::string& all = context.transparent_hugepage;
  const size_t open = all.find('[');
  const size_t close = all.find(']', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return all;
  return all.substr(open + 1, close - open - 1);
}

}  // namespace inlay::bench_page
