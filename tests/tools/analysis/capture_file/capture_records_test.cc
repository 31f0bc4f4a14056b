// Intact captures: every way of reading returns the written values.

#include "tools/analysis/capture_file/capture_records.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/tools/analysis/capture_file/capture_writing.h"
#include "tests/tools/analysis/readers/record_reading.h"
#include "tests/tools/strings.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::analysis {
namespace {

using Named = std::pair<std::string, Strings>;

class CaptureRecordsTest : public testing::Test {
 protected:
  // Every snapshot's name and values.
  static absl::StatusOr<std::vector<Named>> Snapshots(const std::vector<std::string>& paths,
                                                      std::vector<std::string>* losses = nullptr) {
    absl::StatusOr<Inputs> inputs = Inputs::Open(paths);
    if (!inputs.ok()) return inputs.status();
    absl::StatusOr<std::unique_ptr<RecordSource>> source =
        OpenCaptureRecords(*std::move(inputs), std::nullopt);
    if (!source.ok()) return source.status();
    std::vector<Named> snapshots;
    for (absl::StatusOr<bool> more = true; *more;) {
      const std::string name = (*source)->SnapshotName();
      absl::StatusOr<Strings> values = ReadAll(**source);
      if (!values.ok()) return values.status();
      snapshots.emplace_back(name, *std::move(values));
      more = (*source)->NextSnapshot();
      if (!more.ok()) return more.status();
    }
    if (losses != nullptr) *losses = DoubtsOf(**source);
    return snapshots;
  }

  static std::string Error(const std::vector<std::string>& paths) {
    const auto snapshots = Snapshots(paths);
    return snapshots.ok() ? "none" : std::string(snapshots.status().message());
  }

  // The records of a capture that is not a series and has no losses.
  static Strings Values(const std::string& path) {
    std::vector<std::string> losses;
    const auto snapshots = Snapshots({path}, &losses);
    if (!snapshots.ok()) return {std::string(snapshots.status().message())};
    EXPECT_EQ(snapshots->size(), 1U);
    EXPECT_EQ((*snapshots)[0].first, "");
    EXPECT_EQ(losses, Strings());
    return (*snapshots)[0].second;
  }

