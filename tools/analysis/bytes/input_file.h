// InputFile: one file, pipe or standard input, opened for reading; every failure is an absl::Status
// whose message starts with the file's name. It decompresses gzip and zstd while reading; the
// content of the file decides, not its name.
//
// Thread safety: ReadAt() may run concurrently with itself; everything else needs one caller at a
// time.

#ifndef INLAY_TOOLS_ANALYSIS_BYTES_INPUT_FILE_H_
#define INLAY_TOOLS_ANALYSIS_BYTES_INPUT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/analysis/bytes/compressed_file.h"

namespace inlay::analysis {

class InputFile {
 public:
  // Opens `path`, or standard input when it is "-"; waits for the first few bytes. Fails if the
  // file does not exist, is unreadable, is a directory, or is named .gz or .zst and is not
  // compressed that way.
  static absl::StatusOr<InputFile> Open(const std::string& path);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  // The name to show to people: the path, or "standard input".
  const std::string& name() const { return name_; }

  // The size in bytes of a regular file when it was opened; nothing for inputs that can only be
  // read in order: pipes, standard input, compressed files, and files such as those in /proc that
  // do not know their size.
  std::optional<uint64_t> size_bytes() const { return size_bytes_; }

  // Fills `out` with the next bytes in order; returns how many, fewer than asked only at the end.
  // Also fails for a regular file that has become shorter since it was opened.
  absl::StatusOr<size_t> Read(std::span<uint8_t> out);

  // Fills `out` from `offset_bytes`; returns how many, fewer than asked only at the end. The file
  // may shrink at any time without harm. REQUIRES: size_bytes() has a value.
  absl::StatusOr<size_t> ReadAt(uint64_t offset_bytes, std::span<uint8_t> out) const;

  // Whether a regular file has become longer since it was opened, because someone writes to it.
  bool HasGrown() const;

  // Up to `bytes` bytes that the next Read() calls will return, without consuming them. The span is
  // valid until the next call of a non-const member. REQUIRES: nothing has been read yet.
  absl::StatusOr<std::span<const uint8_t>> Peek(size_t bytes);

  // The bytes of the file itself (compressed bytes if it is compressed) that Read() has used since
  // the last call. At the end their sum is the file's size, so callers can compare it with
  // TotalBytes().
  uint64_t TakeUsedBytes();

 private:
  InputFile(std::string name, int fd, std::optional<uint64_t> size_bytes);

  absl::Status FindCompression(const std::string& path);
  absl::StatusOr<size_t> ReadUncounted(std::span<uint8_t> out);

  std::string name_;
  int fd_ = -1;
  std::optional<uint64_t> size_bytes_;
  std::unique_ptr<CompressedFile> compressed_;  // uses fd_; null when the file is not compressed
  std::vector<uint8_t> peeked_;                 // read from the file but not yet returned by Read()
  size_t peeked_used_ = 0;
  uint64_t used_bytes_ = 0;   // returned by Read()
  uint64_t taken_bytes_ = 0;  // returned by TakeUsedBytes()
};

// The sum of the sizes in bytes of `paths`, or 0 when any of them does not know its size. For
// showing progress only: it opens nothing and never fails.
uint64_t TotalBytes(std::span<const std::string> paths);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BYTES_INPUT_FILE_H_
