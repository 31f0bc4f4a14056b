// ValueMigration: values of an old map as values of a new one, each distinct one made once.

#ifndef INLAY_ENGINE_SHARING_VALUE_MIGRATION_H_
#define INLAY_ENGINE_SHARING_VALUE_MIGRATION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/snapshots/distinct_values.h"
#include "inlay/snapshot.h"

namespace inlay {

class ValueMigration {
 public:
  ValueMigration(MigrateFn migrate, SnapshotHeader from, uint32_t value_bytes)
      : migrate_(std::move(migrate)),
        from_(std::move(from)),
        value_bytes_(value_bytes),
        old_(from_.value_bytes) {}

  // The new value; empty if there is none. Valid until the next call. Throws std::bad_alloc; then
  // nothing has changed.
  std::span<const std::byte> ValueFor(std::span<const std::byte> old) {
    const size_t known = old_.count();
    fresh_.resize((known + 1) * value_bytes_);
    migrates_.resize(known + 1);
    const uint32_t number = old_.Number(old);
    const std::span<std::byte> value(fresh_.data() + size_t{number} * value_bytes_, value_bytes_);
    if (number == known) {
      migrates_[number] = migrate_(from_, old, value);
    }
    return migrates_[number] != 0 ? value : std::span<std::byte>();
  }

 private:
  const MigrateFn migrate_;
  const SnapshotHeader from_;
  const uint32_t value_bytes_;
  DistinctValues old_;
  // By number of the old value.
  std::vector<std::byte> fresh_;
  std::vector<char> migrates_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_SHARING_VALUE_MIGRATION_H_
