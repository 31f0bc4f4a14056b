#include "tools/capture/system/libbpf_messages.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace inlay::capture {
namespace {

std::string& Said() {
  static std::string said;
  return said;
}

[[gnu::format(printf, 2, 0)]] int Keep(libbpf_print_level level, const char* format,
                                       va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  constexpr size_t kMostKept = 1 << 20;
  if (Said().size() > kMostKept) Said().clear();
  std::string text(4096, '\0');
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
  if (length > 0 && static_cast<size_t>(length) >= text.size()) {
    text.resize(static_cast<size_t>(length) + 1);
    std::vsnprintf(text.data(), text.size(), format, again);
  }
  va_end(again);
  if (length > 0) Said().append(text, 0, static_cast<size_t>(length));
  return length;
}

}  // namespace

LibbpfMessages::LibbpfMessages() {
  Said().clear();
  libbpf_set_print(Keep);
}

LibbpfMessages::~LibbpfMessages() { libbpf_set_print(nullptr); }

std::string LibbpfMessages::Reason() const {
  std::string verdict;  // the verifier's last sentence before it counts what it has processed
  std::string last;
  std::string previous;
  for (const absl::string_view part : absl::StrSplit(Said(), '\n', absl::SkipWhitespace())) {
    const std::string line(part);
    if (line.starts_with("processed ") && verdict.empty()) verdict = previous;
    // libbpf warns when it creates a map without BTF after a first try: not an error.
    if (line.find("Retrying without BTF") == std::string::npos) last = line;
    previous = line;
  }
  const std::string& reason = verdict.empty() ? last : verdict;
  return std::string(absl::StripPrefix(reason, "libbpf: "));
}

}  // namespace inlay::capture
