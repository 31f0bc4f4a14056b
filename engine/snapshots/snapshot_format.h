// The format of snapshots, version 1. Little-endian numbers.
//
//   head        80 bytes: SnapshotHead, which ends with a checksum of the rest of it
//   name        name_bytes, and zeroes up to a multiple of 8
//   values      value_bytes for each distinct value, and zeroes up to a multiple of 8
//   keys        8 bytes for each owner, if kKeysListed; else an owner's key is first_key and its
//               place
//   numbers     for each owner the number of its value, from 0: 2 bytes, or 4 if kWideNumbers; and
//               zeroes up to a multiple of 8
//   checksum    8 bytes, of name, values, keys and numbers
//
// Checksums are XXH3 with 64 bits; the head's checksum seeds that of the rest, so that parts of two
// files do not make a third. A change of the format gets a new version, which old programs refuse.

#ifndef INLAY_ENGINE_SNAPSHOTS_SNAPSHOT_FORMAT_H_
#define INLAY_ENGINE_SNAPSHOTS_SNAPSHOT_FORMAT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "engine/table/hash.h"
#include "inlay/operation.h"

namespace inlay {

static_assert(std::endian::native == std::endian::little, "snapshots are little-endian");

struct SnapshotHead {
  static constexpr char kMagic[8] = {'i', 'n', 'l', 'a', 'y', 's', 'n', 'p'};
  static constexpr uint32_t kVersion = 1;
  static constexpr uint32_t kMaxNameBytes = 4096;
  static constexpr uint64_t kMaxValues = UINT32_MAX - 1;
  static constexpr uint64_t kMaxOwners = uint64_t{1} << 40;
  static constexpr uint32_t kKeysListed = 1;
  static constexpr uint32_t kWideNumbers = 2;

  char magic[8];
  uint32_t version;
  uint32_t name_bytes;
  uint64_t schema;
  uint32_t value_bytes;
  uint32_t width_bits;
  uint64_t values;
  uint64_t owners;
  uint64_t first_key;
  uint32_t flags;
  uint32_t unused;
  uint64_t file_bytes;
  uint64_t checksum;

  uint64_t ComputedChecksum() const { return XXH3_64bits(this, offsetof(SnapshotHead, checksum)); }

  static constexpr uint64_t Padded(uint64_t bytes) { return (bytes + 7) / 8 * 8; }
  // Whether the counts are such that the sizes below do not overflow.
  bool HasPossibleCounts() const {
    return name_bytes <= kMaxNameBytes && value_bytes >= 1 && value_bytes <= kMaxValueBytes &&
           values <= kMaxValues && owners <= kMaxOwners && values <= owners &&
           (flags & ~(kKeysListed | kWideNumbers)) == 0;
  }
  uint64_t ValuesAt() const { return sizeof(SnapshotHead) + Padded(name_bytes); }
  uint64_t KeysAt() const { return ValuesAt() + Padded(values * value_bytes); }
  uint64_t NumbersAt() const { return KeysAt() + ((flags & kKeysListed) != 0 ? 8 * owners : 0); }
  uint64_t ChecksumAt() const {
    return NumbersAt() + Padded(owners * ((flags & kWideNumbers) != 0 ? 4 : 2));
  }
  uint64_t FileBytes() const { return ChecksumAt() + 8; }
};
static_assert(sizeof(SnapshotHead) == 80);

}  // namespace inlay

#endif  // INLAY_ENGINE_SNAPSHOTS_SNAPSHOT_FORMAT_H_
