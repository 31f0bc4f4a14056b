#include "tools/analysis/dumps/dump_records.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/tools/analysis/readers/dump_reading.h"

namespace inlay::analysis {
namespace {

class DumpRecordsTest : public DumpReadingTest {
 protected:
  std::string Message(std::string_view text, RecordFormat format = RecordFormat::kBpftool) {
    RecordOptions options;
    options.format = format;
    return MessageFor(text, options);
  }
};

TEST_F(DumpRecordsTest, EveryFormOfATypedDumpGivesTheSameRows) {
  const Dump plain = ReadDump({SampleDump("conf_map.btf.plain.txt")});
  ASSERT_TRUE(plain.ok) << plain.values[0];
  EXPECT_EQ(plain.schema.format_name, "Dump of bpftool");
  ASSERT_EQ(plain.values.size(), 5U);
  EXPECT_EQ(plain.values[0],
            "4000000000,-15,19,-3,1460,6,true,TIER_BRONZE,8083,6,-3,50462912,"
            "192,0,2,3,0,0,0,0,0,0,0,0,0,0,0,0,cubic,3,4,5,6,0x3,0x3,0x3eb");
  EXPECT_EQ(plain.schema.binary_bytes, std::nullopt);
  const Strings names = plain.names();
  EXPECT_EQ(names.front(), "limit_bps");
  EXPECT_EQ(names[8], "in.port");
  EXPECT_EQ(names[12], "peer.b[0]");
  EXPECT_EQ(names[29], "hist[0]");
  EXPECT_EQ(names.back(), "f_c");
  for (const char* form : {"conf_map.btf.j.json", "conf_map.btf.jp.json"}) {
    const Dump json = ReadDump({SampleDump(form)});
    EXPECT_EQ(json.values, plain.values) << form;
    EXPECT_EQ(json.names(), names) << form;
    EXPECT_EQ(json.schema.binary_bytes, 88U) << form;
    EXPECT_EQ(json.notes, Strings()) << form;
    ASSERT_EQ(json.bytes.size(), 5U) << form;
    EXPECT_EQ(json.bytes[0].size(), 2 * 88U) << form;
  }
}

TEST_F(DumpRecordsTest, AScalarIsOneField) {
  const Strings expected = {"1", "4294967296", "9223372036854775808", "18446744073709551615", "0"};
  for (const char* form : {"ctr_map.btf.plain.txt", "ctr_map.btf.j.json", "ctr_map.btf.jp.json"}) {
    const Dump dump = ReadDump({SampleDump(form)});
    EXPECT_EQ(dump.values, expected) << form;
    EXPECT_EQ(dump.names(), Strings{"value"}) << form;
  }
}

TEST_F(DumpRecordsTest, EachCpuOfAPerCpuMapIsARecord) {
  const Strings note = {"A per-CPU map: the value of each CPU is a record, 6 of 3 keys."};
  for (const char* form :
       {"pcpu_map.btf.plain.txt", "pcpu_map.btf.j.json", "pcpu_map.btf.jp.json"}) {
    const Dump dump = ReadDump({SampleDump(form)});
    EXPECT_EQ(dump.values, (Strings{"200", "201", "100", "101", "0", "1"})) << form;
    ASSERT_FALSE(dump.notes.empty()) << form;
    EXPECT_EQ(dump.notes[0], note[0]) << form;
    EXPECT_EQ(dump.notes.size(), dump.schema.has_bytes_column ? 1U : 2U) << form;
  }
  std::string expected;
  for (const char last : {'\2', '\2', '\0', '\0', '\1', '\1'})
    expected += std::string("\1\2\3\4\5\6\7") + last;
  for (const char* form : {"nobtfpc.plain.txt", "nobtfpc.j.json", "nobtfpc.jp.json"}) {
    const Dump dump = ReadDump({SampleDump(form)});
    EXPECT_EQ(dump.schema.kind, RecordSchema::Kind::kRaw) << form;
    EXPECT_EQ(dump.schema.value_bytes, 8U) << form;
    std::string all;
    for (const std::string& value : dump.values) all += value;
    EXPECT_EQ(all, expected) << form;
    EXPECT_EQ(dump.notes, note) << form;
  }
}

TEST_F(DumpRecordsTest, ADumpWithoutTypesHasRawRecordsInEveryForm) {
  for (const auto& [map, bytes] : {std::pair("nobtf4", 8U), std::pair("nobtf16", 24U)}) {
    const Dump plain = ReadDump({SampleDump(absl::StrCat(map, ".plain.txt"))});
    ASSERT_TRUE(plain.ok) << plain.values[0];
    EXPECT_EQ(plain.schema.kind, RecordSchema::Kind::kRaw);
    EXPECT_EQ(plain.schema.value_bytes, bytes);
    ASSERT_EQ(plain.values.size(), 3U);
    EXPECT_EQ(ReadDump({SampleDump(absl::StrCat(map, ".j.json"))}).values, plain.values);
    EXPECT_EQ(ReadDump({SampleDump(absl::StrCat(map, ".jp.json"))}).values, plain.values);
  }
  EXPECT_EQ(ReadDump({SampleDump("nobtf4.plain.txt")}).values[0], "\1\1\2\3\4\5\6\xFF");
}

TEST_F(DumpRecordsTest, EmptyDumpsExplainThemselves) {
  const std::string why =
      ":1: the dump is empty: bpftool prints '[]' for a map without entries, and also, with exit "
      "code 244, for a map of socket storage, which it cannot read; that needs a BPF iterator, see "
      "docs/analyze.md";
  for (const char* name : {"sk_map.dump.stdout", "sk_map.dump-j.stdout", "sk_map.dump-jp.stdout"}) {
    EXPECT_EQ(ReadDump({SampleDump(name)}).values, Strings{SampleDump(name) + why});
  }
  EXPECT_EQ(Message("Found 0 elements\n"), "F:1: the dump is empty: the map has no entries");
  EXPECT_EQ(Message(""), "F: is empty");
}

TEST_F(DumpRecordsTest, EveryCutOfADumpOfBpftoolIsAnError) {
  for (const char* name :
       {"conf_map.btf.plain.txt", "conf_map.btf.j.json", "pcpu_map.btf.jp.json", "nobtf4.plain.txt",
        "nobtf16.plain.txt", "nobtfpc.plain.txt", "nobtf16.jp.json"}) {
    const std::string whole = SampleDumpText(name);
    const size_t end = whole.find_last_of("]s");  // what is behind it is not needed
    ASSERT_NE(end, std::string::npos);
    // Each cut for the small ones, and some of each kind for the others.
    const size_t step = whole.size() < 1000 ? 1 : 13;
    for (size_t bytes = 1; bytes < end; bytes += step) {
      RecordOptions options;
      options.format = RecordFormat::kBpftool;
      const std::string head = whole.substr(0, bytes);
      if (head.ends_with("element")) continue;  // whole: bpftool says so for one
      const Dump dump = ReadText(head, options);
      EXPECT_FALSE(dump.ok) << name << " cut to " << bytes << " bytes";
    }
  }
  EXPECT_EQ(Message("[{\"key\":1,\"value\":7},\n{\"key\":2,\"value\":8},\n{\"key\":3,"),
            "F:3: the dump is cut: it ends here, after 2 records");
  EXPECT_EQ(Message("[{\"key\":1,\"value\":7},\n{\"key\":2,\"value\":\"ab"),
            "F:2: the file ends inside a string, after 1 record");
  EXPECT_EQ(Message("key: 01  value: 02\nkey: 02  value: 03\nkey: 03  val"),
            "F:3: the dump is cut: it ends here, after 2 records, without the line 'Found .. "
            "elements'");
  EXPECT_EQ(Message("key: 01  value: 02\nFound 2 elements\n"),
            "F:2: bpftool found 2 elements but 1 are here: the dump is incomplete");
}

TEST_F(DumpRecordsTest, WhatIsNoDumpIsRejected) {
  EXPECT_EQ(Message("{\"error\":\"x\"}"),
            "F:1: not a dump of bpftool: the '[' at its start is missing");
  EXPECT_EQ(Message("[1,2]"), "F:1: not a dump of bpftool: the '{' of an entry is missing");
  EXPECT_EQ(Message("[{\"key\":1}]"), "F:1: not a dump of bpftool: this entry has no value");
  EXPECT_EQ(Message("[{\"value\":1}] x"),
            "F:1: not a dump of bpftool: the end of the file after the last ']' is missing");
  EXPECT_EQ(Message("[{\"value\" 1}]"),
            "F:1: not a dump of bpftool: a ':' after a name is missing");
  EXPECT_EQ(Message("[{\"id\":1,\"elements\":[]}]"),
            "F:1: this dump holds several maps of one name: dump one by its id");
  EXPECT_EQ(Message("[{\"value\":\"\\q\"}]"),
            "F:1: an unknown escape in a string, after 0 records");
  EXPECT_EQ(Message("one two"),
            "F:1: not a dump of bpftool: 'key:', 'value:' or 'Found' is missing");
  EXPECT_EQ(Message("key: 01 02\nvalue: 0x\nFound"),
            "F:2: not a dump of bpftool: a byte of the value, two hexadecimal digits, is missing");
  std::string deep = "[{\"value\":";
  for (int i = 0; i < 100; ++i) deep += "{\"a\":";
  EXPECT_EQ(Message(deep), "F:1: more than 64 nested types");
}

TEST_F(DumpRecordsTest, ValuesMustAgreeWithTheFirst) {
  EXPECT_EQ(Message("[{\"value\":{\"a\":1}},\n{\"value\":{\"b\":1}}]"),
            "F:2: this value has a field 'b' where the first one has 'a'");
  EXPECT_EQ(Message("[{\"value\":{\"a\":1}},\n{\"value\":{\"a\":1,\"b\":1}}]"),
            "F:2: this value has a field 'b', which the first one lacks");
  EXPECT_EQ(Message("[{\"value\":{\"a\":1,\"b\":1}},\n{\"value\":{\"a\":1}}]"),
            "F:2: this value has no field 'b', which the first one has");
  EXPECT_EQ(Message("[{\"value\":[\"0x01\"]},\n{\"value\":[\"0x01\",\"0x02\"]}]"),
            "F:2: this value has 2 bytes where the first one has 1");
  EXPECT_EQ(Message("[{\"value\":[\"0x01\"]},\n{\"value\":1}]"),
            "F:2: this value has fields, and the first one has only bytes");
}

TEST_F(DumpRecordsTest, ColumnsAreFieldsByTheirPaths) {
  RecordOptions options;
  options.columns = "in.port,f_a,tier,1";
  const Dump dump = ReadDump({SampleDump("conf_map.btf.j.json")}, options);
  ASSERT_TRUE(dump.ok) << dump.values[0];
  EXPECT_EQ(dump.values[0], "8083,0x3,TIER_BRONZE,4000000000");
  EXPECT_EQ(dump.names(), (Strings{"in.port", "f_a", "tier", "limit_bps"}));
  EXPECT_EQ(dump.schema.binary_bytes, std::nullopt) << "the size of some fields is not known";
  EXPECT_FALSE(dump.schema.has_bytes_column) << "the bytes hold more than these fields";
  options.columns = "nope";
  EXPECT_EQ(ReadDump({SampleDump("ctr_map.btf.j.json")}, options).values,
            Strings{SampleDump("ctr_map.btf.j.json") +
                    ":1: unknown column 'nope'; the header has: 'value'"});
  options.columns = "1";
  EXPECT_EQ(ReadDump({SampleDump("nobtf4.j.json")}, options).values,
            Strings{SampleDump("nobtf4.j.json") +
                    ":1: --columns needs fields, and this dump has only bytes"});
}

TEST_F(DumpRecordsTest, BytesBetweenTheFieldsAreRead) {
  const Dump dump = ReadText(
      "[{\"key\":[\"0x00\"],\"value\":[\"0x01\",\"0x00\"],\"formatted\":{\"key\":0,\"value\":{"
      "\"a\":1}}},"
      "{\"key\":[\"0x01\"],\"value\":[\"0x01\",\"0xff\"],\"formatted\":{\"key\":1,\"value\":{\"a\":"
      "1}}}]");
  EXPECT_EQ(dump.values, (Strings{"1", "1"}));
  EXPECT_EQ(dump.schema.binary_bytes, 2U);
  EXPECT_EQ(dump.bytes, (Strings{"0100", "01ff"}));
  EXPECT_EQ(dump.notes, Strings());
}

TEST_F(DumpRecordsTest, ArraysOfCharMayBeStringsInOneValueAndNumbersInAnother) {
  EXPECT_EQ(ReadText("[{\"value\":{\"cc\":\"ab\",\"n\":1}},{\"value\":{\"cc\":[97,-1,0],\"n\":2}}]")
                .values,
            (Strings{"ab,1", "\"[97,-1,0]\",2"}));
  EXPECT_EQ(ReadText("[{\"value\":{\"cc\":[97,-1,0],\"n\":2}},{\"value\":{\"cc\":\"ab\",\"n\":1}}]")
                .values,
            (Strings{"97,-1,0,2", "97,98,0,1"}));
}

TEST_F(DumpRecordsTest, EntriesWithoutAKeyOrAValueAreAccepted) {
  EXPECT_EQ(ReadText("[{\"value\":5},{\"value\":6}]").values, (Strings{"5", "6"}));
  EXPECT_EQ(ReadText("value: 05\nvalue: 06\nFound 2 elements\n").values, (Strings{"\5", "\6"}));
  const Strings note = {"1 entry was deleted while bpftool read the map and is no record."};
  const Dump json = ReadText(
      "[{\"key\":[\"0x01\"],\"value\":{\"error\":\"No such file or directory\"}},"
      "{\"key\":[\"0x02\"],\"value\":[\"0x06\"]}]");
  EXPECT_EQ(json.values, Strings{"\6"});
  EXPECT_EQ(json.notes, note);
  EXPECT_EQ(json.doubts, Strings());
  const Dump plain = ReadText("key: 01  value: <no entry>\nkey: 02  value: 06\nFound 1 element\n");
  EXPECT_EQ(plain.values, Strings{"\6"});
  EXPECT_EQ(plain.notes, note);
}

// No error at any place rejects another entry.
TEST_F(DumpRecordsTest, EntriesWithErrorsRejectNothingElse) {
  const std::string doubt =
      "1 entry has an error in place of the value and is no record: 'Operation not permitted'.";
  for (const char* text :
       {"key:\n00 00\nvalue:\nOperation not permitted\nkey: 02 00  value: 06\nFound 1 element\n",
        "key: 02 00  value: 06\nkey: 00 00  value: Operation not permitted\nFound 1 element\n",
        "[{\"key\":[\"0x00\"],\"value\":{\"error\":\"Operation not permitted\"}},"
        "{\"key\":[\"0x02\"],\"value\":[\"0x06\"]}]",
        "[{\"key\":[\"0x02\"],\"value\":[\"0x06\"]},"
        "{\"key\":[\"0x00\"],\"value\":{\"error\":\"Operation not permitted\"}}]"}) {
    const Dump dump = ReadText(text);
    EXPECT_EQ(dump.values, Strings{"\6"}) << text;
    EXPECT_EQ(dump.doubts, Strings{doubt}) << text;
  }
  // Between the entries of the plain form, before, behind and between them.
  const std::string entry = "{\n        \"key\": 2,\n        \"value\": 6\n    }";
  const std::string error = "key: 00 00  value: Operation not permitted\n";
  const std::string gone = "key: 01 00  value: <no entry>\n";
  for (const std::string& text :
       {"[" + error + entry + "\n]\n", "[" + entry + error + gone + "," + entry + "\n]\n",
        "[" + gone + error + entry + "," + entry + gone + "\n]\n",
        "[" + entry + "," + error + entry + "\n]\n"}) {
    const Dump dump = ReadText(text);
    ASSERT_TRUE(dump.ok) << dump.values[0] << text;
    EXPECT_EQ(dump.values[0], "6") << text;
    EXPECT_EQ(dump.notes[dump.notes[0].find("deleted") == std::string::npos ? 0 : 1], doubt);
  }
  for (const char* text : {"key: 00  value: Invalid argument\nFound 0 elements\n",
                           "key:\n00\nvalue:\nInvalid argument\nkey:\n01\nvalue:\nInvalid "
                           "argument\nFound 0 elements\n",
                           "[key: 00  value: Invalid argument\n]\n",
                           "[{\"key\":[\"0x00\"],\"value\":{\"error\":\"Invalid argument\"}}]"}) {
    EXPECT_EQ(Message(text),
              "F: no entry has a value: bpftool could not read any of them, 'Invalid argument'")
        << text;
  }
}

TEST_F(DumpRecordsTest, AStructMayHaveAMemberNamedError) {
  EXPECT_EQ(ReadText("[{\n\"key\": 1,\n\"value\": {\n\"error\": \"refused\"\n}\n},{\n\"key\": 2,\n"
                     "\"value\": {\n\"error\": \"timeout\"\n}\n}\n]\n")
                .values,
            (Strings{"refused", "timeout"}));
  EXPECT_EQ(ReadText("[{\"key\":[\"0x01\"],\"value\":[\"0x72\",\"0x00\"],\"formatted\":{\"key\":1,"
                     "\"value\":{\"error\":\"r\"}}}]")
                .values,
            Strings{"r"});
  // Such dumps after jq.
  EXPECT_EQ(ReadText("[{\"value\":{\"error\":\"refused\"}},{\"value\":{\"error\":\"x\"}}]").values,
            (Strings{"refused", "x"}));
  EXPECT_EQ(
      ReadText("[{\"value\":[\"0x06\"]},{\"value\":{\"error\":\"Invalid argument\"}}]").values,
      Strings{"\6"});
}

TEST_F(DumpRecordsTest, AKeyThatOccursAgainIsADoubt) {
  const std::string three =
      "[{\"key\":[\"0x01\"],\"value\":[\"0x06\"]},{\"key\":[\"0x02\"],\"value\":[\"0x06\"]},"
      "{\"key\":[\"0x01\"],\"value\":[\"0x06\"]}]";
  const std::string plain =
      "key: 01  value: 06\nkey: 02  value: 06\nkey: 01  value: 06\n"
      "Found 3 elements\n";
  const std::string typed =
      "[{\"key\":{\"a\":1},\"value\":6},{\"key\":{\"a\":2},\"value\":6},{\"key\":{\"a\":1},"
      "\"value\":6}]";
  for (const std::string& text : {three, plain, typed}) {
    const Dump dump = ReadText(text);
    EXPECT_EQ(dump.values.size(), 3U);
    ASSERT_EQ(dump.doubts.size(), 1U) << text;
    EXPECT_TRUE(dump.doubts[0].starts_with("1 entry has the key of an earlier entry"))
        << dump.doubts[0];
  }
  // The same keys in two dumps are two states of a map.
  const std::string once = files_.Write("once", "key: 01  value: 06\nFound 1 element\n");
  EXPECT_EQ(ReadDump({once, once}).doubts, Strings());
}

// Text alone is reliable only if bpftool and the programs behind it lose nothing.
TEST_F(DumpRecordsTest, TextThatCannotBeBelievedIsADoubt) {
  const auto doubts = [this](const std::string& value, const std::string& another) {
    return ReadText("[{\"key\":1,\"value\":{\"a\":" + value +
                    "}},{\"key\":2,\"value\":{\"a\":" + another + "}}]")
        .doubts;
  };
  EXPECT_EQ(doubts("1", "9007199254740991"), Strings());
  EXPECT_EQ(doubts("true", "\"TIER_GOLD\""), Strings());
  EXPECT_EQ(doubts("\"0x3eb\"", "(nil)"), Strings());
  for (const auto& [value, another, start] : std::vector<std::array<std::string, 3>>{
           {"1", "18446744073709552000", "Numbers above 2^53 in 'a' look rounded"},
           {"1", "1.8446744073709552e+19", "Numbers above 2^53 in 'a' look rounded"},
           {"1", "9007199254740994", "Numbers above 2^53 in 'a' look rounded"},
           {"1", "-9223372036854775808", "Numbers above 2^53 in 'a' look rounded"},
           {"1", "(unsupported-kind", "bpftool cannot print 'a', such as a floating point number"},
           {"\"cubic\"", "\"bbr\"", "bpftool prints text only up to its first zero byte"}}) {
    const Strings found = doubts(value, another);
    ASSERT_EQ(found.size(), 1U) << another;
    EXPECT_TRUE(found[0].starts_with(start)) << found[0];
    EXPECT_NE(found[0].find("'bpftool -j map dump' has the bytes"), std::string::npos) << found[0];
  }
  // No double holds one of them, so none went through one.
  EXPECT_EQ(doubts("9007199254740993", "9007199254740994"), Strings());
  // In the layout of bpftool itself no other program has rounded anything.
  EXPECT_EQ(
      ReadText("[{\n        \"key\": 1,\n        \"value\": 9007199254740994\n    }\n]\n").doubts,
      Strings());
}

TEST_F(DumpRecordsTest, StringsKeepTheirText) {
  EXPECT_EQ(ReadText(R"([{"value":{"s":"a,b\"c\"\n\u00e9\ud83d\ude00\ud800x\'"}}])").values,
            Strings{"\"a,b\"\"c\"\"\n\xC3\xA9\xF0\x9F\x98\x80\xEF\xBF\xBDx'\""});
  EXPECT_EQ(ReadText("[{\"value\":{\"\":{\"a\":1},\"p\":(nil)}}]").names(), (Strings{"a", "p"}));
}

