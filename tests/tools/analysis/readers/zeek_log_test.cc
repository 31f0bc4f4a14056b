#include "tools/analysis/grammar/zeek_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/analysis/readers/record_reading.h"
#include "tests/tools/full_text.h"
#include "tests/tools/strings.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/readers/open_records.h"
#include "tools/analysis/report/report.h"

namespace inlay::analysis {
namespace {

// A header as Zeek writes it, with a tab or what else separates.
std::string Header(const std::string& fields = "a\tb", const std::string& types = "count\tstring",
                   const std::string& separator = "\\x09") {
  const char tab = separator == "\\x09" ? '\t' : ',';
  std::string text = "#separator " + separator + "\n";
  for (const char* line : {"#set_separator\t;", "#empty_field\t(empty)", "#unset_field\t-",
                           "#path\tconn", "#open\t2015-02-23-21-33-18"}) {
    text += line + std::string("\n");
  }
  text += "#fields\t" + fields + "\n#types\t" + types + "\n";
  if (tab != '\t') std::replace(text.begin(), text.end(), '\t', tab);
  return text;
}

class ZeekLogTest : public testing::Test {
 protected:
  // The values, or the message of the error as the only one.
  Strings ReadFiles(const std::vector<std::string>& paths, const RecordOptions& options = {}) {
    auto source = OpenRecords(paths, options);
    if (!source.ok()) return {std::string(source.status().message())};
    schema_ = (*source)->schema();
    absl::StatusOr<Strings> values = ReadAll(**source);
    if (!values.ok()) return {std::string(values.status().message())};
    return *values;
  }

  Strings Read(const std::string& content, const RecordOptions& options = {}) {
    return ReadFiles({files_.Write("log", content)}, options);
  }

  // The message without the folder.
  std::string Fault(const Strings& values) const {
    if (values.size() != 1) return "no error";
    std::string message = values[0];
    const std::string folder = files_.Path("");
    for (size_t at; (at = message.find(folder)) != std::string::npos;) {
      message.erase(at, folder.size());
    }
    return message;
  }

  static RecordOptions Columns(const std::string& columns) {
    RecordOptions options;
    options.columns = columns;
    return options;
  }

