// TypedTable<T> and TypedRef<T>: an interner. Objects of type T that are equal are kept once, and a
// handle of 8 bytes refers to one of them.
//
//   std::unique_ptr<inlay::TypedTable<Route>> routes;
//   inlay::TypedTable<Route>::Create({}, &routes);
//
//   inlay::TypedRef<Route> one, other;
//   routes->Intern({.next_hop = 7, .metric = 1}, &one);
//   routes->Intern({.next_hop = 7, .metric = 1}, &other);
//   one == other;            // true: compares 8 bytes
//   one->next_hop;           // as long as the handle is there, without a reader section
//   std::unordered_map<inlay::TypedRef<Route>, Counters> counters;
//
// Use it where values are shared but no owner with inline words has them; SharedMap (index_map.h)
// takes 2 bytes an owner instead of 8, and no work when a value is read by many threads.
//
// A value lives while a handle refers to it. After that it may still be found, and gives its memory
// to another value when the table needs room (value_table.h has the guarantees, V1 to V4 and S1).

#ifndef INLAY_TYPED_TABLE_H_
#define INLAY_TYPED_TABLE_H_

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "inlay/memory_usage.h"
#include "inlay/rcu.h"
#include "inlay/status.h"
#include "inlay/value_table.h"

namespace inlay {

template <typename T>
class TypedTable;

// A handle: a reference to one value of a TypedTable<T>, or empty. 8 bytes. Handles are equal if
// they refer to the same value of the same table, and so to equal values, or are both empty; those
// of different tables are never equal. std::hash agrees.
//
// Movable, not copyable: a second reference is Share(), since it can fail, if a value has 2^29 - 1
// of them. A handle that was moved from is empty. The destructor releases the reference.
//
// REQUIRES: no handle outlives its table. Thread-safety: different handles are independent, also
// those of one value; a handle may be released by another thread than made it. One handle: as an
// int. Reader section: not needed, allowed, by any function.
template <typename T>
class TypedRef {
 public:
  constexpr TypedRef() = default;

  // A second reference to the same value. Empty if this one is, or if the count is at its limit.
  // Finds nothing and hashes nothing: one atomic operation.
  [[nodiscard]] TypedRef Share() const noexcept { return TypedRef(ref_.Share()); }
  // Releases the reference. Empty afterwards.
  void Reset() noexcept { ref_.Reset(); }

  explicit operator bool() const noexcept { return static_cast<bool>(ref_); }
  // Null if empty. Valid, and the same, while a handle refers to the value. Wait-free.
  const T* get() const noexcept { return ref_ ? &**this : nullptr; }
  // REQUIRES: not empty. As get().
  const T& operator*() const noexcept {
    assert(ref_);
    return *reinterpret_cast<const T*>(ref_.table()->base() +
                                       size_t{ref_.index()} * TypedTable<T>::kStrideBytes);
  }
  const T* operator->() const noexcept { return &**this; }

  friend bool operator==(const TypedRef& a, const TypedRef& b) noexcept = default;
  size_t Hash() const noexcept { return ref_.Hash(); }
  // The same handle, for functions that do not depend on T.
  const ValueRef& bytes() const noexcept { return ref_; }

 private:
  friend class TypedTable<T>;
  explicit TypedRef(ValueRef ref) noexcept : ref_(std::move(ref)) {}

  ValueRef ref_;
};

// Thread-safety: all functions may run concurrently, except the destructor.
template <typename T>
class TypedTable {
 public:
  static_assert(
      std::is_trivially_copyable_v<T>,
      "TypedTable<T>: T must be trivially copyable, since equal bytes must mean equal values");
  static_assert(
      std::has_unique_object_representations_v<T>,
      "TypedTable<T>: T has padding or floating-point members, so that equal values can have "
      "different bytes and would not be shared. Give padding a name and zero it");
  static_assert(alignof(T) <= 4096, "TypedTable<T>: T must not need more than 4096-byte alignment");
  static_assert(sizeof(T) <= ValueTable::kMaxValueTableBytes, "TypedTable<T>: T is too large");

  // Makes an empty table for up to options.max_values different values at a time. Sets value_bytes
  // and alignment from T. Fails as ValueTable::Create(); then *table is unchanged.
  static Status Create(ValueTableOptions options, std::unique_ptr<TypedTable>* table) noexcept {
    options.value_bytes = sizeof(T);
    options.alignment = kAlignment;
    std::unique_ptr<ValueTable> bytes;
    const Status status = ValueTable::Create(options, &bytes);
    if (status != Status::kOk) return status;
    TypedTable* const made = new (std::nothrow) TypedTable(std::move(bytes));
    if (made == nullptr) return Status::kNoMemory;
    table->reset(made);
    return Status::kOk;
  }

  // REQUIRES: no handle of this table is left.
  ~TypedTable() { assert(table_->open_refs() == 0 && "a handle outlives its table"); }
  TypedTable(const TypedTable&) = delete;
  TypedTable& operator=(const TypedTable&) = delete;

  // Finds or adds the value and stores a handle of it in *ref, whose old reference is released.
  // Fails as ValueTable::Intern(); then *ref is unchanged, and so is the table.
  Status Intern(const T& value, TypedRef<T>* ref) noexcept {
    return ValueRef::Intern(table_.get(), BytesOf(value), &ref->ref_);
  }

  // A handle of the value; empty if the table does not hold it, or if its count is at its limit.
  // May or may not find a value that another thread is adding, or that no handle refers to any
  // more. Adds nothing.
  [[nodiscard]] TypedRef<T> Find(const T& value) noexcept {
    const ReadSection section;
    const ValueIndex index = table_->Find(BytesOf(value));
    if (index == kNoIndex || !table_->TryRef(index)) return {};
    return TypedRef<T>(ValueRef::Adopt(table_.get(), index));
  }

  // The table of bytes, for everything that does not depend on T: EnsureRoom(), Reclaim(), Trim(),
  // stats(), memory_usage(), CheckInvariants().
  ValueTable& bytes() noexcept { return *table_; }
  const ValueTable& bytes() const noexcept { return *table_; }

 private:
  friend class TypedRef<T>;
  static constexpr uint32_t kAlignment = std::max<uint32_t>(alignof(T), 8);
  static constexpr size_t kStrideBytes = (sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;

  explicit TypedTable(std::unique_ptr<ValueTable> table) : table_(std::move(table)) {}

  static std::span<const std::byte> BytesOf(const T& value) {
    return std::as_bytes(std::span<const T, 1>(&value, 1));
  }

  std::unique_ptr<ValueTable> table_;
};

}  // namespace inlay

template <typename T>
struct std::hash<inlay::TypedRef<T>> {
  size_t operator()(const inlay::TypedRef<T>& ref) const noexcept { return ref.Hash(); }
};

#endif  // INLAY_TYPED_TABLE_H_
