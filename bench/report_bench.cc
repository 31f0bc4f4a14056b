// Measures how long a program waits for a report of its store: Report/<step>/owners:N/values:D.
// The store has two maps. Each owner has a value of both, one of the D values, and some owners have
// spilled, so that a report that walked over owners, values, or spilled owners would show.
//
// Steps: `take`, Store::Report(); `text` and `open_metrics`, from there to the bytes that go to a
// file or a port.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "engine/workload/bar.h"
#include "inlay/shared_map.h"
#include "inlay/store.h"
#include "inlay/store_report.h"

namespace inlay::bench {
namespace {

constexpr int64_t kReportedValues = 65'000;
constexpr double kMostNsOfReport = 1'000'000;

struct ReportedOwner {
  InlineWords<32> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

class ReportedStore {
 public:
  ReportedStore(size_t owners, uint64_t values) : owners_(owners), values_(values) {}
  ~ReportedStore() {
    for (ReportedOwner& owner : owners_) store_->Close(owner);
  }
  ReportedStore(const ReportedStore&) = delete;
  ReportedStore& operator=(const ReportedStore&) = delete;

  bool Fill() {
    if (Store::Create({.reserved_bits = 32}, &store_) != Status::kOk) return false;
    for (auto* const map : {&full_, &spilled_}) {
      // Values that have spilled must stay so.
      const MapOptions options{.width_bits = map == &full_ ? 16U : 8U, .background = false};
      if (SharedMap<uint64_t>::Create(*store_, options, map) != Status::kOk) return false;
    }
    for (size_t i = 0; i < owners_.size(); ++i) {
      if (full_->Update(owners_[i], i % values_) != Status::kOk ||
          spilled_->Update(owners_[i], i % 500) != Status::kOk) {
        return false;
      }
    }
    return true;
  }

  // Whether a report says what the maps have.
  bool Check() const {
    const StoreReport report = store_->Report();
    const uint64_t distinct = std::min<uint64_t>(values_, owners_.size());
    return report.maps.size() == 2 && report.maps[0].live == distinct &&
           report.maps[0].distinct() == full_->bytes().stats().table.live &&
           report.maps[1].ladder.spilled_now > 0;
  }

  const Store& store() const { return *store_; }

 private:
  std::vector<ReportedOwner> owners_;
  const uint64_t values_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SharedMap<uint64_t>> full_;
  std::unique_ptr<SharedMap<uint64_t>> spilled_;
};

template <typename Step>
void MeasureReport(benchmark::State& state, Step step) {
  ReportedStore reported(static_cast<size_t>(state.range(0)),
                         static_cast<uint64_t>(state.range(1)));
  if (!reported.Fill()) return state.SkipWithError("cannot fill the maps");
  if (!reported.Check()) return state.SkipWithError("the report is wrong");
  const StoreReport earlier = reported.store().Report();
  for (auto _ : state) benchmark::DoNotOptimize(step(reported.store().Report(&earlier)));
}

void Take(benchmark::State& state) {
  MeasureReport(state, [](const StoreReport& report) { return report.maps.size(); });
}
void Text(benchmark::State& state) {
  MeasureReport(state, [](const StoreReport& report) { return ToText(report); });
}
void Metrics(benchmark::State& state) {
  MeasureReport(state, [](const StoreReport& report) { return ToOpenMetrics(report); });
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv, {.repetitions = "--benchmark_repetitions=5"})) return 1;
  const std::string sizes =
      "/owners:" + std::to_string(results.sockets()) + "/values:" + std::to_string(kReportedValues);
  for (const auto& [step, run] :
       {std::pair{"take", &Take}, std::pair{"text", &Text}, std::pair{"open_metrics", &Metrics}}) {
    const std::string name = std::string("Report/") + step;
    RegisterRun(name, run)
        ->ArgNames({"owners", "values"})
        ->Args({results.sockets(), kReportedValues});
    results.AddBar(workload::Bar::OverTouches(name + sizes, "", "", "", kMostNsOfReport));
  }
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
