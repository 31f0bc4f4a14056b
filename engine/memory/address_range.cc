#include "engine/memory/address_range.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "engine/memory/allocate.h"

namespace inlay {
namespace {

// The smallest and largest step of Commit(): small tables make one call, large ones a few dozen.
constexpr size_t kMinStepBytes = size_t{64} << 10;
constexpr size_t kMaxStepBytes = size_t{4} << 20;

}  // namespace

size_t PageRoundUp(size_t bytes) noexcept {
  static const size_t page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

AddressRange::~AddressRange() {
  if (base_ != nullptr) munmap(base_, reserved_bytes_);
}

bool AddressRange::Reserve(size_t bytes) noexcept {
  bytes = PageRoundUp(bytes);
  if (!AllocationAllowed()) return false;
  void* const base =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return false;
  base_ = static_cast<std::byte*>(base);
  reserved_bytes_ = bytes;
  return true;
}

bool AddressRange::Commit(size_t bytes) noexcept {
  if (bytes <= committed_bytes_) return true;
  if (!AllocationAllowed()) return false;
  const size_t step = std::clamp(committed_bytes_, kMinStepBytes, kMaxStepBytes);
  const size_t target =
      std::min(PageRoundUp(std::max(bytes, committed_bytes_ + step)), reserved_bytes_);
  if (mprotect(base_ + committed_bytes_, target - committed_bytes_, PROT_READ | PROT_WRITE) != 0) {
    return false;
  }
  committed_bytes_ = target;
  return true;
}

size_t AddressRange::Drop(size_t kept_bytes, size_t used_bytes) noexcept {
  const size_t from = PageRoundUp(kept_bytes);
  const size_t end = PageRoundUp(used_bytes);
  if (from >= end || madvise(base_ + from, end - from, MADV_DONTNEED) != 0) return 0;
  return end - from;
}

void AddressRange::AvoidHugePages() noexcept {
  madvise(base_, reserved_bytes_, MADV_NOHUGEPAGE);  // a kernel without them refuses
}

}  // namespace inlay
