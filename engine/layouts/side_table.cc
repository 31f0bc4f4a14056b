// Private values in a hash table keyed by the owner's address, for owners without storage pointers.

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#include <new>

#include "engine/layouts/owner_table.h"
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
  value->shape->waiting_bytes->fetch_sub(value->shape->malloc_bytes, std::memory_order_relaxed);
  value->shape->pending->Uncharge(value->shape->malloc_bytes);
  FreeSideValue(value);
}

void FreeSideValueLater(SideValue* value) {
  value->shape->waiting_bytes->fetch_add(value->shape->malloc_bytes, std::memory_order_relaxed);
  value->shape->pending->ChargeBeyondLimit(value->shape->malloc_bytes);
  Retire<ReclaimSideValue>(&value->rcu_head);
}

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
               .pending = pending,
               .waiting_bytes = &waiting_bytes};
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
  std::atomic<size_t> waiting_bytes{0};
  SideShape of[3];
};

class SideTableValues final : public PrivateValues {
 public:
  SideTableValues(const MapOptions& options, std::unique_ptr<SideShapes> shapes, Account* spilled)
      : table_(shapes->of[0].pending),
        offset_bytes_(shapes->of[0].offset_bytes),
        value_bytes_(options.value_bytes),
        shapes_(shapes.release()),
        spilled_(*spilled),
        has_one_account_(spilled == shapes_->of[0].pending) {}

  ~SideTableValues() override {
    for (uint32_t number = 0; number < table_.buckets_now(); ++number) {
      table_.ForEachIn(number, [this](SideValue* value) {
        spilled_.Uncharge(value->shape->malloc_bytes);
        FreeSideValueLater(value);
      });
    }
    Retire<SideShapes::Free>(&shapes_->rcu_head);  // last: the values before it need it
  }

  Seen Look(const OwnerRef& owner) const noexcept override {
    assert(InReadSection());
    SideValue* found = nullptr;
    const OwnerTable::Place* const place = table_.Find(owner.words().address(), &found);
    return place != nullptr ? Seen{BytesOf(found), place} : Seen{};
  }
  bool IsStillThere(const OwnerRef& /*owner*/, const Seen& seen) const noexcept override {
    const auto* const place = static_cast<const OwnerTable::Place*>(seen.place);
    const SideValue* const now = place->load(std::memory_order_acquire);
    return now != nullptr && BytesOf(now) == seen.value;
  }

  Status Put(const OwnerRef& owner, std::span<const std::byte> value) noexcept override {
    const SideShape& shape = shapes_->For(owner.words().word_bits());
    // Every private value waits for readers one day.
    if (!shape.pending->HasRoomFor(shape.malloc_bytes)) return Refusal(Status::kPendingLimit);
    if (!table_.Prepare()) return Status::kNoMemory;
    void* const room = TryAllocateBytes(shape.offset_bytes + value_bytes_, shape.alignment);
    if (room == nullptr) return Status::kNoMemory;
    auto* const fresh = new (room) SideValue{{}, &shape, owner.words().address()};
    std::memcpy(fresh->value(), value.data(), value.size());
    {
      MutexLock lock(&table_.LockOf(fresh->owner));
      if (table_.Find(fresh->owner) != nullptr) {
        FreeSideValueLater(table_.Replace(fresh));
        return Status::kOk;
      }
      if (!spilled_.Charge(shape.malloc_bytes)) {
        FreeSideValue(fresh);
        return Refusal(Status::kSpillLimit);
      }
      if (!table_.Insert(fresh)) {
        spilled_.Uncharge(shape.malloc_bytes);
        FreeSideValue(fresh);
        return Status::kNoMemory;
      }
    }
    table_.Step();
    return Status::kOk;
  }

  bool Remove(const OwnerRef& owner) noexcept override {
    SideValue* removed = nullptr;
    {
      MutexLock lock(&table_.LockOf(owner.words().address()));
      removed = table_.Remove(owner.words().address());
    }
    if (removed == nullptr) return false;
    spilled_.Uncharge(removed->shape->malloc_bytes);
    FreeSideValueLater(removed);
    table_.Step();
    return true;
  }

