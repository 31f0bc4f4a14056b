// Finds single bytes in blocks of 64: one mask per block, with a bit set where the byte is.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_BYTES_BYTE_SCAN_H_
#define INLAY_TOOLS_ANALYSIS_BYTES_BYTE_SCAN_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace inlay::analysis {

inline constexpr size_t kScanBytes = 64;

// Bit i is set when block[i] == wanted. REQUIRES: kScanBytes bytes may be read at `block`.
inline uint64_t MatchMask(const uint8_t* block, uint8_t wanted) {
#if defined(__SSE2__)
  const __m128i needle = _mm_set1_epi8(static_cast<char>(wanted));
  uint64_t mask = 0;
  for (size_t i = 0; i < kScanBytes; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i));
    const auto bits = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, needle)));
    mask |= uint64_t{bits} << i;
  }
  return mask;
#else
  uint64_t mask = 0;
  for (size_t i = 0; i < kScanBytes; ++i) mask |= uint64_t{block[i] == wanted} << i;
  return mask;
#endif
}

// How often `wanted` occurs in `bytes`.
inline uint64_t CountByte(std::span<const uint8_t> bytes, uint8_t wanted) {
  uint64_t count = 0;
  size_t i = 0;
  for (; i + kScanBytes <= bytes.size(); i += kScanBytes) {
    count += static_cast<uint64_t>(std::popcount(MatchMask(bytes.data() + i, wanted)));
  }
  for (; i < bytes.size(); ++i) count += bytes[i] == wanted ? 1 : 0;
  return count;
}

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BYTES_BYTE_SCAN_H_
