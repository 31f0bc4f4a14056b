#include "engine/table/unreferenced_set.h"

#include <bit>
#include <new>

#include "engine/memory/allocate.h"

namespace inlay {

UnreferencedSet::~UnreferencedSet() { FreeBytes(words_); }

bool UnreferencedSet::Create(uint32_t highest) noexcept {
  highest_ = highest;
  void* const place = TryAllocateBytes(bytes());
  if (place == nullptr) return false;
  words_ = static_cast<Word*>(place);
  for (size_t at = 0; at < bytes() / sizeof(Word); ++at) new (&words_[at]) Word(0);
  upper_ = words_ + words();
  return true;
}

uint32_t UnreferencedSet::Next(uint32_t first, uint32_t last) noexcept {
  if (first > last) return 0;
  uint32_t word = first / kBits;
  uint64_t bits = words_[word].load(std::memory_order_acquire) & (~uint64_t{0} << (first % kBits));
  while (bits == 0) {
    // The next word with a bit in the upper level.
    if (++word > last / kBits) return 0;
    uint64_t upper_bits =
        upper_[word / kBits].load(std::memory_order_acquire) & (~uint64_t{0} << (word % kBits));
    while (upper_bits == 0) {
      word = (word / kBits + 1) * kBits;
      if (word > last / kBits) return 0;
      upper_bits = upper_[word / kBits].load(std::memory_order_acquire);
    }
    word = word / kBits * kBits + static_cast<uint32_t>(std::countr_zero(upper_bits));
    if (word > last / kBits) return 0;
    bits = words_[word].load(std::memory_order_acquire);
    if (bits != 0) break;
    upper_[word / kBits].fetch_and(~BitOf(word), std::memory_order_seq_cst);
    bits = words_[word].load(std::memory_order_seq_cst);
    if (bits != 0) AddWord(word);
  }
  const uint32_t index = word * kBits + static_cast<uint32_t>(std::countr_zero(bits));
  return index <= last ? index : 0;
}

}  // namespace inlay
