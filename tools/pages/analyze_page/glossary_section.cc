#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/counting/layout_costs.h"
#include "tools/pages/analyze_page/sections.h"
#include "tools/pages/numbers/number_text.h"

namespace inlay::analyze_page {
namespace {

using page::Text;

struct Term {
  const char* term;
  const char* meaning;
};

constexpr Term kTerms[] = {
    {"value",
     "What a program keeps for one socket: a struct, or the chosen columns of a row. Two values "
     "are equal when "
     "all their bytes are, or the texts of all their cells."},
    {"record",
     "One value in the data. The figures for memory suppose that each is the value of one socket."},
    {"distinct values", "The different values among the records: equal ones count once."},
    {"copies", "Of a value: the records that hold it."},
    {"dedup ratio", "Records divided by distinct values."},
    {"entropy",
     "The least bits per record that any code for the values needs on average: 0 if all are equal, "
     "the "
     "logarithm to base 2 of the records if all differ."},
    {"spoilers",
     "The fewest fields, left out one after the other, without which at most half of the values "
     "are left; "
     "and the next ones as long as each halves them again. None where the index costs at most 4 "
     "bytes per "
     "socket anyway, or where it takes more than half of the fields."},
    {"table",
     "What has every distinct value once: its bytes rounded up to 8, 12 bytes with its count and "
     "hash, and a hash "
     "index of 4-byte slots, at most two thirds full."},
    {"pointer",
     "A layout, the one of today's kernel: 8 bytes in the socket point to its storage, and that "
     "to an element with the value; both are allocated."},
    {"inline", "A layout: the value in the socket itself, rounded up to 8 bytes."},
    {"single_pointer",
     "A layout: 8 bytes in the socket point to an allocated object with the value."},
    {"shared_pointer",
     "A layout: 8 bytes in the socket point to the one copy of the value in the table."},
    {"index",
     "A layout: a number of 2 to 16 bits in the socket names the one copy of the value in the "
     "table. Where it is "
     "the only map, the bits take 2 bytes."},
    {"spilled",
     "A value that finds no index because the widest has no code left: its socket keeps a "
     "private copy, at the cost of pointer."},
    {"break-even",
     "The smallest number of distinct values with which the index takes as many bytes as another "
     "layout."},
    {"bytes per socket",
     "All that a layout takes, tables and allocations included, divided by the sockets."},
};

}  // namespace

page::Section GlossarySection(const analysis::Report& report) {
  page::Section section{.id = "terms", .title = "Terms"};
  page::Facts facts;
  for (const Term& term : kTerms) facts.facts.emplace_back(term.term, term.meaning);
  facts.facts.emplace_back(
      "index width",
      absl::StrCat(
          "The smallest number of bits w, from ", analysis::kMinIndexBits, " to ",
          analysis::kMaxIndexBits,
          ", with at most 2^w - 2 distinct values: two codes mean absent and private. Values that "
          "change need room for old and new ones together."));
  if (report.split.has_value()) {
    facts.facts.emplace_back(
        "split",
        "Fields in shared groups, each with an index in the socket and a table of its own, and a "
        "private rest in the socket.");
  }
  if (!report.growth.forecasts.empty()) {
    facts.facts.emplace_back(
        "forecast",
        "What to expect of more records of the same kind. 19 of 20 times the truth is within its "
        "interval, if they are of that kind.");
  }
  if (!report.growth.snapshots.empty()) {
    facts.facts.emplace_back(
        "churn",
        "Of a snapshot: the distinct values that the one before did not have, and those that it "
        "had and this one has not.");
  }
  if (!report.exact || !report.fields_exact) {
    facts.facts.emplace_back("±",
                             "The error of an estimate, 1.96 standard deviations: 19 of 20 times "
                             "the truth is within it.");
  }
  section.blocks.emplace_back(std::move(facts));
  return section;
}

}  // namespace inlay::analyze_page
