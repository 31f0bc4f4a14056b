// SharedMap<T>: an IndexMap whose values are objects of type T. Embedders use this class.
//
//   inlay::StoreOptions options{.reserved_bits = 16};
//   std::unique_ptr<inlay::Store> store;
//   std::unique_ptr<inlay::SharedMap<Policy>> policies;
//   inlay::Store::Create(options, &store);
//   inlay::SharedMap<Policy>::Create(*store, {.name = "policy", .width_bits = 10}, &policies);
//
//   policies->Update(connection, policy, inlay::UpdateFlag::kAny);
//   {
//     inlay::ReadSection section;  // what Get() returns is valid until the section ends
//     const Policy* policy = policies->Get(section, connection);
//   }
//   std::optional<Policy> copy = policies->Load(connection);
//   store->Close(connection);   // before the connection is freed
//
// IndexMap (index_map.h) documents the functions of the same names: what each does in each state,
// thread-safety, reader sections and errors. bytes() is the map itself, for all that does not
// depend on T.

#ifndef INLAY_SHARED_MAP_H_
#define INLAY_SHARED_MAP_H_

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "inlay/index_map.h"
#include "inlay/index_map_stats.h"
#include "inlay/inline_words.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "inlay/status.h"
#include "inlay/store.h"
#include "inlay/typed_ref.h"
#include "inlay/value_table.h"

namespace inlay {

// The field of a SharedMap that takes the first free one.
inline constexpr InlineField kAnyField{};

// An IndexMap whose values are objects of type T. IndexMap documents the functions.
//
// With a field, gets have the place and width of the code, and the distance of the values, as
// constants in the instructions:
//   constexpr InlineField kPolicyField{.word = 0, .shift = 0, .width_bits = 10};
//   SharedMap<Policy, kPolicyField> policies;
template <typename T, InlineField kField = kAnyField>
class SharedMap {
 public:
  static_assert(
      std::is_trivially_copyable_v<T>,
      "SharedMap<T>: T must be trivially copyable, since equal bytes must mean equal values");
  static_assert(
      std::has_unique_object_representations_v<T>,
      "SharedMap<T>: T has padding or floating-point members, so that equal values can have "
      "different bytes and would not be shared. Give padding a name and zero it, or use "
      "IndexMap with bytes that you serialise");
  static_assert(
      alignof(T) <= 64,
      "SharedMap<T>: T must not need more than 64-byte alignment: Modify()'s copy has no more");
  static_assert(sizeof(T) <= kMaxValueBytes, "SharedMap<T>: T is larger than kMaxValueBytes");

  // As IndexMap::Create(). Sets value_bytes and alignment from T, and the field from kField;
  // kInvalid if the owners have storage pointers and T needs more than kStorageAlignment, or for
  // options.replaceable with a kField.
  template <typename Owners>
  static Status Create(Owners& owners, MapOptions options,
                       std::unique_ptr<SharedMap>* map) noexcept {
    options.value_bytes = sizeof(T);
    options.alignment = TypedRef<T>::kAlignment;
    if constexpr (kField != kAnyField) {
      if (options.replaceable) return Status::kInvalid;
      options.field = kField;
    }
    std::unique_ptr<IndexMap> index_map;
    const Status status = IndexMap::Create(owners, options, &index_map);
    if (status != Status::kOk) return status;
    SharedMap* const made = new (std::nothrow) SharedMap(std::move(index_map));
    if (made == nullptr) return Status::kNoMemory;
    map->reset(made);
    return Status::kOk;
  }

  template <InlineOwner O>
  const T* Get(const ReadSection& /*section*/, const O& owner) const noexcept {
    return Get(owner);
  }
  template <InlineOwner O>
  const T* Get(ReadSection&&, const O&) const = delete;

  // A copy of the value, or nothing if absent. Needs no reader section.
  template <InlineOwner O>
  std::optional<T> Load(const O& owner) const noexcept {
    const ReadSection section;
    const T* const found = Get(section, owner);
    return found != nullptr ? std::optional<T>(*found) : std::nullopt;
  }

  template <InlineOwner O>
  const T* Get(const O& owner) const noexcept {
    if constexpr (kField != kAnyField) {
      return reinterpret_cast<const T*>(
          map_->template GetAt<kField, TypedRef<T>::kStrideBytes>(owner));
    } else {
      return reinterpret_cast<const T*>(map_->Get(owner));
    }
  }

