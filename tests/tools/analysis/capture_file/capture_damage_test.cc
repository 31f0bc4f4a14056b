// Captures that are cut off, damaged, or made to harm: all intact blocks are read, nothing else
// is, and it is said.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/analysis/capture_file/capture_writing.h"
#include "tests/tools/analysis/readers/record_reading.h"
#include "tests/tools/strings.h"
#include "tools/analysis/capture_file/capture_blocks.h"
#include "tools/analysis/capture_file/capture_header.h"
#include "tools/analysis/capture_file/capture_records.h"

namespace inlay::analysis {
namespace {

struct Read {
  std::string error;  // empty: none
  Strings values = {};
  Strings snapshots = {};
  Strings losses = {};
};

Read ReadBytes(const std::string& bytes) {
  const int fd = memfd_create("capture", MFD_CLOEXEC);
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  Read read;
  auto source =
      OpenCaptureRecords(*Inputs::Open({"/proc/self/fd/" + std::to_string(fd)}), std::nullopt);
  if (!source.ok()) {
    read.error = std::string(source.status().message());
  } else {
    for (absl::StatusOr<bool> more = true; more.ok() && *more; more = (*source)->NextSnapshot()) {
      read.snapshots.push_back((*source)->SnapshotName());
      absl::StatusOr<Strings> values = ReadAll(**source);
      if (!values.ok()) {
        read.error = std::string(values.status().message());
        break;
      }
      read.values.insert(read.values.end(), values->begin(), values->end());
    }
    read.losses = DoubtsOf(**source);
  }
  close(fd);
  return read;
}

uint64_t Number(const std::string& bytes, size_t at, size_t count) {
  uint64_t number = 0;
  while (count-- > 0) number = number << 8 | static_cast<uint8_t>(bytes[at + count]);
  return number;
}

// The values of a capture without some of its blocks, read as docs/format.md says and in no other
// way. Nothing if the description is lost.
std::optional<Strings> PlainValues(const std::string& capture, size_t value_bytes,
                                   const std::set<size_t>& lost) {
  const std::vector<PlacedBlock> blocks = BlocksOf(capture);
  if (lost.contains(0) && lost.contains(1)) return std::nullopt;
  std::map<uint64_t, std::string> dictionary;
  Strings values;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (lost.contains(i)) continue;
    const std::string payload = capture.substr(blocks[i].offset + 40, blocks[i].size - 40);
    if (blocks[i].type == CaptureBlockType::kDictionary) {
      uint64_t index = Number(payload, 4, 4);
      for (size_t at = 8; at < payload.size(); at += value_bytes) {
        dictionary[index++] = payload.substr(at, value_bytes);
      }
    }
    if (blocks[i].type != CaptureBlockType::kRecords) continue;
    const uint64_t count = Number(payload, 16, 4);
    const uint64_t bits = Number(payload, 20, 1);
    for (uint64_t record = 0; record < count; ++record) {
      uint64_t index = 0;
      for (uint64_t bit = 0; bit < bits; ++bit) {
        const uint64_t at = record * bits + bit;
        index |= (Number(payload, 24 + at / 8, 1) >> (at % 8) & 1) << bit;
      }
      if (dictionary.contains(index)) values.push_back(dictionary[index]);
    }
  }
  return values;
}

class CaptureDamageTest : public testing::Test {
 protected:
  static constexpr size_t kValueBytes = 1300;  // three in a block

