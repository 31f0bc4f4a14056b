#include "inlay/runtime_constant.h"

#ifndef INLAY_RUNTIME_CONSTANT_LOADS

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

#include "engine/memory/address_range.h"
#include "engine/memory/allocate.h"
#include "engine/sync/mutex.h"

namespace inlay::runtime_constant_internal {
namespace {

// Architecture: the encoding of the number in a place. CodeHolds() is also false if the bytes do
// not look like the instructions of Load().

#if defined(__x86_64__)

// Only the immediate, whose offset in the instruction depends on the register. So a debugger's
// breakpoint, one byte at the start of the instruction, does no harm and survives.
constexpr size_t kCodeBytes = sizeof(uint32_t);

bool CodeHolds(const std::byte* code, uint32_t number) {
  return std::memcmp(code, &number, sizeof(number)) == 0;
}

void ChangeCode(std::byte* code, uint32_t number) { std::memcpy(code, &number, sizeof(number)); }

#else

// movz and movk of a 32-bit register, the movk with shift 16. Bits 5 to 20 are the immediate, bits
// 0 to 4 the register.
constexpr size_t kCodeBytes = 2 * sizeof(uint32_t);
constexpr uint32_t kMovz = 0x52800000;
constexpr uint32_t kMovk = 0x72a00000;
constexpr uint32_t kRegisterBits = 0x1f;

struct MovePair {
  uint32_t movz;
  uint32_t movk;
};
static_assert(sizeof(MovePair) == kCodeBytes);

MovePair MovePairOf(uint32_t register_number, uint32_t number) {
  return {.movz = kMovz | (number & 0xffff) << 5 | register_number,
          .movk = kMovk | (number >> 16) << 5 | register_number};
}

uint32_t RegisterOf(const std::byte* code) {
  uint32_t movz;
  std::memcpy(&movz, code, sizeof(movz));
  return movz & kRegisterBits;
}

bool CodeHolds(const std::byte* code, uint32_t number) {
  const MovePair expected = MovePairOf(RegisterOf(code), number);
  return std::memcmp(code, &expected, sizeof(expected)) == 0;
}

void ChangeCode(std::byte* code, uint32_t number) {
  const MovePair changed = MovePairOf(RegisterOf(code), number);
  std::memcpy(code, &changed, sizeof(changed));
}

#endif

// One for all constants, since two of them may have places in the same page.
constinit Mutex set_mutex;

// The entries of one module. The compiler takes the two ends for different arrays; the asm hides
// their origin.
class PlaceList {
 public:
  PlaceList(const Place* begin, const Place* end, const std::atomic<uint32_t>* value)
      : begin_(begin), end_(end), value_(value) {
    __asm__("" : "+r"(begin_), "+r"(end_));
  }

  void ForEach(FunctionRef<void(const std::byte* code)> visit) const {
    for (const Place* place = begin_; place != end_; ++place) {
      if (Named(&place->value) == reinterpret_cast<uintptr_t>(value_)) {
        visit(reinterpret_cast<const std::byte*>(Named(&place->code)));
      }
    }
  }

  size_t Count() const {
    size_t count = 0;
    ForEach([&](const std::byte*) { ++count; });
    return count;
  }

 private:
  static uintptr_t Named(const int32_t* member) {
    return reinterpret_cast<uintptr_t>(member) + static_cast<uintptr_t>(intptr_t{*member});
  }

  const Place* begin_;
  const Place* end_;
  const std::atomic<uint32_t>* value_;
};

Status StatusOfSystemCall(int error) {
  return error == ENOMEM || error == EAGAIN ? Status::kNoMemory : Status::kNotPermitted;
}

// Copies code word by word. AddressSanitizer would check a memcpy(), and a page of code may hold
// constants with redzones between them. Volatile, so that the compiler does not make it a memcpy().
__attribute__((no_sanitize("address"))) void CopyPage(std::byte* to, uintptr_t from, size_t bytes) {
  const auto* const words = reinterpret_cast<const volatile uint64_t*>(from);
  for (size_t i = 0; i != bytes / sizeof(uint64_t); ++i) {
    const uint64_t word = words[i];
    std::memcpy(to + i * sizeof(word), &word, sizeof(word));
  }
}

void FlushInstructionCache(uintptr_t address, size_t bytes) {
  auto* const begin = reinterpret_cast<char*>(address);
  __builtin___clear_cache(begin, begin + bytes);
}

// The pages that hold a constant's places.
class CodePages {
 public:
  // kNoMemory.
  Status Find(const PlaceList& places) {
    // An immediate may cross the boundary of two pages.
    pages_ = TryNewArray<uintptr_t>(2 * places.Count());
    if (pages_ == nullptr) return Status::kNoMemory;
    places.ForEach([this](const std::byte* code) {
      const auto first = reinterpret_cast<uintptr_t>(code);
      pages_[count_++] = PageOf(first);
      pages_[count_++] = PageOf(first + kCodeBytes - 1);
    });
    std::sort(&pages_[0], &pages_[count_]);
    count_ = static_cast<size_t>(std::unique(&pages_[0], &pages_[count_]) - &pages_[0]);
    return Status::kOk;
  }

