// Hostile captures: blocks with right checksums and wrong content.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

#include "tests/tools/analysis/capture_file/capture_reading.h"
#include "tests/tools/strings.h"
#include "tools/analysis/bytes/input_file.h"
#include "tools/analysis/capture_file/capture_blocks.h"
#include "tools/analysis/capture_file/capture_format.h"
#include "tools/analysis/capture_file/capture_header.h"

namespace inlay::analysis {
namespace {

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
  const CaptureRead read = ReadCapture(HostileCapture()
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
    const CaptureRead read =
        ReadCapture(HostileCapture()
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

TEST(HostileCaptureTest, AFewBytesDoNotStandForHoursOfReading) {
  constexpr uint32_t kValueBytes = 65'407;
  constexpr uint32_t kRecords = 1'100'000;  // 138 kB of bits, and 67 GiB of values
  HostileCapture capture(R"({"value_bytes":65407,"fields":[]})");
  capture.Snapshot()
      .Values(0, 0, std::string(kValueBytes, 'a'))
      .Records({0, 0, 0, kRecords, 1}, std::string((kRecords + 7) / 8, '\0'))
      .End(kRecords);
  EXPECT_NE(ReadCapture(capture.Finish()).error.find("more than 64 GiB of values"),
            std::string::npos);
}

TEST(HostileCaptureTest, ValuesThatCannotBeAreLeftOut) {
  const auto readable = [](uint32_t dictionary, uint32_t first, const std::string& values) {
    const CaptureRead read = ReadCapture(HostileCapture()
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
    const std::string message = ReadCapture(HostileCapture(json).Snapshot().End(0).Finish()).error;
    const std::string before = ": invalid description of values: ";
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
  EXPECT_EQ(error(R"({"value_bytes":16,"fields":[{"name":"a","kind":"signed","offset_bits":0,)"
                  R"("size_bits":72}]})"),
            "field 'a' cannot be signed of 72 bits from bit 0 on");
  EXPECT_EQ(error(field(R"("kind":"bool","offset_bits":0,"size_bits":8},)"
                        R"({"name":"b\n","kind":"bool","offset_bits":7,"size_bits":8)")),
            "field 'b\\n' begins before the end of the one before it");
  // Nested so deep that a recursive reader would overflow its stack.
  EXPECT_NE(error(std::string(1'000'000, '[')), "");
}

TEST(HostileCaptureTest, ALaterVersionIsRefused) {
  // A block of version 2, checksums and all, is made of one of version 1 by this program's own
  // checksum function.
  std::string capture = HostileCapture().Snapshot().End(0).Finish();
  const std::string json = R"({"value_bytes":2,"fields":[]})";
  EXPECT_EQ(ReadCapture(capture).error, "");
  std::string later;
  AppendCaptureBlock(CaptureBlockType::kHeader, 0, 7, json, &later, 2);
  EXPECT_NE(ReadCapture(later).error.find(
                "at byte 0: a block of version 2 of the format; this program reads version 1"),
            std::string::npos)
      << ReadCapture(later).error;
}

TEST(HostileCaptureTest, BlocksOfUnknownTypesArePassedOver) {
  const CaptureRead read = ReadCapture(HostileCapture()
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
  EXPECT_NE(ReadCapture(hostile).error, "");
}

// A stored small block must not keep the capacity of a large one before it.
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
  const CaptureRead read =
      ReadCapture(HostileCapture().Snapshot().Values(0, 0, "aa").Finish() + block);
  EXPECT_NE(read.error, "");
}

}  // namespace
}  // namespace inlay::analysis
