// The contract that every layout keeps, and the concept that checks a layout has all of it.
//
//   operation              | absent                       | present
//   -----------------------+------------------------------+------------------------------------
//   Get                    | null                         | pointer to the bytes, const
//   GetOrCreate(init)      | inserts init, or zeroes if   | the existing value; init is ignored
//                          | init is empty; returns it    |
//   Update(value, kAny)    | kOk: inserted                | kOk: replaced
//   Update(.., kNoExist)   | kOk: inserted                | kExists (EEXIST), value kept
//   Update(.., kExist)     | kNotFound (ENOENT)           | kOk: replaced
//   Modify(fn)             | kNotFound (ENOENT)           | kOk: fn ran on a copy, published at once
//   Delete                 | kNotFound (ENOENT)           | kOk
//   Clone(parent, child)   | kOk, child stays absent      | kOk, child has an equal value of its own
//     (no clone flag)      | kOk, child stays absent      | kOk, child stays absent
//   map destroyed          | -                            | every owner reads absent; bits and memory
//                          |                              | come back
//   owner's last reference | creates answer kNotFound     | all its values are released
//
// A value that is to be stored and has the wrong size is kInvalid; without memory, or over a limit,
// an operation answers kNoMemory, and then nothing has changed (V4). Modify needs no room under a
// limit of the owner's, unless a shared value becomes a private one because the table has no room
// for it. If the map's values hold a lock (MapOptions::spin_lock), its bytes read 0 whatever is
// stored. A pointer from Get or GetOrCreate is valid to the end of the reader section it was made
// in; the bytes behind it do not change in that time, not even when another thread updates,
// modifies or deletes the value.
//
// The owner must not lose its last reference during a call: hold one, as an open descriptor does.
// Get alone needs nothing but its reader section.
//
// The answers are those of Linux 6.18 for BPF_MAP_TYPE_SK_STORAGE, observed on a live kernel, where
// it has an answer. It has none for Modify (a program stores through a pointer).

#ifndef INLAY_STORAGE_MAP_H_
#define INLAY_STORAGE_MAP_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "inlay/index_map.h"
#include "inlay/inline_map.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/pointer_map.h"
#include "inlay/shared_pointer_map.h"
#include "inlay/single_pointer_map.h"
#include "inlay/socket.h"
#include "inlay/status.h"

namespace inlay {

template <typename M>
concept StorageMap = requires(M& map, const M& const_map, SocketTable& table,
                              const MapOptions& options, std::unique_ptr<M>* made, Socket& socket,
                              const Socket& const_socket, std::span<const std::byte> value,
                              UpdateFlag flag, ModifyFn modify, Status* status,
                              std::string* reason) {
  { M::Create(table, options, made) } -> std::same_as<Status>;
  { const_map.Get(const_socket) } -> std::same_as<const std::byte*>;
  { map.GetOrCreate(socket, value, status) } -> std::same_as<const std::byte*>;
  { map.Update(socket, value, flag) } -> std::same_as<Status>;
  { map.Modify(socket, modify) } -> std::same_as<Status>;
  { map.Delete(socket) } -> std::same_as<Status>;
  { map.Clone(socket, socket) } -> std::same_as<Status>;
  { const_map.options() } -> std::same_as<const MapOptions&>;
  { const_map.value_bytes() } -> std::same_as<uint32_t>;
  { const_map.memory_usage() } -> std::same_as<MemoryUsage>;
  { const_map.CheckInvariants(reason) } -> std::same_as<bool>;
};

static_assert(StorageMap<PointerMap>);
static_assert(StorageMap<InlineMap>);
static_assert(StorageMap<SinglePointerMap>);
static_assert(StorageMap<SharedPointerMap>);
static_assert(StorageMap<IndexMap>);

}  // namespace inlay

#endif  // INLAY_STORAGE_MAP_H_