  CaptureDamageTest() {
    const auto value = [](char c) { return std::string(kValueBytes, c); };
    // Values of the first snapshot in the others too, and new ones in each.
    capture_ = CaptureOf(
        PlainHeader(kValueBytes, true),
        {{1'000'000'000, {value('a'), value('b'), value('a'), value('c'), value('d'), value('a')}},
         {2'000'000'000, {value('a'), value('d'), value('e'), value('d')}},
         {3'000'000'000, {value('c'), value('f')}}});
    blocks_ = BlocksOf(capture_);
  }

  // The blocks that have a byte in [begin, end).
  std::set<size_t> Touched(size_t begin, size_t end) const {
    std::set<size_t> touched;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      if (blocks_[i].offset < end && begin < blocks_[i].offset + blocks_[i].size) touched.insert(i);
    }
    return touched;
  }

  // Those of `touched` that are in `damaged` nowhere: bytes that are put in may be the ones that
  // were there.
  std::set<size_t> Lost(const std::set<size_t>& touched, const std::string& damaged) const {
    std::set<size_t> lost;
    for (const size_t i : touched) {
      if (damaged.find(capture_.substr(blocks_[i].offset, blocks_[i].size)) == std::string::npos) {
        lost.insert(i);
      }
    }
    return lost;
  }

  // `damaged` is the capture without the blocks `lost`.
  void Expect(const std::string& damaged, const std::set<size_t>& lost, const std::string& what) {
    const Read read = ReadBytes(damaged);
    const std::optional<Strings> expected = PlainValues(capture_, kValueBytes, lost);
    if (!expected.has_value() || expected->empty()) {
      EXPECT_NE(read.error, "") << what;
      EXPECT_EQ(read.values, Strings()) << what;
      return;
    }
    EXPECT_EQ(read.error, "") << what;
    EXPECT_TRUE(read.values == *expected)
        << what << ": " << read.values.size() << " values instead of " << expected->size();
    EXPECT_FALSE(read.losses.empty()) << what;
  }

  std::string capture_;
  std::vector<PlacedBlock> blocks_;
};

TEST_F(CaptureDamageTest, TheWholeOneHasNoLosses) {
  const Read read = ReadBytes(capture_);
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.values.size(), 12U);
  EXPECT_EQ(read.values, *PlainValues(capture_, kValueBytes, {}));
  EXPECT_EQ(read.snapshots, (Strings{"1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.000Z",
                                     "1970-01-01T00:00:03.000Z"}));
  EXPECT_EQ(read.losses, Strings());
}

TEST_F(CaptureDamageTest, EveryPrefixGivesItsIntactBlocks) {
  for (size_t size = 0; size < capture_.size(); ++size) {
    Expect(capture_.substr(0, size), Touched(size, capture_.size()), std::to_string(size));
    if (HasFailure()) return;
  }
}

TEST_F(CaptureDamageTest, EveryDamagedByteCostsItsBlockOnly) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (size_t at = 0; at < capture_.size(); ++at) {
    for (const int flip : {1 << (random() % 8), 0xFF}) {
      std::string damaged = capture_;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      Expect(damaged, Touched(at, at + 1), std::to_string(at) + " " + std::to_string(flip));
      if (HasFailure()) return;
    }
  }
}

TEST_F(CaptureDamageTest, EveryBitOfEveryBlockHeaderCounts) {
  for (const PlacedBlock& block : blocks_) {
    for (size_t bit = 0; bit < 8 * kCaptureBlockHeaderBytes; ++bit) {
      const size_t at = block.offset + bit / 8;
      std::string damaged = capture_;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << (bit % 8)));
      Expect(damaged, Touched(at, at + 1), std::to_string(at) + " bit " + std::to_string(bit % 8));
      if (HasFailure()) return;
    }
  }
}

TEST_F(CaptureDamageTest, ReadingGoesOnBehindPiecesThatAreMissingOrNotTheirs) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 3000; ++i) {
    const size_t begin = random() % capture_.size();
    const size_t end = begin + 1 + random() % std::min<size_t>(9000, capture_.size() - begin);
    std::string noise;
    while (noise.size() < random() % 5000) noise += static_cast<char>(random());
    std::string damaged = capture_;
    damaged.replace(begin, end - begin, i % 3 == 0 ? "" : noise);
    Expect(damaged, Lost(Touched(begin, end), damaged),
           std::to_string(begin) + " to " + std::to_string(end));
    std::string inserted = capture_;
    inserted.insert(begin, noise + '.');
    Expect(inserted, Lost(Touched(begin, begin + 1), inserted),
           "inserted at " + std::to_string(begin));
    if (HasFailure()) return;
  }
}

