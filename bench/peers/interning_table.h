// The peer `interning_table`: a typical way to share equal values with Abseil and the standard
// library. A std::shared_ptr in each socket, 16 bytes; an absl::flat_hash_map under an absl::Mutex
// finds an existing value by its bytes. The last socket that releases a value removes it from the
// table.
//
//   the socket            values_: address -> weak_ptr, by the bytes at the address
//   +------------+        +--------------------+
//   | shared_ptr |--+     | Entry*, weak_ptr   |
//   +------------+  |     +---|----------------+
//                   +------>  Entry  (and its two counts, elsewhere)
//
// Making a handle takes the mutex, releasing one takes it only if it was the last. handle_map.h has
// the limits of sockets with handles.
//
// Thread-safety: handles may be made and released by several threads at once.

#ifndef INLAY_BENCH_PEERS_INTERNING_TABLE_H_
#define INLAY_BENCH_PEERS_INTERNING_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "bench/peers/handle_map.h"
#include "bench/peers/value.h"

namespace inlay::bench {

template <uint32_t kBytes>
class InterningTable {
  struct Entry;
  class Forget;

 public:
  static constexpr uint32_t kValueBytes = kBytes;
  static constexpr bool kSharesEqualValues = true;
  using Value = PeerValue<kBytes>;
  using Handle = std::shared_ptr<const Entry>;

  InterningTable() = default;
  InterningTable(const InterningTable&) = delete;
  InterningTable& operator=(const InterningTable&) = delete;

  Handle Make(const Value& value) {
    Handle handle;  // outlives the lock: if emplace() throws, destroyed without the lock
    absl::MutexLock lock(&mutex_);
    const auto found = values_.find(&value);
    if (found != values_.end()) {
      handle = found->second.lock();
      if (handle != nullptr) return handle;
      values_.erase(found);  // its last owner is about to erase it, and waits for the mutex
    }
    auto entry = std::make_unique<Entry>(value);
    Entry* const made = entry.get();
    handle = Handle(entry.release(), Forget(this));
    values_.emplace(&made->value, handle);
    made->is_in_table = true;
    return handle;
  }
  static const std::byte* BytesOf(const Handle& handle) { return handle->value.bytes; }

  size_t values() const {
    absl::MutexLock lock(&mutex_);
    return values_.size();
  }
  MemoryUsage memory_usage(size_t /*handles*/) const {
    absl::MutexLock lock(&mutex_);
    return {
        .table_bytes = values_.size() * (KmallocBytes(sizeof(Entry)) + KmallocBytes(kControlBytes)),
        .index_bytes = FlatHashMapBytes(values_)};
  }

 private:
  struct Entry {
    explicit Entry(const Value& bytes) : value(bytes) {}
    Value value;
    bool is_in_table = false;
  };
  // The deleter of entries.
  class Forget {
   public:
    explicit Forget(InterningTable* table) : table_(table) {}
    void operator()(Entry* entry) const {
      if (entry->is_in_table) table_->Erase(*entry);
      delete entry;
    }

   private:
    InterningTable* table_;
  };
  struct HashBytes {
    size_t operator()(const Value* value) const { return HashPeerValue<kBytes>()(*value); }
  };
  struct EqualBytes {
    bool operator()(const Value* a, const Value* b) const { return *a == *b; }
  };

  // Another entry with the same bytes may have taken its place.
  void Erase(const Entry& entry) {
    absl::MutexLock lock(&mutex_);
    const auto found = values_.find(&entry.value);
    if (found != values_.end() && found->first == &entry.value) values_.erase(found);
  }

  // Beside the entry, in libstdc++: a pointer to functions, two counts of 4 bytes, the deleter, the
  // entry's address.
  static constexpr size_t kControlBytes = 32;

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<const Value*, std::weak_ptr<const Entry>, HashBytes, EqualBytes> values_
      ABSL_GUARDED_BY(mutex_);
};

template <uint32_t kBytes>
using InterningTableMap = HandleMap<InterningTable<kBytes>>;

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PEERS_INTERNING_TABLE_H_
