#include "tools/analysis/bytes/decompressor.h"

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace inlay::analysis {
namespace {

constexpr size_t kInputBytes = size_t{128} << 10;
constexpr uint8_t kGzipMagic[] = {0x1F, 0x8B, 0x08};  // the last byte: deflate, the only method
constexpr uint8_t kZstdMagic[] = {0x28, 0xB5, 0x2F, 0xFD};
constexpr uint8_t kZstdSkippableMagic[] = {0x2A, 0x4D, 0x18};  // after a byte 0x50 to 0x5F
// Bit 4 of the first parameter of inflateInit2 asks for gzip's header and trailer.
constexpr int kGzipWindowBits = 15 + 16;

// The compressed bytes that were read but not used yet.
class Input {
 public:
  explicit Input(Decompressor::Source source) : source_(std::move(source)), buffer_(kInputBytes) {}

  std::span<const uint8_t> rest() const {
    return std::span(buffer_).subspan(begin_, end_ - begin_);
  }
  void Use(size_t bytes) { begin_ += bytes; }

  // Reads until rest() has `bytes` bytes or the source has ended. REQUIRES: bytes <= kInputBytes.
  absl::Status Fill(size_t bytes) {
    while (end_ - begin_ < bytes) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= std::exchange(begin_, 0);
      absl::StatusOr<size_t> got = source_(std::span(buffer_).subspan(end_));
      if (!got.ok()) return got.status();
      if (*got == 0) break;
      end_ += *got;
    }
    return absl::OkStatus();
  }

 private:
  Decompressor::Source source_;
  std::vector<uint8_t> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

absl::Status StreamError(Compression compression, std::string_view what, uint64_t bytes_out) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(CompressionName(compression)), ": ", std::string(what), ", after ",
                   bytes_out, bytes_out == 1 ? " decompressed byte" : " decompressed bytes"));
}

class GzipDecompressor final : public Decompressor {
 public:
  explicit GzipDecompressor(Source source) : input_(std::move(source)) {}
  ~GzipDecompressor() override { (void)inflateEnd(&stream_); }

  bool Init() { return inflateInit2(&stream_, kGzipWindowBits) == Z_OK; }

  absl::StatusOr<size_t> Read(std::span<uint8_t> out) override {
    size_t filled = 0;
    while (filled < out.size()) {
      if (!in_member_) {
        absl::StatusOr<bool> began = BeginMember();
        if (!began.ok()) return began.status();
        if (!*began) break;
      }
      absl::Status read = input_.Fill(1);
      if (!read.ok()) return read;
      const std::span<const uint8_t> rest = input_.rest();
      if (rest.empty()) return Error("the stream is cut off");
      stream_.next_in = rest.data();
      stream_.avail_in = static_cast<uInt>(rest.size());
      stream_.next_out = out.data() + filled;
      const size_t room = std::min<size_t>(out.size() - filled, uInt{1} << 30);
      stream_.avail_out = static_cast<uInt>(room);
      const int result = inflate(&stream_, Z_NO_FLUSH);
      input_.Use(rest.size() - stream_.avail_in);
      filled += room - stream_.avail_out;
      bytes_out_ += room - stream_.avail_out;
      if (result == Z_STREAM_END) {
        in_member_ = false;
      } else if (result == Z_MEM_ERROR) {
        return absl::ResourceExhaustedError("gzip: not enough memory");
      } else if (result != Z_OK) {
        return Error(absl::StrCat("the stream is damaged (",
                                  stream_.msg != nullptr ? stream_.msg : "no valid data", ")"));
      }
    }
    return filled;
  }

 private:
  // Prepares for the next member; false when there is none.
  absl::StatusOr<bool> BeginMember() {
    absl::Status read = input_.Fill(std::size(kGzipMagic));
    if (!read.ok()) return read;
    const std::span<const uint8_t> rest = input_.rest();
    if (rest.empty()) return false;
    if (rest.size() < std::size(kGzipMagic) ||
        !std::equal(std::begin(kGzipMagic), std::end(kGzipMagic), rest.begin())) {
      return Error("what follows the end of the stream is not gzip");
    }
    if (inflateReset(&stream_) != Z_OK) return Error("the decompressor cannot start again");
    in_member_ = true;
    return true;
  }

  absl::Status Error(std::string_view what) const {
    return StreamError(Compression::kGzip, what, bytes_out_);
  }

  Input input_;
  z_stream stream_ = {};
  bool in_member_ = false;
  uint64_t bytes_out_ = 0;
};

class ZstdDecompressor final : public Decompressor {
 public:
  explicit ZstdDecompressor(Source source)
      : input_(std::move(source)), stream_(ZSTD_createDStream()) {}
  ~ZstdDecompressor() override { ZSTD_freeDStream(stream_); }

  bool Init() { return stream_ != nullptr; }

  absl::StatusOr<size_t> Read(std::span<uint8_t> out) override {
    ZSTD_outBuffer to = {out.data(), out.size(), 0};
    while (to.pos < to.size) {
      absl::Status read = input_.Fill(1);
      if (!read.ok()) return read;
      const std::span<const uint8_t> rest = input_.rest();
      if (rest.empty() && !in_frame_) break;
      ZSTD_inBuffer from = {rest.data(), rest.size(), 0};
      const size_t had = to.pos;
      const size_t result = ZSTD_decompressStream(stream_, &to, &from);
      bytes_out_ += to.pos - had;
      if (ZSTD_isError(result) != 0) {
        return Error(absl::StrCat("the stream is damaged or followed by something else (",
                                  ZSTD_getErrorName(result), ")"));
      }
      input_.Use(from.pos);
      // Inside a frame without input there may still be output to flush.
      if (rest.empty() && result != 0 && to.pos == had) return Error("the stream is cut off");
      in_frame_ = result != 0;
    }
    return to.pos;
  }

 private:
  absl::Status Error(std::string_view what) const {
    return StreamError(Compression::kZstd, what, bytes_out_);
  }

  Input input_;
  ZSTD_DStream* stream_;
  bool in_frame_ = false;
  uint64_t bytes_out_ = 0;
};

template <typename Kind>
absl::StatusOr<std::unique_ptr<Decompressor>> CreateKind(Decompressor::Source source) {
  auto decompressor = std::make_unique<Kind>(std::move(source));
  if (!decompressor->Init()) {
    return absl::ResourceExhaustedError("not enough memory to decompress");
  }
  return decompressor;
}

}  // namespace

std::optional<Compression> DetectCompression(std::span<const uint8_t> prefix) {
  const auto starts_with = [](std::span<const uint8_t> text, std::span<const uint8_t> magic) {
    return text.size() >= magic.size() && std::equal(magic.begin(), magic.end(), text.begin());
  };
  if (starts_with(prefix, kGzipMagic)) return Compression::kGzip;
  if (starts_with(prefix, kZstdMagic)) return Compression::kZstd;
  // Parallel compressors put a skippable frame before the first frame.
  if (!prefix.empty() && (prefix[0] & 0xF0) == 0x50 &&
      starts_with(prefix.subspan(1), kZstdSkippableMagic)) {
    return Compression::kZstd;
  }
  return std::nullopt;
}

std::string_view CompressionName(Compression compression) {
  return compression == Compression::kGzip ? "gzip" : "zstd";
}

absl::StatusOr<std::unique_ptr<Decompressor>> Decompressor::Create(Compression compression,
                                                                   Source source) {
  if (compression == Compression::kGzip) return CreateKind<GzipDecompressor>(std::move(source));
  return CreateKind<ZstdDecompressor>(std::move(source));
}

}  // namespace inlay::analysis
