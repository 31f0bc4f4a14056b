// TypedRef<T>: a handle of 8 bytes that refers to an interned value. TypedTable<T> (typed_table.h)
// hands it out for values without owners, and SharedMap<T> (shared_map.h) to give one value to many
// owners:
//
//   inlay::TypedRef<Policy> policy;
//   policies->Intern({.rate_limit = 1000}, &policy);
//   for (Connection& connection : connections) policies->Assign(connection, policy);

#ifndef INLAY_TYPED_REF_H_
#define INLAY_TYPED_REF_H_

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "inlay/inline_words.h"
#include "inlay/value_table.h"

namespace inlay {

template <typename T>
class TypedTable;
template <typename T, InlineField kField>
class SharedMap;

// A handle: a reference to one value of a TypedTable<T> or of a SharedMap<T>, or empty. 8 bytes.
// Handles are equal if they refer to the same value of the same table, and so to equal values, or
// are both empty; those of different tables are never equal. std::hash agrees.
//
// Movable, not copyable: a second reference is Share(), since it can fail, if a value has 2^29 - 1
// of them. A handle that was moved from is empty. The destructor releases the reference.
//
// REQUIRES: no handle outlives its table or map. Thread-safety: different handles are independent,
// also those of one value; a handle may be released by another thread than made it. One handle: as
// an int. Reader section: not needed, allowed, by any function.
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
  // Null if empty. Valid, and the same, while a handle refers to the value; of a map whose values
  // can be replaced (MapOptions::replaceable), in a reader section, and until its end. Wait-free.
  const T* get() const noexcept { return ref_ ? &**this : nullptr; }
  // REQUIRES: not empty. As get().
  const T& operator*() const noexcept {
    assert(ref_);
    const ValueTable& table = *ref_.table();
    if (table.is_replaceable()) return *reinterpret_cast<const T*>(table.At(ref_.index()));
    return *reinterpret_cast<const T*>(table.base() + size_t{ref_.index()} * kStrideBytes);
  }
  const T* operator->() const noexcept { return &**this; }

  friend bool operator==(const TypedRef& a, const TypedRef& b) noexcept = default;
  size_t Hash() const noexcept { return ref_.Hash(); }
  // The same handle, for functions that do not depend on T.
  const ValueRef& bytes() const noexcept { return ref_; }

  // Of the values in their table.
  static constexpr uint32_t kAlignment = std::max<uint32_t>(alignof(T), 8);
  static constexpr size_t kStrideBytes = (sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;

 private:
  friend class TypedTable<T>;
  template <typename U, InlineField kField>
  friend class SharedMap;
  explicit TypedRef(ValueRef ref) noexcept : ref_(std::move(ref)) {}

  ValueRef ref_;
};

}  // namespace inlay

template <typename T>
struct std::hash<inlay::TypedRef<T>> {
  size_t operator()(const inlay::TypedRef<T>& ref) const noexcept { return ref.Hash(); }
};

#endif  // INLAY_TYPED_REF_H_
