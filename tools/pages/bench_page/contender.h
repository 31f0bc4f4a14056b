// Contender: who was measured. A layout, a peer (what a program would use instead), or what both
// are compared with. This is the one place that says which is which, and in which order they are
// shown.

#ifndef INLAY_TOOLS_PAGES_BENCH_PAGE_CONTENDER_H_
#define INLAY_TOOLS_PAGES_BENCH_PAGE_CONTENDER_H_

#include <string>
#include <string_view>
#include <vector>

#include "tools/pages/bench_results/results.h"

namespace inlay::bench_page {

enum class ContenderKind {
  kReference,  // touch, handwritten
  kLayout,     // also ways to read a layout, and whatever is not known here
  kPeer,
};

struct Contender {
  std::string_view name;
  ContenderKind kind = ContenderKind::kLayout;
  std::string_view meaning;  // in a few words
};

// What is known of a contender; for a name that nobody has described, a layout without a meaning.
Contender ContenderOf(std::string_view name);

// The different contenders of some points, of one kind, in the order in which they are shown.
std::vector<std::string> ContendersOf(const std::vector<const Point*>& points, ContenderKind kind);
std::vector<std::string> ContendersOf(const std::vector<const Point*>& points);

// The layouts of the headline table, in its order.
const std::vector<std::string>& HeadlineLayouts();

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_CONTENDER_H_
