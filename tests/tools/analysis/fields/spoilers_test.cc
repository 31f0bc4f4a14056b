// Leaving fields out: checks every figure against sets of the cells themselves, for real and random
// data; and checks the choice of spoilers.

#include "tools/analysis/fields/spoilers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::analysis {
namespace {

using Table = std::vector<std::vector<std::string>>;

const std::string kData = INLAY_TEST_DATA_DIR;
const std::string kWork = INLAY_TEST_WORK_DIR;

// The model, which shares nothing with the code: rows of cells, each a character that stands for
// its text, and sets of them.
class Model {
 public:
  explicit Model(const Table& rows) : columns_(rows.front().size()) {
    std::map<std::string, char32_t> known;
    for (const auto& row : rows) {
      std::u32string cells;
      for (const std::string& cell : row) {
        cells += known.emplace(cell, static_cast<char32_t>(known.size())).first->second;
      }
      rows_.push_back(std::move(cells));
    }
  }

  size_t columns() const { return columns_; }

  uint64_t DistinctWithout(const std::set<size_t>& left_out) const {
    std::unordered_set<std::u32string> seen;
    for (const std::u32string& row : rows_) {
      std::u32string cells = row;
      for (auto column = left_out.rbegin(); column != left_out.rend(); ++column) {
        cells.erase(*column, 1);
      }
      seen.insert(std::move(cells));
    }
    return seen.size();
  }

  uint64_t DistinctOf(size_t column) const {
    std::unordered_set<char32_t> seen;
    for (const std::u32string& row : rows_) seen.insert(row[column]);
    return seen.size();
  }

  // The curve by trying every column in every step.
  std::vector<std::pair<size_t, uint64_t>> Curve(size_t max_steps,
                                                 const std::set<size_t>& never = {}) const {
    std::vector<std::pair<size_t, uint64_t>> curve;
    std::set<size_t> left_out;
    while (curve.size() < max_steps && DistinctWithout(left_out) > 1) {
      std::vector<std::tuple<uint64_t, int64_t, size_t>> choices;
      for (size_t column = 0; column < columns(); ++column) {
        if (left_out.contains(column) || never.contains(column) || DistinctOf(column) == 1)
          continue;
        std::set<size_t> without = left_out;
        without.insert(column);
        choices.emplace_back(DistinctWithout(without), -static_cast<int64_t>(DistinctOf(column)),
                             column);
      }
      if (choices.empty()) break;
      const auto [distinct, own, column] = *std::min_element(choices.begin(), choices.end());
      left_out.insert(column);
      curve.emplace_back(column, distinct);
    }
    return curve;
  }