TEST_F(CaptureDamageTest, MessagesSayWhereAndHowMuch) {
  std::map<CaptureBlockType, Strings> messages;
  for (const PlacedBlock& block : blocks_) {
    if (messages.contains(block.type)) continue;
    std::string damaged = capture_;
    damaged[block.offset + block.size - 1] ^= 1;  // in the payload
    const Read read = ReadBytes(damaged);
    const std::string at = "at byte " + std::to_string(block.offset) + ": " +
                           (block.type == CaptureBlockType::kEnd ? "the last " : "") +
                           std::to_string(block.size) + " bytes cannot be read: the block ";
    ASSERT_FALSE(read.losses.empty());
    for (const std::string& loss : read.losses) {
      messages[block.type].push_back(loss.substr(loss.find(": ") + 2));
    }
    EXPECT_TRUE(messages[block.type][0].starts_with(at)) << messages[block.type][0];
    messages[block.type][0].erase(0, at.size());
  }
  EXPECT_EQ(messages[CaptureBlockType::kHeader],
            (Strings{"that says what the values are there is damaged."}));
  EXPECT_EQ(messages[CaptureBlockType::kSnapshot],
            (Strings{"that begins a snapshot there is damaged."}));
  EXPECT_EQ(messages[CaptureBlockType::kDictionary],
            (Strings{"of values there is damaged.",
                     "5 of 6 records of the snapshot of 1970-01-01T00:00:01.000Z cannot be read: 0 "
                     "in blocks that are lost, 5 whose values were in such blocks.",
                     "1 of 4 records of the snapshot of 1970-01-01T00:00:02.000Z cannot be read: 0 "
                     "in blocks that are lost, 1 whose values were in such blocks.",
                     "1 of 2 records of the snapshot of 1970-01-01T00:00:03.000Z cannot be read: 0 "
                     "in blocks that are lost, 1 whose values were in such blocks."}));
  EXPECT_EQ(messages[CaptureBlockType::kRecords],
            (Strings{"of records there is damaged.",
                     "6 of 6 records of the snapshot of 1970-01-01T00:00:01.000Z cannot be read: 6 "
                     "in blocks that are lost, 0 whose values were in such blocks."}));
  EXPECT_EQ(messages[CaptureBlockType::kSnapshotEnd],
            (Strings{"that ends a snapshot there is damaged.",
                     "the end of the snapshot of 1970-01-01T00:00:01.000Z is missing, behind 6 "
                     "records: it is not known how many more there were."}));
  EXPECT_EQ(messages[CaptureBlockType::kEnd],
            (Strings{"that ends the capture there is cut off or damaged.",
                     "has no block that ends the capture: it was cut off, or is still being "
                     "written."}));
}

TEST_F(CaptureDamageTest, BlocksThatAreTakenOutAreMissed) {
  // The second snapshot, whole blocks of it and nothing else.
  std::vector<size_t> starts;
  for (const PlacedBlock& block : blocks_) {
    if (block.type == CaptureBlockType::kSnapshot) starts.push_back(block.offset);
  }
  std::string without = capture_;
  without.erase(starts[1], starts[2] - starts[1]);
  const Read read = ReadBytes(without);
  EXPECT_EQ(read.snapshots.size(), 2U);
  ASSERT_EQ(read.losses.size(), 2U);
  EXPECT_NE(read.losses[0].find(": at byte " + std::to_string(starts[1]) +
                                ": 4 blocks are missing before this place."),
            std::string::npos)
      << read.losses[0];
  EXPECT_NE(read.losses[1].find(": 1 snapshot is lost before byte "), std::string::npos);
  // Twice: the second time it is left out.
  std::string twice = capture_;
  twice.insert(starts[2], capture_.substr(starts[1], starts[2] - starts[1]));
  EXPECT_EQ(ReadBytes(twice).values.size(), 12U);
  ASSERT_EQ(ReadBytes(twice).losses.size(), 4U);
  for (const std::string& loss : ReadBytes(twice).losses) {
    EXPECT_NE(loss.find(" is left out: it was there before."), std::string::npos) << loss;
  }
}

