// Dumps by bpftool, in all of its forms, of maps at rest and of maps under change:
// tests/data/bpf_dumps/churned, recorded by record.sh there.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/tools/analysis/readers/dump_reading.h"
#include "tools/analysis/counting/count_input.h"

namespace inlay::analysis {
namespace {

const std::string kFolder = std::string(INLAY_TEST_DATA_DIR) + "/bpf_dumps/churned";

std::string Text(const std::string& name) {
  std::ifstream file(kFolder + "/" + name, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

size_t Count(std::string_view text, std::string_view wanted) {
  size_t count = 0;
  for (size_t at = text.find(wanted); at != std::string_view::npos;
       at = text.find(wanted, at + 1)) {
    ++count;
  }
  return count;
}

// The number before `sentence` in the notes, 0 if it is in none.
uint64_t Noted(const Strings& notes, std::string_view sentence) {
  for (const std::string& note : notes) {
    if (note.find(sentence) != std::string::npos) return std::stoull(note);
  }
  return 0;
}

std::set<std::string> Distinct(const Strings& values) { return {values.begin(), values.end()}; }

// Every recording: `visit` gets its name, as in "num_hash.churned.jp", and its text.
template <typename Visit>
void ForEachRecording(Visit visit) {
  size_t recordings = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename();
    if (Count(name, ".") != 2 || name.ends_with(".bpf.c")) continue;
    SCOPED_TRACE(name);
    visit(name, Text(name));
    ++recordings;
  }
  EXPECT_GT(recordings, 40U);
}

// Counted in another way: each value has a key or, of a per-CPU map, a CPU before it.
TEST(ChurnedDumpsTest, EveryEntryIsARecordOrNoted) {
  size_t with_errors = 0;
  ForEachRecording([&](const std::string& name, const std::string& text) {
    if (name.starts_with("stored.")) return;
    const Dump dump = ReadDump({kFolder + "/" + name});
    ASSERT_TRUE(dump.ok) << dump.values[0];
    const bool is_json = text[0] == '[';
    const size_t gone = Count(text, "<no entry>") + Count(text, "No such file or directory");
    const size_t cpus = Count(text, is_json ? "\"cpu\":" : "(CPU ");
    size_t values = cpus;
    if (is_json && !name.ends_with("plain")) {
      // The bytes of each value, whatever stands behind them.
      values = Count(text, name.ends_with(".jp") ? "\"value\": [\"0x" : "\"value\":[\"0x");
    } else if (cpus == 0) {
      values = Count(text, is_json ? "\"key\":" : "key:") - (is_json ? 0 : gone);
    }
    EXPECT_EQ(dump.values.size(), values);
    EXPECT_EQ(Noted(dump.notes, "deleted while bpftool read the map"), gone);
    with_errors += gone != 0 ? 1 : 0;
  });
  EXPECT_GT(with_errors, 5U) << "the recordings show what they are for";
}

TEST(ChurnedDumpsTest, AllFormsOfAMapAtRestHaveTheSameValues) {
  for (const char* map : {"num_hash", "num_pcpu", "error_hash", "wide_hash", "plain_hash",
                          "plain_wide", "plain_pcpu", "conf_hash"}) {
    SCOPED_TRACE(map);
    const Dump j = ReadDump({kFolder + "/" + map + ".rest.j"});
    const Dump jp = ReadDump({kFolder + "/" + map + ".rest.jp"});
    const Dump plain = ReadDump({kFolder + "/" + map + ".rest.plain"});
    ASSERT_TRUE(j.ok && jp.ok && plain.ok);
    EXPECT_EQ(j.bytes, jp.bytes);
    EXPECT_EQ(Distinct(j.values), Distinct(jp.values));
    EXPECT_EQ(Distinct(plain.values), Distinct(j.values));
    EXPECT_EQ(j.doubts, Strings());
  }
}

// bpftool stops at a floating point number. The bytes tell the values apart, the text alone is a
// doubt.
TEST(ChurnedDumpsTest, BytesDecideWhereTextIsMissing) {
  const Dump j = ReadDump({kFolder + "/conf_hash.rest.j"});
  ASSERT_TRUE(j.ok);
  EXPECT_EQ(Distinct(j.values).size(), 2U);
  EXPECT_EQ(Distinct(j.bytes).size(), 6U);
  EXPECT_EQ(j.names().back(), "ratio");
  const Dump plain = ReadDump({kFolder + "/conf_hash.rest.plain"});
  ASSERT_EQ(plain.doubts.size(), 1U);
  EXPECT_TRUE(plain.doubts[0].starts_with("bpftool cannot print 'ratio'")) << plain.doubts[0];

  // Of a per-CPU map it prints only the first value then.
  const Dump per_cpu = ReadDump({kFolder + "/conf_pcpu.rest.j"});
  ASSERT_TRUE(per_cpu.ok) << per_cpu.values[0];
  EXPECT_EQ(per_cpu.bytes.size(), 12U);
  EXPECT_EQ(Distinct(per_cpu.bytes).size(), 7U);
  EXPECT_EQ(Noted(per_cpu.notes, "only bytes and no fields"), 6U);
  EXPECT_EQ(per_cpu.doubts, Strings());
  RecordOptions some;
  some.columns = "limit";
  EXPECT_EQ(Noted(ReadDump({kFolder + "/conf_pcpu.rest.j"}, some).doubts, "only bytes and no"), 6U);

  const absl::StatusOr<CountedInput> counted =
      CountInput(*Inputs::Open({kFolder + "/conf_hash.rest.j"}), {}, {});
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_EQ(counted->summary.distinct.values().size(), 6U);
  ASSERT_EQ(counted->notes.size(), 1U);
  EXPECT_EQ(
      counted->notes[0].text,
      "6 distinct values by their bytes, 2 by their fields as printed: bytes 14 and 22 differ "
      "where all fields are equal. bpftool cannot print a member, such as a floating point "
      "number, and leaves out all that is behind it.");
}

TEST(ChurnedDumpsTest, AMapThatCannotBeReadIsAnError) {
  for (const char* form : {"plain", "j", "jp"}) {
    const std::string path = kFolder + "/stored.rest." + form;
    const Dump dump = ReadDump({path});
    EXPECT_FALSE(dump.ok) << form;
    EXPECT_EQ(dump.values,
              Strings{path + ": no entry has a value: bpftool could not read any of them, "
                             "'No space left on device'"});
  }
}

}  // namespace
}  // namespace inlay::analysis
