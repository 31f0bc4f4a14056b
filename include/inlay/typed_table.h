// TypedTable<T>: an interner. Objects of type T that are equal are kept once, and a
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

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "inlay/memory_usage.h"
#include "inlay/rcu.h"
#include "inlay/status.h"
#include "inlay/typed_ref.h"
#include "inlay/value_table.h"

namespace inlay {

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
    options.alignment = TypedRef<T>::kAlignment;
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
  explicit TypedTable(std::unique_ptr<ValueTable> table) : table_(std::move(table)) {}

  static std::span<const std::byte> BytesOf(const T& value) {
    return std::as_bytes(std::span<const T, 1>(&value, 1));
  }

  std::unique_ptr<ValueTable> table_;
};

}  // namespace inlay

#endif  // INLAY_TYPED_TABLE_H_
