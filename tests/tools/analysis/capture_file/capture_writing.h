// Makes captures in memory, and takes them apart, for tests.

#ifndef INLAY_TESTS_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_WRITING_H_
#define INLAY_TESTS_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_WRITING_H_

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/analysis/capture_file/capture_format.h"
#include "tools/analysis/capture_file/capture_writer.h"

namespace inlay::analysis {

inline std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A description of values of so many bytes without fields.
inline CaptureHeader PlainHeader(uint64_t value_bytes, bool series = false) {
  CaptureHeader header;
  header.schema.value_bytes = value_bytes;
  header.series = series;
  return header;
}

struct SnapshotToWrite {
  uint64_t time_ns = 0;
  std::vector<std::string> values = {};
  bool complete = true;
  std::string why = {};
};

// A writer into memory.
class MemoryCapture {
 public:
  explicit MemoryCapture(const CaptureHeader& header, uint32_t id = 7)
      : fd_(memfd_create("capture", MFD_CLOEXEC)) {
    EXPECT_GE(fd_, 0);
    absl::StatusOr<std::unique_ptr<CaptureWriter>> writer =
        CaptureWriter::Create(fd_, "memory", header, id);
    EXPECT_TRUE(writer.ok()) << std::string(writer.status().message());
    writer_ = *std::move(writer);
  }
  ~MemoryCapture() { close(fd_); }
  MemoryCapture(const MemoryCapture&) = delete;
  MemoryCapture& operator=(const MemoryCapture&) = delete;

  CaptureWriter& writer() { return *writer_; }

  void Add(const SnapshotToWrite& snapshot) {
    EXPECT_TRUE(writer_->BeginSnapshot(snapshot.time_ns).ok());
    for (const std::string& value : snapshot.values) {
      EXPECT_TRUE(writer_->Add(AsBytes(value)).ok());
    }
    EXPECT_TRUE(writer_->EndSnapshot(snapshot.complete, snapshot.why).ok());
  }

  // The bytes written so far.
  std::string Bytes() const {
    std::string bytes(static_cast<size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    EXPECT_EQ(pread(fd_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return bytes;
  }

 private:
  int fd_;
  std::unique_ptr<CaptureWriter> writer_;
};

// A whole capture of these snapshots.
inline std::string CaptureOf(const CaptureHeader& header,
                             const std::vector<SnapshotToWrite>& snapshots, uint32_t id = 7) {
  MemoryCapture capture(header, id);
  for (const SnapshotToWrite& snapshot : snapshots) capture.Add(snapshot);
  EXPECT_TRUE(capture.writer().Finish().ok());
  return capture.Bytes();
}

struct PlacedBlock {
  size_t offset = 0;
  size_t size = 0;  // with its header
  CaptureBlockType type = CaptureBlockType::kHeader;
};

// The blocks of a capture that is whole.
inline std::vector<PlacedBlock> BlocksOf(const std::string& capture) {
  std::vector<PlacedBlock> blocks;
  for (size_t at = 0; at < capture.size();) {
    const auto header = ParseCaptureBlockHeader(AsBytes(capture).subspan(at));
    if (!header.has_value()) {
      ADD_FAILURE() << "no block at byte " << at;
      break;
    }
    blocks.push_back({at, kCaptureBlockHeaderBytes + header->payload_bytes,
                      static_cast<CaptureBlockType>(header->type)});
    at += blocks.back().size;
  }
  return blocks;
}

}  // namespace inlay::analysis

#endif  // INLAY_TESTS_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_WRITING_H_
