#include "tools/analysis/bytes/compressed_file.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace inlay::analysis {

// A ring of blocks between the thread that decompresses and the one that reads.
class CompressedFile::Reader {
 public:
  Reader(std::string name, int fd, int wake_fd, std::vector<uint8_t> prefix)
      : name_(std::move(name)), fd_(fd), wake_fd_(wake_fd), prefix_(std::move(prefix)) {}

  ~Reader() {
    if (thread_.joinable()) {
      {
        std::lock_guard<std::mutex> lock(mutex_);
        stopped_ = true;
      }
      changed_.notify_all();
      // A write of 8 bytes to a counter that is 0 always succeeds.
      const uint64_t one = 1;
      (void)!write(wake_fd_, &one, sizeof one);
      thread_.join();
    }
    close(wake_fd_);
  }

  absl::Status Start(Compression compression) {
    absl::StatusOr<std::unique_ptr<Decompressor>> made = Decompressor::Create(
        compression, [this](std::span<uint8_t> out) { return ReadCompressed(out); });
    if (!made.ok()) return Named(made.status());
    decompressor_ = *std::move(made);
    try {
      thread_ = std::thread(&Reader::Run, this);
    } catch (const std::system_error&) {
      // Without a thread, Read() fills the blocks.
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Read(std::span<uint8_t> out) {
    size_t filled = 0;
    while (filled < out.size()) {
      Block& block = blocks_[head_];
      WaitForHead(&block);
      if (block.exception != nullptr) std::rethrow_exception(block.exception);
      if (!block.status.ok()) return block.status;
      const size_t bytes = std::min(out.size() - filled, block.used - taken_);
      if (bytes != 0) std::memcpy(out.data() + filled, block.bytes.data() + taken_, bytes);
      filled += bytes;
      taken_ += bytes;
      compressed_bytes_ = block.compressed_bytes;
      if (taken_ < block.used) continue;
      // The last block stays at the head, so every later call sees the end.
      if (block.used < kBlockBytes) return filled;
      taken_ = 0;
      head_ = (head_ + 1) % kBufferedBlocks;
      {
        std::lock_guard<std::mutex> lock(mutex_);
        --ready_;
      }
      changed_.notify_all();
    }
    return filled;
  }

  uint64_t compressed_bytes() const { return compressed_bytes_; }

 private:
  struct Block {
    std::vector<uint8_t> bytes;
    size_t used = 0;                // fewer than kBlockBytes only in the last block
    uint64_t compressed_bytes = 0;  // read until this block was full
    absl::Status status;            // why filling failed; this block is then the last
    std::exception_ptr exception;   // likewise
  };

  // Waits until the block at the head is filled, or fills it.
  void WaitForHead(Block* block) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (thread_.joinable()) {
      changed_.wait(lock, [this] { return ready_ != 0; });
    } else if (ready_ == 0) {
      (void)FillBlock(block);
      ready_ = 1;
    }
  }

  // The body of the thread: fills one block after the other, up to the last.
  void Run() {
    for (size_t tail = 0;; tail = (tail + 1) % kBufferedBlocks) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return stopped_ || ready_ < kBufferedBlocks; });
        if (stopped_) return;
      }
      const bool more = FillBlock(&blocks_[tail]);
      {
        std::lock_guard<std::mutex> lock(mutex_);
        ++ready_;
      }
      changed_.notify_all();
      if (!more) return;
    }
  }

  // Returns whether more blocks follow.
  bool FillBlock(Block* block) {
    try {
      // Allocates a block at its first use: a small file needs only one.
      block->bytes.resize(kBlockBytes);
      absl::StatusOr<size_t> got = decompressor_->Read(block->bytes);
      block->used = got.ok() ? *got : 0;
      block->status = got.ok() ? absl::OkStatus() : Named(got.status());
    } catch (...) {
      block->used = 0;
      block->exception = std::current_exception();
    }
    block->compressed_bytes = bytes_in_;
    return block->used == kBlockBytes;
  }

  // Reads the next bytes of the file; 0 at its end, or after the destructor asks to stop.
  absl::StatusOr<size_t> ReadCompressed(std::span<uint8_t> out) {
    if (!prefix_.empty()) {
      const size_t bytes = std::min(out.size(), prefix_.size());
      std::copy_n(prefix_.begin(), bytes, out.begin());
      prefix_.erase(prefix_.begin(), prefix_.begin() + static_cast<std::ptrdiff_t>(bytes));
      bytes_in_ += bytes;
      return bytes;
    }
    for (;;) {
      // A pipe may stay silent forever, and must not block the destructor.
      pollfd waited[] = {{fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
      if (poll(waited, std::size(waited), -1) < 0 && errno != EINTR) return ReadError(errno);
      if (waited[1].revents != 0) return 0;
      if (waited[0].revents == 0) continue;
      const ssize_t got = read(fd_, out.data(), out.size());
      if (got >= 0) {
        bytes_in_ += static_cast<uint64_t>(got);
        return static_cast<size_t>(got);
      }
      if (errno != EINTR && errno != EAGAIN) return ReadError(errno);
    }
  }

  static absl::Status ReadError(int error) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read: ", std::generic_category().message(error)));
  }

  absl::Status Named(const absl::Status& status) const {
    return absl::Status(status.code(), absl::StrCat(name_, ": ", status.message()));
  }

  const std::string name_;
  const int fd_;
  const int wake_fd_;  // readable when the thread must stop
  std::thread thread_;

  // Owned by the thread, or by the reader if there is no thread.
  std::unique_ptr<Decompressor> decompressor_;
  std::vector<uint8_t> prefix_;
  uint64_t bytes_in_ = 0;

  // Owned by the reader.
  size_t head_ = 0;
  size_t taken_ = 0;  // bytes of the block at the head that Read() has returned
  uint64_t compressed_bytes_ = 0;

  // The reader owns the `ready_` blocks from the head on; the thread owns the others.
  std::array<Block, kBufferedBlocks> blocks_;

  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  size_t ready_ = 0;
  bool stopped_ = false;
};

CompressedFile::CompressedFile(std::unique_ptr<Reader> reader) : reader_(std::move(reader)) {}

CompressedFile::~CompressedFile() = default;

absl::StatusOr<std::unique_ptr<CompressedFile>> CompressedFile::Open(std::string name, int fd,
                                                                     Compression compression,
                                                                     std::vector<uint8_t> prefix) {
  const int wake_fd = eventfd(0, EFD_CLOEXEC);
  if (wake_fd < 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat(name, ": cannot open: ", std::generic_category().message(errno)));
  }
  auto reader = std::make_unique<Reader>(std::move(name), fd, wake_fd, std::move(prefix));
  absl::Status started = reader->Start(compression);
  if (!started.ok()) return started;
  return std::unique_ptr<CompressedFile>(new CompressedFile(std::move(reader)));
}

absl::StatusOr<size_t> CompressedFile::Read(std::span<uint8_t> out) { return reader_->Read(out); }

uint64_t CompressedFile::compressed_bytes() const { return reader_->compressed_bytes(); }

}  // namespace inlay::analysis
