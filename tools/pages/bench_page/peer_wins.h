// Finds where a peer, an alternative that a program could use, is faster or smaller than the index
// layout.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_PAGES_BENCH_PAGE_PEER_WINS_H_
#define INLAY_TOOLS_PAGES_BENCH_PAGE_PEER_WINS_H_

#include <string>
#include <vector>

#include "tools/pages/bench_page/groups.h"
#include "tools/pages/bench_results/results.h"
#include "tools/pages/document/text.h"

namespace inlay::bench_page {

// Kinds of points where an index should do badly, and the others. A point belongs to the first kind
// that matches.
enum class Situation { kOneValue, kAllDistinct, kTinyValues, kUsual };

Situation SituationOf(const BenchmarkName& name);

// A peer beside index, in one file.
struct PeerComparison {
  const Point* peer = nullptr;
  const Point* index = nullptr;
  Situation situation = Situation::kUsual;
  bool in_bytes = false;  // else in nanoseconds, over touch if there is one
  double peer_figure = 0;
  double index_figure = 0;
  // Whether the middle halves of their repetitions do not overlap. False for a single repetition,
  // whose spread is unknown.
  bool beyond_spread = false;

  bool peer_wins() const { return peer_figure < index_figure; }
};

// All points of peers with an index in the same file, in the order of the files; each name once.
std::vector<PeerComparison> ComparePeers(const Results& results);

// The groups that have a peer, each from the first file that has it there.
std::vector<Group> PeerGroups(const Results& results);

// "Get, hot: 1,000 sockets, 1 value of 100 bytes".
std::string DescribePoint(const BenchmarkName& name);

// The comparisons of one situation, in words.
struct SituationInWords {
  page::Text summary;  // at how many points a peer wins; or that none does, or no measurements
  std::vector<page::Text> wins;  // for each point where peers win: which, and by how much
};
// One for every situation, in the order of the enumeration.
std::vector<SituationInWords> PeerWinsInWords(const std::vector<PeerComparison>& comparisons);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_PEER_WINS_H_
