// The start of a summary of `inlay analyze --summary`, as bytes and as a line of base64.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_BYTES_SUMMARY_START_H_
#define INLAY_TOOLS_ANALYSIS_BYTES_SUMMARY_START_H_

#include <string_view>

namespace inlay::analysis {

inline constexpr std::string_view kSummaryMagic = "INLAYSUM";
// The base64 of the magic, up to the last character that no later byte affects.
inline constexpr std::string_view kSummaryLineMagic = "SU5MQVlTVU";

// Whether the file that starts with `prefix` is a summary.
inline bool StartsAsSummary(std::string_view prefix) {
  return prefix.starts_with(kSummaryMagic) || prefix.starts_with(kSummaryLineMagic);
}

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BYTES_SUMMARY_START_H_