  // Exchanges every page for a copy in which the places hold `number`. Sets *exchanged to the
  // number of pages that it has exchanged, from the first, also on failure.
  Status Exchange(const PlaceList& places, uint32_t number, size_t* exchanged) const {
    *exchanged = 0;
    if (count_ == 0) return Status::kOk;
    std::byte* copies = nullptr;
    const Status status = MakeCopies(places, number, &copies);
    if (status != Status::kOk) return status;

    // Exchange neighbours together: that takes fewer mappings, and an immediate across a boundary
    // changes as a whole. Start at the low end of the copies, so that the rest stays one mapping.
    while (*exchanged != count_) {
      const size_t first = *exchanged;
      size_t next = first + 1;
      while (next != count_ && pages_[next] == pages_[next - 1] + page_bytes_) ++next;
      const size_t bytes = (next - first) * page_bytes_;
      void* const target = reinterpret_cast<void*>(pages_[first]);
      if (mremap(copies + first * page_bytes_, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
                 target) == MAP_FAILED) {
        const Status failure = StatusOfSystemCall(errno);
        munmap(copies + first * page_bytes_, (count_ - first) * page_bytes_);
        return failure;
      }
      // Again, for caches that are indexed by virtual address.
      FlushInstructionCache(pages_[first], bytes);
      *exchanged = next;
    }
    return Status::kOk;
  }

 private:
  uintptr_t PageOf(uintptr_t address) const { return address & ~(page_bytes_ - 1); }

  // Makes *copies: copies of all pages, side by side, executable and not writable.
  Status MakeCopies(const PlaceList& places, uint32_t number, std::byte** copies) const {
    if (!AllocationAllowed()) return Status::kNoMemory;
    const size_t bytes = count_ * page_bytes_;
    void* const memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return StatusOfSystemCall(errno);
    *copies = static_cast<std::byte*>(memory);
    for (size_t i = 0; i != count_; ++i) {
      CopyPage(*copies + i * page_bytes_, pages_[i], page_bytes_);
    }
    places.ForEach([&](const std::byte* code) {
      const auto address = reinterpret_cast<uintptr_t>(code);
      const uintptr_t page = PageOf(address);
      const auto index =
          static_cast<size_t>(std::lower_bound(&pages_[0], &pages_[count_], page) - &pages_[0]);
      ChangeCode(*copies + index * page_bytes_ + (address - page), number);
    });
    if (mprotect(memory, bytes, PROT_READ | PROT_EXEC) != 0) {
      const Status failure = StatusOfSystemCall(errno);
      munmap(memory, bytes);
      return failure;
    }
    FlushInstructionCache(reinterpret_cast<uintptr_t>(memory), bytes);
    return Status::kOk;
  }

  const size_t page_bytes_ = PageRoundUp(1);
  std::unique_ptr<uintptr_t[]> pages_;
  size_t count_ = 0;
};

}  // namespace

Status Set(const Place* begin, const Place* end, std::atomic<uint32_t>* value,
           uint32_t new_value) noexcept {
  const PlaceList places(begin, end, value);
  const MutexLock lock(&set_mutex);
  const uint32_t old_value = value->load(std::memory_order_relaxed);
  if (new_value == old_value) return Status::kOk;

  bool as_expected = true;
  places.ForEach(
      [&](const std::byte* code) { as_expected = as_expected && CodeHolds(code, old_value); });
  if (!as_expected) return Status::kNotPermitted;

  CodePages pages;
  Status status = pages.Find(places);
  if (status != Status::kOk) return status;
  // First exchange the pages for identical ones, so that a failure changes nothing. Afterwards each
  // run of pages is a mapping of its own, so the second exchange needs no new mappings, which the
  // system could refuse for some pages only.
  size_t exchanged = 0;
  status = pages.Exchange(places, old_value, &exchanged);
  if (status != Status::kOk) return status;
  status = pages.Exchange(places, new_value, &exchanged);
  if (status != Status::kOk) {
    if (exchanged != 0) static_cast<void>(pages.Exchange(places, old_value, &exchanged));
    return status;
  }
  value->store(new_value, std::memory_order_relaxed);
  return Status::kOk;
}

void ForEachPlace(const Place* begin, const Place* end, const std::atomic<uint32_t>* value,
                  FunctionRef<void(const std::byte* code)> visit) noexcept {
  const MutexLock lock(&set_mutex);
  PlaceList(begin, end, value).ForEach(visit);
}

}  // namespace inlay::runtime_constant_internal

#endif  // INLAY_RUNTIME_CONSTANT_LOADS
