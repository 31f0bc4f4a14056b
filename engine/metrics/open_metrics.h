// OpenMetrics: writes the text format OpenMetrics 1.0, family by family.
//
//   OpenMetrics metrics;
//   metrics.Begin({.name = "cache_size", .type = OpenMetrics::Type::kGauge, .unit = "bytes",
//                  .help = "Bytes in the cache."});
//   metrics.Add({{"cache", "dns"}}, uint64_t{4096});
//   send(std::move(metrics).Finish());
//
// Names are the caller's: REQUIRES [a-zA-Z_][a-zA-Z0-9_]* of families, units and labels, families
// and labels that differ, and samples of a family with different labels. Values of labels and help
// may be any bytes.
//
// Not thread-safe. Throws std::bad_alloc.

#ifndef INLAY_ENGINE_METRICS_OPEN_METRICS_H_
#define INLAY_ENGINE_METRICS_OPEN_METRICS_H_

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace inlay {

class OpenMetrics {
 public:
  enum class Type : uint8_t { kGauge, kCounter, kInfo };

  struct Family {
    std::string_view name;  // without unit and suffix
    Type type = Type::kGauge;
    std::string_view unit = {};  // becomes the end of the name; empty: none
    std::string_view help = {};
  };
  using Label = std::pair<std::string_view, std::string_view>;

  // Begins a family: the samples that follow are its own. A family needs no samples.
  void Begin(const Family& family);

  // A sample of the present family. A counter's name ends in _total, and that of an info, whose
  // value is 1, in _info. Not finite: +Inf, -Inf, NaN.
  void Add(std::span<const Label> labels, uint64_t value);
  void Add(std::span<const Label> labels, double value);
  void Add(uint64_t value) { Add(std::span<const Label>(), value); }
  void Add(double value) { Add(std::span<const Label>(), value); }
  void Add(std::initializer_list<Label> labels, uint64_t value) {
    Add(std::span(labels.begin(), labels.size()), value);
  }
  void Add(std::initializer_list<Label> labels, double value) {
    Add(std::span(labels.begin(), labels.size()), value);
  }

  // The whole text.
  std::string Finish() && {
    text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  void AddSample(std::span<const Label> labels, std::string_view value);

  std::string text_;
  std::string name_;    // of the present family, with its unit
  std::string suffix_;  // of its samples
};

}  // namespace inlay

#endif  // INLAY_ENGINE_METRICS_OPEN_METRICS_H_
