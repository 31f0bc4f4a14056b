#include "engine/metrics/open_metrics.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace inlay {
namespace {

constexpr std::string_view TypeName(OpenMetrics::Type type) {
  switch (type) {
    case OpenMetrics::Type::kGauge:
      return "gauge";
    case OpenMetrics::Type::kCounter:
      return "counter";
    case OpenMetrics::Type::kInfo:
      return "info";
  }
  return "unknown";
}

constexpr std::string_view SampleSuffix(OpenMetrics::Type type) {
  switch (type) {
    case OpenMetrics::Type::kGauge:
      return "";
    case OpenMetrics::Type::kCounter:
      return "_total";
    case OpenMetrics::Type::kInfo:
      return "_info";
  }
  return "";
}

// The bytes of the UTF-8 character that `text` begins with, as RFC 3629 allows them; 0 if it begins
// with none.
size_t Utf8Bytes(std::string_view text) {
  const auto byte = [text](size_t at) { return static_cast<uint8_t>(text[at]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t bytes = first < 0xc2   ? 0
                       : first < 0xe0 ? 2
                       : first < 0xf0 ? 3
                       : first < 0xf5 ? 4
                                      : 0;
  if (bytes == 0 || text.size() < bytes) return 0;
  for (size_t at = 1; at < bytes; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return 0;
  }
  const uint8_t second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool too_large = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || too_large ? 0 : bytes;
}

// Appends `text` as the format escapes it in values of labels and in help.
void AppendEscaped(std::string_view text, std::string* out) {
  while (!text.empty()) {
    const size_t bytes = Utf8Bytes(text);
    const char first = text.front();
    if (bytes == 0) {
      *out += "\xef\xbf\xbd";  // U+FFFD, the replacement character
    } else if (first == '\n') {
      *out += "\\n";
    } else {
      if (first == '\\' || first == '"') *out += '\\';
      *out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
}

template <typename Number>
std::string_view Digits(Number number, std::array<char, 32>* room) {
  const auto end = std::to_chars(room->data(), room->data() + room->size(), number).ptr;
  return {room->data(), end};
}

}  // namespace

void OpenMetrics::Begin(const Family& family) {
  name_ = family.name;
  if (!family.unit.empty()) {
    name_ += '_';
    name_ += family.unit;
  }
  suffix_ = SampleSuffix(family.type);
  text_ += "# TYPE ";
  text_ += name_;
  text_ += ' ';
  text_ += TypeName(family.type);
  text_ += '\n';
  if (!family.unit.empty()) {
    text_ += "# UNIT ";
    text_ += name_;
    text_ += ' ';
    text_ += family.unit;
    text_ += '\n';
  }
  if (family.help.empty()) return;
  text_ += "# HELP ";
  text_ += name_;
  text_ += ' ';
  AppendEscaped(family.help, &text_);
  text_ += '\n';
}

void OpenMetrics::Add(std::span<const Label> labels, uint64_t value) {
  std::array<char, 32> room;
  AddSample(labels, Digits(value, &room));
}

void OpenMetrics::Add(std::span<const Label> labels, double value) {
  std::array<char, 32> room;
  if (std::isnan(value)) return AddSample(labels, "NaN");
  if (std::isinf(value)) return AddSample(labels, value > 0 ? "+Inf" : "-Inf");
  AddSample(labels, Digits(value, &room));
}

void OpenMetrics::AddSample(std::span<const Label> labels, std::string_view value) {
  text_ += name_;
  text_ += suffix_;
  char separator = '{';
  for (const auto& [label, text] : labels) {
    text_ += separator;
    text_ += label;
    text_ += "=\"";
    AppendEscaped(text, &text_);
    text_ += '"';
    separator = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

}  // namespace inlay
