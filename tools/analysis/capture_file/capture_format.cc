#include "tools/analysis/capture_file/capture_format.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace inlay::analysis {
namespace {

constexpr size_t kChecksumAt = 32;
constexpr size_t kSnapshotStartBytes = 16;
constexpr size_t kSnapshotEndBytes = 16;
constexpr size_t kEndBytes = 8;

using Bytes = std::span<const uint8_t>;

void Put(uint64_t number, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) out->push_back(static_cast<char>(number >> (8 * i)));
}

uint64_t Get(Bytes bytes, size_t at, size_t count) {
  uint64_t number = 0;
  for (size_t i = 0; i < count; ++i) number |= uint64_t{bytes[at + i]} << (8 * i);
  return number;
}

uint32_t Get32(Bytes bytes, size_t at) { return static_cast<uint32_t>(Get(bytes, at, 4)); }

bool AllZero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

uint64_t PackedBytes(uint64_t count, unsigned index_bits) { return (count * index_bits + 7) / 8; }

}  // namespace

void AppendCaptureBlock(CaptureBlockType type, uint32_t number, uint32_t capture_id,
                        std::string_view payload, std::string* out, uint8_t version) {
  const size_t begin = out->size();
  out->append(kCaptureMagic);
  Put(version, 1, out);
  Put(static_cast<uint8_t>(type), 1, out);
  Put(0, 2, out);
  Put(payload.size(), 4, out);
  Put(number, 4, out);
  Put(capture_id, 4, out);
  Put(XXH3_64bits(payload.data(), payload.size()), 8, out);
  Put(XXH3_64bits(out->data() + begin, kChecksumAt), 8, out);
  out->append(payload);
}

std::optional<CaptureBlockHeader> ParseCaptureBlockHeader(Bytes bytes) {
  if (bytes.size() < kCaptureBlockHeaderBytes ||
      !std::equal(kCaptureMagic.begin(), kCaptureMagic.end(), bytes.begin(),
                  [](char c, uint8_t byte) { return static_cast<uint8_t>(c) == byte; }) ||
      XXH3_64bits(bytes.data(), kChecksumAt) != Get(bytes, kChecksumAt, 8)) {
    return std::nullopt;
  }
  CaptureBlockHeader header;
  header.version = bytes[8];
  header.type = bytes[9];
  header.payload_bytes = Get32(bytes, 12);
  header.number = Get32(bytes, 16);
  header.capture_id = Get32(bytes, 20);
  header.payload_checksum = Get(bytes, 24, 8);
  if (header.payload_bytes > kMaxCapturePayloadBytes) return std::nullopt;
  return header;
}

bool PayloadIsIntact(const CaptureBlockHeader& header, Bytes payload) {
  return payload.size() == header.payload_bytes &&
         XXH3_64bits(payload.data(), payload.size()) == header.payload_checksum;
}

std::string CaptureSnapshotStart::Encode() const {
  std::string out;
  Put(snapshot, 4, &out);
  Put(0, 4, &out);
  Put(time_ns, 8, &out);
  return out;
}

std::optional<CaptureSnapshotStart> CaptureSnapshotStart::Parse(Bytes payload) {
  if (payload.size() != kSnapshotStartBytes) return std::nullopt;
  return CaptureSnapshotStart{Get32(payload, 0), Get(payload, 8, 8)};
}

std::string CaptureDictionaryPart::Encode() const {
  std::string out;
  Put(dictionary, 4, &out);
  Put(first, 4, &out);
  return out;
}

std::optional<CaptureDictionaryPart> CaptureDictionaryPart::Parse(Bytes payload,
                                                                  uint64_t value_bytes) {
  if (payload.size() <= kBytes || (payload.size() - kBytes) % value_bytes != 0) return std::nullopt;
  return CaptureDictionaryPart{Get32(payload, 0), Get32(payload, 4)};
}

std::string CaptureRecordsPart::Encode() const {
  std::string out;
  Put(snapshot, 4, &out);
  Put(dictionary, 4, &out);
  Put(first_record, 8, &out);
  Put(count, 4, &out);
  Put(index_bits, 1, &out);
  Put(0, 3, &out);
  return out;
}

std::optional<CaptureRecordsPart> CaptureRecordsPart::Parse(Bytes payload) {
  if (payload.size() < kBytes) return std::nullopt;
  const CaptureRecordsPart part = {Get32(payload, 0), Get32(payload, 4), Get(payload, 8, 8),
                                   Get32(payload, 16), payload[20]};
  if (part.count == 0 || part.index_bits == 0 || part.index_bits > kMaxCaptureIndexBits ||
      payload.size() - kBytes != PackedBytes(part.count, part.index_bits)) {
    return std::nullopt;
  }
  return part;
}

std::string CaptureSnapshotEnd::Encode() const {
  std::string out;
  Put(snapshot, 4, &out);
  Put(complete ? 1 : 0, 1, &out);
  Put(0, 3, &out);
  Put(records, 8, &out);
  return out + why;
}

std::optional<CaptureSnapshotEnd> CaptureSnapshotEnd::Parse(Bytes payload) {
  if (payload.size() < kSnapshotEndBytes || payload[4] > 1) return std::nullopt;
  const Bytes why = payload.subspan(kSnapshotEndBytes);
  return CaptureSnapshotEnd{
      Get32(payload, 0), payload[4] == 1, Get(payload, 8, 8), {why.begin(), why.end()}};
}

std::string CaptureEnd::Encode() const {
  std::string out;
  Put(snapshots, 4, &out);
  Put(0, 4, &out);
  return out;
}

std::optional<CaptureEnd> CaptureEnd::Parse(Bytes payload) {
  if (payload.size() != kEndBytes || !AllZero(payload.subspan(4))) return std::nullopt;
  return CaptureEnd{Get32(payload, 0)};
}

void AppendPackedIndexes(std::span<const uint32_t> indexes, unsigned index_bits, std::string* out) {
  uint64_t bits = 0;
  unsigned used = 0;
  for (const uint32_t index : indexes) {
    bits |= uint64_t{index} << used;
    for (used += index_bits; used >= 8; used -= 8) {
      out->push_back(static_cast<char>(bits));
      bits >>= 8;
    }
  }
  if (used != 0) out->push_back(static_cast<char>(bits));
}

uint32_t PackedIndex(Bytes packed, unsigned index_bits, uint64_t i) {
  const uint64_t first_bit = i * index_bits;
  const size_t first = first_bit / 8;
  // 20 bits that start within a byte end within the third after it.
  const uint64_t bits = Get(packed, first, std::min<size_t>(4, packed.size() - first));
  return static_cast<uint32_t>(bits >> (first_bit % 8) & ((uint64_t{1} << index_bits) - 1));
}

}  // namespace inlay::analysis
