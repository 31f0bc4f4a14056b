// SocketTable's state, on which its functions work (inlay/emulated/socket.h).

#ifndef INLAY_ENGINE_SOCKETS_SOCKET_TABLE_STATE_H_
#define INLAY_ENGINE_SOCKETS_SOCKET_TABLE_STATE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/memory/address_range.h"
#include "engine/memory/slab.h"
#include "engine/sockets/descriptor_set.h"
#include "engine/sync/mutex.h"
#include "inlay/emulated/socket.h"

namespace inlay {

// Stands for tcp_request_sock (312 bytes) and tcp_timewait_sock (248): a SocketCommon and what
// frees it.
struct MiniSocket {
  SocketCommon common;
  RcuHead rcu_head{};
  std::byte filler[160] = {};
};
static_assert(sizeof(MiniSocket) == 312);

// The entry in the descriptor table for anything that is not a socket.
inline SocketCommon not_a_socket;

struct SocketTable::State {
  // Makes slabs for sockets with that tail.
  explicit State(const SocketTableOptions& options);

  using File = std::atomic<SocketCommon*>;
  File& file(uint32_t fd) const { return reinterpret_cast<File*>(files.base())[fd]; }

  // False without memory.
  bool PutFile(uint32_t fd, SocketCommon* what) EXCLUSIVE_LOCKS_REQUIRED(descriptor_mutex) {
    if (!files.Commit((size_t{fd} + 1) * sizeof(File))) return false;
    file(fd).store(what, std::memory_order_release);
    if (fd >= files_in_use.load(std::memory_order_relaxed)) {
      files_in_use.store(fd + 1, std::memory_order_release);
    }
    return true;
  }

  std::array<Slab, kSocketFamilies> slabs;
  Slab mini_slab{sizeof(MiniSocket)};
  std::atomic<int32_t> optmem_max_bytes;
  std::atomic<size_t> sockets{0};
  std::atomic<uint64_t> next_cookie{1};
  std::atomic<ListNode*> all{nullptr};

  Mutex list_mutex;  // guards changes of `all`

  Mutex descriptor_mutex;
  DescriptorSet descriptors GUARDED_BY(descriptor_mutex);
  AddressRange files;                     // of File; grown under the mutex
  std::atomic<uint32_t> files_in_use{0};  // numbers below it are committed
};

}  // namespace inlay

#endif  // INLAY_ENGINE_SOCKETS_SOCKET_TABLE_STATE_H_
