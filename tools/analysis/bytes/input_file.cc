#include "tools/analysis/bytes/input_file.h"

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
  absl::Status found = file.FindCompression(path);
  if (!found.ok()) return found;
  return file;
}

absl::Status InputFile::FindCompression(const std::string& path) {
  std::vector<uint8_t> magic(kCompressionMagicBytes);
  absl::StatusOr<size_t> got = size_bytes_.has_value() ? ReadAt(0, magic) : ReadUncounted(magic);
  if (!got.ok()) return got.status();
  magic.resize(*got);
  const std::optional<Compression> compression = DetectCompression(magic);
  std::optional<Compression> named;
  if (path.ends_with(".gz")) named = Compression::kGzip;
  if (path.ends_with(".zst")) named = Compression::kZstd;
  // Otherwise a file with a damaged start would pass for a table.
  if (named.has_value() && compression != named && !magic.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ": its name says ", std::string(CompressionName(*named)),
                     ", but its content does not; if the file is undamaged, rename it"));
  }
  // ReadAt() left the bytes of a regular file unread; those of a pipe are consumed.
  if (size_bytes_.has_value()) magic.clear();
  if (!compression.has_value()) {
    peeked_ = std::move(magic);
    return absl::OkStatus();
  }
  size_bytes_.reset();
  absl::StatusOr<std::unique_ptr<CompressedFile>> opened =
      CompressedFile::Open(name_, fd_, *compression, std::move(magic));
  if (!opened.ok()) return opened.status();
  compressed_ = *std::move(opened);
  return absl::OkStatus();
}

InputFile::InputFile(std::string name, int fd, std::optional<uint64_t> size_bytes)
    : name_(std::move(name)), fd_(fd), size_bytes_(size_bytes) {}

InputFile::InputFile(InputFile&& other) noexcept
    : name_(std::move(other.name_)),
      fd_(std::exchange(other.fd_, -1)),
      size_bytes_(other.size_bytes_),
      compressed_(std::move(other.compressed_)),
      peeked_(std::move(other.peeked_)),
      peeked_used_(other.peeked_used_),
      used_bytes_(other.used_bytes_),
      taken_bytes_(other.taken_bytes_) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(fd_, other.fd_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(compressed_, other.compressed_);
  std::swap(peeked_, other.peeked_);
  std::swap(peeked_used_, other.peeked_used_);
  std::swap(used_bytes_, other.used_bytes_);
  std::swap(taken_bytes_, other.taken_bytes_);
  return *this;
}

InputFile::~InputFile() {
  compressed_.reset();  // its thread reads from fd_
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<size_t> InputFile::Read(std::span<uint8_t> out) {
  absl::StatusOr<size_t> got = ReadUncounted(out);
  if (!got.ok()) return got;
  used_bytes_ += *got;
  if (*got < out.size() && size_bytes_.has_value() && used_bytes_ < *size_bytes_) {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ": became shorter while it was read: ", used_bytes_, " of ",
                     *size_bytes_, " bytes were there"));
  }
  return got;
}

bool InputFile::HasGrown() const {
  struct stat info {};
  return size_bytes_.has_value() && fstat(fd_, &info) == 0 &&
         static_cast<uint64_t>(info.st_size) > *size_bytes_;
}

absl::StatusOr<size_t> InputFile::ReadUncounted(std::span<uint8_t> out) {
  size_t filled = std::min(out.size(), peeked_.size() - peeked_used_);
  if (filled > 0) {
    std::memcpy(out.data(), peeked_.data() + peeked_used_, filled);
    peeked_used_ += filled;
  }
  if (compressed_ != nullptr) {
    absl::StatusOr<size_t> got = compressed_->Read(out.subspan(filled));
    if (!got.ok()) return got.status();
    return filled + *got;
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
  const size_t known = peeked_.size() - peeked_used_;
  // Keeps all bytes that an earlier Peek() read, even if this call asks for fewer.
  std::vector<uint8_t> ahead(std::max(bytes, known));
  absl::StatusOr<size_t> got = ReadUncounted(ahead);
  if (!got.ok()) return got.status();
  ahead.resize(*got);
  peeked_ = std::move(ahead);
  peeked_used_ = 0;
  return std::span<const uint8_t>(peeked_).first(std::min(bytes, peeked_.size()));
}

uint64_t InputFile::TakeUsedBytes() {
  const uint64_t used = compressed_ != nullptr ? compressed_->compressed_bytes() : used_bytes_;
  return used - std::exchange(taken_bytes_, used);
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