  const TemporaryFiles files_;
};

TEST_F(CaptureRecordsTest, ValuesComeBackInTheirOrder) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const size_t value_bytes : {1U, 2U, 7U, 100U, 4096U, 65536U}) {
    for (const size_t distinct : {1U, 2U, 3U, 300U, 5000U}) {
      if (value_bytes * distinct > 3'000'000) continue;
      Strings pool(distinct);
      for (std::string& value : pool) {
        for (size_t i = 0; i < value_bytes; ++i) value += static_cast<char>(random());
      }
      Strings values(std::min<size_t>(40'000, 1 + 4'000'000 / value_bytes));
      for (std::string& value : values) value = pool[random() % pool.size()];
      const std::string path =
          files_.Write("file", CaptureOf(PlainHeader(value_bytes), {{1, values}}));
      EXPECT_TRUE(Values(path) == values) << value_bytes << " " << distinct;
    }
  }
}

TEST_F(CaptureRecordsTest, CopiesAreRecords) {
  MemoryCapture capture(PlainHeader(2));
  ASSERT_TRUE(capture.writer().BeginSnapshot(1).ok());
  ASSERT_TRUE(capture.writer().Add(AsBytes("aa"), 100'000).ok());
  ASSERT_TRUE(capture.writer().Add(AsBytes("bb"), 0).ok());
  ASSERT_TRUE(capture.writer().Add(AsBytes("cc"), 3).ok());
  EXPECT_EQ(capture.writer().records(), 100'003U);
  ASSERT_TRUE(capture.writer().EndSnapshot(true).ok());
  ASSERT_TRUE(capture.writer().Finish().ok());
  EXPECT_EQ(capture.writer().bytes_written(), capture.Bytes().size());
  Strings expected(100'000, "aa");
  expected.insert(expected.end(), 3, "cc");
  EXPECT_TRUE(Values(files_.Write("file", capture.Bytes())) == expected);
}

TEST_F(CaptureRecordsTest, ADictionaryThatIsFullIsFollowedByAnother) {
  // 64 KiB each: 1,024 of them fill a dictionary.
  constexpr size_t kValueBytes = 65536;
  const auto value = [](size_t i) {
    std::string text(kValueBytes, 'x');
    const std::string number = std::to_string(i);
    text.replace(0, number.size(), number);
    return text;
  };
  MemoryCapture capture(PlainHeader(kValueBytes));
  ASSERT_TRUE(capture.writer().BeginSnapshot(1).ok());
  constexpr size_t kRecords = 1500;
  for (size_t i = 0; i < kRecords; ++i) {
    ASSERT_TRUE(capture.writer().Add(AsBytes(value(i))).ok());
    ASSERT_TRUE(capture.writer().Add(AsBytes(value(0))).ok());
  }
  ASSERT_TRUE(capture.writer().EndSnapshot(true).ok());
  ASSERT_TRUE(capture.writer().Finish().ok());
  // The first value is needed by both dictionaries, and each other one once.
  EXPECT_NEAR(static_cast<double>(capture.Bytes().size()), (kRecords + 1.0) * kValueBytes,
              0.002 * kRecords * kValueBytes);
  auto source =
      OpenCaptureRecords(*Inputs::Open({files_.Write("file", capture.Bytes())}), std::nullopt);
  ASSERT_TRUE(source.ok());
  RecordBlock block;
  size_t records = 0;
  while ((*source)->Next(block).value()) {
    for (size_t i = 0; i < block.size(); ++i, ++records) {
      ASSERT_TRUE(AsText(block[i]) == value(records % 2 == 0 ? records / 2 : 0)) << records;
    }
  }
  EXPECT_EQ(records, 2 * kRecords);
  EXPECT_EQ(DoubtsOf(**source), Strings());
}

TEST_F(CaptureRecordsTest, SeveralThreadsReadEachRecordOnce) {
  std::mt19937 random(5);
  std::map<std::string, uint64_t> expected;
  Strings values(300'000);
  for (std::string& value : values) {
    value = std::to_string(1'000'000 + random() % 3000);
    ++expected[value];
  }
  const std::string path = files_.Write("file", CaptureOf(PlainHeader(7), {{1, values}}));
  for (const size_t threads : {1U, 2U, 5U}) {
    auto source = OpenCaptureRecords(*Inputs::Open({path}), std::nullopt);
    ASSERT_TRUE(source.ok());
    absl::StatusOr<DistinctValues> distinct = CountDistinct(**source, threads);
    ASSERT_TRUE(distinct.ok());
    EXPECT_EQ(distinct->records, values.size());
    std::map<std::string, uint64_t> counts;
    for (const CountedValue& value : distinct->values()) {
      counts[std::string(AsText(value.bytes()))] = value.count;
    }
    EXPECT_TRUE(counts == expected) << threads;
  }
}

TEST_F(CaptureRecordsTest, ASeriesIsReadSnapshotBySnapshot) {
  constexpr uint64_t kTime = 1'700'000'000'123'000'000;  // 2023-11-14 22:13:20.123
  const std::string path = files_.Write(
      "file", CaptureOf(PlainHeader(2, true),
                        {{kTime, {"aa", "bb", "aa"}},
                         {kTime + 1'000'000'000, {}},  // no socket had a value
                         {kTime + 2'000'000'000, {"cc", "aa"}, false, "the map was removed"},
                         {kTime + 3'000'000'000, {"dd"}}}));
  Strings losses;
  const auto snapshots = Snapshots({path}, &losses);
  ASSERT_TRUE(snapshots.ok());
  ASSERT_EQ(snapshots->size(), 3U);
  EXPECT_EQ((*snapshots)[0], Named("2023-11-14T22:13:20.123Z", Strings{"aa", "bb", "aa"}));
  EXPECT_EQ((*snapshots)[1], Named("2023-11-14T22:13:22.123Z", Strings{"cc", "aa"}));
  EXPECT_EQ((*snapshots)[2], Named("2023-11-14T22:13:23.123Z", Strings{"dd"}));
  EXPECT_EQ(losses, (Strings{path + ": the snapshot of 2023-11-14T22:13:22.123Z is partial: the "
                                    "map was removed."}));
  auto source = OpenCaptureRecords(*Inputs::Open({path}), std::nullopt);
  ASSERT_TRUE(source.ok());
  while (true) {
    ASSERT_TRUE(ReadAll(**source).ok());
    if (!(*source)->NextSnapshot().value()) break;
  }
  const Strings notes = NoteTexts((*source)->Notes(0));
  EXPECT_NE(std::find(notes.begin(), notes.end(), "1 snapshot has no record, and is passed over."),
            notes.end());
}

TEST_F(CaptureRecordsTest, ValuesOfASeriesAreWrittenOnce) {
  std::vector<SnapshotToWrite> snapshots;
  Strings values;
  for (int i = 0; i < 200; ++i) values.push_back(std::string(990, 'v') + std::to_string(1000 + i));
  for (char& c : values[0]) c = 'w';
  for (uint64_t i = 0; i < 20; ++i) snapshots.push_back({i, values});
  const std::string one = CaptureOf(PlainHeader(994, true), {snapshots[0]});
  const std::string all = CaptureOf(PlainHeader(994, true), snapshots);
  // A snapshot more costs 200 numbers of 8 bits and three blocks.
  EXPECT_EQ(all.size() - one.size(), 19 * (200 + 24 + 16 + 16 + 3 * kCaptureBlockHeaderBytes));
  const auto read = Snapshots({files_.Write("file", all)});
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), 20U);
  for (const auto& [name, records] : *read) EXPECT_EQ(records, values) << name;
}

TEST_F(CaptureRecordsTest, FilesAndJoinedCapturesAreOneStream) {
  const std::string a = CaptureOf(PlainHeader(2), {{1, {"aa", "bb"}}}, 1);
  const std::string b = CaptureOf(PlainHeader(2), {{2, {"bb", "cc"}}}, 2);
  const std::string path_a = files_.Write("a", a);
  const std::string path_b = files_.Write("b", b);
  const auto files = Snapshots({path_a, path_b});
  ASSERT_TRUE(files.ok());
  ASSERT_EQ(files->size(), 1U);
  EXPECT_EQ((*files)[0].second, (Strings{"aa", "bb", "bb", "cc"}));
  EXPECT_EQ(Values(files_.Write("both", a + b)), (Strings{"aa", "bb", "bb", "cc"}));

  const std::string s = CaptureOf(PlainHeader(2, true), {{1, {"aa"}}, {2, {"bb"}}}, 3);
  const std::string t = CaptureOf(PlainHeader(2, true), {{3, {"aa"}}}, 4);
  const std::string path_s = files_.Write("s", s);
  const auto series = Snapshots({path_s, files_.Write("t", t)});
  ASSERT_TRUE(series.ok());
  ASSERT_EQ(series->size(), 3U);
  EXPECT_EQ((*series)[2], Named(files_.Path("t") + " 1970-01-01T00:00:00.000Z", Strings{"aa"}));
  EXPECT_EQ(Snapshots({files_.Write("st", s + t)})->size(), 3U);

  EXPECT_EQ(Error({path_a, path_s}), path_s +
                                         ": at byte 0: a series of snapshots cannot be read "
                                         "together with a single one");
  const std::string other = files_.Write("other", CaptureOf(PlainHeader(3), {{1, {"aaa"}}}));
  EXPECT_EQ(Error({path_a, other}), other + ": at byte 0: its values are not those of " + path_a +
                                        ": they have another size or other fields");
}

TEST_F(CaptureRecordsTest, TheDescriptionIsTheSchema) {
  CaptureHeader header = PlainHeader(16);
  header.schema.fields = {
      {.name = "pid",
       .kind = FieldKind::kUnsigned,
       .offset_bits = 0,
       .size_bits = 32,
       .type_name = "__u32"},
      {.name = "state",
       .kind = FieldKind::kEnum,
       .offset_bits = 32,
       .size_bits = 3,
       .type_name = "enum state",
       .enum_names = std::make_shared<const std::map<int64_t, std::string>>(
           std::map<int64_t, std::string>{{-1, "NONE"}, {INT64_MIN, "LEAST"}})},
      {.name = "port",
       .kind = FieldKind::kUnsigned,
       .offset_bits = 48,
       .size_bits = 16,
       .type_name = "__be16",
       .big_endian = true},
      {.name = "cc\xFF", .kind = FieldKind::kText, .offset_bits = 64, .size_bits = 32},
  };
  const std::string path = files_.Write("file", CaptureOf(header, {{1, {std::string(16, 'x')}}}));
  auto source = OpenCaptureRecords(*Inputs::Open({path}), std::nullopt);
  ASSERT_TRUE(source.ok()) << std::string(source.status().message());
  const RecordSchema& schema = (*source)->schema();
  EXPECT_EQ(schema.kind, RecordSchema::Kind::kRaw);
  EXPECT_EQ(schema.value_bytes, 16U);
  ASSERT_EQ(schema.fields.size(), 7U);
  EXPECT_EQ(schema.fields[0].name, "pid");
  EXPECT_EQ(schema.fields[0].type_name, "__u32");
  EXPECT_EQ(schema.fields[1].kind, FieldKind::kEnum);
  EXPECT_EQ(*schema.fields[1].enum_names, *header.schema.fields[1].enum_names);
  EXPECT_EQ(schema.fields[1].size_bits, 3U);
  EXPECT_EQ(schema.fields[2].kind, FieldKind::kPadding);
  EXPECT_EQ(schema.fields[2].size_bits, 5U);
  EXPECT_EQ(schema.fields[3].name, "padding 5");
  EXPECT_TRUE(schema.fields[4].big_endian);
  EXPECT_EQ(schema.fields[5].name, "cc\xEF\xBF\xBD");
  EXPECT_EQ(schema.fields[6].name, "padding 12-15");
}

TEST_F(CaptureRecordsTest, NotesSayWhereItComesFrom) {
  CaptureHeader header = PlainHeader(2);
  header.provenance = {.tool_version = "1",
                       .host = "web1",
                       .kernel_release = "6.1.0\n\x1B[2J",
                       .source = "map",
                       .map_name = "policy",
                       .map_id = 12,
                       .map_type = "sk_storage",
                       .value_type = "struct policy",
                       .method = "iter/task_file",
                       .more = {{"cgroup", "/a"}}};
  const std::string path = files_.Write("file", CaptureOf(header, {{1, {"aa"}}}));
  auto source = OpenCaptureRecords(*Inputs::Open({path}), std::nullopt);
  ASSERT_TRUE(source.ok());
  ASSERT_TRUE(ReadAll(**source).ok());
  EXPECT_EQ(NoteTexts((*source)->Notes(1)),
            (Strings{path + ": captured on web1, kernel 6.1.0\\x0A\\x1B[2J at "
                            "1970-01-01T00:00:00.000Z, map policy (id 12) of type sk_storage, "
                            "read by iter/task_file."}));
  const auto parsed = ParseCaptureHeader(CaptureHeaderAsJson(header));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->provenance.more, header.provenance.more);
  EXPECT_EQ(parsed->provenance.map_id, 12U);
  EXPECT_EQ(parsed->provenance.value_type, "struct policy");
  EXPECT_EQ(parsed->provenance.tool_version, "1");
}

TEST_F(CaptureRecordsTest, NotesOfTheCaptureAreInTheReport) {
  CaptureHeader header = PlainHeader(2);
  header.provenance.more = {
      {"cgroup", "/a"}, {"note 1", "no field names"}, {"note 2", "the lock\n"}};
  const std::string path = files_.Write("file", CaptureOf(header, {{1, {"aa"}}}));
  auto source = OpenCaptureRecords(*Inputs::Open({path}), std::nullopt);
  ASSERT_TRUE(source.ok());
  ASSERT_TRUE(ReadAll(**source).ok());
  const Strings notes = NoteTexts((*source)->Notes(1));
  ASSERT_EQ(notes.size(), 3U);
  EXPECT_EQ(notes[1], path + ": no field names.");
  EXPECT_EQ(notes[2], path + ": the lock\\x0A.");
  EXPECT_TRUE(DoubtsOf(**source).empty());
}

TEST_F(CaptureRecordsTest, FilesThatAreNoneAreErrors) {
  const std::string none =
      ": is not a capture, or the block that describes its values is damaged or cut off: the file "
      "is unreadable without it";
  const std::string empty = files_.Write("empty", "");
  EXPECT_EQ(Error({empty}), empty + ": is empty");
  const std::string text = files_.Write("text", "a,b\n");
  EXPECT_EQ(Error({text}), text + none);
  const std::string magic = files_.Write("magic", kCaptureMagic);
  EXPECT_EQ(Error({magic}), magic + none);
  const std::string good = files_.Write("good", CaptureOf(PlainHeader(2), {{1, {"aa"}}}));
  EXPECT_EQ(Error({good, text}), text + none);
  EXPECT_EQ(Error({good, empty}), empty + ": is empty");
  EXPECT_EQ(Error({}), "no input file");
  const std::string missing = files_.Path("missing");
  EXPECT_EQ(Error({good, missing}), missing + ": cannot open: No such file or directory");
}

// A block of a few bytes can stand for very many records. They cost no more than their bytes: the
// reader returns every value of a dictionary once for each snapshot, with its count.
TEST_F(CaptureRecordsTest, CountedRecordsCostNoMoreThanTheirBytes) {
  constexpr uint32_t kRecords = 8'000'000;
  constexpr size_t kValueBytes = 60'000;
  std::string bytes;
  uint32_t number = 0;
  const auto add = [&](CaptureBlockType type, const std::string& payload) {
    AppendCaptureBlock(type, number++, 7, payload, &bytes);
  };
  add(CaptureBlockType::kHeader, "{\"value_bytes\":" + std::to_string(kValueBytes) + "}");
  add(CaptureBlockType::kSnapshot, CaptureSnapshotStart{0, 1}.Encode());
  add(CaptureBlockType::kDictionary, CaptureDictionaryPart{0, 0}.Encode() +
                                         std::string(kValueBytes, 'a') +
                                         std::string(kValueBytes, 'b'));
  for (uint64_t block = 0; block < 4; ++block) {
    add(CaptureBlockType::kRecords,
        CaptureRecordsPart{0, 0, block * kRecords, kRecords, 1}.Encode() +
            std::string(kRecords / 8, block == 3 ? '\xff' : '\0'));
  }
  add(CaptureBlockType::kSnapshotEnd,
      CaptureSnapshotEnd{0, true, 4 * uint64_t{kRecords}, {}}.Encode());
  add(CaptureBlockType::kEnd, CaptureEnd{1}.Encode());

  auto source = OpenCaptureRecords(*Inputs::Open({files_.Write("bomb", bytes)}), std::nullopt,
                                   /*counted=*/true);
  ASSERT_TRUE(source.ok()) << source.status();
  RecordBlock block;
  std::map<char, uint64_t> counts;
  size_t values = 0;
  for (absl::StatusOr<bool> more = (*source)->Next(block); more.ok() && *more;
       more = (*source)->Next(block)) {
    for (size_t i = 0; i < block.size(); ++i, ++values) {
      counts[static_cast<char>(block[i][0])] += block.copies(i);
    }
  }
  EXPECT_EQ(values, 2U);
  EXPECT_EQ(counts, (std::map<char, uint64_t>{{'a', 3 * uint64_t{kRecords}}, {'b', kRecords}}));
  EXPECT_EQ(DoubtsOf(**source), Strings());
}

// Several dictionaries, snapshots and files: each value once for each snapshot, for all counts.
TEST_F(CaptureRecordsTest, CountedRecordsAreTheSameRecords) {
  const std::string one = files_.Write(
      "one", CaptureOf(PlainHeader(1, true), {{1, {"a", "b", "a"}}, {2, {"b"}}, {3, {"a", "c"}}}));
  const std::string two =
      files_.Write("two", CaptureOf(PlainHeader(1, true), {{4, {"c", "c"}}, {5, {"b", "a"}}}));
  for (const std::vector<std::string>& paths :
       {std::vector<std::string>{one}, {two}, {one, two}, {two, one}}) {
    const auto ordered = Snapshots(paths);
    ASSERT_TRUE(ordered.ok());
    auto source = OpenCaptureRecords(*Inputs::Open(paths), std::nullopt, /*counted=*/true);
    ASSERT_TRUE(source.ok());
    for (const auto& [name, values] : *ordered) {
      EXPECT_EQ((*source)->SnapshotName(), name);
      std::map<std::string, uint64_t> expected;
      for (const std::string& value : values) ++expected[value];
      std::map<std::string, uint64_t> counts;
      RecordBlock block;
      for (absl::StatusOr<bool> more = (*source)->Next(block); more.ok() && *more;
           more = (*source)->Next(block)) {
        for (size_t i = 0; i < block.size(); ++i) {
          EXPECT_TRUE(counts.emplace(AsText(block[i]), block.copies(i)).second);
        }
      }
      EXPECT_EQ(counts, expected) << name;
      (void)(*source)->NextSnapshot();
    }
  }
}

}  // namespace
}  // namespace inlay::analysis
