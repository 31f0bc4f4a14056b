// The analysis of real data gives the numbers that sort, uniq, cut and awk gave; see
// tests/data/README.md.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tools/analysis/report/analyzed_file.h"
#include "tools/analysis/readers/open_records.h"
#include "tools/analysis/report/report.h"

namespace inlay::analysis {
namespace {

const std::string kData = INLAY_TEST_DATA_DIR;
const std::string kWork = INLAY_TEST_WORK_DIR;

RecordOptions Columns(const std::string& columns) {
  RecordOptions options;
  options.columns = columns;
  return options;
}

std::vector<std::string> LinesOf(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// The figures of a GROUND_TRUTH file for whole rows.
struct Truth {
  uint64_t records = 0;
  uint64_t distinct = 0;
  uint64_t singletons = 0;
  std::vector<std::string> top;  // "COUNT VALUE"
  struct Column {
    uint64_t distinct = 0;
    uint64_t top_count = 0;
    std::string top_value;
  };
  std::vector<Column> columns;
};

uint64_t NumberAfter(const std::string& line, const std::string& label) {
  return std::stoull(line.substr(line.find(label) + label.size()));
}

Truth ReadTruth(const std::string& path) {
  Truth truth;
  enum { kNumbers, kTop, kColumns, kRest } part = kNumbers;
  for (const std::string& line : LinesOf(path)) {
    if (line.starts_with("rows (after")) truth.records = NumberAfter(line, "): ");
    if (line.starts_with("distinct rows: ")) truth.distinct = NumberAfter(line, ": ");
    if (line.starts_with("rows that occur once")) truth.singletons = NumberAfter(line, ": ");
    if (line.starts_with("top 10 rows")) {
      part = kTop;
    } else if (line.starts_with("per column")) {
      part = kColumns;
    } else if (line[0] != ' ') {
      part = part == kColumns ? kRest : part;
    } else if (part == kTop) {
      truth.top.push_back(line.substr(line.find_first_not_of(' ')));
    } else if (part == kColumns) {
      const size_t open = line.find("top: [");
      const std::string first = line.substr(open + 6, line.find(']', open) - open - 6);
      truth.columns.push_back(
          {NumberAfter(line, "distinct="), std::stoull(first), first.substr(first.find(' ') + 1)});
    }
  }
  return truth;
}

void ExpectTruth(const std::string& data, const std::string& truth_path, size_t columns) {
  const Truth truth = ReadTruth(truth_path);
  ASSERT_EQ(truth.top.size(), 10U);
  ASSERT_EQ(truth.columns.size(), columns);
  const Report report = AnalyzeFile(data);
  EXPECT_EQ(report.records, truth.records);
  EXPECT_EQ(report.distinct, truth.distinct);
  EXPECT_EQ(report.singletons, truth.singletons);
  ASSERT_EQ(report.top.size(), truth.top.size());
  for (size_t i = 0; i < truth.top.size(); ++i) {
    EXPECT_EQ(std::to_string(report.top[i].count) + " " + report.top[i].text, truth.top[i]);
  }
  ASSERT_EQ(report.fields.size(), columns);
  for (size_t i = 0; i < columns; ++i) {
    EXPECT_EQ(report.fields[i].distinct, truth.columns[i].distinct) << "column " << i + 1;
    const Report column = AnalyzeFile(data, Columns(std::to_string(i + 1)), 1);
    EXPECT_EQ(column.distinct, truth.columns[i].distinct) << "column " << i + 1;
    EXPECT_EQ(column.top[0].count, truth.columns[i].top_count) << "column " << i + 1;
    EXPECT_EQ(column.top[0].text, truth.columns[i].top_value) << "column " << i + 1;
  }
}

TEST(GroundTruthTest, SynOptions) {
  const std::string folder = kData + "/syn_options";
  ExpectTruth(folder + "/syn.tsv", folder + "/GROUND_TRUTH.txt", 13);
  EXPECT_EQ(AnalyzeFile(folder + "/syn.tsv", Columns("5-9")).distinct, 339U);
  EXPECT_EQ(AnalyzeFile(folder + "/syn.tsv", Columns("1-9,12")).distinct, 3829U);
  const Report shared = AnalyzeFile(folder + "/syn.tsv", Columns("1-9"), 1);
  EXPECT_EQ(shared.distinct, 621U);
  EXPECT_EQ(shared.top[0].count, 327U);
  EXPECT_EQ(shared.top[0].text, "0\t4\t128\t0\t1\t64240\t1460\t8\t0402");
  EXPECT_EQ(shared.index_bits, 10);
}

TEST(GroundTruthTest, TcpInfoTables) {
  const std::string folder = kData + "/tcp_info";
  ExpectTruth(folder + "/last_per_socket.tsv", folder + "/GROUND_TRUTH_last_per_socket.txt", 65);
  ExpectTruth(kWork + "/snapshots.tsv", folder + "/GROUND_TRUTH_snapshots.txt", 65);
  const std::string settings = "6,7,11,12,22,28,29,34,53,54,55";
  const Report shared = AnalyzeFile(kWork + "/snapshots.tsv", Columns(settings), 1);
  EXPECT_EQ(shared.distinct, 10U);
  EXPECT_EQ(shared.top[0].count, 3906U);
  EXPECT_EQ(shared.index_bits, 4);
  EXPECT_EQ(AnalyzeFile(folder + "/last_per_socket.tsv", Columns(settings)).distinct, 6U);
}

TEST(GroundTruthTest, TcpInfoStructs) {
  const std::string path = kData + "/tcp_info/snapshots.tcp_info.bin";
  RecordOptions options;
  options.fields =
      "state:u8,ca_state:u8,retransmits:u8,probes:u8,backoff:u8,options:u8,rest:bytes[218]";
  auto source = OpenRecords({path}, options);
  ASSERT_TRUE(source.ok()) << source.status();
  absl::StatusOr<DistinctValues> distinct = CountDistinct(**source, 2);
  ASSERT_TRUE(distinct.ok()) << distinct.status();
  const Report report = BuildReport((*source)->schema(), *distinct, 10, 2);
  EXPECT_EQ(report.records, 10'429U);
  EXPECT_EQ(report.distinct, 10'429U);
  EXPECT_EQ(report.singletons, 10'429U);
  EXPECT_EQ(report.index_bits, 14);
  // tcpi_state to tcpi_options are its first six bytes, and the columns 1 to 6 of the table.
  const Truth truth = ReadTruth(kData + "/tcp_info/GROUND_TRUTH_snapshots.txt");
  ASSERT_EQ(report.fields.size(), 7U);
  EXPECT_EQ(report.value_bytes, 224U);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(report.fields[i].distinct, truth.columns[i].distinct);
}

TEST(GroundTruthTest, IpCountry) {
  ExpectTruth(kWork + "/ip_country.csv", kData + "/ip_country/GROUND_TRUTH.txt", 3);
  const Report countries = AnalyzeFile(kWork + "/ip_country.csv", Columns("3"));
  EXPECT_EQ(countries.distinct, 250U);
  EXPECT_EQ(countries.top[0].text, "US");
  EXPECT_EQ(countries.top[0].count, 42'164U);
  EXPECT_EQ(countries.top[9].text, "SE");
  EXPECT_EQ(countries.top[9].count, 8'258U);
  EXPECT_EQ(countries.index_bits, 8);
}

}  // namespace
}  // namespace inlay::analysis
