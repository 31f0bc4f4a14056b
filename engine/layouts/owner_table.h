// OwnerTable: a hash table of private values, keyed by their owners' addresses.
//
// Linear hashing: the table grows by one bucket at a time, whose values come from one other bucket,
// and shrinks in the same way. So no write moves more than a few values, and there is no old array
// to free. Buckets lie side by side in one range of addresses and never move. A bucket is a cache
// line: a search reads that, and the value.
//
//   bucket:  tags (8 bits each) | 6 addresses of values | a chain of more, if there are more than 6
//
// The tags hold 7 bits of a value's hash, so that a search seldom reads the value of another owner.
//
// Thread-safety: Insert(), Replace() and Remove() REQUIRE LockOf() of the owner. All other
// functions may run concurrently. A reader in a reader section finds every value that stays:
//   1. A move stores the value in its new place, then changes the *shape*, which tells the bucket
//      of each owner, and then clears the old place. All of it under the lock of both buckets,
//      which have the same.
//   2. So a reader that found nothing where the value has been cleared, sees another shape now than
//      the one that it searched by, and searches again. The shape has a version that every move
//      increases, so it is never the same again.
// A place that holds a value's address says that it is the owner's value at this moment: whoever
// replaces, removes or moves it clears or overwrites the place before it gives back the lock.

#ifndef INLAY_ENGINE_LAYOUTS_OWNER_TABLE_H_
#define INLAY_ENGINE_LAYOUTS_OWNER_TABLE_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "engine/memory/address_range.h"
#include "engine/sync/mutex.h"
#include "engine/sync/test_point.h"
#include "inlay/memory_usage.h"
#include "inlay/rcu.h"

namespace inlay {

// What private values have in common whose owners have words of one size. Outlives them.
struct SideShape {
  uint32_t offset_bytes = 0;  // from the start of a SideValue to its bytes
  uint32_t alignment = 0;
  uint32_t word_bits = 0;      // of the owners
  size_t malloc_bytes = 0;     // of a SideValue with its bytes
  Account* pending = nullptr;  // charged for each from its removal until it is freed
  std::atomic<size_t>* waiting_bytes = nullptr;  // the same, of this map alone
};

// A private value; its bytes follow behind, at a multiple of the value's alignment.
struct alignas(16) SideValue {
  RcuHead rcu_head;
  const SideShape* shape;
  const void* owner;  // the address of its words; last: often in one cache line with the bytes

  const std::byte* value() const {
    return reinterpret_cast<const std::byte*>(this) + shape->offset_bytes;
  }
  std::byte* value() { return reinterpret_cast<std::byte*>(this) + shape->offset_bytes; }
};

class OwnerTable {
 public:
  using Place = std::atomic<SideValue*>;
  static constexpr uint32_t kFewestBuckets = 64;

  // An empty table, without memory. `pending` is charged for what waits for readers.
  explicit OwnerTable(Account* pending) : pending_(pending) {}
  // Frees no values. REQUIRES: no concurrent use, and no readers.
  ~OwnerTable();
  OwnerTable(const OwnerTable&) = delete;
  OwnerTable& operator=(const OwnerTable&) = delete;

  static uint64_t HashOf(const void* owner) {
    const uint64_t mixed = reinterpret_cast<uintptr_t>(owner) * 0x9e37'79b9'7f4a'7c15U;
    return (mixed ^ mixed >> 32) * 0xd6e8'feb8'6659'fd93U;
  }
  Mutex& LockOf(const void* owner) const { return LockOfBucket(NumberOf(HashOf(owner))); }

  // Where the owner's value is, or null. *found is the value.
  // Reader section: required, or the owner's lock. Place valid until: the end of the section.
  const Place* Find(const void* owner, SideValue** found) const {
    const uint64_t hash = HashOf(owner);
    for (uint64_t shape = shape_.load(std::memory_order_acquire); CountIn(shape) != 0;) {
      const Bucket& bucket = buckets()[BucketOf(NumberOf(hash), CountIn(shape))];
      INLAY_TEST_POINT("owner_table.shape_read");
      if (const Place* const place = FindIn(bucket, hash, owner, found)) [[likely]] {
        return place;
      }
      const uint64_t now = shape_.load(std::memory_order_acquire);
      if (now == shape) break;
      shape = now;
    }
    return nullptr;
  }
  SideValue* Find(const void* owner) const {
    SideValue* found = nullptr;
    return Find(owner, &found) != nullptr ? found : nullptr;
  }

  // Makes the first buckets. False without memory. Call it before Insert().
  [[nodiscard]] bool Prepare() noexcept;
  // REQUIRES: Prepare() has succeeded, and the owner has no value. False without memory; then
  // nothing changed.
  [[nodiscard]] bool Insert(SideValue* value) noexcept;
  // Return the owner's value, for the caller to retire. Replace() REQUIRES that it has one;
  // Remove() returns null if it has none.
  SideValue* Replace(SideValue* value) noexcept;
  SideValue* Remove(const void* owner) noexcept;

  // One step towards the right number of buckets: adds a bucket if the table is too full, removes
  // two if it is too empty, or does nothing, as if another thread is at it. Returns how many values
  // have moved. Call it after each Insert() and Remove(), without a lock: then there are
  // kMostPerBucket values a bucket at most. Without memory the table stays as it is; it works on,
  // with longer chains.
  uint32_t Step() noexcept;
  // Removes buckets as long as a table that grows would not add them again, and gives their memory
  // back. Returns how many bytes.
  size_t Trim() noexcept;

