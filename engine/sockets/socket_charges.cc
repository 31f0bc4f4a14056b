// What a socket is charged for its values, and the memory of all sockets and their values.

#include <cstddef>

#include "engine/sockets/socket_table_state.h"
#include "engine/stores/single_pointer_objects.h"
#include "inlay/emulated/tail_space.h"

namespace inlay {
namespace {

Socket& OwnerOfSlot(StoragePointer& slot) {
  return *reinterpret_cast<Socket*>(reinterpret_cast<std::byte*>(&slot) -
                                    offsetof(Socket, sk_bpf_storage));
}

}  // namespace

void SocketTable::set_optmem_max_bytes(int32_t bytes) noexcept {
  state_->optmem_max_bytes.store(bytes, std::memory_order_relaxed);
}

// Strictly below the limit. Source: Linux 6.18, net/core/bpf_sk_storage.c.
bool SocketTable::ChargeOmem(Socket& socket, uint32_t bytes) noexcept {
  const int64_t limit = state_->optmem_max_bytes.load(std::memory_order_relaxed);
  int32_t now = socket.sk_omem_alloc.load(std::memory_order_relaxed);
  do {
    if (bytes > limit || int64_t{now} + bytes >= limit) return false;
  } while (!socket.sk_omem_alloc.compare_exchange_weak(now, now + static_cast<int32_t>(bytes),
                                                       std::memory_order_relaxed));
  return true;
}

void SocketTable::UnchargeOmem(Socket& socket, uint32_t bytes) noexcept {
  socket.sk_omem_alloc.fetch_sub(static_cast<int32_t>(bytes), std::memory_order_relaxed);
}

bool SocketTable::Charge(StoragePointer& owner, uint32_t bytes) noexcept {
  return ChargeOmem(OwnerOfSlot(owner), bytes);
}

void SocketTable::Uncharge(StoragePointer& owner, uint32_t bytes) noexcept {
  UnchargeOmem(OwnerOfSlot(owner), bytes);
}

size_t SocketTable::socket_bytes() const noexcept {
  const Slab& mini = state_->mini_slab;
  size_t bytes = mini.objects() * mini.object_bytes() + mini.slack_bytes();
  for (const Slab& slab : state_->slabs) {
    bytes += slab.objects() * slab.object_bytes() + slab.slack_bytes();
  }
  return bytes;
}

MemoryUsage SocketTable::private_usage() const {
  MemoryUsage usage = storage_domain_->memory_usage();
  usage += tail_space_->memory_usage();
  usage += single_storage_->memory_usage();
  return usage;
}

}  // namespace inlay
