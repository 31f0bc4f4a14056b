// Contender: the subject of a measurement. It is a layout, a peer (an alternative that a program
// could use), or a reference for both. Only this file knows their kinds and the order in which
// pages show them.

#ifndef INLAY_TOOLS_PAGES_BENCH_PAGE_CONTENDER_H_
#define INLAY_TOOLS_PAGES_BENCH_PAGE_CONTENDER_H_

#include <string>
#include <string_view>
#include <vector>

#include "tools/pages/bench_results/results.h"

namespace inlay::bench_page {

enum class ContenderKind {
  kReference,  // touch, handwritten
  kLayout,     // also ways to read a layout, and unknown names
  kPeer,
};

struct Contender {
  std::string_view name;
  ContenderKind kind = ContenderKind::kLayout;
  std::string_view meaning;  // in a few words
};

// The contender of this name; for an unknown name, a layout without a meaning.
Contender ContenderOf(std::string_view name);

// The different contenders of one kind among `points`, in the order of display.
std::vector<std::string> ContendersOf(const std::vector<const Point*>& points, ContenderKind kind);
std::vector<std::string> ContendersOf(const std::vector<const Point*>& points);

// The layouts of the headline table, in its order.
const std::vector<std::string>& HeadlineLayouts();

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_CONTENDER_H_
