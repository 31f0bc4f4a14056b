#include "tools/analysis/readers/json_records.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/tools/analysis/readers/record_reading.h"
#include "tests/tools/strings.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::analysis {
namespace {

class JsonRecordsTest : public testing::Test {
 protected:
  // The values, or the message of the error as the only one, without the folder.
  Strings ReadFiles(const std::vector<std::string>& paths, const std::string& columns = "") {
    RecordOptions options;
    options.format = RecordFormat::kJson;
    options.columns = columns;
    auto source = OpenRecords(paths, options);
    if (!source.ok()) return {Message(source.status())};
    schema_ = (*source)->schema();
    absl::StatusOr<Strings> values = ReadAll(**source);
    if (!values.ok()) return {Message(values.status())};
    doubts_ = DoubtsOf(**source);
    return *values;
  }

  Strings Read(const std::string& content, const std::string& columns = "") {
    return ReadFiles({files_.Write("log", content)}, columns);
  }

  std::string Message(const absl::Status& status) const {
    std::string message(status.message());
    const size_t at = message.find(files_.Path(""));
    if (at != std::string::npos) message.erase(at, files_.Path("").size());
    return message;
  }

  Strings Names() const {
    Strings names;
    for (const ValueField& field : schema_.fields) names.push_back(field.name);
    return names;
  }

  TemporaryFiles files_;
  RecordSchema schema_;
  Strings doubts_;
};

TEST_F(JsonRecordsTest, LinesArraysAndObjectsBehindEachOtherAreTheSame) {
  const Strings expected = {"1,x", "2,y"};
  for (const char* text : {"{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n",
                           "[{\"a\":1,\"b\":\"x\"},\n {\"b\":\"y\",\"a\":2}]",
                           "{\n  \"a\": 1,\n  \"b\": \"x\"\n}\n{\"a\":2,\"b\":\"y\"}",
                           "[{\"a\":1,\"b\":\"x\"}]\n[]\n[{\"a\":2,\"b\":\"y\"}]\n",
                           "\xEF\xBB\xBF{\"a\":1,\"b\":\"x\"}\r\n\r\n{\"a\":2,\"b\":\"y\"}\r\n"}) {
    EXPECT_EQ(Read(text), expected) << text;
    EXPECT_EQ(Names(), (Strings{"a", "b"}));
  }
}

TEST_F(JsonRecordsTest, MissingMembersAreEmptyCells) {
  EXPECT_EQ(Read("{\"a\":1}\n{\"b\":\"\"}\n{}\n"), (Strings{"1,", ",\"\"\"\"\"\"", ","}));
  EXPECT_EQ(Read("{\"a\":{\"b\":1},\"c\":2}\n{\"c\":3}\n", "c,a.b"), (Strings{"2,1", "3,"}));
}

TEST_F(JsonRecordsTest, ErrorsNameTheLine) {
  EXPECT_EQ(Read("{\"a\":1}\n{\"a\":\ntru}\n"),
            (Strings{"log:3: bad JSON: a word that is no value of JSON at 'tru}'"}));
  EXPECT_EQ(Read("{\"a\":1}\n{\"a\":"),
            (Strings{"log:2: the file ends inside this object: it is cut"}));
  EXPECT_EQ(Read("[{\"a\":1},\n"), (Strings{"log:2: the file ends inside an array: it is cut"}));
  EXPECT_EQ(Read("[{\"a\":1}\n{\"a\":1}]"),
            (Strings{"log:2: a ',' or ']' is missing after an element"}));
  EXPECT_EQ(Read("{\"a\":1}\nError\n"),
            (Strings{"log:2: no object of JSON starts here: 'Error'; only objects are records"}));
  EXPECT_EQ(Read("[1]"),
            (Strings{"log:1: no object of JSON starts here: '1]'; only objects are records"}));
  EXPECT_EQ(Read("[]\n"), (Strings{"log: has no object"}));
  EXPECT_EQ(
      Read("{\"a\":\"" + std::string(kMaxObjectBytes, 'x') + "\"}"),
      (Strings{"log:1: this object is longer than the limit of 1048576 bytes; is a quote or a "
               "brace left open?"}));
}

TEST_F(JsonRecordsTest, UnknownNamesAreErrors) {
  EXPECT_EQ(Read("{\"proto\":1}\n", "prot"),
            (Strings{"log: unknown column 'prot'; did you mean 'proto'? The header has: 'proto'"}));
  // In a long file they may come later.
  std::string text;
  while (text.size() < (size_t{3} << 20)) text += "{\"a\":1}\n";
  EXPECT_EQ(Read(text, "a,late"), (Strings{"log: no object has the member 'late' of --columns"}));
  const Strings values = Read(text + "{\"late\":7}\n", "a,late");
  EXPECT_EQ(values.back(), ",7");
  EXPECT_EQ(values.front(), "1,");
}

TEST_F(JsonRecordsTest, MembersThatComeLateHaveAColumnOfTheirOwn) {
  std::string text;
  while (text.size() < (size_t{3} << 20)) text += "{\"a\":1}\n";
  const Strings values =
      Read(text + "{\"c\":\"x\",\"a\":2,\"b\":3}\n{\"b\":3,\"c\":\"x\",\"a\":2}");
  EXPECT_EQ(Names(), (Strings{"a", kOtherMembers}));
  EXPECT_EQ(values.front(), "1,");
  EXPECT_EQ(values.back(), "2,\"{\"\"b\"\":3,\"\"c\"\":\"\"x\"\"}\"");
  EXPECT_EQ(values[values.size() - 2], values.back()) << "in whatever order they are";
}

TEST_F(JsonRecordsTest, AMemberThatIsThereTwiceIsADoubt) {
  EXPECT_EQ(Read("{\"a\":1,\"a\":2}\n"), (Strings{"2"}));
  ASSERT_EQ(doubts_.size(), 1U);
  EXPECT_NE(doubts_[0].find("'a'"), std::string::npos) << doubts_[0];
  EXPECT_EQ(Read("{\"a.b\":1,\"a\":{\"b\":2}}\n"), (Strings{"2"}));
  EXPECT_EQ(doubts_.size(), 1U);
}

// Long enough that objects are cut where blocks end, read by several threads.
TEST_F(JsonRecordsTest, RandomObjectsKeepTheirValues) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const bool array : {false, true}) {
    std::map<std::string, uint64_t> expected;
    std::string text = array ? "[" : "";
    for (int i = 0; i < 60'000; ++i) {
      const std::string a = std::to_string(random() % 50);
      const std::string b = std::to_string(random() % 3);
      if (i != 0) text += array ? "," : "\n";
      text += random() % 2 == 0 ? "{\"a\":" + a + ",\"b\":\"x}" + b + "\"}"
                                : "{ \"b\" : \"x}" + b + "\",\n\"a\" : " + a + " }";
      ++expected[a + ",x}" + b];
    }
    text += array ? "]\n" : "\n";
    RecordOptions options;
    options.columns = "a,b";
    auto source = OpenRecords({files_.Write("log", text)}, options);
    ASSERT_TRUE(source.ok()) << source.status();
    absl::StatusOr<DistinctValues> distinct = CountDistinct(**source, 1 + random() % 3);
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
