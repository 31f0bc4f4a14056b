// How figures are written in a report: as many digits as they deserve, and no more.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_BENCH_PAGE_FIGURES_H_
#define INLAY_TOOLS_PAGES_BENCH_PAGE_FIGURES_H_

#include <cstdint>
#include <string>

namespace inlay::bench_page {

// What stands where nothing was measured.
inline constexpr char kNoFigure[] = "-";

std::string Nanoseconds(double ns);   // "9.0", "386", "1,272"
std::string Bytes(double bytes);      // "2.13", "48.0", "393"; for counters, too
std::string Count(int64_t count);     // "500,000"
std::string PercentOf(double ratio);  // 0.0233 is "2.3 %"
// A quotient, as in "5.3 times".
std::string Times(double ratio);
// The figure of a bar: 0.0234 is "0.023", 12.3 is "12.3".
std::string Ratio(double ratio);

// Of a date as results have it, "2026-11-22T21:10:05+00:00": "2026-11-22 21:10", and "2026-11-22".
std::string Minute(const std::string& date);
std::string Day(const std::string& date);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_FIGURES_H_