 private:
  size_t columns_;
  std::vector<std::u32string> rows_;
};

Table ReadTable(const std::string& path, char delimiter) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  Table rows;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
      if (c == delimiter) {
        cells.emplace_back();
      } else {
        cells.back() += c;
      }
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

// The codes of distinct rows, by the definition of FieldCodes.
FieldCodes Encoded(const Table& rows) {
  std::map<std::vector<std::string>, uint64_t> counts;
  for (const auto& row : rows) ++counts[row];
  FieldCodes codes;
  codes.records = rows.size();
  codes.fields.resize(rows.front().size());
  std::vector<std::map<std::string, uint32_t>> known(codes.fields.size());
  for (const auto& [row, count] : counts) {
    for (size_t i = 0; i < row.size(); ++i) {
      const auto [code, is_new] = known[i].emplace(row[i], static_cast<uint32_t>(known[i].size()));
      if (is_new) ++codes.fields[i].code_count;
      codes.fields[i].codes.push_back(code->second);
    }
    codes.counts.push_back(count);
  }
  return codes;
}

FieldCodes EncodedFile(const std::string& path) {
  auto source = OpenRecords({path}, {});
  EXPECT_TRUE(source.ok()) << source.status();
  auto distinct = CountDistinct(**source, 2);
  EXPECT_TRUE(distinct.ok()) << distinct.status();
  return EncodeFields((*source)->schema(), distinct->values(), 2);
}

void ExpectLeaveOneOutOfModel(const Spoilers& spoilers, const Model& model) {
  EXPECT_TRUE(spoilers.exact);
  EXPECT_EQ(spoilers.distinct, model.DistinctWithout({}));
  ASSERT_EQ(spoilers.distinct_without.size(), model.columns());
  for (size_t column = 0; column < model.columns(); ++column) {
    EXPECT_EQ(spoilers.distinct_without[column], model.DistinctWithout({column}))
        << "column " << column + 1;
  }
}

void ExpectCurve(const Spoilers& spoilers, const std::vector<std::pair<size_t, uint64_t>>& curve) {
  ASSERT_EQ(spoilers.steps.size(), curve.size());
  for (size_t step = 0; step < curve.size(); ++step) {
    EXPECT_EQ(spoilers.steps[step].field, curve[step].first) << "step " << step + 1;
    EXPECT_EQ(spoilers.steps[step].distinct, curve[step].second) << "step " << step + 1;
  }
}

// With a value of this cost, every field that halves the values is a spoiler.
constexpr LayoutInput kDear = {.sockets = 1000, .value_bytes = 100, .distinct = 1000};

TEST(SpoilersTest, OfSynOptionsAreThePortsTheTimestampAndTheCapture) {
  const std::string path = kData + "/syn_options/syn.tsv";
  const FieldCodes codes = EncodedFile(path);
  const Model model(ReadTable(path, '\t'));
  const Spoilers spoilers = FindSpoilers(codes, 13, 2);
  ExpectLeaveOneOutOfModel(spoilers, model);
  ExpectCurve(spoilers, model.Curve(13));
  ASSERT_GE(spoilers.steps.size(), 4U);
  std::set<size_t> first_four;
  for (size_t step = 0; step < 4; ++step) first_four.insert(spoilers.steps[step].field);
  EXPECT_EQ(first_four, (std::set<size_t>{9, 10, 11, 12}));  // tsval, sport, dport, pcap
  EXPECT_EQ(spoilers.steps[3].distinct, 621U);               // as PROJECTIONS.txt says of 1-9
  // The first two leave less than half, the third less than half of that, and the fourth does not.
  EXPECT_EQ(JointSpoilers(codes, spoilers, {5524, 60, 5196}), 3U);
}

TEST(SpoilersTest, LeaveOneOutOfRealTablesIsThatOfSets) {
  const std::string sockets = kData + "/tcp_info/last_per_socket.tsv";
  const Model sockets_model(ReadTable(sockets, '\t'));
  const Spoilers of_sockets = FindSpoilers(EncodedFile(sockets), 4, 2);
  ExpectLeaveOneOutOfModel(of_sockets, sockets_model);
  ExpectCurve(of_sockets, sockets_model.Curve(4));
  ExpectLeaveOneOutOfModel(FindSpoilers(EncodedFile(kWork + "/ip_country.csv"), 3, 2),
                           Model(ReadTable(kWork + "/ip_country.csv", ',')));
}

TEST(SpoilersTest, RandomTablesAreThoseOfSets) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 40; ++round) {
    const size_t columns = 1 + random() % (round % 2 == 0 ? 6 : 18);
    const size_t rows = 1 + random() % 150;
    std::vector<uint32_t> values;
    for (size_t i = 0; i < columns; ++i) {
      values.push_back(random() % 4 == 0 ? 1000 : 1 + static_cast<uint32_t>(random() % 5));
    }
    Table table(rows);
    for (auto& row : table) {
      for (size_t i = 0; i < columns; ++i) {
        // Some columns follow the one before, so that neither can be spared alone.
        row.push_back(i > 0 && values[i] == 3 ? row[i - 1] : std::to_string(random() % values[i]));
      }
    }
    FieldCodes codes = Encoded(table);
    const Model model(table);
    std::set<size_t> padding;
    if (random() % 3 == 0) {
      const size_t field = random() % columns;
      codes.fields[field].field.kind = FieldKind::kPadding;
      padding.insert(field);
    }
    const size_t steps = random() % 8;
    const auto curve = model.Curve(steps, padding);
    for (const size_t threads : {1U, 2U, 5U}) {
      const Spoilers spoilers = FindSpoilers(codes, steps, threads);
      ExpectLeaveOneOutOfModel(spoilers, model);
      ExpectCurve(spoilers, curve);
    }
  }
}

TEST(SpoilersTest, StopsWhenOneValueIsLeft) {
  Table rows;
  for (int i = 0; i < 20; ++i) rows.push_back({"same", std::to_string(i), std::to_string(i % 2)});
  const Spoilers spoilers = FindSpoilers(Encoded(rows), 10, 2);
  ExpectCurve(spoilers, {{1, 2}, {2, 1}});
  EXPECT_EQ(spoilers.distinct_without, (std::vector<uint64_t>{20, 2, 20}));
  EXPECT_TRUE(FindSpoilers(Encoded({{"a", "b"}, {"a", "b"}}), 10, 2).steps.empty());
  EXPECT_TRUE(FindSpoilers(Encoded(rows), 0, 2).steps.empty());
}

TEST(SpoilersTest, PaddingIsCountedAndNeverLeftOut) {
  Table rows;
  for (int i = 0; i < 12; ++i) rows.push_back({std::to_string(i), std::to_string(i % 4), "x"});
  FieldCodes codes = Encoded(rows);
  codes.fields[0].field.kind = FieldKind::kPadding;
  const Spoilers spoilers = FindSpoilers(codes, 10, 1);
  EXPECT_EQ(spoilers.distinct_without, (std::vector<uint64_t>{4, 12, 12}));
  ExpectCurve(spoilers, {{1, 12}});
  EXPECT_EQ(JointSpoilers(codes, spoilers, kDear), 0U);
}