TEST_F(DumpRecordsTest, FieldsAndBytesHaveLimits) {
  std::string numbers = "1";
  for (size_t i = 1; i < 4096; ++i) numbers += ",1";
  EXPECT_EQ(ReadText("[{\"value\":[" + numbers + "]}]").names().size(), 4096U);
  EXPECT_EQ(Message("[{\"value\":[" + numbers + ",1]}]"),
            "F:1: this value has more fields than the limit of 4096");
  std::string bytes = "\"0x01\"";
  for (size_t i = 1; i < 65536; ++i) bytes += ",\"0x01\"";
  EXPECT_EQ(ReadText("[{\"value\":[" + bytes + "]}]").schema.value_bytes, 65536U);
  EXPECT_EQ(Message("[{\"value\":[" + bytes + ",\"0x01\"]}]"),
            "F:1: this value is longer than the limit of 65536 bytes");
}

TEST_F(DumpRecordsTest, SeveralFilesAreOneStream) {
  const Dump dump =
      ReadDump({SampleDump("ctr_map.btf.plain.txt"), SampleDump("ctr_map.btf.j.json")});
  EXPECT_EQ(dump.values.size(), 10U);
  const std::string empty = files_.Write("empty", "");
  EXPECT_EQ(ReadDump({SampleDump("ctr_map.btf.plain.txt"), empty}).values,
            Strings{empty + ": is empty"});
}

