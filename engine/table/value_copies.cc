#include "engine/table/value_copies.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "engine/memory/allocate.h"
#include "inlay/rcu.h"

namespace inlay {

// What the copies have in common. Freed after the last of them.
struct ValueCopies::Shape {
  static void Free(RcuHead* head) {
    static_assert(offsetof(Shape, rcu_head) == 0);
    delete reinterpret_cast<Shape*>(head);
  }

  RcuHead rcu_head = {};
  uint32_t offset_bytes = 0;  // of the value, from its header
  uint32_t alignment = 0;
  size_t malloc_bytes = 0;
  Account* pending = nullptr;
  std::atomic<size_t> waiting_bytes{0};
};

// In front of a value's bytes.
struct ValueCopies::Header {
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
    if (shape.pending != nullptr) shape.pending->Uncharge(shape.malloc_bytes);
    Free(header);
  }

  RcuHead rcu_head;
  Shape* shape;
};

bool ValueCopies::Create(uint32_t value_bytes, uint32_t alignment, Account* pending) noexcept {
  std::unique_ptr<Shape> shape = TryNew<Shape>();
  if (shape == nullptr) return false;
  shape->alignment = std::max<uint32_t>(alignment, alignof(Header));
  // The header, and what the value's alignment adds to it.
  shape->offset_bytes = static_cast<uint32_t>((sizeof(Header) + shape->alignment - 1) /
                                              shape->alignment * shape->alignment);
  shape->malloc_bytes = MallocBytes(shape->offset_bytes + value_bytes);
  shape->pending = pending;
  bytes_each_ = shape->malloc_bytes;
  shape_ = shape.release();
  return true;
}

ValueCopies::~ValueCopies() {
  if (shape_ != nullptr) Retire<Shape::Free>(&shape_->rcu_head);  // after all that wait
}

ValueCopies::Header* ValueCopies::HeaderOf(const std::byte* copy) const noexcept {
  return reinterpret_cast<Header*>(const_cast<std::byte*>(copy) - shape_->offset_bytes);
}

ValueCopies::NewCopy ValueCopies::TryCopy(std::span<const std::byte> value) const noexcept {
  void* const room = TryAllocateBytes(shape_->offset_bytes + value.size(), shape_->alignment);
  if (room == nullptr) return NewCopy(nullptr, {this});
  std::byte* const copy = static_cast<std::byte*>(room) + shape_->offset_bytes;
  std::memcpy(copy, value.data(), value.size());
  new (room) Header{{}, shape_};
  return NewCopy(copy, {this});
}

void ValueCopies::Free(const std::byte* copy) const noexcept { Header::Free(HeaderOf(copy)); }

bool ValueCopies::ChargeWaiting(uint32_t copies) const noexcept {
  const size_t bytes = copies * bytes_each_;
  if (shape_->pending != nullptr && !shape_->pending->Charge(bytes)) return false;
  shape_->waiting_bytes.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

bool ValueCopies::HasRoomToWait() const noexcept {
  return shape_->pending == nullptr || shape_->pending->HasRoomFor(bytes_each_);
}

void ValueCopies::ChargeWaitingBeyondLimit() const noexcept {
  if (shape_->pending != nullptr) shape_->pending->ChargeBeyondLimit(bytes_each_);
  shape_->waiting_bytes.fetch_add(bytes_each_, std::memory_order_relaxed);
}

void ValueCopies::FreeLater(const std::byte* copy) const noexcept {
  Retire<Header::Reclaim>(&HeaderOf(copy)->rcu_head);
}

size_t ValueCopies::waiting_bytes() const noexcept {
  return shape_->waiting_bytes.load(std::memory_order_relaxed);
}

}  // namespace inlay
