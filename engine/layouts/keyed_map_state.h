// KeyedIndexMap::State: the members of a keyed map. Only for the files that implement it.

#ifndef INLAY_ENGINE_LAYOUTS_KEYED_MAP_STATE_H_
#define INLAY_ENGINE_LAYOUTS_KEYED_MAP_STATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "engine/memory/address_range.h"
#include "engine/memory/allocate.h"
#include "engine/sync/mutex.h"
#include "engine/sync/one_writer.h"
#include "inlay/account.h"
#include "inlay/keyed_map.h"
#include "inlay/rcu.h"

namespace inlay {

struct KeyedIndexMap::State {
  using Place = std::atomic<const std::byte*>;
  static_assert(sizeof(Place) == sizeof(void*) && Place::is_always_lock_free);

  // What the values of a map have in common. Freed after the last of them.
  struct Shape {
    static void Free(RcuHead* head) {
      static_assert(offsetof(Shape, rcu_head) == 0);
      delete reinterpret_cast<Shape*>(head);
    }

    RcuHead rcu_head = {};
    uint32_t offset_bytes = 0;  // of the value, from its header
    uint32_t alignment = 0;
    size_t malloc_bytes = 0;
    Account* pending = nullptr;            // pays for values that wait for readers
    std::atomic<size_t> waiting_bytes{0};  // the same, of this map alone
  };
  // In front of a value's bytes.
  struct Header {
    static void Free(Header* header) {
      const uint32_t alignment = header->shape->alignment;
      header->~Header();
      FreeBytes(header, alignment);
    }
    // After a grace period.
    static void Reclaim(RcuHead* head) {
      static_assert(offsetof(Header, rcu_head) == 0);
      auto* const header = reinterpret_cast<Header*>(head);
      Shape& shape = *header->shape;
      shape.waiting_bytes.fetch_sub(shape.malloc_bytes, std::memory_order_relaxed);
      shape.pending->Uncharge(shape.malloc_bytes);
      Free(header);
    }
    // Frees a new value that no key got.
    struct Delete {
      void operator()(Header* header) const { Free(header); }
    };

    RcuHead rcu_head;
    Shape* shape;
  };

  ~State() {
    if (shape != nullptr) Retire<Shape::Free>(&shape->rcu_head);  // after all values
  }

  Header* HeaderOf(const std::byte* value) const {
    return reinterpret_cast<Header*>(const_cast<std::byte*>(value) - shape->offset_bytes);
  }
  std::unique_ptr<Header, Header::Delete> TryCopy(std::span<const std::byte> value) const {
    void* const room = TryAllocateBytes(shape->offset_bytes + value.size(), shape->alignment);
    if (room == nullptr) return nullptr;
    std::memcpy(static_cast<std::byte*>(room) + shape->offset_bytes, value.data(), value.size());
    return std::unique_ptr<Header, Header::Delete>(new (room) Header{{}, shape});
  }
  // The bytes of places up to that of `index`; the place of the code 0 counts as none.
  static size_t PlaceBytes(uint32_t index) { return index * sizeof(Place); }

  Shape* shape = nullptr;
  Account* account = nullptr;  // pays for keys, places and values
  AddressRange places;
  Mutex mutex;
  // Threads change these under the mutex. Any thread may read them.
  OneWriter<uint32_t> values;
  OneWriter<uint32_t> charged_places;  // places up to this index are charged
  OneWriter<uint64_t> replaced;
  OneWriter<uint64_t> erased;
  std::atomic<uint64_t> no_indexes{0};
  std::atomic<uint64_t> account_limit{0};
  std::atomic<uint64_t> pending_limit{0};
  std::atomic<uint64_t> no_memory{0};
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_KEYED_MAP_STATE_H_
