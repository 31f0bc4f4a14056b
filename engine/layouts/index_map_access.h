// IndexMapAccess: what snapshots and shared maps need of the inside of an IndexMap.

#ifndef INLAY_ENGINE_LAYOUTS_INDEX_MAP_ACCESS_H_
#define INLAY_ENGINE_LAYOUTS_INDEX_MAP_ACCESS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "inlay/index_map.h"

namespace inlay {

struct IndexMapAccess {
  // REQUIRES: map.is_interned().
  static ValueTable& TableOf(IndexMap& map) { return *map.table_; }

  // The owner's value, or null. *code is the index that names it, or kNoIndex.
  // Reader section: required. Valid until: its end.
  static const std::byte* Find(const IndexMap& map, const OwnerRef& owner, ValueIndex* index) {
    *index = kNoIndex;
    if (!map.is_interned()) return map.GetFromPointer(owner);
    if (!owner.words().Holds(map.field_)) return nullptr;
    uint32_t code = owner.words().Load(map.field_);
    if (code == map.field_.spilled_code()) {
      if (const std::byte* const found = map.FindPrivate(owner, &code)) return found;
    }
    if (code == kAbsentCode) return nullptr;
    *index = code;
    return map.table_->At(code);
  }

  // Gives the owner a reference that the caller has; releases it on failure. kNotFound: the owner
  // is dying. REQUIRES: the owner's words hold the field.
  static Status Give(IndexMap& map, const OwnerRef& owner, ValueIndex index) {
    return map.PublishReference(owner, index);
  }
  static Status Update(IndexMap& map, const OwnerRef& owner, std::span<const std::byte> value,
                       UpdateFlag flag) {
    return map.UpdateValue(owner, value, flag);
  }
  static Status Delete(IndexMap& map, const OwnerRef& owner) { return map.DeleteValue(owner); }

  // Whether a code can be stored in a new owner without the map: nobody records who has one, and no
  // owner is marked as closed.
  static bool AllowsPlainStores(const IndexMap& map) {
    const StoreOptions& options = map.store_.options();
    return !options.record_owners && !options.mark_closed;
  }

  // Whether no owner has a value. Walks over the table.
  static bool IsEmpty(const IndexMap& map) {
    return map.is_interned() ? map.codes() == 0 : map.pointer_->elements() == 0;
  }

  // `references` at a time. REQUIRES: the caller holds one reference, or so many.
  static bool TryRefMany(ValueTable& table, ValueIndex index, uint32_t references) {
    return table.TryRefMany(index, references);
  }
  static void ReleaseMany(ValueTable& table, ValueIndex index, uint32_t references) {
    table.ReleaseMany(index, references);
  }
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_INDEX_MAP_ACCESS_H_
