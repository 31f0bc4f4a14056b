// CaptureFormat: the blocks of a capture file (.inlay), as bytes. docs/format.md specifies them;
// only this file knows the position of each number.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_FORMAT_H_
#define INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace inlay::analysis {

// The start of every block. No text starts like this, and a change of line ends destroys it.
inline constexpr std::string_view kCaptureMagic = "\x89INLAY\r\n";
inline constexpr uint8_t kCaptureVersion = 1;

inline constexpr size_t kCaptureBlockHeaderBytes = 40;
inline constexpr size_t kMaxCapturePayloadBytes = size_t{16} << 20;

// The most values, and bytes of values, of a dictionary. They bound the memory of a reader.
inline constexpr uint64_t kMaxCaptureDictionaryValues = uint64_t{1} << 20;
inline constexpr uint64_t kMaxCaptureDictionaryBytes = uint64_t{64} << 20;
inline constexpr unsigned kMaxCaptureIndexBits = 20;

enum class CaptureBlockType : uint8_t {
  kHeader = 1,       // CaptureHeader as JSON
  kSnapshot = 2,     // a snapshot begins
  kDictionary = 3,   // values that later blocks refer to
  kRecords = 4,      // numbers of values
  kSnapshotEnd = 5,  // the number of records, and whether they are complete
  kEnd = 6,          // the file is complete
};

struct CaptureBlockHeader {
  uint8_t version = kCaptureVersion;
  uint8_t type = 0;  // a CaptureBlockType, or one of a later version
  uint32_t payload_bytes = 0;
  uint32_t number = 0;      // of the block in its capture, from 0
  uint32_t capture_id = 0;  // the same in all blocks of a capture
  uint64_t payload_checksum = 0;
};

// Appends a block. Only tests pass another version. REQUIRES: the payload is within the limit.
void AppendCaptureBlock(CaptureBlockType type, uint32_t number, uint32_t capture_id,
                        std::string_view payload, std::string* out,
                        uint8_t version = kCaptureVersion);

// Nothing if `bytes` does not start with a header whose magic and checksum are right.
std::optional<CaptureBlockHeader> ParseCaptureBlockHeader(std::span<const uint8_t> bytes);
bool PayloadIsIntact(const CaptureBlockHeader& header, std::span<const uint8_t> payload);

struct CaptureSnapshotStart {
  uint32_t snapshot = 0;  // counted from 0
  uint64_t time_ns = 0;   // since 1970, UTC

  std::string Encode() const;
  static std::optional<CaptureSnapshotStart> Parse(std::span<const uint8_t> payload);
};

// The start of a dictionary block; values of schema.value_bytes bytes follow.
struct CaptureDictionaryPart {
  static constexpr size_t kBytes = 8;

  uint32_t dictionary = 0;  // which one, counted from 0
  uint32_t first = 0;       // the number of the first value

  std::string Encode() const;
  // Nothing unless one or more whole values follow, and no other bytes.
  static std::optional<CaptureDictionaryPart> Parse(std::span<const uint8_t> payload,
                                                    uint64_t value_bytes);
};

// The start of a records block; packed numbers follow.
struct CaptureRecordsPart {
  static constexpr size_t kBytes = 24;

  uint32_t snapshot = 0;
  uint32_t dictionary = 0;
  uint64_t first_record = 0;  // the number of the first record in its snapshot
  uint32_t count = 0;
  uint8_t index_bits = 0;

  std::string Encode() const;
  // Nothing unless `count` is 1 or more, and exactly so many numbers follow.
  static std::optional<CaptureRecordsPart> Parse(std::span<const uint8_t> payload);
};

struct CaptureSnapshotEnd {
  uint32_t snapshot = 0;
  bool complete = true;
  uint64_t records = 0;
  std::string why = {};  // the missing part, if it is incomplete

  std::string Encode() const;
  static std::optional<CaptureSnapshotEnd> Parse(std::span<const uint8_t> payload);
};

struct CaptureEnd {
  uint32_t snapshots = 0;

  std::string Encode() const;
  static std::optional<CaptureEnd> Parse(std::span<const uint8_t> payload);
};

// Appends the numbers without gaps, lowest bits first. REQUIRES: each fits into `index_bits`, which
// are 1 to kMaxCaptureIndexBits.
void AppendPackedIndexes(std::span<const uint32_t> indexes, unsigned index_bits, std::string* out);
// The number at place `i`. REQUIRES: it is within `packed`.
uint32_t PackedIndex(std::span<const uint8_t> packed, unsigned index_bits, uint64_t i);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_CAPTURE_FILE_CAPTURE_FORMAT_H_
