// LocalStorageElement, LocalStorage: the objects of the pointer layout, with the kernel's sizes and
// field offsets.
//
// Source: BTF of Linux 6.18.44, x86-64: bpf_local_storage_elem and bpf_local_storage.

#ifndef INLAY_ENGINE_STORES_LOCAL_STORAGE_ELEMENT_H_
#define INLAY_ENGINE_STORES_LOCAL_STORAGE_ELEMENT_H_

#include <atomic>
#include <cstddef>

#include "engine/memory/slab.h"
#include "engine/sync/word_lock.h"
#include "inlay/local_storage.h"
#include "inlay/rcu.h"
#include "inlay/rcu_list.h"

namespace inlay {

struct LocalStorageElement {
  ListNode map_node;    // guarded by the lock of the map's bucket
  ListNode owner_node;  // guarded by the lock of the storage
  std::atomic<LocalStorage*> storage{nullptr};
  RcuHead rcu_head;
  Slab* slab = nullptr;  // a hole in the kernel, which aligns `data` to a cache line
  StorageData data{};

  std::byte* value() { return reinterpret_cast<std::byte*>(this + 1); }

  // After a grace period.
  static void Reclaim(RcuHead* head) {
    auto* const element = reinterpret_cast<LocalStorageElement*>(
        reinterpret_cast<std::byte*>(head) - offsetof(LocalStorageElement, rcu_head));
    element->slab->Free(element);
  }
  static LocalStorageElement* FromMapNode(ListNode* node) {
    return reinterpret_cast<LocalStorageElement*>(node);
  }
  static LocalStorageElement* FromOwnerNode(ListNode* node) {
    return reinterpret_cast<LocalStorageElement*>(reinterpret_cast<std::byte*>(node) -
                                                  sizeof(ListNode));
  }
};
static_assert(offsetof(LocalStorageElement, map_node) == 0);
static_assert(offsetof(LocalStorageElement, owner_node) == sizeof(ListNode));
static_assert(offsetof(LocalStorageElement, data) == 64);
static_assert(sizeof(LocalStorageElement) == kStorageElementHeaderBytes);

struct LocalStorage {
  LocalStorageCache cache{};
  union {
    LocalStorageMap* map = nullptr;  // that pays for it; null once its element is removed
    Slab* slab;                      // that gets the memory back; set when unlinked
  };
  std::atomic<ListNode*> elements{nullptr};
  // Null: unlinked from its owner and about to be freed. A thread that sees null starts again at
  // the owner.
  StoragePointer* owner = nullptr;
  RcuHead rcu_head;
  WordLock lock;  // guards all but `cache` and `elements`, which readers also read
};
static_assert(offsetof(LocalStorage, cache) == 0);
static_assert(offsetof(LocalStorage, map) == 128);
static_assert(offsetof(LocalStorage, elements) == 136);
static_assert(offsetof(LocalStorage, rcu_head) == 152);
static_assert(sizeof(LocalStorage) == kLocalStorageBytes);

// The owner's element of `map`. REQUIRES: a reader section, or the storage's lock.
//
// A reader may pass the front of the list before an update adds the new element there, and reach
// the end after the update has removed the old one. Then the front has changed, and the reader
// searches again. So if it finds nothing, the value was absent at some moment of the search.
inline LocalStorageElement* FindElement(const LocalStorage* storage, const LocalStorageMap* map) {
  for (ListNode* first = storage->elements.load(std::memory_order_acquire);;) {
    for (ListNode* node = first; node != nullptr;
         node = node->next.load(std::memory_order_acquire)) {
      LocalStorageElement* const element = LocalStorageElement::FromOwnerNode(node);
      if (element->data.map == map) return element;
    }
    ListNode* const now_first = storage->elements.load(std::memory_order_acquire);
    if (now_first == first) return nullptr;
    first = now_first;
  }
}

}  // namespace inlay

#endif  // INLAY_ENGINE_STORES_LOCAL_STORAGE_ELEMENT_H_
