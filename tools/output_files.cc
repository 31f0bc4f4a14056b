#include "tools/output_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>  // rename
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace inlay {
namespace {

absl::Status Failed(const std::string& path, const std::string& what, int error) {
  return absl::UnavailableError(absl::StrCat(path, ": cannot ", what, ": ", std::strerror(error)));
}

// A file that is not at its place yet. Removed unless it gets there.
class PendingFile {
 public:
  // `place`: where it goes, links followed.
  PendingFile(std::string path, std::string place)
      : path_(std::move(path)),
        place_(std::move(place)),
        written_at_(absl::StrCat(place_, ".", getpid(), ".partial")) {}
  ~PendingFile() {
    if (!written_at_.empty()) unlink(written_at_.c_str());
  }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  const std::string& place() const { return place_; }

  absl::Status Write(std::string_view content) {
    // A file that is replaced keeps its permissions.
    struct stat old;
    const mode_t mode = stat(place_.c_str(), &old) == 0 ? old.st_mode & 07777 : 0666;
    const int fd = open(written_at_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
      const int error = errno;
      written_at_.clear();
      return Failed(path_, "create the file", error);
    }
    int error = 0;
    while (!content.empty() && error == 0) {
      const ssize_t written = write(fd, content.data(), content.size());
      if (written >= 0) {
        content.remove_prefix(static_cast<size_t>(written));
      } else if (errno != EINTR) {
        error = errno;
      }
    }
    // What is renamed is on the disk, not only promised.
    if (error == 0 && fsync(fd) != 0 && errno != EINVAL && errno != ENOSYS) error = errno;
    if (close(fd) != 0 && error == 0) error = errno;
    return error == 0 ? absl::OkStatus() : Failed(path_, "write", error);
  }

  absl::Status MoveToPlace() {
    if (rename(written_at_.c_str(), place_.c_str()) != 0) return Failed(path_, "replace", errno);
    written_at_.clear();
    return absl::OkStatus();
  }

 private:
  const std::string path_;
  const std::string place_;
  std::string written_at_;
};

// Where a file goes: through links, so that these stay.
absl::StatusOr<std::string> PlaceOf(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("a file without a name cannot be written");
  std::error_code error;
  const std::filesystem::path place = std::filesystem::weakly_canonical(path, error);
  if (error) return Failed(path, "find the folder", error.value());
  const std::filesystem::file_status status = std::filesystem::status(place, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return absl::InvalidArgumentError(path + ": exists, and is not a regular file");
  }
  return place.string();
}

}  // namespace

absl::Status WriteFiles(const std::vector<OutputFile>& files) {
  std::vector<std::unique_ptr<PendingFile>> pending;
  for (const OutputFile& file : files) {
    absl::StatusOr<std::string> place = PlaceOf(file.path);
    if (!place.ok()) return place.status();
    const bool twice = std::any_of(pending.begin(), pending.end(),
                                   [&](const auto& other) { return other->place() == *place; });
    if (twice) {
      return absl::InvalidArgumentError(file.path + ": would be written twice");
    }
    pending.push_back(std::make_unique<PendingFile>(file.path, *std::move(place)));
    if (absl::Status status = pending.back()->Write(file.content); !status.ok()) return status;
  }
  for (const auto& file : pending) {
    if (absl::Status status = file->MoveToPlace(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckNotAnInput(const std::string& output, const std::vector<std::string>& inputs) {
  if (output.empty()) return absl::OkStatus();
  for (const std::string& input : inputs) {
    std::error_code error;
    if (std::filesystem::equivalent(output, input == "-" ? "/dev/stdin" : input, error)) {
      return absl::InvalidArgumentError(output + ": is read, and would be overwritten");
    }
  }
  return absl::OkStatus();
}

}  // namespace inlay