TEST_F(CaptureDamageTest, ACaptureWithoutItsDescriptionDoesNotHideTheNextOne) {
  const std::string other = CaptureOf(PlainHeader(kValueBytes, true),
                                      {{4'000'000'000, {std::string(kValueBytes, 'z')}}}, 8);
  std::string joined = capture_ + other;
  for (const size_t block : {size_t{0}, size_t{1}}) joined[blocks_[block].offset + 45] ^= 1;
  const Read read = ReadBytes(joined);
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.values, (Strings{std::string(kValueBytes, 'z')}));
  ASSERT_EQ(read.losses.size(), 2U);  // the two blocks are one piece
  EXPECT_NE(read.losses[1].find("it belongs to a capture whose description is lost"),
            std::string::npos)
      << read.losses[1];
}

// --- blocks whose checksums are right and whose content is not

class HostileCapture {
 public:
  explicit HostileCapture(const std::string& json = R"({"value_bytes":2,"fields":[]})") {
    Add(CaptureBlockType::kHeader, json);
  }
  HostileCapture& Add(CaptureBlockType type, const std::string& payload) {
    AppendCaptureBlock(type, number_++, 7, payload, &bytes_);
    return *this;
  }
  HostileCapture& Snapshot(uint32_t number = 0) {
    return Add(CaptureBlockType::kSnapshot, CaptureSnapshotStart{number, 1}.Encode());
  }
  HostileCapture& Values(uint32_t dictionary, uint32_t first, const std::string& values) {
    return Add(CaptureBlockType::kDictionary,
               CaptureDictionaryPart{dictionary, first}.Encode() + values);
  }
  HostileCapture& Records(const CaptureRecordsPart& part, const std::string& packed) {
    return Add(CaptureBlockType::kRecords, part.Encode() + packed);
  }
  HostileCapture& End(uint64_t records, uint32_t number = 0) {
    return Add(CaptureBlockType::kSnapshotEnd, CaptureSnapshotEnd{number, true, records}.Encode());
  }
  std::string Finish(uint32_t snapshots = 1) {
    Add(CaptureBlockType::kEnd, CaptureEnd{snapshots}.Encode());
    return bytes_;
  }

 private:
  uint32_t number_ = 0;
  std::string bytes_;
};

TEST(HostileCaptureTest, WhatIsRightIsRead) {
  const Read read = ReadBytes(HostileCapture()
                                  .Snapshot()
                                  .Values(0, 0, "aabb")
                                  .Records({0, 0, 0, 5, 1}, "\x16")
                                  .End(5)
                                  .Finish());
  EXPECT_EQ(read.values, (Strings{"aa", "bb", "bb", "aa", "bb"}));
  EXPECT_EQ(read.losses, Strings());
}

TEST(HostileCaptureTest, RecordsThatCannotBeAreLeftOut) {
  const struct {
    CaptureRecordsPart part;
    std::string packed;
    size_t readable;
  } kCases[] = {
      {{0, 0, 0, 8, 1}, "\xFF", 8},
      {{0, 0, 0, 9, 1}, "\xFF", 0},            // fewer bytes than records
      {{0, 0, 0, 8, 1}, "\xFF\xFF", 0},        // more
      {{0, 0, 0, 0, 1}, "", 0},                // none
      {{0, 0, 0, 8, 0}, "", 0},                // no bits
      {{0, 0, 0, 1, 21}, "\xFF\xFF\xFF", 0},   // too many
      {{0, 0, 0, UINT32_MAX, 20}, "\xFF", 0},  // as if there were 10 GiB
      {{0, 0, 0, 1, 20}, "\xFF\xFF\x0F", 0},   // no such value
      {{0, 0, 0, 2, 2}, "\x09", 1},            // one such value
      {{0, 1, 0, 8, 1}, "\xFF", 0},            // no such dictionary
      {{0, 0, UINT64_MAX, 8, 1}, "\xFF", 0},   // not after so many
      {{1, 0, 0, 8, 1}, "\xFF", 8},            // in a snapshot that nobody began
  };
  for (const auto& hostile : kCases) {
    const Read read =
        ReadBytes(HostileCapture()
                      .Snapshot()
                      .Values(0, 0, "aabb")
                      .Records({0, 0, 0, 1, 1}, std::string(1, '\0'))
                      .Records({hostile.part.snapshot, hostile.part.dictionary,
                                hostile.part.first_record + (hostile.part.snapshot == 0 ? 1 : 0),
                                hostile.part.count, hostile.part.index_bits},
                               hostile.packed)
                      .Finish());
    SCOPED_TRACE(hostile.packed.size());
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.values.size(), 1 + hostile.readable);
    EXPECT_FALSE(read.losses.empty());
  }
}

TEST(HostileCaptureTest, ValuesThatCannotBeAreLeftOut) {
  const auto readable = [](uint32_t dictionary, uint32_t first, const std::string& values) {
    const Read read = ReadBytes(HostileCapture()
                                    .Snapshot()
                                    .Values(1, 0, "aabb")
                                    .Values(dictionary, first, values)
                                    .Records({0, 1, 0, 3, 2}, "\x24")  // 0, 1, 2
                                    .End(3)
                                    .Finish());
    EXPECT_EQ(read.losses.empty(), read.values.size() == 3);
    return read.values;
  };
  EXPECT_EQ(readable(1, 2, "cc"), (Strings{"aa", "bb", "cc"}));
  EXPECT_EQ(readable(1, 1, "xxcc"), (Strings{"aa", "bb"}));  // would replace one
  EXPECT_EQ(readable(0, 2, "cc"), (Strings{"aa", "bb"}));    // a dictionary that was left
  EXPECT_EQ(readable(1, 2, "ccd"), (Strings{"aa", "bb"}));   // not whole
  EXPECT_EQ(readable(1, 2, ""), (Strings{"aa", "bb"}));
  EXPECT_EQ(readable(1, 1 << 20, "cc"), (Strings{"aa", "bb"}));  // above the limit
  EXPECT_EQ(readable(1, UINT32_MAX, "cc"), (Strings{"aa", "bb"}));
  EXPECT_EQ(readable(1, (1 << 20) - 1, "cc"),
            (Strings{"aa", "bb"}));  // and the one that counts is lost
}

TEST(HostileCaptureTest, DescriptionsThatCannotBeAreErrors) {
  const auto error = [](const std::string& json) {
    const std::string message = ReadBytes(HostileCapture(json).Snapshot().End(0).Finish()).error;
    const std::string before = ": this is no description of values: ";
    const size_t at = message.find(before);
    return at == std::string::npos ? message : message.substr(at + before.size());
  };
  const auto field = [](const std::string& members) {
    return R"({"value_bytes":4,"fields":[{"name":"a",)" + members + "}]}";
  };
  EXPECT_EQ(error(R"({"value_bytes":2})"), "");
  EXPECT_EQ(error(field(R"("kind":"unsigned","offset_bits":0,"size_bits":32)")), "");
  EXPECT_EQ(error(field(R"("kind":"of a later version","offset_bits":0,"size_bits":8)")), "");
  for (const std::string json : {"", "{", "[]", "null", "{}", R"({"value_bytes":"2"})",
                                 R"({"value_bytes":2,"fields":{"a":1}})", R"({"value_bytes":-1})",
                                 R"({"value_bytes":2,"provenance":[]})", "\xFF\x1B"}) {
    EXPECT_NE(error(json), "") << json;
    EXPECT_EQ(error(json).find('\x1B'), std::string::npos);
  }
  EXPECT_EQ(error(R"({"value_bytes":0})"),
            "a value of 0 bytes is not possible: the limits are 1 and 65536 bytes");
  EXPECT_EQ(error(R"({"value_bytes":65537})"),
            "a value of 65537 bytes is not possible: the limits are 1 and 65536 bytes");
  EXPECT_EQ(error(field(R"("kind":"unsigned","offset_bits":1,"size_bits":32)")),
            "field 'a' does not lie within the value: 32 bits from bit 1 on in 32");
  EXPECT_EQ(error(field(R"("kind":"text","offset_bits":0,"size_bits":0)")),
            "field 'a' does not lie within the value: 0 bits from bit 0 on in 32");
  EXPECT_EQ(
      error(field(R"("kind":"bool","offset_bits":18446744073709551615,"size_bits":8)")),
      "field 'a' does not lie within the value: 8 bits from bit 18446744073709551615 on in 32");
  EXPECT_EQ(error(field(R"("kind":"float","offset_bits":0,"size_bits":16)")),
            "field 'a' cannot be float of 16 bits from bit 0 on");
  EXPECT_EQ(error(field(R"("kind":"text","offset_bits":4,"size_bits":8)")),
            "field 'a' cannot be text of 8 bits from bit 4 on");
  EXPECT_EQ(
      error(
          R"({"value_bytes":16,"fields":[{"name":"a","kind":"signed","offset_bits":0,"size_bits":72}]})"),
      "field 'a' cannot be signed of 72 bits from bit 0 on");
  EXPECT_EQ(error(field(R"("kind":"bool","offset_bits":0,"size_bits":8},)"
                        R"({"name":"b\n","kind":"bool","offset_bits":7,"size_bits":8)")),
            "field 'b\\n' begins before the end of the one before it");
  // Nested so deep that a reader that calls itself would fall.
  EXPECT_NE(error(std::string(1'000'000, '[')), "");
}

TEST(HostileCaptureTest, ALaterVersionIsRefused) {
  // A block of version 2, checksums and all, is made of one of version 1 by this program's own
  // checksum function.
  std::string capture = HostileCapture().Snapshot().End(0).Finish();
  const std::string json = R"({"value_bytes":2,"fields":[]})";
  EXPECT_EQ(ReadBytes(capture).error, "");
  std::string later;
  AppendCaptureBlock(CaptureBlockType::kHeader, 0, 7, json, &later, 2);
  EXPECT_NE(ReadBytes(later).error.find(
                "at byte 0: a block of version 2 of the format; this program reads version 1"),
            std::string::npos)
      << ReadBytes(later).error;
}

TEST(HostileCaptureTest, BlocksOfUnknownTypesArePassedOver) {
  const Read read = ReadBytes(HostileCapture()
                                  .Add(static_cast<CaptureBlockType>(99), "something new")
                                  .Snapshot()
                                  .Values(0, 0, "aabb")
                                  .Records({0, 0, 0, 1, 1}, std::string(1, '\0'))
                                  .End(1)
                                  .Finish());
  EXPECT_EQ(read.values, (Strings{"aa"}));
  ASSERT_EQ(read.losses.size(), 1U);
  EXPECT_NE(read.losses[0].find(
                "the block of type 99 is left out: this program does not know what it is"),
            std::string::npos)
      << read.losses[0];
}

// Headers that all claim the same large payload: each must not be hashed again and again.
TEST(HostileCaptureTest, ReadingTakesLinearTime) {
  std::string payload(kMaxCapturePayloadBytes, 'x');
  std::string block;
  AppendCaptureBlock(CaptureBlockType::kRecords, 1, 7, payload, &block);
  block.resize(kCaptureBlockHeaderBytes);
  std::string hostile = HostileCapture().Snapshot().Finish();
  for (int i = 0; i < 500'000; ++i) hostile += block;
  // Quadratic would be 500,000 times 16 MiB: ctest would end it.
  EXPECT_NE(ReadBytes(hostile).error, "");
}

// What is kept of a small block must not take the room of a large one before it.
TEST(HostileCaptureTest, ASmallBlockBehindALargeOneTakesLittleMemory) {
  std::string bytes;
  AppendCaptureBlock(CaptureBlockType::kRecords, 0, 7, std::string(kMaxCapturePayloadBytes, 'x'),
                     &bytes);
  AppendCaptureBlock(CaptureBlockType::kDictionary, 1, 7, "small", &bytes);
  const int fd = memfd_create("capture", MFD_CLOEXEC);
  ASSERT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  auto file = InputFile::Open("/proc/self/fd/" + std::to_string(fd));
  ASSERT_TRUE(file.ok());
  CaptureBlocks blocks(*std::move(file));
  CaptureBlock block;
  ASSERT_TRUE(blocks.Next(&block));
  ASSERT_TRUE(blocks.Next(&block));
  EXPECT_EQ(block.payload.size(), 5U);
  EXPECT_LE(block.payload.capacity(), 64U);
  close(fd);
}

TEST(HostileCaptureTest, ManyUnknownKeysTakeLinearTime) {
  std::string json = R"({"value_bytes":2)";
  for (int i = 0; i < 400'000; ++i) json += ",\"k" + std::to_string(i) + "\":0";
  json += "}";
  // Quadratic would be 80 thousand million comparisons: ctest would end it.
  const auto header = ParseCaptureHeader(json);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->schema.value_bytes, 2U);
}

// A header that claims 16 MiB where there are 10 bytes.
TEST(HostileCaptureTest, ABlockThatIsNotThereIsNotRead) {
  std::string block;
  AppendCaptureBlock(CaptureBlockType::kRecords, 1, 7, std::string(kMaxCapturePayloadBytes, 'x'),
                     &block);
  block.resize(kCaptureBlockHeaderBytes + 10);
  const Read read = ReadBytes(HostileCapture().Snapshot().Values(0, 0, "aa").Finish() + block);
  EXPECT_NE(read.error, "");
}

}  // namespace
}  // namespace inlay::analysis