  // Calls visit(value) for each value of bucket `number`. A concurrent move may make it see a value
  // twice, or not at all. Reader section: required, or no concurrent writer.
  template <typename Visit>
  void ForEachIn(uint32_t number, Visit&& visit) const {
    if (number >= buckets_now()) return;
    for (const Bucket* at = &buckets()[number]; at != nullptr;
         at = at->more.load(std::memory_order_acquire)) {
      for (const Place& place : at->values) {
        SideValue* const value = place.load(std::memory_order_acquire);
        if (value != nullptr) visit(value);
      }
    }
  }

  uint32_t buckets_now() const { return CountIn(shape_.load(std::memory_order_acquire)); }
  size_t values() const { return values_.load(std::memory_order_relaxed); }
  // Of the buckets that have been used since their memory was given back, and of chains.
  size_t bytes() const;
  static constexpr size_t kBucketBytes = 64;
  static constexpr uint32_t kMostPerBucket = 2;  // values, on average

 private:
  static constexpr uint32_t kPlaces = 6;
  static constexpr int kLockBits = 6;
  static constexpr uint32_t kMostBuckets = uint32_t{1} << 26;
  static constexpr uint64_t kOneInEach = 0x0101'0101'0101;
  static constexpr uint64_t kOneBucket = 1;
  static constexpr uint64_t kOneVersion = uint64_t{1} << 32;
  // Buckets whose memory a shrinking table gives back together, and keeps behind its last bucket.
  static constexpr uint32_t kDropAtOnce = 1024;

  // Zeroes are an empty bucket.
  struct alignas(kBucketBytes) Bucket {
    std::atomic<uint64_t> tags;
    Place values[kPlaces];
    std::atomic<Bucket*> more;  // of a ChainedBucket
  };
  static_assert(sizeof(Bucket) == kBucketBytes);
  struct ChainedBucket {
    Bucket bucket;
    RcuHead rcu_head;
    Account* pending;
  };
  struct alignas(64) PaddedMutex {
    Mutex mutex;
  };

  // The hash bits that choose a bucket, and the tag: other bits of the hash.
  static uint32_t NumberOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  static uint64_t TagOf(uint64_t hash) { return 0x80 | (hash >> 24 & 0x7f); }
  static uint32_t CountIn(uint64_t shape) { return static_cast<uint32_t>(shape); }
  // The bucket of a hash among `count`: those that have been split have one bit more.
  static uint32_t BucketOf(uint32_t number, uint32_t count) {
    const uint32_t full = std::bit_ceil(count);
    const uint32_t at = number & (full - 1);
    return at < count ? at : at - full / 2;
  }
  // Both buckets of a move have the same lock, since there are at least as many buckets as locks.
  Mutex& LockOfBucket(uint32_t number) const {
    return locks_[number & ((uint32_t{1} << kLockBits) - 1)].mutex;
  }

  static const Place* FindIn(const Bucket& first, uint64_t hash, const void* owner,
                             SideValue** found) {
    for (const Bucket* bucket = &first;;) {
      const uint64_t different =
          bucket->tags.load(std::memory_order_acquire) ^ TagOf(hash) * kOneInEach;
      // The high bit of each byte that is zero, and sometimes of one behind such a byte.
      uint64_t candidates = (different - kOneInEach) & ~different & 0x80 * kOneInEach;
      for (; candidates != 0; candidates &= candidates - 1) {
        const Place& place = bucket->values[std::countr_zero(candidates) / 8];
        SideValue* const value = place.load(std::memory_order_acquire);
        if (value == nullptr || value->owner != owner) continue;
        *found = value;
        return &place;
      }
      INLAY_TEST_POINT("owner_table.bucket_passed");
      bucket = bucket->more.load(std::memory_order_acquire);
      if (bucket == nullptr) return nullptr;
    }
  }

  Bucket* buckets() const { return reinterpret_cast<Bucket*>(range_.base()); }
  static bool HasFreePlace(const Bucket& bucket) {
    return std::popcount(bucket.tags.load(std::memory_order_relaxed) & 0x80 * kOneInEach) <
           static_cast<int>(kPlaces);
  }

  // Under the lock of the bucket. Those that return how many values they moved or cleared:
  struct Found {
    Bucket* first = nullptr;
    Place* place = nullptr;
    SideValue* value = nullptr;
  };
  Found Locate(const void* owner) const;
  bool Add(Bucket* bucket, SideValue* value) noexcept;
  template <typename Copied>
  bool CopyIf(const Bucket* from, Bucket* to, Copied&& copied) noexcept;
  template <typename Gone>
  uint32_t ClearIf(Bucket* first, Gone&& gone) noexcept;
  uint32_t PullUp(Bucket* first) noexcept;
  static void FreeChained(ChainedBucket* chained) noexcept;
  static void ReclaimChained(RcuHead* head);

  // While resizing_. Take the lock of the two buckets.
  uint32_t Split() noexcept;
  bool Merge(uint32_t* moved) noexcept;
  size_t Drop(uint32_t kept) noexcept;

  // What a search reads.
  alignas(64) std::atomic<uint64_t> shape_{0};  // the number of buckets, and above it the version
  AddressRange range_;

  alignas(64) std::atomic<size_t> values_{0};
  std::atomic<uint32_t> dirty_{0};  // buckets that may have memory
  std::atomic<size_t> chained_{0};
  Account* const pending_;
  std::atomic<bool> resizing_{false};  // a thread changes the number of buckets
  uint32_t most_buckets_ = 0;          // that range_ has room for
  Mutex first_;                        // while the first buckets are made
  mutable PaddedMutex locks_[size_t{1} << kLockBits];
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_OWNER_TABLE_H_
