// AtomicFile: writes a file so that its name stands for the whole old file or the whole new one,
// whenever the process or the machine stops. ReadWholeFile() reads one.

#ifndef INLAY_ENGINE_SNAPSHOTS_ATOMIC_FILE_H_
#define INLAY_ENGINE_SNAPSHOTS_ATOMIC_FILE_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "inlay/status.h"

namespace inlay {

// Writes "path: what" to *error, if that is given, and returns `status`.
Status FailFile(Status status, const std::string& path, const std::string& what,
                std::string* error) noexcept;

// The bytes go to the file `path` + ".saving" in the same folder, which gets the name `path` last.
// That file is locked, so that saves of one path take turns; one that a killed process left behind
// is used again. Functions fail with kNotFound, kNotPermitted, kNoMemory or kIo; *error says why.
class AtomicFile {
 public:
  AtomicFile() = default;
  // Without Commit() removes what was written.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  Status Open(const std::string& path, std::string* error);
  Status Write(std::span<const std::byte> bytes, std::string* error);
  // Syncs the file, gives it its name, and syncs the folder. After a failure of the last step the
  // name may stand for either file.
  Status Commit(std::string* error);

 private:
  std::string path_;
  std::string saving_;
  int fd_ = -1;
};

// The bytes of a file, aligned to 8 bytes.
struct FileBytes {
  std::unique_ptr<uint64_t[]> words;
  size_t size = 0;
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(words.get()); }
};
Status ReadWholeFile(const std::string& path, FileBytes* bytes, std::string* error);

}  // namespace inlay

#endif  // INLAY_ENGINE_SNAPSHOTS_ATOMIC_FILE_H_
