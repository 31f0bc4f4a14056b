// SharedRef<T>: one reference to a value of a SharedMap<T>, to give it to many owners.
//
//   inlay::SharedRef<Policy> policy;
//   policies->Intern({.rate_limit = 1000}, &policy);
//   for (Connection& connection : connections) policies->Assign(connection, policy);

#ifndef INLAY_SHARED_REF_H_
#define INLAY_SHARED_REF_H_

#include "inlay/inline_words.h"
#include "inlay/value_table.h"

namespace inlay {

template <typename T, InlineField kField>
class SharedMap;

// Movable, not copyable; Share() takes a second reference. The destructor releases the reference:
// it must run before the map is freed. Not thread-safe; different SharedRefs are independent.
template <typename T>
class SharedRef {
 public:
  // A second reference to the same value. Empty if this one is, or if the count is at its limit.
  SharedRef Share() const noexcept {
    SharedRef second;
    second.bytes_ = bytes_.Share();
    return second;
  }
  void Reset() noexcept { bytes_.Reset(); }

  explicit operator bool() const noexcept { return static_cast<bool>(bytes_); }
  // REQUIRES: not empty. Valid while this object holds the reference. Reader section: not needed.
  const T& operator*() const noexcept { return *reinterpret_cast<const T*>(bytes_.bytes().data()); }
  const T* operator->() const noexcept { return &**this; }

 private:
  template <typename U, InlineField kField>
  friend class SharedMap;
  ValueRef bytes_;
};

}  // namespace inlay

#endif  // INLAY_SHARED_REF_H_
