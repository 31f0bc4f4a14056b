#include "engine/snapshots/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <new>
#include <system_error>
#include <utility>

#include "engine/memory/allocate.h"
#include "engine/sync/test_point.h"

namespace inlay {
namespace {

Status StatusOfErrno(int error) {
  switch (error) {
    case ENOENT:
      return Status::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return Status::kNotPermitted;
    case ENOMEM:
      return Status::kNoMemory;
    default:
      return Status::kIo;
  }
}

Status FailCall(const char* call, const std::string& path, std::string* error) {
  const int number = errno;
  return FailFile(StatusOfErrno(number), path,
                  std::string(call) + ": " + std::generic_category().message(number), error);
}

// Calls `call` again as long as a signal interrupts it.
template <typename Call>
auto Uninterrupted(Call&& call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool IsFileOf(int fd, const std::string& path) {
  struct stat opened = {};
  struct stat named = {};
  return fstat(fd, &opened) == 0 && lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

Status FailIrregular(const std::string& path, std::string* error) {
  return FailFile(Status::kIo, path, "is no regular file, and so is not replaced", error);
}

// Whether the name stands for something that is no regular file: a link, a FIFO, a device...
bool IsIrregular(const std::string& path) {
  struct stat named = {};
  return lstat(path.c_str(), &named) == 0 && !S_ISREG(named.st_mode);
}

class FileDescriptorHold {
 public:
  explicit FileDescriptorHold(int fd) : fd_(fd) {}
  ~FileDescriptorHold() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptorHold(const FileDescriptorHold&) = delete;
  FileDescriptorHold& operator=(const FileDescriptorHold&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace

Status FailFile(Status status, const std::string& path, const std::string& what,
                std::string* error) noexcept {
  if (error == nullptr) return status;
  try {
    *error = path + ": " + what;
  } catch (const std::bad_alloc&) {
    error->clear();
  }
  return status;
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  unlink(saving_.c_str());  // while it is locked: it is nobody else's
  close(fd_);
}

Status AtomicFile::Open(const std::string& path, std::string* error) {
  path_ = path;
  saving_ = path + ".saving";
  if (IsIrregular(path_)) return FailIrregular(path_, error);
  for (;;) {
    if (IsIrregular(saving_)) return FailIrregular(saving_, error);
    constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    const int fd = Uninterrupted([&] { return open(saving_.c_str(), kFlags, 0600); });
    if (fd < 0) return FailCall("open", saving_, error);
    if (Uninterrupted([&] { return flock(fd, LOCK_EX); }) != 0) {
      const Status status = FailCall("flock", saving_, error);
      close(fd);
      return status;
    }
    // Who had the lock before may have given the file its name, or removed it.
    if (IsFileOf(fd, saving_)) {
      fd_ = fd;
      break;
    }
    close(fd);
  }
  INLAY_TEST_POINT("atomic_file.opened");
  if (ftruncate(fd_, 0) != 0) return FailCall("ftruncate", saving_, error);
  return Status::kOk;
}

Status AtomicFile::Write(std::span<const std::byte> bytes, std::string* error) {
  while (!bytes.empty()) {
    const ssize_t written = Uninterrupted([&] { return write(fd_, bytes.data(), bytes.size()); });
    if (written < 0) return FailCall("write", saving_, error);
    bytes = bytes.subspan(static_cast<size_t>(written));
    INLAY_TEST_POINT("atomic_file.written");
  }
  return Status::kOk;
}

Status AtomicFile::Commit(std::string* error) {
  if (Uninterrupted([&] { return fsync(fd_); }) != 0) return FailCall("fsync", saving_, error);
  INLAY_TEST_POINT("atomic_file.synced");
  if (IsIrregular(path_)) return FailIrregular(path_, error);  // it may have come meanwhile
  if (rename(saving_.c_str(), path_.c_str()) != 0) return FailCall("rename", path_, error);
  INLAY_TEST_POINT("atomic_file.renamed");
  close(std::exchange(fd_, -1));
  const std::string folder_path = FolderOf(path_);
  const FileDescriptorHold folder(
      Uninterrupted([&] { return open(folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (folder.get() < 0) return FailCall("open", folder_path, error);
  if (Uninterrupted([&] { return fsync(folder.get()); }) != 0) {
    return FailCall("fsync", folder_path, error);
  }
  return Status::kOk;
}

Status ReadWholeFile(const std::string& path, FileBytes* bytes, std::string* error) {
  // Waits for no writer of a FIFO. Reads of a file wait as ever.
  const FileDescriptorHold file(
      Uninterrupted([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (file.get() < 0) return FailCall("open", path, error);
  struct stat described = {};
  if (fstat(file.get(), &described) != 0) return FailCall("fstat", path, error);
  if (!S_ISREG(described.st_mode)) return FailFile(Status::kDamaged, path, "is no file", error);
  const auto size = static_cast<size_t>(described.st_size);
  if (!AllocationAllowed()) return FailFile(Status::kNoMemory, path, "no memory", error);
  bytes->words.reset(new (std::nothrow) uint64_t[size / 8 + 1]);
  if (bytes->words == nullptr) return FailFile(Status::kNoMemory, path, "no memory", error);
  auto* const to = reinterpret_cast<std::byte*>(bytes->words.get());
  bytes->size = 0;
  while (bytes->size < size) {
    const ssize_t got =
        Uninterrupted([&] { return read(file.get(), to + bytes->size, size - bytes->size); });
    if (got < 0) return FailCall("read", path, error);
    if (got == 0) break;  // it has become shorter, which its own size will tell
    bytes->size += static_cast<size_t>(got);
  }
  return Status::kOk;
}

}  // namespace inlay
