// InputFile: one file, pipe or standard input, opened for reading; every failure is an absl::Status
// whose message starts with the file's name.
//
// Thread safety: ReadAt() may run concurrently with itself; everything else needs one caller at a
// time.

#ifndef INLAY_TOOLS_ANALYSIS_INPUT_FILE_H_
#define INLAY_TOOLS_ANALYSIS_INPUT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace inlay::analysis {

class InputFile {
 public:
  // Opens `path`, or standard input when it is "-". Fails for what does not exist, may not be read,
  // or is a directory.
  static absl::StatusOr<InputFile> Open(const std::string& path);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  // The name to show to people: the path, or "standard input".
  const std::string& name() const { return name_; }

  // The size in bytes of a regular file when it was opened; nothing for whatever can only be read
  // in order (pipes, standard input, and files such as those in /proc that do not know their size).
  std::optional<uint64_t> size_bytes() const { return size_bytes_; }

  // Fills `out` with the next bytes in order; returns how many, fewer than asked only at the end.
  absl::StatusOr<size_t> Read(std::span<uint8_t> out);

  // Fills `out` from `offset_bytes`; returns how many, fewer than asked only at the end. The file
  // may shrink at any time without harm. REQUIRES: size_bytes() has a value.
  absl::StatusOr<size_t> ReadAt(uint64_t offset_bytes, std::span<uint8_t> out) const;

  // Up to `bytes` bytes that the next Read() calls will return, without consuming them. The span is
  // valid until the next call of a non-const member. REQUIRES: nothing has been read yet.
  absl::StatusOr<std::span<const uint8_t>> Peek(size_t bytes);

 private:
  InputFile(std::string name, int fd, std::optional<uint64_t> size_bytes);

  std::string name_;
  int fd_ = -1;
  std::optional<uint64_t> size_bytes_;
  std::vector<uint8_t> peeked_;  // read from the file but not yet returned by Read()
  size_t peeked_used_ = 0;
};

// The sum of the sizes in bytes of `paths`, or 0 when any of them does not know its size. For
// showing progress only: it opens nothing and never fails.
uint64_t TotalBytes(std::span<const std::string> paths);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_INPUT_FILE_H_
