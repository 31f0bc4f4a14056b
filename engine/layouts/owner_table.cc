#include "engine/layouts/owner_table.h"

#include <new>

#include "engine/memory/allocate.h"
#include "engine/sync/test_point.h"

namespace inlay {

OwnerTable::~OwnerTable() {
  for (uint32_t number = 0; number < buckets_now(); ++number) {
    Bucket* more = buckets()[number].more.load(std::memory_order_relaxed);
    while (more != nullptr) {
      Bucket* const next = more->more.load(std::memory_order_relaxed);
      FreeChained(reinterpret_cast<ChainedBucket*>(more));
      more = next;
    }
  }
}

bool OwnerTable::Prepare() noexcept {
  if (buckets_now() > 0) [[likely]]
    return true;
  MutexLock lock(&first_);
  if (buckets_now() > 0) return true;
  // Addresses only; a process that may have few of them gets a table that grows less.
  for (uint32_t most = kMostBuckets; range_.base() == nullptr; most /= 64) {
    if (most < kFewestBuckets) return false;
    if (range_.Reserve(most * sizeof(Bucket))) most_buckets_ = most;
  }
  if (!range_.Commit(kFewestBuckets * sizeof(Bucket))) return false;
  // A huge page would be cleared at once when the table grows into it.
  range_.AvoidHugePages();
  dirty_.store(kFewestBuckets, std::memory_order_relaxed);
  shape_.store(kFewestBuckets, std::memory_order_release);
  return true;
}

// --- one bucket, under its lock

bool OwnerTable::Add(Bucket* bucket, SideValue* value) noexcept {
  const uint64_t tag = TagOf(HashOf(value->owner));
  for (;;) {
    const uint64_t tags = bucket->tags.load(std::memory_order_relaxed);
    for (uint32_t at = 0; at < kPlaces; ++at) {
      if ((tags >> 8 * at & 0xff) != 0) continue;
      // Release: a reader that finds the value sees its bytes.
      bucket->values[at].store(value, std::memory_order_release);
      bucket->tags.store(tags | tag << 8 * at, std::memory_order_release);
      return true;
    }
    Bucket* const more = bucket->more.load(std::memory_order_relaxed);
    if (more == nullptr) break;
    bucket = more;
  }
  void* const room = TryAllocateBytes(sizeof(ChainedBucket), alignof(ChainedBucket));
  if (room == nullptr) return false;
  auto* const added = new (room) ChainedBucket{};
  added->pending = pending_;
  added->bucket.values[0].store(value, std::memory_order_relaxed);
  added->bucket.tags.store(tag, std::memory_order_relaxed);
  bucket->more.store(&added->bucket, std::memory_order_release);
  chained_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

OwnerTable::Found OwnerTable::Locate(const void* owner) const {
  const uint64_t hash = HashOf(owner);
  Found found;
  found.first = &buckets()[BucketOf(NumberOf(hash), buckets_now())];
  found.place = const_cast<Place*>(FindIn(*found.first, hash, owner, &found.value));
  return found;
}

// Clears the places of the values for which gone(value) is true. Release: a reader that misses a
// value here sees the shape by which it is found elsewhere.
template <typename Gone>
uint32_t OwnerTable::ClearIf(Bucket* first, Gone&& gone) noexcept {
  uint32_t cleared = 0;
  for (Bucket* bucket = first; bucket != nullptr;
       bucket = bucket->more.load(std::memory_order_relaxed)) {
    for (uint32_t at = 0; at < kPlaces; ++at) {
      SideValue* const value = bucket->values[at].load(std::memory_order_relaxed);
      if (value == nullptr || !gone(value)) continue;
      bucket->values[at].store(nullptr, std::memory_order_release);
      bucket->tags.store(bucket->tags.load(std::memory_order_relaxed) & ~(uint64_t{0xff} << 8 * at),
                         std::memory_order_release);
      ++cleared;
    }
  }
  return cleared;
}

// Moves values from the chain to the places in front of it, and frees the buckets that are empty
// then. So a search seldom follows a chain.
uint32_t OwnerTable::PullUp(Bucket* first) noexcept {
  uint32_t moved = 0;
  if (first->more.load(std::memory_order_relaxed) == nullptr) return 0;
  SideValue* pulled[kPlaces];
  for (const Bucket* bucket = first->more.load(std::memory_order_relaxed); bucket != nullptr;
       bucket = bucket->more.load(std::memory_order_relaxed)) {
    for (uint32_t at = 0; at < kPlaces; ++at) {
      SideValue* const value = bucket->values[at].load(std::memory_order_relaxed);
      if (value == nullptr || !HasFreePlace(*first)) continue;
      static_cast<void>(Add(first, value));  // in that place: allocates nothing
      pulled[moved++] = value;
    }
  }
  if (moved > 0) {
    shape_.fetch_add(kOneVersion, std::memory_order_acq_rel);
    ClearIf(first->more.load(std::memory_order_relaxed), [&](const SideValue* value) {
      return std::find(pulled, pulled + moved, value) != pulled + moved;
    });
  }
  Bucket* before = first;
  while (Bucket* const bucket = before->more.load(std::memory_order_relaxed)) {
    if (bucket->tags.load(std::memory_order_relaxed) != 0) {
      before = bucket;
      continue;
    }
    before->more.store(bucket->more.load(std::memory_order_relaxed), std::memory_order_release);
    chained_.fetch_sub(1, std::memory_order_relaxed);
    pending_->ChargeBeyondLimit(sizeof(ChainedBucket));
    Retire<ReclaimChained>(&reinterpret_cast<ChainedBucket*>(bucket)->rcu_head);
  }
  return moved;
}

void OwnerTable::FreeChained(ChainedBucket* chained) noexcept {
  chained->~ChainedBucket();
  FreeBytes(chained, alignof(ChainedBucket));
}

void OwnerTable::ReclaimChained(RcuHead* head) {
  static_assert(offsetof(ChainedBucket, bucket) == 0);
  auto* const chained = reinterpret_cast<ChainedBucket*>(reinterpret_cast<std::byte*>(head) -
                                                         offsetof(ChainedBucket, rcu_head));
  chained->pending->Uncharge(sizeof(ChainedBucket));
  FreeChained(chained);
}

// --- writes

bool OwnerTable::Insert(SideValue* value) noexcept {
  const uint32_t number = BucketOf(NumberOf(HashOf(value->owner)), buckets_now());
  if (!Add(&buckets()[number], value)) return false;
  values_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

SideValue* OwnerTable::Replace(SideValue* value) noexcept {
  const Found found = Locate(value->owner);
  found.place->store(value, std::memory_order_release);
  return found.value;
}

SideValue* OwnerTable::Remove(const void* owner) noexcept {
  if (buckets_now() == 0) return nullptr;
  const Found found = Locate(owner);
  if (found.place == nullptr) return nullptr;
  ClearIf(found.first, [&](const SideValue* value) { return value == found.value; });
  PullUp(found.first);
  values_.fetch_sub(1, std::memory_order_relaxed);
  return found.value;
}

// --- the number of buckets

uint32_t OwnerTable::Step() noexcept {
  const size_t values = values_.load(std::memory_order_relaxed);
  const size_t buckets = buckets_now();
  const bool grows = values > kMostPerBucket * buckets && buckets < most_buckets_;
  const bool shrinks = 2 * values < buckets && buckets > kFewestBuckets;
  if (!grows && !shrinks) return 0;
  if (resizing_.exchange(true, std::memory_order_acquire)) return 0;
  uint32_t moved = 0;
  if (grows) {
    moved = Split();
  } else {
    // Two, since the table may have twice as many buckets as values.
    if (Merge(&moved)) Merge(&moved);
    const uint32_t now = buckets_now();
    if (dirty_.load(std::memory_order_relaxed) >= now + 2 * kDropAtOnce) Drop(now + kDropAtOnce);
  }
  resizing_.store(false, std::memory_order_release);
  return moved;
}

uint32_t OwnerTable::Split() noexcept {
  const uint32_t fresh = buckets_now();
  if (fresh >= most_buckets_ || !range_.Commit((size_t{fresh} + 1) * sizeof(Bucket))) return 0;
  const uint32_t old = fresh - std::bit_floor(fresh);
  const auto belongs = [fresh](const SideValue* value) {
    return BucketOf(NumberOf(HashOf(value->owner)), fresh + 1) == fresh;
  };
  MutexLock lock(&LockOfBucket(old));
  if (dirty_.load(std::memory_order_relaxed) <= fresh) {
    dirty_.store(fresh + 1, std::memory_order_relaxed);
  }
  if (!CopyIf(&buckets()[old], &buckets()[fresh], belongs)) {
    ClearIf(&buckets()[fresh], [](const SideValue*) { return true; });
    PullUp(&buckets()[fresh]);
    return 0;
  }
  INLAY_TEST_POINT("owner_table.copied");
  shape_.fetch_add(kOneVersion + kOneBucket, std::memory_order_acq_rel);
  INLAY_TEST_POINT("owner_table.published");
  const uint32_t moved = ClearIf(&buckets()[old], belongs);
  return moved + PullUp(&buckets()[old]);
}

bool OwnerTable::Merge(uint32_t* moved) noexcept {
  const uint32_t count = buckets_now();
  if (count <= kFewestBuckets) return false;
  const uint32_t last = count - 1;
  const uint32_t into = last - std::bit_floor(last);
  MutexLock lock(&LockOfBucket(into));
  if (!CopyIf(&buckets()[last], &buckets()[into], [](const SideValue*) { return true; })) {
    ClearIf(&buckets()[into], [count, last](const SideValue* value) {
      return BucketOf(NumberOf(HashOf(value->owner)), count) == last;
    });
    PullUp(&buckets()[into]);
    return false;
  }
  INLAY_TEST_POINT("owner_table.copied");
  shape_.fetch_add(kOneVersion - kOneBucket, std::memory_order_acq_rel);
  INLAY_TEST_POINT("owner_table.published");
  *moved += ClearIf(&buckets()[last], [](const SideValue*) { return true; });
  PullUp(&buckets()[last]);  // frees its chain
  return true;
}

template <typename Copied>
bool OwnerTable::CopyIf(const Bucket* from, Bucket* to, Copied&& copied) noexcept {
  for (; from != nullptr; from = from->more.load(std::memory_order_relaxed)) {
    for (const Place& place : from->values) {
      SideValue* const value = place.load(std::memory_order_relaxed);
      if (value != nullptr && copied(value) && !Add(to, value)) return false;
    }
  }
  return true;
}

// Gives back the memory behind the first `kept` buckets. A reader that searches by an old shape
// may still read it: it finds zeroes there, which is an empty bucket, and then the new shape.
size_t OwnerTable::Drop(uint32_t kept) noexcept {
  const size_t used_bytes = dirty_.load(std::memory_order_relaxed) * sizeof(Bucket);
  const size_t dropped = range_.Drop(kept * sizeof(Bucket), used_bytes);
  if (dropped > 0) dirty_.store(kept, std::memory_order_relaxed);
  return dropped;
}

size_t OwnerTable::Trim() noexcept {
  if (buckets_now() == 0 || resizing_.exchange(true, std::memory_order_acquire)) return 0;
  const size_t bytes_before = bytes();
  uint32_t moved = 0;
  while (values_.load(std::memory_order_relaxed) <= kMostPerBucket * size_t{buckets_now() - 1} &&
         Merge(&moved)) {
  }
  Drop(buckets_now());
  resizing_.store(false, std::memory_order_release);
  const size_t bytes_after = bytes();
  return bytes_before > bytes_after ? bytes_before - bytes_after : 0;
}

size_t OwnerTable::bytes() const {
  return PageRoundUp(dirty_.load(std::memory_order_relaxed) * sizeof(Bucket)) +
         chained_.load(std::memory_order_relaxed) * sizeof(ChainedBucket);
}

}  // namespace inlay
