#include "tools/command/output/pending_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>  // rename
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace inlay {
namespace {

// Gives the new file the old one's owner and permissions, as far as this process and the file
// system can. They never give access to anyone who had none before.
void KeepAccess(int fd, const struct stat& old) {
  // Sets the owner first, because that clears permissions. Only root gives files away.
  const bool keeps_group =
      fchown(fd, old.st_uid, old.st_gid) == 0 || fchown(fd, uid_t(-1), old.st_gid) == 0;
  mode_t mode = old.st_mode & 0777;
  if (!keeps_group) {
    // Members of the old group may now be others, and others may be in the new group.
    const mode_t of_both = (mode >> 3) & mode & 07;
    mode = (mode & 0700) | (of_both << 3) | of_both;
  }
  // If this fails, only the owner has access.
  (void)fchmod(fd, mode);
}

absl::Status Failed(const std::string& path, const std::string& what, int error) {
  return absl::UnavailableError(absl::StrCat(path, ": cannot ", what, ": ", std::strerror(error)));
}

}  // namespace

PendingFile::PendingFile(std::string path, std::string place, std::string written_at, int fd)
    : path_(std::move(path)),
      place_(std::move(place)),
      written_at_(std::move(written_at)),
      fd_(fd) {}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : path_(std::move(other.path_)),
      place_(std::move(other.place_)),
      written_at_(std::exchange(other.written_at_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

PendingFile::~PendingFile() {
  if (fd_ >= 0) close(fd_);
  if (!written_at_.empty()) unlink(written_at_.c_str());
}

absl::StatusOr<std::string> PendingFile::PlaceOf(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("the file to write needs a name");
  std::error_code error;
  // Absolute, so that it has a folder.
  const std::filesystem::path place =
      std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  if (error) return Failed(path, "find the folder", error.value());
  const std::filesystem::file_status status = std::filesystem::status(place, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return absl::InvalidArgumentError(path + ": exists, and is not a regular file");
  }
  return place.string();
}

absl::StatusOr<PendingFile> PendingFile::Create(const std::string& path) {
  absl::StatusOr<std::string> place = PlaceOf(path);
  if (!place.ok()) return place.status();
  std::string written_at = absl::StrCat(*place, ".", getpid(), ".partial");
  struct stat old;
  const bool replaces = stat(place->c_str(), &old) == 0;
  const int fd =
      open(written_at.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, replaces ? 0600 : 0666);
  if (fd < 0) return Failed(path, "create the file", errno);
  if (replaces) KeepAccess(fd, old);
  return PendingFile(path, *std::move(place), std::move(written_at), fd);
}

absl::Status PendingFile::Write(std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(fd_, content.data(), content.size());
    if (written >= 0) {
      content.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return Failed(path_, "write", errno);
    }
  }
  return absl::OkStatus();
}

absl::Status PendingFile::Close() {
  int error = 0;
  if (fsync(fd_) != 0 && errno != EINVAL && errno != ENOSYS) error = errno;
  if (close(std::exchange(fd_, -1)) != 0 && error == 0) error = errno;
  return error == 0 ? absl::OkStatus() : Failed(path_, "write", error);
}

absl::Status PendingFile::MoveToPlace() {
  if (written_at_.empty()) return absl::OkStatus();
  if (rename(written_at_.c_str(), place_.c_str()) != 0) return Failed(path_, "replace", errno);
  written_at_.clear();
  // Flushes the new name to the disk too. Ignores errors: the content is on the disk and at its
  // path.
  const std::string folder = std::filesystem::path(place_).parent_path();
  const int folder_fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd >= 0) {
    (void)fsync(folder_fd);
    close(folder_fd);
  }
  return absl::OkStatus();
}

}  // namespace inlay
