#include "tools/analysis/readers/delimited_records.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "tests/tools/analysis/readers/record_reading.h"
#include "tests/tools/strings.h"
#include "tests/tools/temporary_files.h"

namespace inlay::analysis {
namespace {

class DelimitedRecordsTest : public testing::Test {
 protected:
  // The values, or the message of the error as the only one.
  Strings ReadFiles(std::vector<std::string> paths, DelimitedOptions options) {
    absl::StatusOr<Inputs> inputs = Inputs::Open(std::move(paths));
    if (!inputs.ok()) return {std::string(inputs.status().message())};
    absl::StatusOr<std::unique_ptr<RecordSource>> source =
        OpenDelimitedRecords(*std::move(inputs), std::move(options));
    if (!source.ok()) return {std::string(source.status().message())};
    schema_ = (*source)->schema();
    absl::StatusOr<Strings> values = ReadAll(**source);
    if (!values.ok()) return {std::string(values.status().message())};
    return *values;
  }

  Strings Read(const std::string& content,
               DelimitedOptions options = {kCsvDialect, "", std::nullopt}) {
    return ReadFiles({files_.Write("table", content)}, std::move(options));
  }

  // The message of an error in a file called "table", without the folder.
  static std::string At(const Strings& values) {
    if (values.size() != 1) return "no error";
    const size_t slash = values[0].rfind("/table");
    return slash == std::string::npos ? values[0] : values[0].substr(slash + 1);
  }

  Strings FieldNames() const {
    Strings names;
    for (const ValueField& field : schema_.fields) names.push_back(field.name);
    return names;
  }