// A struct of random members and random values of it, written as the three forms of bpftool.
TEST_F(DumpRecordsTest, RandomValuesAreReadAsTheyWereWritten) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const auto below = [&](int limit) {
    return static_cast<int>(random() % static_cast<unsigned>(limit));
  };
  for (int round = 0; round < 20; ++round) {
    // Members: the elements of an array, 0 for a number, and in a struct or not.
    struct Member {
      int elements;
      bool nested;
    };
    std::vector<Member> members(static_cast<size_t>(1 + below(12)));
    for (Member& member : members) member = {below(3) == 0 ? 1 + below(5) : 0, below(3) == 0};
    std::string plain = "[";
    std::string json = "[";
    std::string pretty = "[";
    Strings expected;
    const int records = 1 + below(2000);
    for (int record = 0; record < records; ++record) {
      std::string row;
      std::string compact;
      std::string spread;
      for (size_t i = 0; i < members.size(); ++i) {
        std::string text;
        if (members[i].elements == 0) {
          text = std::to_string(below(1000) - 500);
          row += "," + text;
        } else {
          for (int element = 0; element < members[i].elements; ++element) {
            const std::string number = std::to_string(below(7));
            text += (element == 0 ? "" : ",") + number;
            row += "," + number;
          }
          text = "[" + text + "]";
        }
        const std::string name = absl::StrCat("m", i);
        const std::string before = i == 0 ? "" : ",";
        compact +=
            before + "\"" + name + "\":" + (members[i].nested ? "{\"x\":" + text + "}" : text);
        spread += before + "\n            \"" + name +
                  "\": " + (members[i].nested ? "{\n \"x\": " + text + "\n }" : text);
      }
      expected.push_back(row.substr(1));
      const char* const comma = record == 0 ? "" : ",";
      absl::StrAppend(&plain, comma, "{\n \"key\": 1,\n \"value\": {", spread, "\n }\n }");
      const std::string head = "{\"key\":[\"0x01\"],\"value\":[\"0x00\",\"0x01\"],";
      absl::StrAppend(&json, comma, head, "\"formatted\":{\"key\":1,\"value\":{", compact, "}}}");
      absl::StrAppend(&pretty, comma, head, "\n \"formatted\": {\n\"key\": 1,\n\"value\": {",
                      spread, "\n}\n}\n}");
    }
    for (const std::string& text : {plain, json, pretty}) {
      const Dump dump = ReadText(text + "\n]\n");
      ASSERT_TRUE(dump.ok) << dump.values[0];
      ASSERT_EQ(dump.values, expected);
    }
  }
}

}  // namespace
}  // namespace inlay::analysis
