// Saves the values of a map's owners to a file.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "engine/layouts/index_map_access.h"
#include "engine/memory/allocate.h"
#include "engine/snapshots/atomic_file.h"
#include "engine/snapshots/distinct_values.h"
#include "engine/snapshots/snapshot_format.h"
#include "inlay/rcu.h"
#include "inlay/snapshot.h"

namespace inlay {

// Gathers owners and values in memory, and writes them.
class SnapshotWriter {
 public:
  explicit SnapshotWriter(IndexMap& map) : map_(map), values_(map.value_bytes()) {
    if (map.is_interned()) number_of_.resize(size_t{map.table().max_values()} + 1);
  }
  ~SnapshotWriter() {
    for (const ValueIndex index : held_) IndexMapAccess::TableOf(map_).Release(index);
  }
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  SnapshotSaver Saver() { return SnapshotSaver(this); }

  void Add(OwnerKey key, const OwnerRef& owner) noexcept {
    if (status_ != Status::kOk) return;
    if (keys_.size() == keys_.capacity() && !AllocationAllowed()) {
      status_ = Status::kNoMemory;
      return;
    }
    const ReadSection section;
    ValueIndex index = kNoIndex;
    const std::byte* const value = IndexMapAccess::Find(map_, owner, &index);
    if (value == nullptr) return;
    try {
      const uint32_t number = NumberOf(index, {value, map_.value_bytes()});
      keys_.push_back(key);
      numbers_.push_back(number);
    } catch (const std::bad_alloc&) {
      keys_.resize(numbers_.size());
      status_ = Status::kNoMemory;
    }
  }

  // Throws std::bad_alloc.
  Status Write(const std::string& path, uint64_t schema, SnapshotHeader* saved,
               std::string* error) {
    const std::string& name = map_.options().name;
    if (status_ != Status::kOk) return FailFile(status_, path, "no memory for the values", error);
    if (name.size() > SnapshotHead::kMaxNameBytes) {
      return FailFile(Status::kInvalid, path, "the map's name is too long", error);
    }
    const SnapshotHead head = Head(schema);
    AtomicFile file;
    Status status = file.Open(path, error);
    if (status != Status::kOk) return status;
    XXH3_state_t checksum;
    XXH3_64bits_reset_withSeed(&checksum, head.checksum);
    const auto write = [&](std::span<const std::byte> bytes) {
      if (status == Status::kOk) status = file.Write(bytes, error);
    };
    const auto write_padded = [&](std::span<const std::byte> bytes) {
      static constexpr std::byte kZeroes[8] = {};
      const std::span<const std::byte> padding =
          std::span(kZeroes).first(SnapshotHead::Padded(bytes.size()) - bytes.size());
      for (const std::span<const std::byte> part : {bytes, padding}) {
        XXH3_64bits_update(&checksum, part.data(), part.size());
        write(part);
      }
    };
    write(std::as_bytes(std::span(&head, 1)));
    write_padded(std::as_bytes(std::span(name)));
    write_padded(values_.bytes());
    if ((head.flags & SnapshotHead::kKeysListed) != 0) {
      write_padded(std::as_bytes(std::span(keys_)));
    }
    if ((head.flags & SnapshotHead::kWideNumbers) != 0) {
      write_padded(std::as_bytes(std::span(numbers_)));
    } else {
      const std::vector<uint16_t> narrow(numbers_.begin(), numbers_.end());
      write_padded(std::as_bytes(std::span(narrow)));
    }
    const uint64_t sum = XXH3_64bits_digest(&checksum);
    write(std::as_bytes(std::span(&sum, 1)));
    if (status == Status::kOk) status = file.Commit(error);
    if (status != Status::kOk || saved == nullptr) return status;
    *saved = {name, schema, head.value_bytes, head.width_bits, head.values, head.owners};
    return status;
  }

 private:
  // The number of a value. Once it is known for an index, a reference keeps the index from being
  // used for another value.
  uint32_t NumberOf(ValueIndex index, std::span<const std::byte> value) {
    if (index == kNoIndex) return values_.Number(value);
    // Of a replaceable map an index may have another value than before.
    if (map_.table().is_replaceable()) return values_.Number(value);
    if (number_of_[index] != 0) return number_of_[index] - 1;
    const uint32_t number = values_.Number(value);
    held_.reserve(number_of_.size());
    // Without a reference, the value was retired after it was found: the index is not remembered.
    if (!IndexMapAccess::TableOf(map_).TryRef(index)) return number;
    held_.push_back(index);
    number_of_[index] = number + 1;
    return number;
  }

  SnapshotHead Head(uint64_t schema) const {
    SnapshotHead head = {};
    std::memcpy(head.magic, SnapshotHead::kMagic, sizeof(head.magic));
    head.version = SnapshotHead::kVersion;
    head.name_bytes = static_cast<uint32_t>(map_.options().name.size());
    head.schema = schema;
    head.value_bytes = map_.value_bytes();
    head.width_bits = map_.field().width_bits;
    head.values = values_.count();
    head.owners = keys_.size();
    head.first_key = keys_.empty() ? 0 : keys_.front();
    bool in_order = true;
    for (size_t i = 0; in_order && i < keys_.size(); ++i) in_order = keys_[i] == head.first_key + i;
    if (!in_order) head.flags |= SnapshotHead::kKeysListed;
    if (head.values > std::numeric_limits<uint16_t>::max()) {
      head.flags |= SnapshotHead::kWideNumbers;
    }
    head.file_bytes = head.FileBytes();
    head.checksum = head.ComputedChecksum();
    return head;
  }

  IndexMap& map_;
  Status status_ = Status::kOk;
  DistinctValues values_;
  std::vector<OwnerKey> keys_;
  std::vector<uint32_t> numbers_;    // by owner
  std::vector<uint32_t> number_of_;  // by index: the number and 1; 0: not known
  std::vector<ValueIndex> held_;
};

void SnapshotSaver::Add(OwnerKey key, const OwnerRef& owner) noexcept { writer_.Add(key, owner); }

Status SaveSnapshot(IndexMap& map, const std::string& path, const SaveOptions& options,
                    FunctionRef<void(SnapshotSaver& save)> each_owner, std::string* error,
                    SnapshotHeader* saved) noexcept {
  try {
    if (!AllocationAllowed()) throw std::bad_alloc();
    SnapshotWriter writer(map);
    SnapshotSaver saver = writer.Saver();
    each_owner(saver);
    if (!AllocationAllowed()) throw std::bad_alloc();
    return writer.Write(path, options.schema, saved, error);
  } catch (const std::bad_alloc&) {
    return FailFile(Status::kNoMemory, path, "no memory", error);
  }
}

}  // namespace inlay