  TemporaryFiles files_;
  RecordSchema schema_;
};

TEST_F(DelimitedRecordsTest, EveryLineEndWorks) {
  EXPECT_EQ(Read("a,b\nc,d\n"), (Strings{"a,b", "c,d"}));
  EXPECT_EQ(Read("a,b\r\nc,d\r\n"), (Strings{"a,b", "c,d"}));
  EXPECT_EQ(Read("a,b\nc,d"), (Strings{"a,b", "c,d"}));
  EXPECT_EQ(Read("\"a\",b\r\nc,d\r"), (Strings{"a,b", "c,d"}));
  EXPECT_EQ(Read("\xEF\xBB\xBFx,y\n"), (Strings{"x,y"})) << "a byte order mark is no text";
  EXPECT_EQ(Read("a\n\nb\n"), (Strings{"a", "", "b"})) << "an empty line is an empty cell";
}

TEST_F(DelimitedRecordsTest, ColumnsAreChosenInTheOrderAskedFor) {
  const std::string text = "a,b,c,d\ne,,g,h\n";
  EXPECT_EQ(Read(text, {kCsvDialect, "2-3", {}}), (Strings{"b,c", ",g"}));
  EXPECT_EQ(Read(text, {kCsvDialect, "4,1", {}}), (Strings{"d,a", "h,e"}));
  EXPECT_EQ(Read(text, {kCsvDialect, "1,3", {}}), (Strings{"a,c", "e,g"}));
  EXPECT_EQ(FieldNames(), (Strings{"c1", "c3"}));
  EXPECT_EQ(schema_.file_columns, 4U);
}

TEST_F(DelimitedRecordsTest, QuotedCellsAreReadAndComparedByTheirText) {
  EXPECT_EQ(Read("\"x\",y\nx,\"y\"\nx,y\n"), (Strings{"x,y", "x,y", "x,y"}));
  EXPECT_EQ(Read("\"x,y\",z\nx,\"y,z\"\n"), (Strings{"\"x,y\",z", "x,\"y,z\""}));
  EXPECT_EQ(Read("\"a\nb\",1\nc,2\n", {kCsvDialect, "2", {}}), (Strings{"1", "2"}));
  EXPECT_EQ(Read("\"a\nb\",1\nc,2\n", {kCsvDialect, "2,1", {}}), (Strings{"1,\"a\nb\"", "2,c"}));
  EXPECT_EQ(Read("a\t\"b\nc\td\"\n", {kTsvDialect, "", {}}), (Strings{"a\t\"b", "c\td\""}));
}

TEST_F(DelimitedRecordsTest, HeadersNameColumns) {
  EXPECT_EQ(Read("n,v\n1,x\n", {kCsvDialect, "", true}), (Strings{"1,x"}));
  EXPECT_EQ(FieldNames(), (Strings{"n", "v"}));
  EXPECT_EQ(Read("n,\"the v\"\n1,x\n", {kCsvDialect, "the v", std::nullopt}), (Strings{"x"}));
  EXPECT_EQ(FieldNames(), (Strings{"the v"}));
  EXPECT_EQ(Read("n,v\n1,x\n"), (Strings{"n,v", "1,x"}));
  EXPECT_TRUE(schema_.first_row_looks_like_header);
  EXPECT_EQ(Read("n,v\n1,x\n", {kCsvDialect, "", false}), (Strings{"n,v", "1,x"}));
  EXPECT_FALSE(schema_.first_row_looks_like_header) << "the user has said that it is none";
}

TEST_F(DelimitedRecordsTest, FilesAreOneStreamWithOneHeader) {
  const std::string first = files_.Write("first", "n,v\n1,x\n2,y");
  const std::string second = files_.Write("second", "n,v\n3,z\n");
  const std::string other = files_.Write("other", "n,w\n3,z\n");
  const std::string wider = files_.Write("wider", "1,2,3\n");
  EXPECT_EQ(ReadFiles({first, second}, {kCsvDialect, "", true}), (Strings{"1,x", "2,y", "3,z"}));
  EXPECT_EQ(ReadFiles({first, other}, {kCsvDialect, "", true}),
            (Strings{other + ":1: the header differs from that of " + first}));
  EXPECT_EQ(ReadFiles({first, wider}, {kCsvDialect, "", false}),
            (Strings{wider + ":1: 3 columns where the first row has 2"}));
}

TEST_F(DelimitedRecordsTest, ErrorsNameTheLine) {
  EXPECT_EQ(At(Read("a,b\nc,d,e\n")), "table:2: 3 columns where the first row has 2");
  EXPECT_EQ(At(Read("a,b\nc\n")), "table:2: 1 column where the first row has 2");
  EXPECT_EQ(At(Read("\"a\nb\",c\nd\n")), "table:3: 1 column where the first row has 2");
  EXPECT_EQ(At(Read("a,b\nc,\"d\n")),
            "table:2: a quote that is opened in this row is never closed");
  EXPECT_EQ(At(Read("a,b\n\"c\"x,d\n")), "table:2: text after the closing quote of a cell");
  EXPECT_EQ(At(Read("")), "table: is empty");
  EXPECT_EQ(At(Read("a,b\n", {kCsvDialect, "3", {}})),
            "table:1: column '3' is out of range: the file has 2 columns");
  EXPECT_EQ(At(Read("a,b\n", {kCsvDialect, "x", {}})),
            "table:1: unknown column 'x'; did you mean 'a' or 'b'? The header has: 'a', 'b'");
}

// Far behind the first block, in a file of many of them.
TEST_F(DelimitedRecordsTest, ErrorsNameTheLineInLargeFiles) {
  for (const bool quoted : {false, true}) {
    std::string text;
    for (int i = 0; i < 200000; ++i) text += quoted && i % 1000 == 7 ? "\"q\n\",b\n" : "aa,b\n";
    const uint64_t bad_line = 200001 + (quoted ? 200 : 0);
    text += "bad\naa,b\n";
    EXPECT_EQ(At(Read(text)),
              "table:" + std::to_string(bad_line) + ": 1 column where the first row has 2");
  }
}

TEST_F(DelimitedRecordsTest, ALongRowIsAnErrorThatNamesTheLimit) {
  const std::string limit = std::to_string(kMaxRowBytes);
  const std::string longest(kMaxRowBytes, 'x');
  EXPECT_EQ(Read("a\n" + longest + "\nb\n"), (Strings{"a", longest, "b"}));
  EXPECT_EQ(Read("a\n" + longest + "\r\nb\n"), (Strings{"a", longest, "b"}));
  EXPECT_EQ(Read("a\n" + longest), (Strings{"a", longest}));
  EXPECT_EQ(At(Read("a\n" + longest + "x\nb\n")),
            "table:2: this row is longer than the limit of " + limit + " bytes");
  EXPECT_EQ(At(Read("a\n" + std::string(10'000'000, 'x') + "\nb\n", {kTsvDialect, "", {}})),
            "table:2: this row is longer than the limit of " + limit + " bytes");
  EXPECT_EQ(At(Read(std::string(10'000'000, 'x'))),
            "table:1: this row is longer than the limit of " + limit + " bytes");
  std::string unclosed = "a\n\"b\n";
  while (unclosed.size() < 3 * kMaxRowBytes) unclosed += "many lines\n";
  EXPECT_EQ(At(Read(unclosed)), "table:2: this row is longer than the limit of " + limit +
                                    " bytes; is a quote left open?");
}

// Rows that straddle every possible place of a block's end, with and without quotes.
TEST_F(DelimitedRecordsTest, RowsAcrossBlocksAreWhole) {
  for (const char* cell : {"plain", "\"quo\nted\""}) {
    std::string text;
    Strings expected;
    for (int i = 0; i < 60000; ++i) {
      const std::string number = std::to_string(i * 7919);
      text += number + "," + cell + "\n";
      expected.push_back(number);
    }
    EXPECT_EQ(Read(text, {kCsvDialect, "1", {}}), expected);
  }
}

TEST_F(DelimitedRecordsTest, ADelimiterThatIsALineEndOrAQuoteIsRefused) {
  const std::string message = "a line end or a quote cannot be the delimiter";
  for (const char delimiter : {'\n', '\r', '"'}) {
    EXPECT_EQ(Read("a\n", {{delimiter, true}, "", {}}), (Strings{message}));
  }
}

class LongCellsTest : public DelimitedRecordsTest {
 protected:
  // The notes on a CSV file, with F in place of its name; those that are doubts have a '!'.
  Strings Notes(const std::string& content) {
    const std::string path = files_.Write("file", content);
    absl::StatusOr<std::unique_ptr<RecordSource>> source =
        OpenDelimitedRecords(*Inputs::Open({path}), {kCsvDialect});
    EXPECT_TRUE(source.ok() && ReadAll(**source).ok());
    Strings notes;
    for (const InputNote& note : (*source)->Notes(0)) {
      notes.push_back((note.doubt ? "!" : "") + absl::StrReplaceAll(note.text, {{path, "F"}}));
    }
    return notes;
  }
};

TEST_F(LongCellsTest, QuotesThatSwallowRowsAreADoubt) {
  EXPECT_EQ(Notes("a,\"b,c\"\nd,e\n"), Strings());
  EXPECT_EQ(Notes("a,\"b\nc\"\nd,e\n"), Strings{"1 cell runs over several lines, in quotes."});
  EXPECT_EQ(Notes("a,\"Dear all,\n\nbye\"\nb,\"x\ny\"\n"),
            Strings{"2 cells run over several lines, in quotes."});
  for (const char* content : {"k1,As,Xx,a\nk2,\",Yy,a\nk3,As,Zz,a\nk5,\",Yy,a\nk6,As,Zz,c\n",
                              "k1,As,Xx,a\nk2,\",Yy,a\nk5,\",Yy,a\n", "k0,k\nk1,\"\nk2,\"\n",
                              "k1,a b,x\nk2,\"a b,x\nk3,a b,x\nk4,a\",x\n"}) {
    const Strings notes = Notes(content);
    ASSERT_EQ(notes.size(), 1U) << content;
    EXPECT_TRUE(notes[0].starts_with("!F:2: a quote starts a cell that spans several lines"))
        << notes[0];
  }
}

// Files that other programs write to during the read: the state at the end decides.
TEST_F(DelimitedRecordsTest, AFileThatChangesWhileItIsReadIsNotTrusted) {
  std::string rows;  // more than Inputs::Open() looks at
  for (int i = 0; i < 20; ++i) rows += "1,a\n";
  const std::string path = files_.Path("log");
  const auto read = [&](const std::function<void()>& change) -> Strings {
    files_.Write("log", rows);
    absl::StatusOr<Inputs> inputs = Inputs::Open({path});
    change();
    absl::StatusOr<std::unique_ptr<RecordSource>> source =
        OpenDelimitedRecords(*std::move(inputs), {kCsvDialect});
    if (!source.ok()) return {std::string(source.status().message())};
    const absl::StatusOr<Strings> values = ReadAll(**source);
    if (!values.ok()) return {std::string(values.status().message())};
    return DoubtsOf(**source);
  };
  const auto append = [&](const char* text) { std::ofstream(path, std::ios::app) << text; };
  EXPECT_EQ(read([] {}), Strings());
  EXPECT_EQ(read([&] { append("4,d\n"); }), Strings());
  EXPECT_EQ(
      read([&] { append("4,d"); }),
      Strings{path + ":21: the file was written to while it was read, and ends inside this row"});
  EXPECT_EQ(read([&] { std::filesystem::resize_file(path, 60); }),
            Strings{path + ": became shorter while it was read: 60 of 80 bytes were there"});
}

}  // namespace
}  // namespace inlay::analysis
