// Reads captures in memory, for tests: their values, and the notes on the rest.

#ifndef INLAY_TESTS_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_READING_H_
#define INLAY_TESTS_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_READING_H_

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tests/tools/analysis/readers/record_reading.h"
#include "tests/tools/strings.h"
#include "tools/analysis/capture_file/capture_records.h"

namespace inlay::analysis {

struct CaptureRead {
  std::string error;  // empty: none
  Strings values = {};
  Strings snapshots = {};
  Strings losses = {};
};

inline CaptureRead ReadCapture(const std::string& bytes) {
  const int fd = memfd_create("capture", MFD_CLOEXEC);
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  CaptureRead read;
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

}  // namespace inlay::analysis

#endif  // INLAY_TESTS_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_READING_H_
