// MetricsText: measurements as text in the OpenMetrics format, which Prometheus and its relatives
// read. It knows nothing of what is measured.
//
//   MetricsText text;
//   text.Family("inlay_map_values", MetricsText::Type::kGauge, "Values that can be found");
//   text.Sample({{"map", "policies"}}, uint64_t{12});
//   const std::string file = text.Finish();
//
// Not thread-safe. Allocates; does nothing else that can fail.

#ifndef INLAY_ENGINE_METRICS_METRICS_TEXT_H_
#define INLAY_ENGINE_METRICS_METRICS_TEXT_H_

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace inlay {

class MetricsText {
 public:
  enum class Type : uint8_t { kGauge, kCounter };
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  // Begins a family; Sample() adds to it. A name has lower-case letters, digits and underscores; it
  // ends with its unit, "_bytes", if it has one. A counter's name is without "_total".
  void Family(std::string_view name, Type type, std::string_view help, std::string_view unit = {}) {
    name_ = name;
    suffix_ = type == Type::kCounter ? "_total" : "";
    Line("# TYPE ", type == Type::kCounter ? "counter" : "gauge");
    if (!unit.empty()) Line("# UNIT ", unit);
    Line("# HELP ", Escaped(help));
  }

  // REQUIRES: a family; no sample of it has the same labels; a counter is not negative.
  template <typename Number>
  requires std::integral<Number> || std::floating_point<Number>
  void Sample(const Labels& labels, Number value) {
    text_ += name_;
    text_ += suffix_;
    char before = '{';
    for (const auto& [label, content] : labels) {
      text_ += before;
      text_ += label;
      text_ += "=\"";
      text_ += Escaped(content);
      text_ += '"';
      before = ',';
    }
    if (!labels.empty()) text_ += '}';
    std::array<char, 40> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text_ += ' ';
    text_.append(digits.data(), end);
    text_ += '\n';
  }

  // The whole text. Nothing can be added afterwards.
  std::string Finish() {
    text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  void Line(std::string_view begin, std::string_view content) {
    text_ += begin;
    text_ += name_;
    text_ += ' ';
    text_ += content;
    text_ += '\n';
  }
  static std::string Escaped(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
      if (c == '\\' || c == '"') escaped += '\\';
      if (c == '\n') {
        escaped += "\\n";
      } else {
        escaped += c;
      }
    }
    return escaped;
  }

  std::string text_;
  std::string name_;
  std::string_view suffix_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_METRICS_METRICS_TEXT_H_
