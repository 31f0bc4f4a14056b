// Private values in a hash table keyed by the owner's address, for owners without storage slots.
//
// The table has many shards, each with a lock for writers and an array of its own. So a growing
// table moves a small part of its values at a time, and no thread in the background does it.

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstring>
#include <new>

#include "engine/layouts/owner_array.h"
#include "engine/layouts/private_values.h"
#include "engine/memory/allocate.h"
#include "engine/sync/mutex.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

void FreeSideValue(RcuHead* head) {
  static_assert(offsetof(SideValue, rcu_head) == 0);
  auto* const value = reinterpret_cast<SideValue*>(head);
  const uint32_t alignment = value->alignment;
  value->~SideValue();
  FreeBytes(value, alignment);
}

// glibc's malloc() adds 8 bytes and rounds up to 16.
constexpr size_t MallocBytes(size_t bytes) { return (bytes + 8 + 15) / 16 * 16; }

class SideTableValues final : public PrivateValues {
 public:
  explicit SideTableValues(const MapOptions& options)
      : value_bytes_(options.value_bytes),
        alignment_(std::max<uint32_t>(options.alignment, alignof(SideValue))),
        offset_bytes_(std::max<uint32_t>(alignment_, sizeof(SideValue))) {}

  ~SideTableValues() override {
    for (Shard& shard : shards_) {
      OwnerArray* const array = shard.array.load(std::memory_order_relaxed);
      if (array == nullptr) continue;
      array->ForEach([](SideValue* value) { Retire<FreeSideValue>(&value->rcu_head); });
      OwnerArray::FreeLater(array);
    }
  }

  const std::byte* Get(const OwnerRef& owner) const noexcept override {
    assert(InReadSection());
    const void* const address = owner.words().address();
    const OwnerArray* const array = ShardOf(address).array.load(std::memory_order_acquire);
    if (array == nullptr) return nullptr;
    const SideValue* const found = array->Find(address);
    return found != nullptr ? found->value() : nullptr;
  }

  Status Put(const OwnerRef& owner, std::span<const std::byte> value) noexcept override {
    void* const place = TryAllocateBytes(offset_bytes_ + value_bytes_, alignment_);
    if (place == nullptr) return Status::kNoMemory;
    auto* const fresh =
        new (place) SideValue{{}, owner.words().address(), offset_bytes_, alignment_};
    std::memcpy(fresh->value(), value.data(), value.size());
    Shard& shard = ShardOf(fresh->owner);
    MutexLock lock(&shard.mutex);
    OwnerArray* array = shard.array.load(std::memory_order_relaxed);
    if (array != nullptr && array->Find(fresh->owner) != nullptr) {
      Retire<FreeSideValue>(&array->Replace(fresh)->rcu_head);
      return Status::kOk;
    }
    if (array == nullptr || !array->HasRoom()) array = Resize(&shard);
    if (array == nullptr) {
      FreeSideValue(&fresh->rcu_head);
      return Status::kNoMemory;
    }
    array->Insert(fresh);
    count_.fetch_add(1, std::memory_order_relaxed);
    return Status::kOk;
  }

  void Remove(const OwnerRef& owner) noexcept override {
    Shard& shard = ShardOf(owner.words().address());
    MutexLock lock(&shard.mutex);
    OwnerArray* const array = shard.array.load(std::memory_order_relaxed);
    Retire<FreeSideValue>(&array->Remove(owner.words().address())->rcu_head);
    count_.fetch_sub(1, std::memory_order_relaxed);
    if (array->slots() > OwnerArray::kFewestSlots && array->values() < array->slots() / 8) {
      Resize(&shard);  // without memory it stays as large as it is
    }
  }

  size_t count() const noexcept override { return count_.load(std::memory_order_relaxed); }

  MemoryUsage memory_usage() const override {
    MemoryUsage usage;
    usage.private_bytes = count() * MallocBytes(offset_bytes_ + value_bytes_);
    usage.index_bytes = array_bytes_.load(std::memory_order_relaxed);
    return usage;
  }

 private:
  struct alignas(64) Shard {
    Mutex mutex;
    std::atomic<OwnerArray*> array{nullptr};  // the first value makes it
  };
  static constexpr int kShardBits = 6;

  Shard& ShardOf(const void* owner) const {
    return shards_[OwnerArray::HashOf(owner) >> (64 - kShardBits)];
  }

  // Gives the shard an array that is at most a quarter full with one more value. Null without
  // memory: then nothing has changed.
  OwnerArray* Resize(Shard* shard) noexcept EXCLUSIVE_LOCKS_REQUIRED(shard->mutex) {
    OwnerArray* const before = shard->array.load(std::memory_order_relaxed);
    const uint32_t values = before == nullptr ? 0 : before->values();
    uint32_t slots = OwnerArray::kFewestSlots;
    while (slots < 4 * (values + 1)) slots *= 2;
    OwnerArray* const after = OwnerArray::TryCreate(slots);
    if (after == nullptr) return nullptr;
    if (before != nullptr) before->CopyTo(after);
    shard->array.store(after, std::memory_order_release);
    array_bytes_.fetch_add(MallocBytes(OwnerArray::Bytes(slots)), std::memory_order_relaxed);
    if (before != nullptr) {
      array_bytes_.fetch_sub(MallocBytes(OwnerArray::Bytes(before->slots())),
                             std::memory_order_relaxed);
      OwnerArray::FreeLater(before);
    }
    return after;
  }

  const uint32_t value_bytes_;
  const uint32_t alignment_;
  const uint32_t offset_bytes_;
  mutable std::array<Shard, size_t{1} << kShardBits> shards_;
  std::atomic<size_t> count_{0};
  std::atomic<size_t> array_bytes_{0};
};

}  // namespace

std::unique_ptr<PrivateValues> PrivateValues::InSideTable(const MapOptions& options) noexcept {
  return TryNew<SideTableValues>(options);
}

}  // namespace inlay
