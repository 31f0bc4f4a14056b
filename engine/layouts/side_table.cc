// Private values in a hash table keyed by the owner's address, for owners without storage slots.
// liburcu's hash table gives readers a wait-free search.

#include <urcu/rculfhash.h>
#include <urcu/urcu-memb.h>

#include <atomic>
#include <cassert>
#include <cstring>
#include <new>

#include "engine/layouts/private_values.h"
#include "engine/memory/allocate.h"
#include "engine/sync/mutex.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

struct SideValue {
  cds_lfht_node node;
  RcuHead rcu_head;
  const void* owner;
  // Orders the bytes for ThreadSanitizer, which does not see that liburcu's table publishes them.
  std::atomic<bool> written{false};

  std::byte* value() { return reinterpret_cast<std::byte*>(this + 1); }
};

SideValue* FromNode(cds_lfht_node* node) {
  return node == nullptr ? nullptr
                         : reinterpret_cast<SideValue*>(reinterpret_cast<std::byte*>(node) -
                                                        offsetof(SideValue, node));
}

void ReclaimSideValue(RcuHead* head) {
  auto* const value = reinterpret_cast<SideValue*>(reinterpret_cast<std::byte*>(head) -
                                                   offsetof(SideValue, rcu_head));
  value->~SideValue();
  FreeBytes(value);
}

int MatchesOwner(cds_lfht_node* node, const void* owner) {
  const SideValue* const value = FromNode(node);
  static_cast<void>(value->written.load(std::memory_order_acquire));
  return value->owner == owner ? 1 : 0;
}

// NOLINTBEGIN(google-runtime-int): liburcu's type for hashes
unsigned long HashOf(const void* owner) {
  // Owners are aligned, so the lowest bit is constant. Fibonacci hashing spreads the others.
  return static_cast<unsigned long>((reinterpret_cast<uintptr_t>(owner) >> 1) *
                                    0x9e37'79b9'7f4a'7c15U) >>
         16;
}

// NOLINTEND(google-runtime-int)

class SideTableValues final : public PrivateValues {
 public:
  explicit SideTableValues(const MapOptions& options) : value_bytes_(options.value_bytes) {}

  ~SideTableValues() override {
    cds_lfht* const table = table_.load();
    if (table == nullptr) return;
    {
      ReadSection section;
      cds_lfht_iter at;
      cds_lfht_first(table, &at);
      while (cds_lfht_node* const node = cds_lfht_iter_get_node(&at)) {
        cds_lfht_next(table, &at);
        Unlink(FromNode(node));
      }
    }
    RetireBarrier();
    cds_lfht_destroy(table, nullptr);
  }

  const std::byte* Get(const OwnerRef& owner) const noexcept override {
    assert(InReadSection());
    cds_lfht* const table = table_.load(std::memory_order_acquire);
    if (table == nullptr) return nullptr;
    SideValue* const found = Find(table, owner);
    return found != nullptr ? found->value() : nullptr;
  }

  Status Put(const OwnerRef& owner, std::span<const std::byte> value) noexcept override {
    ReadSection section;
    cds_lfht* const table = TableForWriting();
    if (table == nullptr) return Status::kNoMemory;
    void* const place = TryAllocateBytes(sizeof(SideValue) + value_bytes_);
    if (place == nullptr) return Status::kNoMemory;
    SideValue* const fresh = new (place) SideValue;
    cds_lfht_node_init(&fresh->node);
    fresh->owner = owner.words().address();
    std::memcpy(fresh->value(), value.data(), value.size());
    fresh->written.store(true, std::memory_order_release);
    cds_lfht_node* const old =
        cds_lfht_add_replace(table, HashOf(fresh->owner), MatchesOwner, fresh->owner, &fresh->node);
    if (old != nullptr) {
      Retire<ReclaimSideValue>(&FromNode(old)->rcu_head);
    } else {
      count_.fetch_add(1, std::memory_order_relaxed);
    }
    return Status::kOk;
  }

  void Remove(const OwnerRef& owner) noexcept override {
    ReadSection section;
    SideValue* const found = Find(table_.load(std::memory_order_acquire), owner);
    assert(found != nullptr);
    Unlink(found);
  }

  size_t count() const noexcept override { return count_.load(std::memory_order_relaxed); }

  MemoryUsage memory_usage() const override {
    MemoryUsage usage;
    // glibc's malloc() adds 8 bytes and rounds up to 16.
    usage.private_bytes = count() * ((sizeof(SideValue) + value_bytes_ + 8 + 15) / 16 * 16);
    return usage;
  }

 private:
  static SideValue* Find(cds_lfht* table, const OwnerRef& owner) {
    const void* const address = owner.words().address();
    cds_lfht_iter at;
    cds_lfht_lookup(table, HashOf(address), MatchesOwner, address, &at);
    return FromNode(cds_lfht_iter_get_node(&at));
  }

  void Unlink(SideValue* value) {
    if (cds_lfht_del(table_.load(std::memory_order_relaxed), &value->node) != 0) return;
    count_.fetch_sub(1, std::memory_order_relaxed);
    Retire<ReclaimSideValue>(&value->rcu_head);
  }

  // The first spill makes the table: most maps never need it.
  cds_lfht* TableForWriting() noexcept {
    if (cds_lfht* const table = table_.load(std::memory_order_acquire)) return table;
    MutexLock lock(&mutex_);
    if (cds_lfht* const table = table_.load(std::memory_order_relaxed)) return table;
    if (!AllocationAllowed()) return nullptr;
    constexpr size_t kFirstBuckets = 16;
    cds_lfht* const made = cds_lfht_new_flavor(kFirstBuckets, kFirstBuckets, 0,
                                               CDS_LFHT_AUTO_RESIZE, &urcu_memb_flavor, nullptr);
    table_.store(made, std::memory_order_release);
    return made;
  }

  const uint32_t value_bytes_;
  Mutex mutex_;
  std::atomic<cds_lfht*> table_{nullptr};
  std::atomic<size_t> count_{0};
};

}  // namespace

std::unique_ptr<PrivateValues> PrivateValues::InSideTable(const MapOptions& options) noexcept {
  return TryNew<SideTableValues>(options);
}

}  // namespace inlay
