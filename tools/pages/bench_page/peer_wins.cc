#include "tools/pages/bench_page/peer_wins.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/cost_figures.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

using page::Text;

constexpr int64_t kTinyBytes = 8;

bool IsPeer(const Point& point) {
  return ContenderOf(point.name.contender).kind == ContenderKind::kPeer;
}

bool IsMemory(const BenchmarkName& name) {
  return name.question == "Memory" || name.question == "MemoryMaps";
}

// The memory counter that both have: the uniform one if both have it.
const char* MemoryCounter(const Point& a, const Point& b) {
  for (const char* const counter :
       {"heap_bytes_per_socket", "bytes_per_socket", "rss_bytes_per_socket"}) {
    if (a.counters.contains(counter) && b.counters.contains(counter)) return counter;
  }
  return nullptr;
}

std::optional<PeerComparison> Compare(const Point& peer) {
  const Point* const index = Results::Beside(peer, "index");
  if (index == nullptr) return std::nullopt;
  PeerComparison comparison;
  comparison.peer = &peer;
  comparison.index = index;
  comparison.situation = SituationOf(peer.name);
  if (IsMemory(peer.name)) {
    const char* const counter = MemoryCounter(peer, *index);
    if (counter == nullptr) return std::nullopt;
    comparison.in_bytes = true;
    comparison.peer_figure = peer.counter(counter).value();
    comparison.index_figure = index->counter(counter).value();
    comparison.beyond_spread = true;  // bytes have no spread
    return comparison;
  }
  comparison.peer_figure = Results::CostOf(peer).ns;
  comparison.index_figure = Results::CostOf(*index).ns;
  comparison.beyond_spread = Results::BeyondSpread(peer, *index);
  return comparison;
}

struct SituationTitle {
  Situation situation;
  const char* title;
};
constexpr SituationTitle kSituations[] = {
    {Situation::kOneValue, "One value for all sockets"},
    {Situation::kAllDistinct, "All values distinct"},
    {Situation::kTinyValues, "Tiny values, of 8 bytes or less"},
    {Situation::kUsual, "Everything else"},
};

std::string Amount(const PeerComparison& comparison, const Point& point, double figure) {
  return comparison.in_bytes ? numbers::ThreeDigits(figure) + " bytes" : CostInWords(point);
}

// "Get, hot (..): `flyweight` 3.1 ns (40 % less), ... against 5.2 ns of `index`". REQUIRES: all are
// wins at one point.
Text PointInWords(std::vector<const PeerComparison*> won) {
  std::stable_sort(won.begin(), won.end(), [](const PeerComparison* a, const PeerComparison* b) {
    return a->peer_figure < b->peer_figure;
  });
  const PeerComparison& first = *won.front();
  Text text(DescribePoint(first.peer->name) + ": ");
  for (const PeerComparison* const comparison : won) {
    std::vector<std::string> notes;
    const bool above_noise =
        comparison->in_bytes || (!Results::CostOf(*comparison->peer).within_noise() &&
                                 !Results::CostOf(*comparison->index).within_noise());
    if (above_noise && comparison->index_figure > 0) {
      const double less = 1 - comparison->peer_figure / comparison->index_figure;
      notes.push_back(numbers::PercentOf(less) + " less");
    }
    if (!comparison->beyond_spread) {
      notes.emplace_back(comparison->peer->time_ns.count() > 1 ? "within the spread"
                                                               : "one repetition");
    }
    text.Plain(comparison == won.front() ? "" : ", ")
        .Code(comparison->peer->name.contender)
        .Plain(" " + Amount(*comparison, *comparison->peer, comparison->peer_figure));
    if (!notes.empty()) text.Plain(" (" + absl::StrJoin(notes, ", ") + ")");
  }
  return text.Plain(" against " + Amount(first, *first.index, first.index_figure) + " of ")
      .Code("index")
      .Plain(".");
}

