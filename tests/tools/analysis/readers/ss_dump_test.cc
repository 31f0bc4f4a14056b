#include "tools/analysis/dumps/ss_dump.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/tools/analysis/readers/dump_reading.h"

namespace inlay::analysis {
namespace {

const std::string kHeader = "State Recv-Q Send-Q Local Address:Port  Peer Address:Port\n";
const std::string kSocket = "ESTAB 0      0          127.0.0.1:35439    127.0.0.1:48698\n";

class SsDumpTest : public DumpReadingTest {
 protected:
  std::string Message(std::string_view text, std::optional<uint32_t> map_id = std::nullopt) {
    RecordOptions options;
    options.format = RecordFormat::kSs;
    options.map_id = map_id;
    return MessageFor(text, options);
  }
};

TEST_F(SsDumpTest, EachSocketIsARecord) {
  const std::string first =
      "2000000000,-5,17,-1,1460,2,1,TIER_SILVER,8081,6,-1,16908480,[192],[],[],0x1,0x1";
  const std::string second =
      "1000000000,0,16,0,1460,0,0,TIER_BRONZE,8080,6,0,131264,[192],[],[],0x0,0x0";
  const Strings half(4, first);
  Strings all = half;
  all.insert(all.end(), 4, second);
  for (const char* name : {"ss_bpf-map-id.txt", "ss_bpf-maps.txt"}) {
    const Dump output = ReadDump({SampleDump(name)});
    EXPECT_EQ(output.values, all) << name;
    EXPECT_EQ(output.schema.format_name, "Output of ss");
    EXPECT_EQ(output.schema.fields[8].name, "in.port");
    EXPECT_EQ(output.schema.fields[12].name, "peer.b");
    EXPECT_EQ(output.schema.fields.size(), 17U);
    EXPECT_EQ(
        output.notes,
        (Strings{"8 values are cut: ss printed 'failed to dump data'. Only the fields before that "
                 "are compared, and values may differ in the others.",
                 "8 values have arrays that ss printed incompletely. It omits more than "
                 "zeroes, so different values may count as equal. A BPF iterator reads whole "
                 "arrays, see docs/analyze.md."}));
  }
  EXPECT_EQ(ReadDump({SampleDump("ss_tniem_bpf-maps.txt")}).values, half)
      << "with the noise of -iem";
}

TEST_F(SsDumpTest, MapsAreChosenById) {
  const std::string text = kHeader + kSocket +
                           "\tmap_id:7 [\n\t\t(__u64)1\n\t]\n\tmap_id:9 [\n\t\t(__u32)5\n\t]\n" +
                           kSocket + kSocket + "\tmap_id:12 [\n\t\t(__u32)6\n\t]\n";
  EXPECT_EQ(Message(text), "F:6: values of several maps: 7, 9, 12; choose one with --map-id N");
  RecordOptions options;
  options.map_id = 9;
  EXPECT_EQ(ReadText(text, options).values, Strings{"5"});
  options.map_id = 12;
  EXPECT_EQ(ReadText(text, options).values, Strings{"6"});
  EXPECT_EQ(Message(text, 8), "F: no socket has a value of map 8; the maps here: 7, 9, 12");
  EXPECT_EQ(Message(kHeader + kSocket),
            "F: no socket has a value of a BPF map; did ss run as root with --bpf-maps?");
  options.map_id = 9;
  EXPECT_EQ(ReadDump({SampleDump("ctr_map.btf.j.json")}, options).values,
            Strings{"--map-id is for the output of ss"});
}

TEST_F(SsDumpTest, ArraysAreOneFieldEach) {
  const std::string text =
      kSocket +
      "\tmap_id:1 [\n\t\t(struct s){\n.c = (char[3])['a','''],\n.n = (int[2])[1,2,],\n"
      ".m = (char[4])[200,'x','y',],\n.p = (struct p[2])[(struct p){.x = (int)1,.y = (int)-2,},"
      "{.x = (int)3,},],\n.t = (int[2][2])[(int[2])[1,],[2,3,],],(struct){.anon = "
      "(int)4,},}\n\t]\n";
  const Dump output = ReadText(text);
  EXPECT_EQ(output.values, Strings{"['a'''],[1 2],[200 'xy'],[{1 -2} {3}],[[1] [2 3]],4"});
  ASSERT_EQ(output.notes.size(), 1U);
  EXPECT_TRUE(output.notes[0].starts_with("1 value has arrays that ss printed incompletely"));
  const std::string whole = kSocket + "\tmap_id:1 [\n\t\t(int[2])[1,2,]\n\t]\n";
  EXPECT_EQ(ReadText(whole).values, Strings{"[1 2]"});
  EXPECT_EQ(ReadText(whole).notes, Strings());
}

TEST_F(SsDumpTest, OneLineForSocketsIsTheSame) {
  EXPECT_EQ(
      ReadText(kHeader + "ESTAB 0 0 a:1 b:2 map_id:1 [(struct s){.a = (int)1,.b = (int)2,} ] x\n"
                         "ESTAB 0 0 a:1 b:2 map_id:1 [(struct s){.a = (int)3,.b = (int)4,} ] x\n")
          .values,
      (Strings{"1,2", "3,4"}));
}

TEST_F(SsDumpTest, ACutValueHasTheFieldsBeforeTheCut) {
  const std::string cut = "\tmap_id:1 [\n(struct s){\n.a = (int)1,\nfailed to dump data: -7\n\t]\n";
  const std::string nested =
      "\tmap_id:1 [\n(struct s){\n.a = (int)3,\n.b = (struct t){\nfailed to dump data: -7\n\t]\n";
  const std::string whole =
      "\tmap_id:1 [\n(struct s){\n.a = (int)1,\n.b = (struct t){.x = (int)2,},}\n\t]\n";
  const Dump output = ReadText(kHeader + cut + nested + whole);
  EXPECT_EQ(output.values, (Strings{"1,", "3,", "1,2"}));
  EXPECT_EQ(output.schema.fields.back().name, "b.x");
  EXPECT_EQ(
      output.notes,
      Strings{"2 values are cut: ss printed 'failed to dump data'. Only the fields before that "
              "are compared, and values may differ in the others."});
  EXPECT_EQ(ReadText(kHeader + "\tmap_id:1 [\n(enum e)failed\n\t]\n").values, Strings{"failed"});
}

TEST_F(SsDumpTest, BrokenOutputIsAnError) {
  EXPECT_EQ(Message(kHeader + "\tmap_id:1 [\n(int)1\n]\n\tmap_id:1 [\n(struct s){\n.a = (int)1,\n"),
            "F:8: the output of ss is cut: it ends here, inside a value, after 1 record");
  EXPECT_EQ(Message(kHeader + "\tmap_id:1 [\n(struct s){\na = 1}\n]\n"),
            "F:4: not a value as ss prints it: a member of a struct is missing, after 0 records");
  EXPECT_EQ(
      Message(kHeader + "\tmap_id:1 [\n(struct s){.a (int)1}\n]\n"),
      "F:3: not a value as ss prints it: a '=' after the name of a member is missing, after 0 "
      "records");
  EXPECT_EQ(Message(kHeader + "\tmap_id:1 [\n(int)1 }\n]\n"),
            "F:3: not a value as ss prints it: the ']' after a value is missing, after 0 records");
  std::string deep = kHeader + "\tmap_id:1 [";
  for (int i = 0; i < 200; ++i) deep += "{.a = ";
  EXPECT_EQ(Message(deep), "F:2: more than 64 nested types");
  EXPECT_EQ(Message(absl::StrReplaceAll(deep, {{"{.a = ", "["}})),
            "F:2: more than 64 nested types");
}

TEST_F(SsDumpTest, EveryCutIsAnErrorOrLosesWholeSockets) {
  const std::string whole = SampleDumpText("ss_bpf-maps.txt");
  const Strings all = ReadDump({SampleDump("ss_bpf-maps.txt")}).values;
  for (size_t bytes = 1; bytes < whole.size(); bytes += 7) {
    RecordOptions options;
    options.format = RecordFormat::kSs;
    const std::string head = whole.substr(0, bytes);
    const Dump output = ReadText(head, options);
    if (!output.ok) continue;
    size_t closed = 0;
    for (size_t at = head.find("\n\t]"); at != std::string::npos; at = head.find("\n\t]", at + 1)) {
      ++closed;
    }
    EXPECT_EQ(output.values,
              Strings(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(closed)))
        << bytes;
  }
}

TEST_F(SsDumpTest, RandomValuesAreReadAsTheyWereWritten) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 10; ++round) {
    const size_t members = 1 + random() % 9;
    const size_t nested = random() % members;  // from there on they are in a struct
    std::string text = kHeader;
    Strings expected;
    const size_t sockets = 1 + random() % 500;
    for (size_t socket = 0; socket < sockets; ++socket) {
      absl::StrAppend(&text, kSocket, "\t skmem:(r0,rb131072) cubic wscale:7,7\n");
      if (random() % 4 == 0) continue;  // this one has no value
      absl::StrAppend(&text, "\tmap_id:3 [\n\t\t(struct s){\n");
      std::string row;
      for (size_t i = 0; i < members; ++i) {
        const uint32_t number = static_cast<uint32_t>(random() % 5);
        if (i == nested) absl::StrAppend(&text, "\t\t\t.in = (struct t){\n");
        absl::StrAppend(&text, "\t\t\t.m", i, " = (__u32)", number, ",\n");
        absl::StrAppend(&row, i == 0 ? "" : ",", number);
      }
      absl::StrAppend(&text, "\t\t\t},\n\t\t}\n\t]", random() % 2 == 0 ? "" : "     ", "\n");
      expected.push_back(row);
    }
    if (expected.empty()) continue;
    const Dump output = ReadText(text);
    ASSERT_TRUE(output.ok) << output.values[0];
    ASSERT_EQ(output.values, expected);
    EXPECT_EQ(output.schema.fields.back().name, absl::StrCat("in.m", members - 1));
  }
}

}  // namespace
}  // namespace inlay::analysis
