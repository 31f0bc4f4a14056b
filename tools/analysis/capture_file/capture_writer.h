// CaptureWriter: writes values of sockets as a capture file (.inlay), which docs/format.md
// specifies.
//
// It writes the file in order and never reads or seeks, so the file may be a pipe. When
// EndSnapshot() returns, the snapshot is on the disk and stays readable whatever happens later. It
// writes every distinct value once; from then on, also in later snapshots, a number of a few bits
// stands for it.
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
  // Writes the header to `fd`. The caller closes `fd`, which may be standard output. Messages call
  // it `name`. `id` tells this capture from others; 0 takes a random one. Fails if
  // CheckCaptureSchema() or a write fails. The schema may omit padding: the file stores bits
  // without a field as fields of kind kPadding.
  //
  // While `fd` accepts no bytes, the writer polls `stop`: if it is true, and `fd` accepts nothing
  // for a second, the current call fails with kCancelled. Without `stop`, the writer waits until a
  // full pipe has room.
  //
  // The caller must ignore SIGPIPE; a closed pipe is then an ordinary error.
  static absl::StatusOr<std::unique_ptr<CaptureWriter>> Create(int fd, std::string name,
                                                               CaptureHeader header,
                                                               uint32_t id = 0,
                                                               std::function<bool()> stop = {});

  // Without Finish(), the file counts as truncated.
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  // Each function fails if a write fails, and so does every later one; the message has the name and
  // the reason. A call out of order fails too (kFailedPrecondition).

  // Starts a snapshot that was taken at `time_ns` (since 1970, UTC). Only a series may have a
  // second one.
  absl::Status BeginSnapshot(uint64_t time_ns);

  // Adds `copies` records of `value`, one for each socket. Fails if `value` is not
  // schema.value_bytes long.
  absl::Status Add(std::span<const uint8_t> value, uint64_t copies = 1);

  // Ends the snapshot and makes sure that it is on the disk. `why` explains an incomplete one: "12
  // sockets were closed while they were read".
  absl::Status EndSnapshot(bool complete, std::string_view why = {});

  // Marks the end of a complete file, and hands all its bytes to the kernel.
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