bool SamePoint(const BenchmarkName& a, const BenchmarkName& b) {
  return a.question == b.question && a.pattern == b.pattern && a.arguments == b.arguments;
}

// The comparisons of one situation, grouped by point.
std::vector<std::vector<const PeerComparison*>> ByPoint(
    const std::vector<PeerComparison>& comparisons, Situation situation) {
  std::vector<std::vector<const PeerComparison*>> points;
  for (const PeerComparison& comparison : comparisons) {
    if (comparison.situation != situation) continue;
    const auto same = std::find_if(points.begin(), points.end(), [&](const auto& point) {
      const Point& first = *point.front()->peer;
      return first.file == comparison.peer->file && SamePoint(first.name, comparison.peer->name);
    });
    if (same != points.end()) {
      same->push_back(&comparison);
    } else {
      points.push_back({&comparison});
    }
  }
  return points;
}

}  // namespace

Situation SituationOf(const BenchmarkName& name) {
  const std::optional<int64_t> values = name.argument("values");
  const std::optional<int64_t> sockets = name.argument("sockets");
  const std::optional<int64_t> bytes = name.argument("bytes");
  if (values == 1 || name.pattern.ends_with("one_value") || name.pattern.ends_with("hot_value")) {
    return Situation::kOneValue;
  }
  if (values.has_value() && sockets.has_value() && *values >= *sockets) {
    return Situation::kAllDistinct;
  }
  if (bytes.has_value() && *bytes <= kTinyBytes) return Situation::kTinyValues;
  return Situation::kUsual;
}

std::vector<PeerComparison> ComparePeers(const Results& results) {
  std::vector<PeerComparison> comparisons;
  for (const Point* const point : results.Points()) {
    if (!IsPeer(*point)) continue;
    if (std::optional<PeerComparison> comparison = Compare(*point)) {
      comparisons.push_back(*comparison);
    }
  }
  return comparisons;
}

std::vector<Group> PeerGroups(const Results& results) {
  std::vector<Group> groups;
  for (const Point* const point : results.Points()) {
    if (!IsPeer(*point)) continue;
    const BenchmarkName& name = point->name;
    const bool known = std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
      return SamePoint(group.points.front()->name, name);
    });
    if (!known) {
      groups.push_back(GroupIn(*point->file, name.question, name.pattern, name.arguments));
    }
  }
  return groups;
}

std::string DescribePoint(const BenchmarkName& name) {
  std::string text = name.question;
  if (!name.pattern.empty()) text += ", " + name.pattern;
  const std::string sizes = DescribeSizes(name.arguments);
  return sizes.empty() ? text : text + " (" + sizes + ")";
}

std::vector<SituationInWords> PeerWinsInWords(const std::vector<PeerComparison>& comparisons) {
  std::vector<SituationInWords> all;
  for (const auto& [situation, title] : kSituations) {
    SituationInWords words;
    const auto points = ByPoint(comparisons, situation);
    for (const std::vector<const PeerComparison*>& point : points) {
      std::vector<const PeerComparison*> won = point;
      std::erase_if(won, [](const PeerComparison* comparison) { return !comparison->peer_wins(); });
      if (!won.empty()) words.wins.push_back(PointInWords(std::move(won)));
    }
    words.summary = Text::OfStrong(absl::StrCat(title, "."));
    const std::string of = absl::StrCat(points.size(), points.size() == 1 ? " point." : " points.");
    if (points.empty()) {
      words.summary.Plain(" Not measured with a peer.");
    } else if (words.wins.empty()) {
      words.summary.Plain(" No peer is faster or smaller than ")
          .Code("index")
          .Plain(points.size() == 1 ? " at the one point." : " at any of " + of);
    } else {
      words.summary.Plain(" A peer is faster or smaller than ")
          .Code("index")
          .Plain(absl::StrCat(" at ", words.wins.size(), " of ", of));
    }
    all.push_back(std::move(words));
  }
  return all;
}

}  // namespace inlay::bench_page
