// CaptureWriter: writes values of sockets as a capture file (.inlay), which docs/format.md
// specifies.
//
// The file is written in order, and never read or sought, so it may be a pipe. What one
// EndSnapshot() has finished is on the disk when it returns, and can be read whatever happens
// later. Every distinct value is written once and is a number of a few bits from then on, in later
// snapshots too.
//
// Memory: the distinct values, up to kMaxCaptureDictionaryBytes (64 MiB) of them, and some 100
// bytes for each.
//
// Not thread-safe: one caller at a time.

#ifndef INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_WRITER_H_
#define INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/analysis/capture_file/capture_header.h"

namespace inlay::analysis {

class CaptureWriter {
 public:
  // Writes the header to `fd`, which stays the caller's to close; it is not sought, and may be
  // standard output. `name` is what messages call it. `id` tells this capture from others; 0
  // takes a random one. Fails for what CheckCaptureSchema() refuses, and if nothing can be
  // written. Padding between fields need not be named: bits that no field has are stored as
  // fields of kind kPadding.
  //
  // `stop` is asked while `fd` takes nothing: if it is true, and `fd` takes nothing for a
  // second, what is under way fails with kCancelled. Without it a full pipe is waited for.
  //
  // SIGPIPE is the caller's to ignore: then a closed pipe is an error like any other.
  static absl::StatusOr<std::unique_ptr<CaptureWriter>> Create(int fd, std::string name,
                                                               CaptureHeader header,
                                                               uint32_t id = 0,
                                                               std::function<bool()> stop = {});

  // Without Finish() readers take the file for cut off.
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  // Each function fails if writing does, as every later one does then: the message has the name
  // and why. One that is called out of turn fails too (kFailedPrecondition).

  // Starts a snapshot that was taken at `time_ns` (since 1970, UTC). Only a series may have a
  // second one.
  absl::Status BeginSnapshot(uint64_t time_ns);

  // Adds `copies` records of `value`, each one socket's. Fails if it is not schema.value_bytes
  // long.
  absl::Status Add(std::span<const uint8_t> value, uint64_t copies = 1);

  // Ends the snapshot and makes sure that it is on the disk. `why` says what is missing from one
  // that is not complete: "12 sockets were closed while they were read".
  absl::Status EndSnapshot(bool complete, std::string_view why = {});

  // Ends the file: nothing was cut off. The file's bytes are all handed to the kernel then.
  absl::Status Finish();

  // So far, of all snapshots; and in the file.
  uint64_t records() const;
  uint64_t bytes_written() const;

 private:
  class Impl;
  explicit CaptureWriter(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_WRITER_H_
