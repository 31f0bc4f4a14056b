// Measures the reliability of growth forecasts, for the table in docs/analyze.md. It is not a test,
// which takes a smaller sample (growth_forecast_test.cc); it prints its measurements.
//
//   growth_coverage FILE COLUMNS [FILE COLUMNS]..
//
// From each distribution, and from the columns of each table (TSV or CSV, as for --columns; "-" is
// whole rows), it draws and counts parts, and compares the forecasts for 2 and 10 times as many
// records with the truth.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tests/tools/analysis/growth/drawn_values.h"
#include "tests/tools/analysis/values/counted_values.h"
#include "tools/analysis/growth/growth_forecast.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::analysis {
namespace {

constexpr std::array<size_t, 2> kTimes = {2, 10};

struct Coverage {
  int held = 0;
  int all = 0;
  double log_widths = 0;
  std::vector<double> off = {};  // |ln| of how far the forecast is off
};

struct Distribution {
  std::string group;
  Draw draw;
};

std::vector<Distribution> Distributions() {
  std::vector<Distribution> all;
  for (const double exponent : {0.6, 0.8, 1.0, 1.2, 1.5, 2.0}) {
    for (const size_t values : {300U, 3000U, 100'000U}) {
      all.push_back({"Zipf", Zipf(exponent, values)});
    }
  }
  for (const double exponent : {1.2, 1.5, 2.0, 3.0}) {
    all.push_back({"Zipf without an end", EndlessZipf(exponent)});
  }
  for (const uint64_t values : {20U, 100U, 500U, 2000U, 20'000U, 300'000U}) {
    all.push_back({"equally frequent", AnyOf(values)});
  }
  for (const double share : {0.01, 0.1, 0.5}) {
    for (const uint64_t values : {100U, 5000U}) all.push_back({"mixed", Mixed(share, values)});
  }
  all.push_back({"mixed", TwoGroups(50, 20'000)});
  for (const double probability : {0.1, 0.01, 0.001}) {
    all.push_back({"geometric", Geometric(probability)});
  }
  all.push_back({"log-normal, four fields", LogNormal(6, 2)});
  all.push_back({"log-normal, four fields", Fields(Zipf(1.5, 50), 4, 50)});
  return all;
}

uint64_t DistinctOf(std::span<const uint64_t> values) {
  return std::unordered_set<uint64_t>(values.begin(), values.end()).size();
}

using Table = std::map<std::string, std::array<Coverage, kTimes.size()>>;

// Forecasts from the first `records` of `values`, which are `kTimes[which]` times as many.
void Compare(const std::string& group, std::span<const uint64_t> values, size_t records,
             size_t which, Table* table) {
  const DistinctValues counted = CountNumbers(values.first(records));
  const Growth growth = GrowthInRandomOrder(CopiesDistribution(counted));
  const GrowthForecast& forecast = growth.forecasts[which];
  const auto truth = static_cast<double>(DistinctOf(values));
  for (const std::string& row : {group, std::string("~all")}) {
    Coverage& coverage = (*table)[row][which];
    coverage.held += forecast.distinct_low <= truth && truth <= forecast.distinct_high ? 1 : 0;
    ++coverage.all;
    coverage.log_widths += std::log(forecast.distinct_high / forecast.distinct_low);
    coverage.off.push_back(std::abs(std::log(forecast.distinct / truth)));
  }
}

// The values of a table's rows, as numbers; none, with a message, if it is unreadable.
std::vector<uint64_t> ReadColumns(const std::string& path, const std::string& columns) {
  RecordOptions options;
  if (columns != "-") options.columns = columns;
  absl::StatusOr<std::unique_ptr<RecordSource>> source = OpenRecords({path}, options);
  std::vector<uint64_t> numbers;
  absl::Status status = source.status();
  std::unordered_map<std::string, uint64_t> known;
  RecordBlock block;
  while (status.ok()) {
    const absl::StatusOr<bool> more = (*source)->Next(block);
    status = more.status();
    if (!status.ok() || !*more) break;
    for (size_t i = 0; i < block.size(); ++i) {
      const std::string value(block[i].begin(), block[i].end());
      numbers.push_back(known.emplace(value, known.size()).first->second);
    }
  }
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok() ? numbers : std::vector<uint64_t>();
}

void Print(const Table& table) {
  for (const auto& [group, coverages] : table) {
    std::printf("%-26s", group.c_str());
    for (size_t which = 0; which < kTimes.size(); ++which) {
      Coverage coverage = coverages[which];
      std::sort(coverage.off.begin(), coverage.off.end());
      std::printf(" | %2zux of %5d: held %5.1f %%, high / low %.2f, off %4.1f %%", kTimes[which],
                  coverage.all, 100.0 * coverage.held / coverage.all,
                  std::exp(coverage.log_widths / coverage.all),
                  100 * (std::exp(coverage.off[coverage.off.size() / 2]) - 1));
    }
    std::printf("\n");
  }
}

int Run(const std::vector<std::string>& arguments) {
  std::mt19937_64 random(2026);
  Table table;
  for (const Distribution& distribution : Distributions()) {
    for (const size_t records : {100U, 300U, 1000U, 3000U, 10'000U, 30'000U}) {
      const int repetitions = records >= 10'000 ? 6 : 20;
      for (int repetition = 0; repetition < repetitions; ++repetition) {
        std::vector<uint64_t> values(kTimes.back() * records);
        for (uint64_t& value : values) value = distribution.draw(random);
        for (size_t which = 0; which < kTimes.size(); ++which) {
          Compare(distribution.group, std::span(values).first(kTimes[which] * records), records,
                  which, &table);
        }
      }
    }
  }
  for (size_t i = 0; i + 1 < arguments.size(); i += 2) {
    std::vector<uint64_t> values = ReadColumns(arguments[i], arguments[i + 1]);
    if (values.size() < 100) return 1;
    for (int repetition = 0; repetition < 20; ++repetition) {
      for (size_t last = values.size() - 1; last > 0; --last) {
        std::swap(values[last], values[random() % (last + 1)]);
      }
      for (size_t which = 0; which < kTimes.size(); ++which) {
        const size_t records = values.size() / kTimes[which];
        Compare("columns of tables", std::span(values).first(kTimes[which] * records), records,
                which, &table);
      }
    }
  }
  Print(table);
  return 0;
}

}  // namespace
}  // namespace inlay::analysis

int main(int argc, char** argv) {
  if (argc % 2 == 0) {
    std::fprintf(stderr, "usage: growth_coverage [FILE COLUMNS]..\n");
    return 2;
  }
  return inlay::analysis::Run({argv + 1, argv + argc});
}
