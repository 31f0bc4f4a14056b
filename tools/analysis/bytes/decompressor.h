// Decompressor: the bytes inside a gzip or zstd stream, in order; and the detection of such
// streams.
//
// A gzip stream is members one after another, a zstd stream frames; their contents are joined, as
// gzip -d and zstd -d do.

#ifndef INLAY_TOOLS_ANALYSIS_BYTES_DECOMPRESSOR_H_
#define INLAY_TOOLS_ANALYSIS_BYTES_DECOMPRESSOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

namespace inlay::analysis {

enum class Compression { kGzip, kZstd };

// The bytes that DetectCompression() needs.
inline constexpr size_t kCompressionMagicBytes = 4;

// The compression of the stream that starts with `prefix`; nothing if it has none. Thread-safe.
std::optional<Compression> DetectCompression(std::span<const uint8_t> prefix);

// "gzip" or "zstd". Thread-safe.
std::string_view CompressionName(Compression compression);

// Not thread-safe: one caller at a time.
class Decompressor {
 public:
  // Fills a buffer with the next bytes of the compressed stream; returns how many, 0 only at its
  // end.
  using Source = std::function<absl::StatusOr<size_t>(std::span<uint8_t>)>;

  // Decompresses the bytes that `source` returns. Fails without memory.
  static absl::StatusOr<std::unique_ptr<Decompressor>> Create(Compression compression,
                                                              Source source);

  virtual ~Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // Fills `out`; returns how many bytes, fewer than asked only at the end. Fails when `source`
  // fails, and for a stream that is damaged, cut off, or followed by other data; the message names
  // the compression and the number of bytes decompressed so far. No call may follow a failure.
  virtual absl::StatusOr<size_t> Read(std::span<uint8_t> out) = 0;

 protected:
  Decompressor() = default;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BYTES_DECOMPRESSOR_H_
