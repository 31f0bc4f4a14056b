// FileDescriptor: an open descriptor, which is closed with its owner.

#ifndef INLAY_ENGINE_LIVE_KERNEL_FILE_DESCRIPTOR_H_
#define INLAY_ENGINE_LIVE_KERNEL_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace inlay::live_kernel {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  // Takes `fd` over. A negative number, as after a call that failed, makes an object that is not
  // ok().
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

}  // namespace inlay::live_kernel

#endif  // INLAY_ENGINE_LIVE_KERNEL_FILE_DESCRIPTOR_H_
