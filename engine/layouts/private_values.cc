#include "engine/layouts/private_values.h"

// Private values in storage pointers: one LocalStorageMap for each index map.

#include <atomic>
#include <cassert>
#include <cstring>

#include "engine/memory/allocate.h"
#include "engine/sync/mutex.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

class StoragePointerValues final : public PrivateValues {
 public:
  StoragePointerValues(LocalStorageDomain& domain, const MapOptions& options)
      : domain_(domain), value_bytes_(options.value_bytes), account_(options.account) {}
  ~StoragePointerValues() override { delete map_.load(); }

  Seen Look(const OwnerRef& owner) const noexcept override {
    assert(InReadSection());
    const LocalStorageMap* const map = map_.load(std::memory_order_acquire);
    if (map == nullptr) return {};
    const CachePlace* place = nullptr;
    const std::byte* const value = map->Find(*owner.storage_pointer(), &place);
    return {value, place};
  }
  // Removing or replacing an element takes it out of the cache before the owner's lock is free.
  bool IsStillThere(const OwnerRef& owner, const Seen& seen) const noexcept override {
    if (seen.place == nullptr) return Look(owner).value == seen.value;
    const StorageData* const now =
        static_cast<const CachePlace*>(seen.place)->load(std::memory_order_acquire);
    return now != nullptr && now->value() == seen.value;
  }

  Status Put(const OwnerRef& owner, std::span<const std::byte> value) noexcept override {
    LocalStorageMap* const map = MapForWriting();
    if (map == nullptr || owner.storage_pointer() == nullptr) return Status::kNoMemory;
    StoragePointer& slot = *owner.storage_pointer();
    // Replacing a private value needs no charge; a new one does.
    Status status = map->Modify(slot, [value](std::span<std::byte> bytes) {
      std::memcpy(bytes.data(), value.data(), value.size());
    });
    if (status == Status::kNotFound) status = map->Update(slot, value, UpdateFlag::kNoExist);
    // Look() may not fill the storage's cache, so the writer does it.
    const ReadSection section;
    if (status == Status::kOk) static_cast<void>(map->Get(slot));
    return status;
  }

  bool Remove(const OwnerRef& owner) noexcept override {
    if (map_.load() == nullptr || owner.storage_pointer() == nullptr) return false;
    // kNotFound: Store::Close() came between the swap of the code and this, and has released all
    // that the owner's slot held.
    static_cast<void>(map_.load()->Delete(*owner.storage_pointer()));
    return true;
  }

  // The owner's storage moves as a whole.
  Status PutMoved(const OwnerRef& /*to*/, std::span<const std::byte> /*value*/) noexcept override {
    return Status::kUnsupported;
  }
  bool by_address() const noexcept override { return false; }

  size_t count() const noexcept override {
    const LocalStorageMap* const map = map_.load(std::memory_order_acquire);
    return map != nullptr ? map->elements() : 0;
  }

  size_t ForSomeOwners(size_t /*most*/,
                       FunctionRef<void(const OwnerRef&)> /*visit*/) noexcept override {
    return 0;  // an element knows its owner's slot, and not its words
  }

  size_t Trim() noexcept override { return 0; }  // the domain has the memory

  MemoryUsage memory_usage() const override {
    const LocalStorageMap* const map = map_.load(std::memory_order_acquire);
    return map != nullptr ? map->memory_usage() : MemoryUsage();
  }
  // Nobody counts them, as in the kernel.
  size_t waiting_bytes() const noexcept override { return 0; }

 private:
  using CachePlace = std::atomic<const StorageData*>;

  // The first spill makes the map, so that an index map that never spills takes no cache slot from
  // the maps in the pointer layout.
  LocalStorageMap* MapForWriting() noexcept {
    if (LocalStorageMap* const map = map_.load(std::memory_order_acquire)) return map;
    MutexLock lock(&mutex_);
    if (LocalStorageMap* const map = map_.load(std::memory_order_relaxed)) return map;
    std::unique_ptr<LocalStorageMap> made;
    // No clone flag: the index map clones the value, since it knows the child's code.
    MapOptions options;
    options.value_bytes = value_bytes_;
    options.account = account_;
    if (LocalStorageMap::Create(domain_, options, &made) != Status::kOk) return nullptr;
    map_.store(made.get(), std::memory_order_release);
    return made.release();
  }

  LocalStorageDomain& domain_;
  const uint32_t value_bytes_;
  Account* const account_;
  Mutex mutex_;
  std::atomic<LocalStorageMap*> map_{nullptr};
};

}  // namespace

std::unique_ptr<PrivateValues> PrivateValues::BehindStoragePointers(
    LocalStorageDomain& domain, const MapOptions& options) noexcept {
  return TryNew<StoragePointerValues>(domain, options);
}

}  // namespace inlay
