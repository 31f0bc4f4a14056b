// inlay/inlay.h: maps.

#include <cerrno>
#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "engine/c_api/handles.h"
#include "engine/c_api/result.h"
#include "engine/c_api/sized_struct.h"
#include "engine/memory/allocate.h"
#include "inlay/index_map.h"
#include "inlay/inlay.h"

namespace {
using inlay::Status;
using inlay::c_api::Owner;
using inlay::c_api::Result;

std::span<const std::byte> BytesAt(const void* value, size_t bytes) {
  return {static_cast<const std::byte*>(value), bytes};
}

// What inlay_get() needs to know.
inlay_map_front FrontOf(const inlay::IndexMap& map) {
  const inlay::InlineField field = map.field();
  return {.values = reinterpret_cast<const unsigned char*>(map.table().base()),
          .stride_bytes = map.table().stride_bytes(),
          .plain_indexes = map.table().is_replaceable() ? 0 : field.max_index(),
          .mask = field.mask(),
          .word = field.word,
          .shift = field.shift,
          .replacement_offset = map.table().replacement_offset_bytes(),
          .end_bits = field.end_bits()};
}

}  // namespace

extern "C" {

int inlay_map_create(inlay_store* store, const inlay_map_options* options,
                     inlay_map** map) noexcept {
  inlay_map_options wishes;
  if (const int error = inlay::c_api::ReadSized<32>(options, &wishes)) return error;
  constexpr uint32_t kKnownFlags =
      INLAY_MAP_CLONE | INLAY_MAP_NO_BACKGROUND | INLAY_MAP_REPLACEABLE;
  if (map == nullptr || (wishes.flags & ~kKnownFlags) != 0) return -EINVAL;
  inlay::MapOptions made_with;
  try {
    if (wishes.name != nullptr) made_with.name = wishes.name;
  } catch (const std::bad_alloc&) {
    return Result(Status::kNoMemory);
  }
  made_with.value_bytes = wishes.value_bytes;
  if (wishes.width_bits != 0) made_with.width_bits = wishes.width_bits;
  if (wishes.alignment != 0) made_with.alignment = wishes.alignment;
  made_with.clone = (wishes.flags & INLAY_MAP_CLONE) != 0;
  made_with.background = (wishes.flags & INLAY_MAP_NO_BACKGROUND) == 0;
  made_with.replaceable = (wishes.flags & INLAY_MAP_REPLACEABLE) != 0;

  auto handle = inlay::TryNew<inlay_map>();
  if (handle == nullptr) return Result(Status::kNoMemory);
  const Status status = inlay::IndexMap::Create(*store->store, made_with, &handle->map);
  if (status != Status::kOk) return Result(status);
  handle->front = FrontOf(*handle->map);
  *map = handle.release();
  return 0;
}

void inlay_map_destroy(inlay_map* map) noexcept { delete map; }

const void* inlay_get_private(const inlay_map* map, inlay_owner owner) noexcept {
  return map->map->Get(Owner(owner));
}

const void* inlay_get_or_create(inlay_map* map, inlay_owner owner, const void* init,
                                int* result) noexcept {
  Owner of(owner);
  Status status = Status::kInvalid;
  const void* found = nullptr;
  if (of.is_valid()) {
    const size_t init_bytes = init != nullptr ? map->map->value_bytes() : 0;
    found = map->map->GetOrCreate(of, BytesAt(init, init_bytes), &status);
    if (found != nullptr) status = Status::kOk;
  }
  const int ended = Result(status);
  if (result != nullptr) *result = ended;
  return found;
}

int inlay_update(inlay_map* map, inlay_owner owner, const void* value, size_t value_bytes,
                 unsigned flag) noexcept {
  Owner of(owner);
  if (!of.is_valid() || value == nullptr || flag > INLAY_EXIST) return -EINVAL;
  return Result(
      map->map->Update(of, BytesAt(value, value_bytes), static_cast<inlay::UpdateFlag>(flag)));
}

int inlay_modify(inlay_map* map, inlay_owner owner, inlay_modify_function* modify,
                 void* context) noexcept {
  Owner of(owner);
  if (!of.is_valid() || modify == nullptr) return -EINVAL;
  return Result(map->map->Modify(of, [modify, context](std::span<std::byte> value) {
    modify(value.data(), value.size(), context);
  }));
}

int inlay_delete(inlay_map* map, inlay_owner owner) noexcept {
  Owner of(owner);
  return of.is_valid() ? Result(map->map->Delete(of)) : -EINVAL;
}

int inlay_replace(inlay_map* map, const void* from, const void* to, size_t value_bytes) noexcept {
  if (from == nullptr || to == nullptr) return -EINVAL;
  return Result(map->map->Replace(BytesAt(from, value_bytes), BytesAt(to, value_bytes)));
}

int inlay_replace_all(inlay_map* map, inlay_change_function* change, void* context,
                      uint32_t* replaced) noexcept {
  if (replaced != nullptr) *replaced = 0;
  if (change == nullptr) return -EINVAL;
  return Result(map->map->ReplaceAll(
      [change, context](std::span<std::byte> value) {
        return change(value.data(), value.size(), context) != 0;
      },
      replaced));
}

int inlay_map_ensure_room(inlay_map* map, uint32_t new_values) noexcept {
  return Result(map->map->EnsureRoom(new_values));
}

uint32_t inlay_map_reclaim(inlay_map* map) noexcept { return map->map->Reclaim(); }

size_t inlay_map_trim(inlay_map* map) noexcept { return map->map->Trim(); }

int inlay_map_get_statistics(const inlay_map* map, inlay_map_statistics* statistics) noexcept {
  const inlay::IndexMapStats stats = map->map->stats();
  const inlay_map_statistics known = {
      .size = sizeof(known),
      .values = stats.table.live,
      .unreferenced_values = stats.table.unreferenced,
      .free_indexes = uint64_t{stats.table.free} + stats.table.never_used,
      .spilled_owners = stats.spilled_now,
      .reclaimed = stats.reclaimed,
      .no_indexes = stats.no_indexes,
      .spilled = stats.spilled,
      .brought_home = stats.brought_home,
      .no_memory = stats.no_memory,
      .memory_bytes = map->map->memory_usage().total_bytes()};
  return inlay::c_api::WriteSized<88>(known, statistics);
}

}  // extern "C"