TEST(JointSpoilersTest, OneFieldThatHalves) {
  Table rows;
  for (int i = 0; i < 40; ++i) rows.push_back({std::to_string(i), std::to_string(i % 3)});
  const FieldCodes codes = Encoded(rows);
  EXPECT_EQ(JointSpoilers(codes, FindSpoilers(codes, 10, 1), kDear), 1U);
  // There are no spoilers if sharing costs nearly nothing, even if a field halves the values.
  EXPECT_EQ(JointSpoilers(codes, FindSpoilers(codes, 10, 1), {1'000'000, 100, 40}), 0U);
  EXPECT_TRUE(SharesCheaply({1'000'000, 100, 40}));
  EXPECT_FALSE(SharesCheaply(kDear));
}

TEST(JointSpoilersTest, TwoFieldsOfWhichEachAloneKeepsTheValuesApart) {
  Table rows;
  for (int i = 0; i < 40; ++i) {
    rows.push_back({"k", std::to_string(i % 2), std::to_string(i), std::to_string(i % 3),
                    std::to_string(1000 - i)});
  }
  const FieldCodes codes = Encoded(rows);
  const Spoilers spoilers = FindSpoilers(codes, 10, 2);
  EXPECT_EQ(spoilers.distinct_without, (std::vector<uint64_t>(5, 40)));
  ExpectCurve(spoilers, {{2, 40}, {4, 6}, {3, 2}, {1, 1}});
  EXPECT_EQ(JointSpoilers(codes, spoilers, kDear), 2U);
}

TEST(JointSpoilersTest, NotMoreThanHalfOfTheFieldsThatVary) {
  // Three equal columns: fewer values are left only without all of them.
  Table rows;
  for (int i = 0; i < 40; ++i) {
    rows.push_back({std::to_string(i), std::to_string(i + 100), std::to_string(i + 200)});
  }
  const FieldCodes codes = Encoded(rows);
  const Spoilers spoilers = FindSpoilers(codes, 10, 2);
  ExpectCurve(spoilers, {{0, 40}, {1, 40}, {2, 1}});
  EXPECT_EQ(JointSpoilers(codes, spoilers, kDear), 0U);
  // A value of one field has no spoiler.
  const FieldCodes one = Encoded({{"a"}, {"b"}, {"c"}});
  EXPECT_EQ(JointSpoilers(one, FindSpoilers(one, 10, 2), kDear), 0U);
}

TEST(JointSpoilersTest, GoesOnAsLongAsEachHalves) {
  FieldCodes codes;
  codes.fields.resize(10);
  for (CodedField& field : codes.fields) field.code_count = 2;  // varies
  Spoilers spoilers;
  spoilers.distinct = 800;
  spoilers.steps = {{3, 700}, {1, 400}, {4, 200}, {0, 101}, {2, 2}};
  EXPECT_EQ(JointSpoilers(codes, spoilers, kDear), 3U);
  spoilers.steps[3].distinct = 100;
  EXPECT_EQ(JointSpoilers(codes, spoilers, kDear), 5U);
  codes.fields.resize(9);  // of which half is four
  EXPECT_EQ(JointSpoilers(codes, spoilers, kDear), 4U);
  spoilers.steps.resize(3);
  EXPECT_EQ(JointSpoilers(codes, spoilers, kDear), 3U);
  codes.fields.resize(3);
  EXPECT_EQ(JointSpoilers(codes, spoilers, kDear), 0U);
}

TEST(JointSpoilersTest, HalfIsEnoughAndLessIsNot) {
  // 7 values; without the first column 4, which is more than half of 7. With one pair more it is 4
  // of 8.
  Table rows = {{"0", "a", "p"}, {"1", "a", "p"}, {"0", "b", "p"}, {"1", "b", "p"},
                {"0", "c", "p"}, {"1", "c", "p"}, {"0", "d", "p"}};
  for (auto& row : rows) row[2] = row[1];
  FieldCodes codes = Encoded(rows);
  ExpectCurve(FindSpoilers(codes, 1, 1), {{0, 4}});
  EXPECT_EQ(JointSpoilers(codes, FindSpoilers(codes, 1, 1), kDear), 0U);
  rows.push_back({"1", "d", "d"});
  codes = Encoded(rows);
  ExpectCurve(FindSpoilers(codes, 1, 1), {{0, 4}});
  EXPECT_EQ(JointSpoilers(codes, FindSpoilers(codes, 1, 1), kDear), 1U);
}

}  // namespace
}  // namespace inlay::analysis
