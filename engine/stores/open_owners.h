// OpenOwners: the owners of a store that have values, and where each got its first one. For finding
// owners that were freed without Store::Close(): only their addresses are used.
//
// Thread-safety: all functions may run concurrently.

#ifndef INLAY_ENGINE_STORES_OPEN_OWNERS_H_
#define INLAY_ENGINE_STORES_OPEN_OWNERS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "engine/sync/mutex.h"
#include "inlay/function_ref.h"
#include "inlay/store.h"

namespace inlay {

class OpenOwners {
 public:
  // The owner with these words has one value more, or one less. Without memory an owner is not
  // recorded.
  void Change(const void* words, bool more) noexcept;
  // The owner has moved.
  void Move(const void* from, const void* to) noexcept;

  void ForEach(FunctionRef<void(const OpenOwner& owner)> visit) const;
  std::string Describe(size_t most_call_sites) const;

 private:
  static constexpr int kMostFrames = 16;
  static constexpr int kShardBits = 4;

  struct Record {
    // Negative for a moment if another thread removes the value before its maker has recorded it.
    int64_t values = 0;
    int frames = 0;
    void* call_site[kMostFrames];
  };
  struct alignas(64) Shard {
    mutable Mutex mutex;
    std::unordered_map<const void*, Record> records GUARDED_BY(mutex);
  };

  Shard& ShardOf(const void* words) {
    const uint64_t mixed = reinterpret_cast<uintptr_t>(words) * 0x9e37'79b9'7f4a'7c15U;
    return shards_[mixed >> (64 - kShardBits)];
  }
  void Add(const void* words, const Record& record) noexcept;

  Shard shards_[size_t{1} << kShardBits];
  std::atomic<uint64_t> not_recorded_{0};
};

}  // namespace inlay

#endif  // INLAY_ENGINE_STORES_OPEN_OWNERS_H_
