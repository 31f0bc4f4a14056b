// PendingFile: a file that is written beside its place under another name, and moved there when it
// is good.
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
  // Where a file that is written to `path` goes: links are followed, so that these stay. Fails
  // for what is there and is no regular file.
  static absl::StatusOr<std::string> PlaceOf(const std::string& path);

  // Opens a new file beside the place of `path`. One that replaces a file gets its owner and
  // permissions, as far as this process and the file system can give them, and no more; access
  // lists are not kept. Fails as PlaceOf() does, and if no file can be made. Messages name
  // `path`.
  static absl::StatusOr<PendingFile> Create(const std::string& path);

  // Closes the file, and removes it unless it is in place.
  ~PendingFile();
  PendingFile(PendingFile&& other) noexcept;
  PendingFile& operator=(PendingFile&&) = delete;

  // For writing, also when it is in place already; -1 when it is closed.
  int fd() const { return fd_; }
  // Where it goes.
  const std::string& place() const { return place_; }

  // Writes all of `content`.
  absl::Status Write(std::string_view content);
  // Makes sure that what was written is on the disk, not only promised, and closes the file.
  absl::Status Close();
  // Moves the file to its place: whoever reads there sees the old content or the new.
  absl::Status MoveToPlace();

 private:
  PendingFile(std::string path, std::string place, std::string written_at, int fd);

  std::string path_;
  std::string place_;
  std::string written_at_;  // empty: it is in place
  int fd_;
};

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_PENDING_FILE_H_
