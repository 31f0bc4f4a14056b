// FileDescriptor: an open descriptor, closed with its owner.

#ifndef INLAY_TOOLS_CAPTURE_SYSTEM_FILE_DESCRIPTOR_H_
#define INLAY_TOOLS_CAPTURE_SYSTEM_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace inlay::capture {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  // Takes `fd` over; a negative one is none.
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_SYSTEM_FILE_DESCRIPTOR_H_
