// The guarantees of the writer beyond the round trip: size, order of calls, failures, and the bytes
// of docs/format.md.

#include "tools/analysis/capture_file/capture_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/tools/analysis/capture_file/capture_writing.h"
#include "tests/tools/analysis/readers/record_reading.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/capture_file/capture_records.h"

namespace inlay::analysis {
namespace {

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(CaptureWriterTest, HalfAMillionSocketsTakeLessThanAMegabyte) {
  std::mt19937_64 random(3);
  std::vector<std::array<uint8_t, 100>> values(500);
  for (auto& value : values) {
    for (uint8_t& byte : value) byte = static_cast<uint8_t>(random());
  }
  MemoryCapture capture(PlainHeader(100));
  ASSERT_TRUE(capture.writer().BeginSnapshot(1).ok());
  for (int i = 0; i < 500'000; ++i) {
    ASSERT_TRUE(capture.writer().Add(values[random() % values.size()]).ok());
  }
  ASSERT_TRUE(capture.writer().EndSnapshot(true).ok());
  ASSERT_TRUE(capture.writer().Finish().ok());
  // 500 values of 100 bytes, 500,000 numbers of 9 bits, and the blocks' own bytes.
  EXPECT_LT(capture.Bytes().size(), 620'000U);
  EXPECT_GT(capture.Bytes().size(), 50'000U + 562'500U);
}

TEST(CaptureWriterTest, CallsOutOfTurnFailAndHarmNothing) {
  MemoryCapture capture(PlainHeader(2));
  CaptureWriter& writer = capture.writer();
  EXPECT_EQ(Message(writer.Add(AsBytes("aa"))), "Add: called out of order");
  EXPECT_EQ(Message(writer.EndSnapshot(true)), "EndSnapshot: called out of order");
  ASSERT_TRUE(writer.BeginSnapshot(1).ok());
  EXPECT_EQ(Message(writer.BeginSnapshot(1)), "BeginSnapshot: called out of order");
  EXPECT_EQ(Message(writer.Finish()), "Finish: called out of order");
  EXPECT_EQ(Message(writer.Add(AsBytes("aaa"))), "Add: a value of 3 bytes, not 2");
  ASSERT_TRUE(writer.Add(AsBytes("aa")).ok());
  ASSERT_TRUE(writer.EndSnapshot(true).ok());
  EXPECT_EQ(Message(writer.BeginSnapshot(1)), "BeginSnapshot: only a series has several snapshots");
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_EQ(Message(writer.Finish()), "Finish: called out of order");
  EXPECT_EQ(capture.Bytes(), CaptureOf(PlainHeader(2), {{1, {"aa"}}}));
}

TEST(CaptureWriterTest, DescriptionsThatCannotBeAreRefused) {
  const auto error = [](const CaptureHeader& header) {
    const auto writer = CaptureWriter::Create(-1, "nowhere", header);
    return writer.ok() ? "none" : Message(writer.status());
  };
  EXPECT_EQ(error(PlainHeader(0)),
            "a value of 0 bytes is not possible: the limits are 1 and 65536 bytes");
  CaptureHeader text = PlainHeader(2);
  text.schema.kind = RecordSchema::Kind::kText;
  EXPECT_EQ(error(text), "a capture holds raw records, not text");
  CaptureHeader outside = PlainHeader(2);
  outside.schema.fields = {{.name = "a", .offset_bits = 8, .size_bits = 16}};
  EXPECT_EQ(error(outside), "field 'a' does not lie within the value: 16 bits from bit 8 on in 16");
  outside.schema.fields = {{.name = "a"}};
  EXPECT_EQ(error(outside), "field 'a' has no offset");
  CaptureHeader large = PlainHeader(2);
  large.provenance.more = {{"command", std::string(kMaxCapturePayloadBytes, 'x')}};
  EXPECT_NE(error(large).find("above the limit of 16777216"), std::string::npos);
}

TEST(CaptureWriterTest, AWriteThatFailsIsAnErrorOfThisAndAllLaterCalls) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  const auto writer = CaptureWriter::Create(full, "the disk", PlainHeader(2));
  EXPECT_EQ(Message(writer.status()), "the disk: cannot write: No space left on device");
  close(full);

  // A pipe whose reader goes away later.
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  auto piped = CaptureWriter::Create(ends[1], "the pipe", PlainHeader(60'000));
  ASSERT_TRUE(piped.ok());
  ASSERT_TRUE((*piped)->BeginSnapshot(1).ok());
  close(ends[0]);
  absl::Status status;
  for (int i = 0; status.ok() && i < 200'000; ++i) {
    std::string value(60'000, 'x');
    std::memcpy(value.data(), &i, sizeof(i));
    status = (*piped)->Add(AsBytes(value), 100'000);
  }
  EXPECT_EQ(Message(status), "the pipe: cannot write: Broken pipe");
  EXPECT_EQ((*piped)->EndSnapshot(true), status);
  EXPECT_EQ((*piped)->Finish(), status);
  close(ends[1]);
}

TEST(CaptureWriterTest, AReaderMayReadFromAPipeWhileItIsWritten) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  std::thread reader([&ends] {
    auto source = OpenCaptureRecords(*Inputs::Open({"/proc/self/fd/" + std::to_string(ends[0])}),
                                     std::nullopt);
    ASSERT_TRUE(source.ok());
    size_t records = 0;
    size_t snapshots = 0;
    for (absl::StatusOr<bool> more = true; *more; more = (*source)->NextSnapshot()) {
      const auto values = ReadAll(**source);
      ASSERT_TRUE(values.ok());
      records += values->size();
      ++snapshots;
    }
    EXPECT_EQ(records, 300'000U);
    EXPECT_EQ(snapshots, 3U);
    EXPECT_TRUE(DoubtsOf(**source).empty());
  });
  auto writer = CaptureWriter::Create(ends[1], "the pipe", PlainHeader(4, true));
  ASSERT_TRUE(writer.ok());
  for (uint64_t snapshot = 0; snapshot < 3; ++snapshot) {
    ASSERT_TRUE((*writer)->BeginSnapshot(snapshot).ok());
    for (uint32_t i = 0; i < 100'000; ++i) {
      const uint32_t value = i % 1000;
      ASSERT_TRUE((*writer)->Add({reinterpret_cast<const uint8_t*>(&value), sizeof(value)}).ok());
    }
    ASSERT_TRUE((*writer)->EndSnapshot(true).ok());
  }
  ASSERT_TRUE((*writer)->Finish().ok());
  close(ends[1]);
  reader.join();
  close(ends[0]);
}

// A series that ends anywhere: the file has all snapshots that EndSnapshot() has finished.
TEST(CaptureWriterTest, WhatHasEndedIsInTheFile) {
  MemoryCapture capture(PlainHeader(2, true));
  for (uint64_t i = 1; i <= 3; ++i) {
    capture.Add({i, {"aa", "bb"}});
    EXPECT_EQ(capture.writer().bytes_written(), capture.Bytes().size());
    size_t ends = 0;
    for (const PlacedBlock& block : BlocksOf(capture.Bytes())) {
      if (block.type == CaptureBlockType::kSnapshotEnd) ++ends;
    }
    EXPECT_EQ(ends, i);
  }
}

TEST(CaptureWriterTest, TwoCapturesHaveDifferentIds) {
  const std::string a = CaptureOf(PlainHeader(2), {{1, {"aa"}}}, 0);
  const std::string b = CaptureOf(PlainHeader(2), {{1, {"aa"}}}, 0);
  EXPECT_NE(ParseCaptureBlockHeader(AsBytes(a))->capture_id,
            ParseCaptureBlockHeader(AsBytes(b))->capture_id);
}

// The bytes of the example in docs/format.md, from its lines of hexadecimal digits.
std::string BytesOfTheExample() {
  std::ifstream file(INLAY_FORMAT_DOCUMENT);
  std::string line;
  std::string bytes;
  while (std::getline(file, line)) {
    // "  1a8  89 49 ..  |text|"
    std::istringstream words(line.substr(0, line.find('|')));
    std::string offset;
    std::string word;
    if (!line.starts_with("    ") || !(words >> offset) || offset.size() != 3 ||
        offset.find_first_not_of("0123456789abcdef") != std::string::npos ||
        std::stoul(offset, nullptr, 16) != bytes.size()) {
      continue;
    }
    while (words >> word) {
      bytes += static_cast<char>(std::stoul(word, nullptr, 16));
    }
  }
  return bytes;
}

TEST(CaptureWriterTest, TheExampleInTheDocumentIsWhatIsWritten) {
  CaptureHeader header = PlainHeader(2);
  header.provenance.host = "web1";
  header.schema.fields = {{.name = "mss",
                           .kind = FieldKind::kUnsigned,
                           .offset_bits = 0,
                           .size_bits = 16,
                           .type_name = "__u16"}};
  const std::string mss1460 = "\xB4\x05";
  const std::string mss1400 = "\x78\x05";
  const std::string mss536 = "\x18\x02";
  const std::string written = CaptureOf(header,
                                        {{1'700'000'000'000'000'000,
                                          {mss1460, mss1460, mss1400, mss1460, mss536, mss1400},
                                          false,
                                          "1 socket was closed"}},
                                        0x04030201);
  EXPECT_TRUE(BytesOfTheExample() == written);
}

}  // namespace
}  // namespace inlay::analysis
