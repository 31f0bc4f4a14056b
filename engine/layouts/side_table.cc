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

void FreeSideValue(SideValue* value) {
  const uint32_t alignment = value->shape->alignment;
  value->~SideValue();
  FreeBytes(value, alignment);
}

// After a grace period.
void ReclaimSideValue(RcuHead* head) {
  static_assert(offsetof(SideValue, rcu_head) == 0);
  auto* const value = reinterpret_cast<SideValue*>(head);
  value->shape->pending->Uncharge(value->shape->malloc_bytes);
  FreeSideValue(value);
}

void FreeSideValueLater(SideValue* value) {
  value->shape->pending->ChargeBeyondLimit(value->shape->malloc_bytes);
  Retire<ReclaimSideValue>(&value->rcu_head);
}

// glibc's malloc() adds 8 bytes and rounds up to 16.
constexpr size_t MallocBytes(size_t bytes) { return (bytes + 8 + 15) / 16 * 16; }

// The shapes of a side table's values, one for each size of words. Freed after the last value.
struct SideShapes {
  SideShapes(const MapOptions& options, Account* pending) {
    const uint32_t alignment = std::max<uint32_t>(options.alignment, alignof(SideValue));
    const uint32_t offset_bytes = std::max<uint32_t>(alignment, sizeof(SideValue));
    for (size_t i = 0; i < std::size(of); ++i) {
      of[i] = {.offset_bytes = offset_bytes,
               .alignment = alignment,
               .word_bits = uint32_t{16} << i,
               .malloc_bytes = MallocBytes(offset_bytes + options.value_bytes),
               .pending = pending};
    }
  }
  // Of owners with words of 16, 32 or 64 bits.
  const SideShape& For(uint32_t word_bits) const {
    return of[word_bits == 16 ? 0 : word_bits == 32 ? 1 : 2];
  }
  static void Free(RcuHead* head) {
    static_assert(offsetof(SideShapes, rcu_head) == 0);
    delete reinterpret_cast<SideShapes*>(head);
  }

  RcuHead rcu_head;
  SideShape of[3];
};

class SideTableValues final : public PrivateValues {
 public:
  SideTableValues(const MapOptions& options, std::unique_ptr<SideShapes> shapes, Account* spilled)
      : value_bytes_(options.value_bytes), shapes_(shapes.release()), spilled_(*spilled) {}

