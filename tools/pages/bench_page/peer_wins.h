// Where a peer, which a program could use instead, is faster or smaller than the index layout.
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

// Kinds of points at which an index is expected to do badly, and the others. The first that fits is
// taken.
enum class Situation { kOneValue, kAllDistinct, kTinyValues, kUsual };

Situation SituationOf(const BenchmarkName& name);

// A peer beside index, in one file.
struct PeerComparison {
  const Point* peer = nullptr;
  const Point* index = nullptr;
  Situation situation = Situation::kUsual;
  bool in_bytes = false;  // else in nanoseconds, over touch where there is one
  double peer_figure = 0;
  double index_figure = 0;
  // Whether the middle halves of their repetitions do not overlap. Of one repetition, nobody knows.
  bool beyond_spread = false;

  bool peer_wins() const { return peer_figure < index_figure; }
};

// All points of peers that have index beside them, in the order of the files; each name once.
std::vector<PeerComparison> ComparePeers(const Results& results);

// The groups that have a peer, each from the first file that has it there.
std::vector<Group> PeerGroups(const Results& results);

// "Get, hot: 1,000 sockets, 1 value of 100 bytes".
std::string DescribePoint(const BenchmarkName& name);

// What the comparisons say of one situation.
struct SituationInWords {
  page::Text
      summary;  // at how many points a peer wins; or that none does, or that nothing was measured
  std::vector<page::Text> wins;  // for each point at which peers win: which, and by how much
};
// Of every situation, in the order of the enumeration.
std::vector<SituationInWords> PeerWinsInWords(const std::vector<PeerComparison>& comparisons);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_PAGE_PEER_WINS_H_
