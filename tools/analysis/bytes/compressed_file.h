// CompressedFile: decompresses a file or pipe on a thread of its own, so that decompression
// overlaps with the work on the bytes.
//
// The thread is at most kBufferedBlocks blocks ahead. If the system has no thread to give, Read()
// does the work itself.

#ifndef INLAY_TOOLS_ANALYSIS_BYTES_COMPRESSED_FILE_H_
#define INLAY_TOOLS_ANALYSIS_BYTES_COMPRESSED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/decompressor.h"

namespace inlay::analysis {

// Not thread-safe: one caller at a time.
class CompressedFile {
 public:
  static constexpr size_t kBlockBytes = size_t{256} << 10;
  static constexpr size_t kBufferedBlocks = 4;

  // Reads the stream that starts with `prefix`, which has been read from `fd`, and goes on in `fd`.
  // Errors call the file `name`. The caller owns `fd` and keeps it open while this object lives.
  // Fails without memory or descriptors.
  static absl::StatusOr<std::unique_ptr<CompressedFile>> Open(std::string name, int fd,
                                                              Compression compression,
                                                              std::vector<uint8_t> prefix);

  // Stops and joins the thread, even while it waits for a pipe.
  ~CompressedFile();
  CompressedFile(const CompressedFile&) = delete;
  CompressedFile& operator=(const CompressedFile&) = delete;

  // Fills `out` with the next decompressed bytes; returns how many, fewer than asked only at the
  // end. Fails when the file or Decompressor fails; the message starts with the name. After a
  // failure every call fails.
  absl::StatusOr<size_t> Read(std::span<uint8_t> out);

  // The compressed bytes, `prefix` among them, behind the bytes that Read() has returned. Counts
  // whole blocks, so it may be ahead and never behind. All of them once Read() has met the end.
  uint64_t compressed_bytes() const;

 private:
  class Reader;

  explicit CompressedFile(std::unique_ptr<Reader> reader);

  std::unique_ptr<Reader> reader_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BYTES_COMPRESSED_FILE_H_