  TemporaryFiles files_;
  RecordSchema schema_;
  std::string text_;  // of the last report
};

TEST_F(ZeekLogTest, TheHeaderNamesColumnsAndTypes) {
  EXPECT_EQ(Read(Header() + "1\tx\n2\ty\n#close\t2015-02-23-21-33-19\n"),
            (Strings{"1\tx", "2\ty"}));
  ASSERT_EQ(schema_.fields.size(), 2U);
  EXPECT_EQ(schema_.fields[0].name, "a");
  EXPECT_EQ(schema_.fields[0].type_name, "count");
  EXPECT_EQ(schema_.fields[0].kind, FieldKind::kText);
  EXPECT_EQ(schema_.fields[1].name, "b");
  EXPECT_EQ(schema_.fields[1].type_name, "string");
  EXPECT_TRUE(schema_.is_zeek_log);
  EXPECT_FALSE(schema_.first_row_looks_like_header);
  EXPECT_EQ(schema_.dialect, (Dialect{'\t', false}));

  EXPECT_EQ(Read(Header() + "1\tx\n", Columns("b")), (Strings{"x"}));
  EXPECT_EQ(Read(Header() + "1\tx\n", Columns("b,1")), (Strings{"x\t1"}));
  ASSERT_EQ(schema_.fields.size(), 2U);
  EXPECT_EQ(schema_.fields[0].type_name, "string");
  EXPECT_EQ(schema_.fields[1].type_name, "count");
}

TEST_F(ZeekLogTest, WithoutTypesTheyAreNotKnown) {
  EXPECT_EQ(Read("#separator \\x09\n#fields\tx\n1\n"), (Strings{"1"}));
  ASSERT_EQ(schema_.fields.size(), 1U);
  EXPECT_EQ(schema_.fields[0].type_name, "");
}

TEST_F(ZeekLogTest, OtherSeparatorsWork) {
  EXPECT_EQ(Read(Header("a\tb", "count\tstring", "\\x2c") + "1,\"x\n2,\ty\n"),
            (Strings{"1,\"x", "2,\ty"}));
  EXPECT_EQ(schema_.dialect, (Dialect{',', false}));
  EXPECT_EQ(Read(Header("a\tb", "count\tstring", ",") + "1,x\n", Columns("b,a")), (Strings{"x,1"}));
}

TEST_F(ZeekLogTest, ValuesAreComparedAsTheyAreWritten) {
  EXPECT_EQ(Read(Header() + "-\t(empty)\n\\x23\t\"q\n\t\n"),
            (Strings{"-\t(empty)", "\\x23\t\"q", "\t"}));
}

TEST_F(ZeekLogTest, HeadersInTheMiddleAndCommentsAreNoRecords) {
  const std::string part = Header() + "1\tx\n#close\t2015\n";
  EXPECT_EQ(Read(part + part + "# a comment\n#\n#nothing\tx\ty\tz\n2\ty\n"),
            (Strings{"1\tx", "1\tx", "2\ty"}));
  EXPECT_EQ(Read(Header() + Header() + "1\tx\n"), (Strings{"1\tx"})) << "a log without a record";
  EXPECT_EQ(Read("#separator \\x09\r\n#fields\ta\r\n#types\tint\r\n7\r\n#close\tx\r\n"),
            (Strings{"7"}));
  const std::string first = files_.Write("first", part);
  const std::string second = files_.Write("second", Header() + "3\tz");
  EXPECT_EQ(ReadFiles({first, second}), (Strings{"1\tx", "3\tz"}));
}

TEST_F(ZeekLogTest, ADifferentHeaderInTheMiddleIsAnError) {
  const std::string log = Header() + "1\tx\n";  // 9 lines
  const auto fault = [&](const std::string& then) { return Fault(Read(log + then)); };
  EXPECT_EQ(fault(Header("a\tc")), "log:16: #fields differs from that of the first header");
  EXPECT_EQ(fault(Header("a\tb", "int\tstring")),
            "log:17: #types differs from that of the first header");
  EXPECT_EQ(fault("#separator \\x2c\n"),
            "log:10: #separator differs from that of the first header");
  EXPECT_EQ(fault("#separator \n"),
            "log:10: the separator '' must be one byte other than '#' and a line end");
  EXPECT_EQ(fault("#set_separator\t,\n"),
            "log:10: #set_separator differs from that of the first header");
  EXPECT_EQ(fault("#empty_field\t\n"),
            "log:10: #empty_field differs from that of the first header");
  EXPECT_EQ(fault("#unset_field\tNULL\n"),
            "log:10: #unset_field differs from that of the first header");
  EXPECT_EQ(Fault(Read(Header() + Header("a\tb\tc") + "1\tx\n")),
            "log:15: #fields differs from that of the first header");
  const std::string other = files_.Write("other", Header("b\ta") + "1\tx\n");
  EXPECT_EQ(Fault(ReadFiles({files_.Write("log", log), other})),
            "other:8: 'a' has the type 'string', and in log 'count'");
}

TEST_F(ZeekLogTest, RowsOfAnotherLengthNameTheirLine) {
  EXPECT_EQ(Fault(Read(Header() + "1\tx\n2\n")), "log:10: 1 column where #fields has 2");
  EXPECT_EQ(Fault(Read(Header() + "1\tx\ty\n")), "log:9: 3 columns where #fields has 2");
  EXPECT_EQ(Fault(Read(Header() + "1\tx\n#close\t1\n\n")), "log:11: 1 column where #fields has 2");
}

TEST_F(ZeekLogTest, BadHeadersAreErrors) {
  RecordOptions zeek;
  zeek.format = RecordFormat::kZeek;
  EXPECT_EQ(Fault(Read("#separator \\x09\n1\n")),
            "log:1: the header of this Zeek log has no #fields");
  EXPECT_EQ(Fault(Read("#separator \\x09\n#fields a\n1\n")),
            "log:1: the header of this Zeek log has no #fields");
  EXPECT_EQ(Fault(Read("#separator ||\n#fields||a\n")),
            "log:1: the separator '||' must be one byte other than '#' and a line end");
  EXPECT_EQ(Fault(Read("#separator \\x0a\n#fields\n")),
            "log:1: the separator '\\x0a' must be one byte other than '#' and a line end");
  EXPECT_EQ(Fault(Read("#separator \\x09\n#fields\ta\tb\n#types\tint\n1\t2\n")),
            "log:3: #types has 1 cell where #fields has 2");
  EXPECT_EQ(
      Fault(Read("#separator \\x09\n#fields\ta\n#types\tint\n1\n", Columns("b"))).find("log:1: "),
      0U);
  EXPECT_EQ(Fault(Read("a\tb\n", zeek)),
            "log:1: is not a Zeek log: it does not start with '#separator '");
  EXPECT_EQ(Fault(Read("{\"ts\":1.5,\"uid\":\"C\"}\n", zeek)),
            "log:1: is in JSON; the Zeek reader needs a log with #separator and #fields");
  EXPECT_EQ(Read("{\"ts\":1.5,\"uid\":\"C\"}\n"), (Strings{"1.5,C"})) << "but it is JSON";
  EXPECT_EQ(Fault(Read("", zeek)), "log: is empty");
}

TEST_F(ZeekLogTest, OptionsOfOtherTextAreErrors) {
  const char* const kMessage =
      "--header, --no-header and --delimiter are for CSV and TSV; a Zeek log states these itself";
  RecordOptions options;
  options.header = false;
  EXPECT_EQ(Fault(Read(Header() + "1\tx\n", options)),
            std::string("log: is a Zeek log: ") + kMessage);
  options.format = RecordFormat::kZeek;
  EXPECT_EQ(Fault(Read(Header() + "1\tx\n", options)), kMessage);
  options = RecordOptions();
  options.delimiter = '\t';
  EXPECT_EQ(Fault(Read(Header() + "1\tx\n", options)),
            std::string("log: is a Zeek log: ") + kMessage);
  options = RecordOptions();
  options.format = RecordFormat::kZeek;
  options.value_bytes = 4;
  EXPECT_EQ(Fault(Read(Header(), options)),
            "--value-bytes is for raw records, not together with the options of text");
}

TEST_F(ZeekLogTest, AnotherFormatCanBeForced) {
  RecordOptions options;
  options.format = RecordFormat::kTsv;
  EXPECT_EQ(Read("#separator x\n#fields y\n", options), (Strings{"#separator x", "#fields y"}));
}

TEST_F(ZeekLogTest, FilesOfAnotherKindAreToldAsSuch) {
  const std::string log = files_.Write("conn.log", Header() + "1\tx\n");
  const std::string csv = files_.Write("table.csv", "a,b\nc,d\n");
  const std::string tsv = files_.Write("table.tsv", "a\tb\nc\td\n");
  const std::string raw = files_.Write("raw.bin", std::string("a\0b\n", 4));
  const std::string json = files_.Write("json.log", "{\"a\":1}\n");
  const auto fault = [&](const std::vector<std::string>& paths) { return Fault(ReadFiles(paths)); };
  const std::string one_kind = "; the files of one data set must be of one kind";
  EXPECT_EQ(fault({csv, log}),
            "conn.log: looks like a Zeek log, and table.csv like CSV" + one_kind);
  EXPECT_EQ(fault({tsv, log}),
            "conn.log: looks like a Zeek log, and table.tsv like TSV" + one_kind);
  EXPECT_EQ(fault({log, csv}), "table.csv: is not a Zeek log, but conn.log is" + one_kind);
  EXPECT_EQ(fault({csv, tsv}), "table.tsv: looks like TSV, and table.csv like CSV" + one_kind);
  EXPECT_EQ(fault({csv, csv, raw}),
            "raw.bin: looks like raw records, and table.csv like CSV" + one_kind);
  EXPECT_EQ(fault({csv, json}), "json.log: looks like JSON, and table.csv like CSV" + one_kind);
  EXPECT_EQ(fault({log, json}),
            "json.log:1: is in JSON; the Zeek reader needs a log with #separator and #fields");
  EXPECT_EQ(ReadFiles({csv, csv}).size(), 4U);
  // Rows of the same kind and another length have a line of their own.
  const std::string wide = files_.Write("wide.csv", "a,b,c\n");
  EXPECT_EQ(fault({csv, wide}), "wide.csv:1: 3 columns where the first row has 2");
}

TEST_F(ZeekLogTest, ARealLogGivesTheNumbersOfCutSortAndUniq) {
  const std::string path = std::string(INLAY_TEST_DATA_DIR) + "/zeek/conn.log";
  const auto counts = [&](const std::string& columns) {
    auto source = OpenRecords({path}, Columns(columns));
    EXPECT_TRUE(source.ok()) << source.status();
    absl::StatusOr<DistinctValues> distinct = CountDistinct(**source, 2);
    EXPECT_TRUE(distinct.ok()) << distinct.status();
    const Report report = BuildReport((*source)->schema(), *distinct, 2, 1);
    Strings shown = {std::to_string(report.records), std::to_string(report.distinct)};
    for (const auto& top : report.top) shown.push_back(std::to_string(top.count) + " " + top.text);
    schema_ = (*source)->schema();
    text_ = FullText(report);
    return shown;
  };
  // grep -v '^#' conn.log | cut -f7,12 | sort | uniq -c | sort -rn
  EXPECT_EQ(counts("proto,conn_state"), (Strings{"21", "11", "4 udp\tSF", "3 icmp\tOTH"}));
  EXPECT_EQ(counts("id.resp_h,id.resp_p,proto"),
            (Strings{"21", "14", "5 75.126.203.78\t80\ttcp", "3 75.126.130.163\t80\ttcp"}));
  EXPECT_EQ(schema_.fields[0].type_name, "addr");
  EXPECT_EQ(schema_.fields[1].type_name, "port");
  EXPECT_NE(text_.find("Zeek log, 3 of 21 columns, 21 records.\n"), std::string::npos) << text_;
}

// Random logs with headers and comments in all places, against the rows that were put in; long
// enough that lines are cut at the readers' blocks.
TEST_F(ZeekLogTest, RandomLogsKeepTheirRows) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  for (int round = 0; round < 12; ++round) {
    const bool comma = below(2) == 0;
    const std::string header = Header("a\tb\tc", "int\tint\tint", comma ? "\\x2c" : "\\x09");
    const char separator = comma ? ',' : '\t';
    std::string text = header;
    std::map<std::string, uint64_t> expected;
    const unsigned rows = 1 + below(round < 8 ? 20 : 40'000);
    for (unsigned i = 0; i < rows; ++i) {
      switch (below(20)) {
        case 0:
          text += header;
          break;
        case 1:
          text += "#close" + std::string(1, separator) + "2020\n";
          break;
        default:
          break;
      }
      const std::string row = std::to_string(below(30)) + separator + std::to_string(below(3)) +
                              separator + "\"" + std::string(below(30), '#');
      ++expected[row];
      text += row + (below(8) == 0 ? "\r\n" : "\n");
    }
    auto source = OpenRecords({files_.Write("log", text)}, {});
    ASSERT_TRUE(source.ok()) << source.status();
    absl::StatusOr<DistinctValues> distinct = CountDistinct(**source, 1 + below(3));
    ASSERT_TRUE(distinct.ok()) << distinct.status();
    std::map<std::string, uint64_t> counted;
    for (const CountedValue& value : distinct->values()) {
      counted[std::string(reinterpret_cast<const char*>(value.data), value.length)] = value.count;
    }
    EXPECT_EQ(counted, expected);
    EXPECT_EQ((*source)->bytes_read(), text.size());
  }
}

}  // namespace
}  // namespace inlay::analysis
