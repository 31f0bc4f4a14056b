#include "tools/analysis/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace inlay::analysis {
namespace {

absl::Status ErrnoError(const std::string& name, const char* what, int error) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": ", what, ": ", std::generic_category().message(error)));
}

}  // namespace

absl::StatusOr<InputFile> InputFile::Open(const std::string& path) {
  const bool is_standard_input = path == "-";
  const std::string name = is_standard_input ? "standard input" : path;
  // A copy of descriptor 0, so that closing it here never closes the process's standard input.
  const int fd = is_standard_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                   : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoError(name, "cannot open", errno);
  InputFile file(name, fd, std::nullopt);
  struct stat info {};
  if (fstat(fd, &info) != 0) return ErrnoError(name, "cannot read", errno);
  if (S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": is a directory, not a file"));
  }
  if (S_ISREG(info.st_mode) && info.st_size > 0 && !is_standard_input) {
    file.size_bytes_ = static_cast<uint64_t>(info.st_size);
    // Advice only: reading ahead makes a cold file faster, and its failure changes nothing.
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return file;
}

InputFile::InputFile(std::string name, int fd, std::optional<uint64_t> size_bytes)
    : name_(std::move(name)), fd_(fd), size_bytes_(size_bytes) {}

InputFile::InputFile(InputFile&& other) noexcept
    : name_(std::move(other.name_)),
      fd_(std::exchange(other.fd_, -1)),
      size_bytes_(other.size_bytes_),
      peeked_(std::move(other.peeked_)),
      peeked_used_(other.peeked_used_) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(fd_, other.fd_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(peeked_, other.peeked_);
  std::swap(peeked_used_, other.peeked_used_);
  return *this;
}

InputFile::~InputFile() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<size_t> InputFile::Read(std::span<uint8_t> out) {
  size_t filled = std::min(out.size(), peeked_.size() - peeked_used_);
  if (filled > 0) {
    std::memcpy(out.data(), peeked_.data() + peeked_used_, filled);
    peeked_used_ += filled;
  }
  while (filled < out.size()) {
    const ssize_t got = read(fd_, out.data() + filled, out.size() - filled);
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) continue;
      return ErrnoError(name_, "cannot read", errno);
    }
    filled += static_cast<size_t>(got);
  }
  return filled;
}

absl::StatusOr<size_t> InputFile::ReadAt(uint64_t offset_bytes, std::span<uint8_t> out) const {
  size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t got = pread(fd_, out.data() + filled, out.size() - filled,
                              static_cast<off_t>(offset_bytes + filled));
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) continue;
      return ErrnoError(name_, "cannot read", errno);
    }
    filled += static_cast<size_t>(got);
  }
  return filled;
}

absl::StatusOr<std::span<const uint8_t>> InputFile::Peek(size_t bytes) {
  std::vector<uint8_t> ahead(bytes);
  absl::StatusOr<size_t> got = Read(ahead);
  if (!got.ok()) return got.status();
  ahead.resize(*got);
  peeked_ = std::move(ahead);
  peeked_used_ = 0;
  return std::span<const uint8_t>(peeked_);
}

uint64_t TotalBytes(std::span<const std::string> paths) {
  uint64_t total_bytes = 0;
  for (const std::string& path : paths) {
    struct stat info {};
    if (path == "-" || stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return 0;
    total_bytes += static_cast<uint64_t>(info.st_size);
  }
  return total_bytes;
}

}  // namespace inlay::analysis
