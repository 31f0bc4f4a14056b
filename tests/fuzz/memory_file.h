// A file in memory, so that a fuzzer does not wait for a disk; and the message of a broken promise.

#ifndef INLAY_TESTS_FUZZ_MEMORY_FILE_H_
#define INLAY_TESTS_FUZZ_MEMORY_FILE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace inlay {

inline void Check(bool promise, const char* what) {
  if (promise) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("fuzz", MFD_CLOEXEC)) { Check(fd_ >= 0, "memfd_create"); }
  explicit MemoryFile(std::string_view content) : MemoryFile() { Write(content); }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int fd() const { return fd_; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

  void Write(std::string_view bytes) const {
    Check(write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "write");
  }
  std::string Content() const {
    std::string bytes(static_cast<size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    Check(pread(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()), "read");
    return bytes;
  }

 private:
  int fd_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_FUZZ_MEMORY_FILE_H_
