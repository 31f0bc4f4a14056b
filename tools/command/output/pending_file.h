// PendingFile: a file that is written beside its final path under a temporary name, and renamed
// when it is complete.
//
// Not thread-safe: one caller at a time.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_PENDING_FILE_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_PENDING_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace inlay {

class PendingFile {
 public:
  // The final path of a file written to `path`: follows symbolic links, so that these stay. Fails
  // if it exists and is not a regular file.
  static absl::StatusOr<std::string> PlaceOf(const std::string& path);

  // Opens a new file beside the final path of `path`. If it replaces a file, it gets that file's
  // owner and permissions, as far as this process and the file system can set them, and no more; it
  // does not keep access lists. Fails as PlaceOf() does, and if it cannot create the file. Messages
  // name `path`.
  static absl::StatusOr<PendingFile> Create(const std::string& path);

  // Closes the file, and removes it unless it is at its final path.
  ~PendingFile();
  PendingFile(PendingFile&& other) noexcept;
  PendingFile& operator=(PendingFile&&) = delete;

  // For writing, even after MoveToPlace(); -1 after Close().
  int fd() const { return fd_; }
  // The final path.
  const std::string& place() const { return place_; }

  // Writes all of `content`.
  absl::Status Write(std::string_view content);
  // Flushes the file to the disk, and closes it.
  absl::Status Close();
  // Renames the file to its final path: readers see the old content or the new.
  absl::Status MoveToPlace();

 private:
  PendingFile(std::string path, std::string place, std::string written_at, int fd);

  std::string path_;
  std::string place_;
  std::string written_at_;  // empty: at its final path
  int fd_;
};

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_PENDING_FILE_H_