  ~SideTableValues() override {
    for (Shard& shard : shards_) {
      OwnerArray* const array = shard.array.load(std::memory_order_relaxed);
      if (array == nullptr) continue;
      array->ForEach([this](SideValue* value) {
        spilled_.Uncharge(value->shape->malloc_bytes);
        FreeSideValueLater(value);
      });
      OwnerArray::FreeLater(array, shapes_->of[0].pending);
    }
    Retire<SideShapes::Free>(&shapes_->rcu_head);  // last: the values before it need it
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
    const SideShape& shape = shapes_->For(owner.words().word_bits());
    // Every private value waits for readers one day.
    if (!shape.pending->HasRoomFor(shape.malloc_bytes)) return Status::kPendingLimit;
    void* const place = TryAllocateBytes(shape.offset_bytes + value_bytes_, shape.alignment);
    if (place == nullptr) return Status::kNoMemory;
    auto* const fresh = new (place) SideValue{{}, owner.words().address(), &shape};
    std::memcpy(fresh->value(), value.data(), value.size());
    Shard& shard = ShardOf(fresh->owner);
    MutexLock lock(&shard.mutex);
    OwnerArray* array = shard.array.load(std::memory_order_relaxed);
    if (array != nullptr && array->Find(fresh->owner) != nullptr) {
      FreeSideValueLater(array->Replace(fresh));
      return Status::kOk;
    }
    if (!spilled_.Charge(shape.malloc_bytes)) {
      FreeSideValue(fresh);
      return Status::kSpillLimit;
    }
    if (array == nullptr || !array->HasRoom()) array = Resize(&shard);
    if (array == nullptr) {
      spilled_.Uncharge(shape.malloc_bytes);
      FreeSideValue(fresh);
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
    SideValue* const removed = array->Remove(owner.words().address());
    spilled_.Uncharge(removed->shape->malloc_bytes);
    FreeSideValueLater(removed);
    count_.fetch_sub(1, std::memory_order_relaxed);
    if (array->slots() > OwnerArray::kFewestSlots && array->values() < array->slots() / 8) {
      Resize(&shard);  // without memory it stays as large as it is
    }
  }

  size_t count() const noexcept override { return count_.load(std::memory_order_relaxed); }

  size_t ForSomeOwners(size_t most, FunctionRef<void(const OwnerRef&)> visit) noexcept override {
    MutexLock lock(&walk_.mutex);
    size_t visited = 0;
    // Through every shard, and again through the first part of the one in which it begins.
    for (size_t shards_passed = 0; shards_passed <= shards_.size() && visited < most;) {
      SideOwner some[kOwnersAtOnce];
      const size_t found = TakeOwners({some, std::min(std::size(some), most - visited)});
      // Without the shard's lock, since the owners' locks come before it.
      for (size_t i = 0; i < found; ++i) {
        visit(OwnerRef(InlineWordsRef(some[i].address, some[i].word_bits)));
      }
      visited += found;
      if (walk_.slot == 0) ++shards_passed;
    }
    return visited;
  }

  MemoryUsage memory_usage() const override {
    MemoryUsage usage;
    usage.private_bytes = count() * shapes_->of[0].malloc_bytes;
    usage.index_bytes = array_bytes_.load(std::memory_order_relaxed);
    return usage;
  }

 private:
  struct alignas(64) Shard {
    Mutex mutex;
    std::atomic<OwnerArray*> array{nullptr};  // the first value makes it
  };
  static constexpr int kShardBits = 6;
  static constexpr size_t kOwnersAtOnce = 64;

  struct SideOwner {
    const void* address;
    uint32_t word_bits;
  };

  // How far ForSomeOwners() has come.
  struct Walk {
    Mutex mutex;
    size_t shard GUARDED_BY(mutex) = 0;
    uint32_t slot GUARDED_BY(mutex) = 0;
  };

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
      OwnerArray::FreeLater(before, shapes_->of[0].pending);
    }
    return after;
  }

  // The owners of the next values, at most to the end of the shard. A shard may be resized between
  // two calls: then some owners are missed, or found twice.
  size_t TakeOwners(std::span<SideOwner> owners) noexcept EXCLUSIVE_LOCKS_REQUIRED(walk_.mutex) {
    Shard& shard = shards_[walk_.shard];
    MutexLock lock(&shard.mutex);
    const OwnerArray* const array = shard.array.load(std::memory_order_relaxed);
    const uint32_t slots = array != nullptr ? array->slots() : 0;
    size_t found = 0;
    for (; walk_.slot < slots && found < owners.size(); ++walk_.slot) {
      const SideValue* const value = array->At(walk_.slot);
      if (value != nullptr) owners[found++] = {value->owner, value->shape->word_bits};
    }
    if (walk_.slot >= slots) {
      walk_.slot = 0;
      walk_.shard = (walk_.shard + 1) % shards_.size();
    }
    return found;
  }

  const uint32_t value_bytes_;
  SideShapes* const shapes_;
  Account& spilled_;
  Walk walk_;
  mutable std::array<Shard, size_t{1} << kShardBits> shards_;
  std::atomic<size_t> count_{0};
  std::atomic<size_t> array_bytes_{0};
};

}  // namespace

std::unique_ptr<PrivateValues> PrivateValues::InSideTable(const MapOptions& options,
                                                          Account* spilled,
                                                          Account* pending) noexcept {
  auto shapes = TryNew<SideShapes>(options, pending);
  if (shapes == nullptr || !AllocationAllowed()) return nullptr;
  return std::unique_ptr<PrivateValues>(new (std::nothrow)
                                            SideTableValues(options, std::move(shapes), spilled));
}

}  // namespace inlay