  Status PutMoved(const OwnerRef& to, std::span<const std::byte> value) noexcept override {
    const size_t malloc_bytes = shapes_->For(to.words().word_bits()).malloc_bytes;
    spilled_.Uncharge(malloc_bytes);  // of the value in the old place, which stays for a moment
    const Status status = Put(to, value);
    spilled_.ChargeBeyondLimit(malloc_bytes);
    return status;
  }
  bool by_address() const noexcept override { return true; }

  size_t count() const noexcept override { return table_.values(); }

  size_t ForSomeOwners(size_t most, FunctionRef<void(const OwnerRef&)> visit) noexcept override {
    MutexLock lock(&walk_.mutex);
    size_t visited = 0;
    const uint32_t buckets = table_.buckets_now();
    for (uint32_t passed = 0; passed < buckets && visited < most;) {
      SideOwner some[kOwnersAtOnce];
      const size_t found =
          TakeOwners({some, std::min(std::size(some), most - visited)}, buckets, &passed);
      // Without the bucket's lock, since the owners' locks come before it, and not in the section
      // of the search.
      for (size_t i = 0; i < found; ++i) {
        visit(OwnerRef(InlineWordsRef(some[i].address, some[i].word_bits)));
      }
      visited += found;
    }
    return visited;
  }

  size_t Trim() noexcept override { return table_.Trim(); }

  size_t waiting_bytes() const noexcept override {
    return shapes_->waiting_bytes.load(std::memory_order_relaxed);
  }

  MemoryUsage memory_usage() const override {
    MemoryUsage usage;
    usage.private_bytes = count() * shapes_->of[0].malloc_bytes;
    usage.index_bytes = table_.bytes();
    return usage;
  }

 private:
  static constexpr size_t kOwnersAtOnce = 64;

  struct SideOwner {
    const void* address;
    uint32_t word_bits;
  };

  // How far ForSomeOwners() has come.
  struct Walk {
    Mutex mutex;
    uint32_t bucket GUARDED_BY(mutex) = 0;
    size_t in_bucket GUARDED_BY(mutex) = 0;  // its first values have been visited
  };

  Status Refusal(Status of_the_store) const {
    return has_one_account_ ? Status::kAccountLimit : of_the_store;
  }

  // The same for all values of the table, so that a get need not load it from the value.
  const std::byte* BytesOf(const SideValue* value) const {
    return reinterpret_cast<const std::byte*>(value) + offset_bytes_;
  }

  // The owners of the next values, at most from as many buckets as *passed has left. A value that
  // moves meanwhile may be missed, or found twice.
  size_t TakeOwners(std::span<SideOwner> owners, uint32_t buckets, uint32_t* passed) noexcept
      EXCLUSIVE_LOCKS_REQUIRED(walk_.mutex) {
    const ReadSection section;
    size_t found = 0;
    for (; *passed < buckets && found < owners.size(); ++*passed) {
      if (walk_.bucket >= table_.buckets_now()) walk_.bucket = 0;
      size_t at = 0;
      const size_t first = walk_.in_bucket;
      const size_t before = found;
      bool has_more = false;
      table_.ForEachIn(walk_.bucket, [&](const SideValue* value) {
        if (at++ < first) return;
        if (found == owners.size()) {
          has_more = true;
          return;
        }
        owners[found++] = {value->owner, value->shape->word_bits};
      });
      walk_.in_bucket = first + found - before;
      if (has_more) return found;
      walk_.in_bucket = 0;
      ++walk_.bucket;
    }
    return found;
  }

  // What a get reads.
  OwnerTable table_;
  const uint32_t offset_bytes_;

  const uint32_t value_bytes_;
  SideShapes* const shapes_;
  Account& spilled_;
  const bool has_one_account_;  // for these values and for those that wait for readers
  Walk walk_;
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
