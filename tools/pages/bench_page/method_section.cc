#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/pages/bench_page/contender.h"
#include "tools/pages/bench_page/sections.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::bench_page {
namespace {

using page::Text;

std::string RepetitionsText(const ResultFile& file) {
  if (file.points().empty()) return numbers::kNoNumber;
  const auto [fewest, most] = std::minmax_element(
      file.points().begin(), file.points().end(),
      [](const Point& a, const Point& b) { return a.time_ns.count() < b.time_ns.count(); });
  const size_t least = fewest->time_ns.count();
  return least == most->time_ns.count() ? absl::StrCat(least)
                                        : absl::StrCat(least, " to ", most->time_ns.count());
}

page::Figure Runs(const Results& results) {
  page::Figure figure{.title = "The runs of this report"};
  figure.table.columns = {{"program", false},    {"file", false},       {"date", false},
                          {"huge pages", false}, {"repetitions", true}, {"benchmarks", true}};
  for (const auto& file : results.files()) {
    const RunContext& context = file->context();
    figure.table.rows.push_back(
        {.cells = {context.program, Text::OfCode(file->path()), numbers::Minute(context.date),
                   HugePageSetting(context), RepetitionsText(*file),
                   numbers::GroupedSigned(static_cast<int64_t>(file->points().size()))}});
    figure.commands.push_back(context.command);
  }
  return figure;
}

struct Term {
  const char* term;
  const char* meaning;
};
constexpr Term kTerms[] = {
    {"median, least, most",
     "of the repetitions of one benchmark. Those of all benchmarks of a run are mixed, so that a "
     "slow minute of the machine hits all alike. Ratios are of medians, and of one run."},
    {"touch",
     "what a packet loads of its socket anyway: the header, one field of the receive group, one of "
     "sock_read_tx. Each packet waits for the one before."},
    {"over touch", "a time less that of the touch alone, in the same pattern, sizes and run."},
    {"packet", "packets to all sockets in random order: most sockets are out of the cache."},
    {"hot", "packets to so few sockets that they stay in the second-level cache."},
    {"batch", "packets whose sockets are all known before the first of them is handled."},
    {"value", "the bytes that a map has for a socket. Distinct values are those that differ."},
    {"index", "a number of 2 to 16 bits in the socket, of a value that is kept once in a table."},
    {"spill", "the effect of a full table: the socket keeps a private value, as in pointer."},
    {"clone on accept", "a new socket gets the value of the listening one."},
    {"bytes per socket",
     "everything that a layout takes, in the kernel's slab classes, divided by the sockets: "
     "reserved bytes, private objects, table, hash index and slack."},
    {"spread",
     "the middle half of the repetitions. Two medians differ beyond the spread if these "
     "halves do not overlap."},
    {"peer", "what a program would use without Inlay."},
};

}  // namespace

page::Section MethodSection(const Measured& measured) {
  page::Section section{.id = "method", .title = "How it was measured"};
  section.blocks.emplace_back(Runs(measured.results));
  section.blocks.emplace_back(page::Subheading{"Words"});
  page::Facts facts;
  for (const Term& term : kTerms) facts.facts.emplace_back(Text::OfStrong(term.term), term.meaning);
  section.blocks.emplace_back(std::move(facts));
  section.blocks.emplace_back(page::Subheading{"Contenders"});
  page::Facts contenders;
  for (const std::string& name : ContendersOf(measured.results.Points())) {
    const Contender contender = ContenderOf(name);
    if (contender.meaning.empty()) continue;
    contenders.facts.emplace_back(Text::OfCode(name), std::string(contender.meaning));
  }
  section.blocks.emplace_back(std::move(contenders));
  return section;
}

}  // namespace inlay::bench_page
