// ListNode: a list that readers walk without a lock while one writer at a time changes it, like the
// kernel's hlist. An unlinked node keeps its `next`, so that a reader on that node can go on.
//
// Thread-safety: LinkAt(), Replace() and Unlink() need the lock of the list; a walk needs a reader
// section. A node must stay in place for a grace period after Unlink().

#ifndef INLAY_RCU_LIST_H_
#define INLAY_RCU_LIST_H_

#include <atomic>

namespace inlay {

struct ListNode {
  std::atomic<ListNode*> next{nullptr};
  std::atomic<ListNode*>* link_to_this{nullptr};  // null: in no list

  bool linked() const { return link_to_this != nullptr; }

  // Puts this node in front of the list that starts at *head.
  void LinkAt(std::atomic<ListNode*>* head) {
    ListNode* const first = head->load(std::memory_order_relaxed);
    next.store(first, std::memory_order_relaxed);
    link_to_this = head;
    if (first != nullptr) first->link_to_this = &next;
    head->store(this, std::memory_order_release);
  }

  // Replaces `old`, which is linked, by this node. A reader finds exactly one of the two.
  void Replace(ListNode* old) {
    ListNode* const after = old->next.load(std::memory_order_relaxed);
    next.store(after, std::memory_order_relaxed);
    link_to_this = old->link_to_this;
    if (after != nullptr) after->link_to_this = &next;
    link_to_this->store(this, std::memory_order_release);
    old->link_to_this = nullptr;
  }

  // REQUIRES: linked().
  void Unlink() {
    ListNode* const after = next.load(std::memory_order_relaxed);
    link_to_this->store(after, std::memory_order_release);
    if (after != nullptr) after->link_to_this = link_to_this;
    link_to_this = nullptr;
  }
};
static_assert(sizeof(ListNode) == 16, "has the size of the kernel's hlist_node");

}  // namespace inlay

#endif  // INLAY_RCU_LIST_H_