  template <InlineOwner O>
  void GetMany(std::span<O* const> owners, std::span<const T*> found) const noexcept {
    const std::byte* bytes[IndexMap::kGetAtOnce];
    for (size_t first = 0; first < owners.size(); first += std::size(bytes)) {
      const std::span<O* const> some =
          owners.subspan(first, std::min(std::size(bytes), owners.size() - first));
      map_->GetMany(some, std::span<const std::byte*>(bytes));
      for (size_t i = 0; i < some.size(); ++i) {
        found[first + i] = reinterpret_cast<const T*>(bytes[i]);
      }
    }
  }

  template <InlineOwner O>
  const T* GetOrCreate(O& owner, const T& init, Status* status = nullptr) noexcept {
    return reinterpret_cast<const T*>(map_->GetOrCreate(owner, Bytes(init), status));
  }

  template <InlineOwner O>
  Status Update(O& owner, const T& value, UpdateFlag flag = UpdateFlag::kAny) noexcept {
    return map_->Update(owner, Bytes(value), flag);
  }

  Status Intern(const T& value, TypedRef<T>* ref) noexcept {
    return map_->Intern(Bytes(value), &ref->ref_);
  }

  template <InlineOwner O>
  Status Assign(O& owner, const TypedRef<T>& ref, UpdateFlag flag = UpdateFlag::kAny) noexcept {
    return map_->Assign(owner, ref.ref_, flag);
  }

  // Calls `modify` with a T&, possibly several times, each time on a fresh copy. A function that
  // takes a T, and so would change a copy of the copy, does not compile.
  template <InlineOwner O, std::invocable<T&> F>
  requires(!std::invocable<F, T>) Status Modify(O& owner, F&& modify)
  noexcept {
    return map_->Modify(
        owner, [&](std::span<std::byte> bytes) { modify(*reinterpret_cast<T*>(bytes.data())); });
  }

  Status Replace(const T& from, const T& to) noexcept {
    return map_->Replace(Bytes(from), Bytes(to));
  }

  // Calls `change` with a T& to each value that owners have. It returns whether to replace the
  // value; one that returns nothing replaces all that it changes.
  template <std::invocable<T&> F>
  requires(!std::invocable<F, T>) Status ReplaceAll(F&& change, uint32_t* replaced = nullptr)
  noexcept {
    using Result = std::invoke_result_t<F, T&>;
    static_assert(std::is_void_v<Result> || std::is_same_v<Result, bool>,
                  "SharedMap<T>::ReplaceAll(): the function returns nothing, or a bool: whether to "
                  "replace the value");
    return map_->ReplaceAll(
        [&](std::span<std::byte> bytes) {
          T& value = *reinterpret_cast<T*>(bytes.data());
          if constexpr (std::is_void_v<Result>) {
            change(value);
            return true;
          } else {
            return change(value);
          }
        },
        replaced);
  }

  template <InlineOwner O>
  Status Delete(O& owner) noexcept {
    return map_->Delete(owner);
  }

  template <InlineOwner O>
  Status Clone(O& parent, O& child) noexcept {
    return map_->Clone(parent, child);
  }

  Status EnsureRoom(uint32_t new_values) noexcept { return map_->EnsureRoom(new_values); }
  uint32_t Reclaim() noexcept { return map_->Reclaim(); }
  size_t BringHome(size_t most_owners) noexcept { return map_->BringHome(most_owners); }
  size_t Trim() noexcept { return map_->Trim(); }
  IndexMapStats stats() const { return map_->stats(); }

  // The underlying map of bytes, for everything else that does not depend on T.
  IndexMap& bytes() { return *map_; }
  const IndexMap& bytes() const { return *map_; }

 private:
  explicit SharedMap(std::unique_ptr<IndexMap> map) : map_(std::move(map)) {}

  static std::span<const std::byte> Bytes(const T& value) {
    return std::as_bytes(std::span<const T, 1>(&value, 1));
  }

  std::unique_ptr<IndexMap> map_;
};

}  // namespace inlay

#endif  // INLAY_SHARED_MAP_H_
