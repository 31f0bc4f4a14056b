// The contract of every layout, and the concept that checks that a layout has all operations.
//
//   operation              | absent                       | present
//   -----------------------+------------------------------+------------------------------------
//   Get                    | null                         | pointer to the bytes, const
//   GetOrCreate(init)      | inserts init, or zeroes if   | the existing value; init is ignored
//                          | init is empty; returns it    |
//   Update(value, kAny)    | kOk: inserted                | kOk: replaced
//   Update(.., kNoExist)   | kOk: inserted                | kExists (EEXIST), value kept
//   Update(.., kExist)     | kNotFound (ENOENT)           | kOk: replaced
//   Modify(fn)             | kNotFound (ENOENT)           | kOk: fn ran on a copy, now published
//   Delete                 | kNotFound (ENOENT)           | kOk
//   Clone(parent, child)   | kOk, child stays absent      | kOk, child has an equal value
//     (no clone flag)      | kOk, child stays absent      | kOk, child stays absent
//   map destroyed          | -                            | owners read absent; bits and memory are
//                          |                              | free again
//   last reference to the  | creating a value fails with  | all its values are released
//     owner dropped        | kNotFound                    |
//
// kInvalid: the value to store has the wrong size. kNoMemory, or another status with IsNoMemory():
// the system has no memory, or a limit is reached, such as the socket's (kOwnerLimit); nothing
// changed (V4). Modify needs no room under
// an owner's limit, unless a shared value becomes private because the table has no room. Lock bytes
// (MapOptions::spin_lock) read as 0 whatever a caller stores.
//
// A pointer from Get or GetOrCreate is valid to the end of the reader section in which it was
// returned. The bytes behind it do not change until then, even if another thread updates, modifies
// or deletes the value.
//
// The caller holds a reference to the owner during a call, as an open descriptor does. Get needs
// only its reader section.
//
// The results are those of BPF_MAP_TYPE_SK_STORAGE in Linux 6.18, observed on a live kernel. The
// kernel has no Modify: a program stores through a pointer.

#ifndef INLAY_EMULATED_VALUE_MAP_H_
#define INLAY_EMULATED_VALUE_MAP_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "inlay/emulated/inline_map.h"
#include "inlay/emulated/pointer_map.h"
#include "inlay/emulated/shared_pointer_map.h"
#include "inlay/emulated/single_pointer_map.h"
#include "inlay/emulated/socket.h"
#include "inlay/index_map.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "inlay/status.h"

namespace inlay {

template <typename M>
concept ValueMap = requires(M& map, const M& const_map, SocketTable& table,
                            const MapOptions& options, std::unique_ptr<M>* made, Socket& socket,
                            const Socket& const_socket, std::span<const std::byte> value,
                            UpdateFlag flag, ModifyFn modify, Status* status, std::string* reason) {
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

static_assert(ValueMap<PointerMap>);
static_assert(ValueMap<InlineMap>);
static_assert(ValueMap<SinglePointerMap>);
static_assert(ValueMap<SharedPointerMap>);
static_assert(ValueMap<IndexMap>);

}  // namespace inlay

#endif  // INLAY_EMULATED_VALUE_MAP_H_
