// Sockets: making, releasing and finding them.

#include "inlay/emulated/socket.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

#include "engine/memory/allocate.h"
#include "engine/sockets/socket_table_state.h"
#include "engine/stores/single_pointer_objects.h"
#include "inlay/emulated/tail_space.h"

namespace inlay {
namespace {

constexpr size_t kLineBytes = 64;

// Struct sizes: BTF of Linux 6.18.44, x86-64.
constexpr std::array<SocketProtocol, kSocketFamilies> kProtocols = {{
    {SocketFamily::kTcp, "tcp", 2304, true},
    {SocketFamily::kTcp6, "tcp6", 2432, true},
    {SocketFamily::kUdp, "udp", 1344, false},
    {SocketFamily::kUdp6, "udp6", 1472, false},
    {SocketFamily::kUnix, "unix", 1152, false},
    {SocketFamily::kUnixDgram, "unixdgram", 1152, false},
    {SocketFamily::kRaw, "raw", 1152, false},
    {SocketFamily::kNetlink, "netlink", 1096, false},
    {SocketFamily::kPacket, "packet", 1600, false},
}};

constexpr size_t ObjectBytes(const SocketProtocol& protocol, uint32_t tail_bytes) {
  return (protocol.object_bytes + tail_bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
}

bool IsFull(const SocketCommon& socket) {
  return FullSocket(const_cast<SocketCommon*>(&socket)) != nullptr;
}

SocketCommon* FromListNode(ListNode* node) {
  return reinterpret_cast<SocketCommon*>(reinterpret_cast<std::byte*>(node) -
                                         offsetof(SocketCommon, skc_bind_node));
}

}  // namespace

const SocketProtocol& ProtocolOf(SocketFamily family) {
  return kProtocols[static_cast<size_t>(family)];
}

namespace {

template <size_t... kAt>
std::array<Slab, kSocketFamilies> MakeSlabs(uint32_t tail_bytes, std::index_sequence<kAt...>) {
  return {Slab(ObjectBytes(kProtocols[kAt], tail_bytes))...};
}

}  // namespace

SocketTable::State::State(const SocketTableOptions& options)
    : slabs(MakeSlabs(options.tail_bytes, std::make_index_sequence<kSocketFamilies>())),
      optmem_max_bytes(options.optmem_max_bytes) {}

// --- set-up and teardown

Status SocketTable::Create(const SocketTableOptions& options,
                           std::unique_ptr<SocketTable>* table) noexcept {
  if (options.inline_bits > Socket::kMaxInlineBits ||
      options.max_descriptors > DescriptorSet::kMaxCapacity ||
      options.tail_bytes > TailSpace::kMaxBytes || options.tail_bytes % 8 != 0) {
    return Status::kInvalid;
  }
  auto state = TryNew<State>(options);
  if (state == nullptr || !AllocationAllowed()) return Status::kNoMemory;
  {
    MutexLock lock(&state->descriptor_mutex);
    if (!state->descriptors.Init(options.max_descriptors) ||
        !state->files.Reserve(std::max(options.max_descriptors, 1U) * sizeof(State::File))) {
      return Status::kNoMemory;
    }
  }
  try {
    std::unique_ptr<SocketTable> made(new SocketTable(options, std::move(state)));
    StorageCharger* const charger = made.get();
    made->storage_domain_ = std::make_unique<LocalStorageDomain>(
        charger,
        options.kernel == KernelVersion::kLinux61 ? kLocalStorageBytes61 : kLocalStorageBytes);
    made->tail_space_ = std::make_unique<TailSpace>(*made, options.tail_bytes);
    made->single_storage_ = std::make_unique<SinglePointerObjects>(*made);
    StoreOptions store_options;
    store_options.reserved_bits = options.inline_bits;
    store_options.word_bits = Socket::Words::kWordBits;
    store_options.table_limit_bytes = options.table_limit_bytes;
    store_options.private_values = made->storage_domain_.get();
    store_options.population = made.get();
    if (const Status status = Store::Create(store_options, &made->store_); status != Status::kOk) {
      return status;
    }
    *table = std::move(made);
  } catch (const std::bad_alloc&) {
    return Status::kNoMemory;
  }
  return Status::kOk;
}

SocketTable::SocketTable(const SocketTableOptions& options, std::unique_ptr<State> state)
    : options_(options), state_(std::move(state)) {}

SocketTable::~SocketTable() {
  const uint32_t files = state_->files_in_use.load(std::memory_order_acquire);
  for (uint32_t fd = 0; fd < files; ++fd) {
    static_cast<void>(Close(static_cast<int>(fd)));  // kBadDescriptor: not open
  }
  store_.reset();
  single_storage_.reset();
  tail_space_.reset();
  storage_domain_.reset();
  RetireBarrier();  // returns the sockets to the slabs
}

// --- making and releasing

Socket* SocketTable::NewSocket(SocketFamily family) noexcept {
  const SocketProtocol& protocol = ProtocolOf(family);
  Slab& slab = state_->slabs[static_cast<size_t>(family)];
  void* const place = slab.Allocate();
  if (place == nullptr) return nullptr;
  Socket* const socket = new (place) Socket;
  std::memset(static_cast<std::byte*>(place) + sizeof(Socket), 0,
              slab.object_bytes() - sizeof(Socket));
  socket->common.skc_prot = &protocol;
  socket->common.skc_family = static_cast<uint16_t>(family);
  socket->common.skc_net = this;
  socket->sk_omem_alloc.store(reserved_bytes(), std::memory_order_relaxed);
  socket->common.skc_cookie = state_->next_cookie.fetch_add(1, std::memory_order_relaxed);
  state_->sockets.fetch_add(1, std::memory_order_relaxed);
  return socket;
}

void SocketTable::AddToAll(Socket& socket) noexcept {
  MutexLock lock(&state_->list_mutex);
  socket.common.skc_bind_node.LinkAt(&state_->all);
}

SocketCommon* SocketTable::NewMiniSocket(const SocketCommon& full, SocketState state) noexcept {
  void* const place = state_->mini_slab.Allocate();
  if (place == nullptr) return nullptr;
  MiniSocket* const mini = new (place) MiniSocket;
  mini->common.skc_state.store(state, std::memory_order_relaxed);
  mini->common.skc_prot = full.skc_prot;
  mini->common.skc_family = full.skc_family;
  mini->common.skc_net = this;
  mini->common.skc_cookie = full.skc_cookie;
  return &mini->common;
}

bool SocketTable::TryHold(SocketCommon& socket) noexcept {
  int32_t count = socket.skc_refcnt.load(std::memory_order_relaxed);
  do {
    if (count == 0) return false;
  } while (!socket.skc_refcnt.compare_exchange_weak(count, count + 1, std::memory_order_acquire,
                                                    std::memory_order_relaxed));
  return true;
}

void SocketTable::Put(SocketCommon& socket) noexcept {
  const int32_t before = socket.skc_refcnt.fetch_sub(1, std::memory_order_acq_rel);
  assert(before > 0);
  if (before == 1) socket.skc_net->Release(socket);
}

void SocketTable::Release(SocketCommon& common) noexcept {
  if (!IsFull(common)) {
    Retire<ReclaimMiniSocket>(&reinterpret_cast<MiniSocket&>(common).rcu_head);
    return;
  }
  Socket& socket = reinterpret_cast<Socket&>(common);
  store_->Close(socket);
  tail_space_->CloseOwner(socket);
  single_storage_->CloseOwner(socket);
  {
    MutexLock lock(&state_->list_mutex);
    if (common.skc_bind_node.linked()) common.skc_bind_node.Unlink();
  }
  state_->sockets.fetch_sub(1, std::memory_order_relaxed);
  Retire<ReclaimSocket>(&socket.sk_rcu);
}

void SocketTable::ReclaimSocket(RcuHead* head) {
  auto* const socket =
      reinterpret_cast<Socket*>(reinterpret_cast<std::byte*>(head) - offsetof(Socket, sk_rcu));
  State& state = *socket->common.skc_net->state_;
  state.slabs[static_cast<size_t>(socket->common.skc_prot->family)].Free(socket);
}

void SocketTable::ReclaimMiniSocket(RcuHead* head) {
  auto* const mini = reinterpret_cast<MiniSocket*>(reinterpret_cast<std::byte*>(head) -
                                                   offsetof(MiniSocket, rcu_head));
  mini->common.skc_net->state_->mini_slab.Free(mini);
}

// --- all of them

void SocketTable::ForEach(FunctionRef<void(Socket& socket)> visit) noexcept {
  ReadSection section;
  for (ListNode* node = state_->all.load(std::memory_order_acquire); node != nullptr;
       node = node->next.load(std::memory_order_acquire)) {
    visit(*reinterpret_cast<Socket*>(FromListNode(node)));
  }
}

void SocketTable::ForEachOwner(FunctionRef<void(const OwnerRef& owner)> visit) {
  ForEach([&](Socket& socket) { visit(OwnerRef(socket)); });
}

size_t SocketTable::sockets() const noexcept {
  return state_->sockets.load(std::memory_order_relaxed);
}

}  // namespace inlay
