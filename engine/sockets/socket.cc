#include "inlay/socket.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

#include "engine/memory/address_range.h"
#include "engine/memory/allocate.h"
#include "engine/memory/slab.h"
#include "engine/sockets/descriptor_set.h"
#include "engine/stores/single_pointer_objects.h"
#include "engine/sync/mutex.h"
#include "inlay/tail_space.h"

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

// Stands for tcp_request_sock (312 bytes) and tcp_timewait_sock (248): a SocketCommon and what
// frees it.
struct MiniSocket {
  SocketCommon common;
  RcuHead rcu_head{};
  std::byte filler[160] = {};
};
static_assert(sizeof(MiniSocket) == 312);

constexpr size_t ObjectBytes(const SocketProtocol& protocol, uint32_t tail_bytes) {
  return (protocol.object_bytes + tail_bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
}

// The entry in the descriptor table for anything that is not a socket.
SocketCommon not_a_socket;

bool IsFull(const SocketCommon& socket) {
  return FullSocket(const_cast<SocketCommon*>(&socket)) != nullptr;
}

SocketCommon* FromListNode(ListNode* node) {
  return reinterpret_cast<SocketCommon*>(reinterpret_cast<std::byte*>(node) -
                                         offsetof(SocketCommon, skc_bind_node));
}

Socket& OwnerOfSlot(StoragePointer& slot) {
  return *reinterpret_cast<Socket*>(reinterpret_cast<std::byte*>(&slot) -
                                    offsetof(Socket, sk_bpf_storage));
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

struct SocketTable::State {
  explicit State(const SocketTableOptions& options)
      : slabs(MakeSlabs(options.tail_bytes, std::make_index_sequence<kSocketFamilies>())),
        optmem_max_bytes(options.optmem_max_bytes) {}

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

// --- descriptors

Status SocketTable::TakeDescriptor(SocketCommon* file, int* fd) noexcept {
  MutexLock lock(&state_->descriptor_mutex);
  const std::optional<uint32_t> number = state_->descriptors.TakeLowest();
  if (!number.has_value()) return Status::kTooManyOpen;
  if (!state_->PutFile(*number, file)) {
    state_->descriptors.Return(*number);
    return Status::kNoMemory;
  }
  *fd = static_cast<int>(*number);
  return Status::kOk;
}

Status SocketTable::DupTo(int fd, int new_fd) noexcept {
  if (fd == new_fd) return Status::kInvalid;
  if (new_fd < 0 || static_cast<uint32_t>(new_fd) >= options_.max_descriptors) {
    return Status::kBadDescriptor;
  }
  const auto number = static_cast<uint32_t>(new_fd);
  ReadSection section;
  Socket* socket = nullptr;
  const Status found = Find(fd, &socket);
  if (found == Status::kBadDescriptor) return found;
  SocketCommon* const file = found == Status::kOk ? &socket->common : &not_a_socket;
  if (file != &not_a_socket && !TryHold(*file)) return Status::kBadDescriptor;
  SocketCommon* closed = nullptr;
  bool placed = false;
  {
    MutexLock lock(&state_->descriptor_mutex);
    if (number < state_->files_in_use.load(std::memory_order_relaxed)) {
      closed = state_->file(number).load(std::memory_order_relaxed);
    }
    placed = state_->PutFile(number, file);
    if (placed) state_->descriptors.Take(number);
  }
  SocketCommon* const dropped = placed ? closed : file;
  if (dropped != nullptr && dropped != &not_a_socket) Put(*dropped);
  return placed ? Status::kOk : Status::kNoMemory;
}

Status SocketTable::Open(SocketFamily family, int* fd) noexcept {
  Socket* const socket = NewSocket(family);
  if (socket == nullptr) return Status::kNoMemory;
  AddToAll(*socket);
  const Status status = TakeDescriptor(&socket->common, fd);
  if (status != Status::kOk) Put(socket->common);
  return status;
}

Status SocketTable::OpenFile(int* fd) noexcept { return TakeDescriptor(&not_a_socket, fd); }

Status SocketTable::Dup(int fd, int* new_fd) noexcept {
  ReadSection section;
  Socket* socket = nullptr;
  Status status = Find(fd, &socket);
  if (status == Status::kNotSocket) return OpenFile(new_fd);
  if (status != Status::kOk) return status;
  if (!TryHold(socket->common)) return Status::kBadDescriptor;
  status = TakeDescriptor(&socket->common, new_fd);
  if (status != Status::kOk) Put(socket->common);
  return status;
}

Status SocketTable::Close(int fd) noexcept { return CloseFile(fd, nullptr); }

// Closes the descriptor if it names `expected`, or in any case if that is null.
Status SocketTable::CloseFile(int fd, const SocketCommon* expected) noexcept {
  if (fd < 0 || static_cast<uint32_t>(fd) >= state_->files_in_use.load(std::memory_order_acquire)) {
    return Status::kBadDescriptor;
  }
  State::File& slot = state_->file(static_cast<uint32_t>(fd));
  SocketCommon* file = nullptr;
  {
    // Both under the lock, so that a number is free exactly if its entry is null.
    MutexLock lock(&state_->descriptor_mutex);
    file = slot.load(std::memory_order_relaxed);
    if (file == nullptr || (expected != nullptr && file != expected)) return Status::kBadDescriptor;
    slot.store(nullptr, std::memory_order_release);
    state_->descriptors.Return(static_cast<uint32_t>(fd));
  }
  if (file != &not_a_socket) Put(*file);
  return Status::kOk;
}

Status SocketTable::Find(int fd, Socket** socket) const noexcept {
  assert(InReadSection());
  if (fd < 0 || static_cast<uint32_t>(fd) >= state_->files_in_use.load(std::memory_order_acquire)) {
    return Status::kBadDescriptor;
  }
  SocketCommon* const file =
      state_->file(static_cast<uint32_t>(fd)).load(std::memory_order_acquire);
  if (file == nullptr) return Status::kBadDescriptor;
  if (file == &not_a_socket) return Status::kNotSocket;
  *socket = FullSocket(file);
  return Status::kOk;
}

// --- connections

Status SocketTable::Listen(int fd) noexcept {
  ReadSection section;
  Socket* socket = nullptr;
  if (const Status status = Find(fd, &socket); status != Status::kOk) return status;
  if (!socket->common.skc_prot->can_listen) return Status::kInvalid;
  socket->common.skc_state.store(SocketState::kListen, std::memory_order_relaxed);
  return Status::kOk;
}

Status SocketTable::Accept(int listener_fd, int* fd) noexcept {
  ReadSection section;
  Socket* listener = nullptr;
  Status status = Find(listener_fd, &listener);
  if (status != Status::kOk) return status;
  if (listener->common.state() != SocketState::kListen) return Status::kInvalid;
  Socket* const child = NewSocket(listener->common.skc_prot->family);
  if (child == nullptr) return Status::kNoMemory;
  child->common.skc_state.store(SocketState::kEstablished, std::memory_order_relaxed);
  child->sk_mark = listener->sk_mark;
  status = store_->Clone(*listener, *child);
  if (status == Status::kOk) status = tail_space_->CloneOwner(*listener, *child);
  if (status == Status::kOk) status = single_storage_->CloneOwner(*listener, *child);
  // Add the child after it has its values, so that no other thread sees it before. Add it in the
  // same section as the clones: a map that is freed waits for the section, and then finds the child
  // among all sockets.
  if (status == Status::kOk) AddToAll(*child);
  if (status == Status::kOk) status = TakeDescriptor(&child->common, fd);
  if (status != Status::kOk) Put(child->common);
  return status;
}

Status SocketTable::OpenRequest(int listener_fd, SocketCommon** request) noexcept {
  ReadSection section;
  Socket* listener = nullptr;
  if (const Status status = Find(listener_fd, &listener); status != Status::kOk) return status;
  if (listener->common.state() != SocketState::kListen) return Status::kInvalid;
  SocketCommon* const made = NewMiniSocket(listener->common, SocketState::kNewSynRecv);
  if (made == nullptr) return Status::kNoMemory;
  made->skc_listener = &listener->common;
  *request = made;
  return Status::kOk;
}

Status SocketTable::EnterTimeWait(int fd, SocketCommon** timewait) noexcept {
  ReadSection section;
  Socket* socket = nullptr;
  if (const Status status = Find(fd, &socket); status != Status::kOk) return status;
  if (!socket->common.skc_prot->can_listen) return Status::kInvalid;
  SocketCommon* const made = NewMiniSocket(socket->common, SocketState::kTimeWait);
  if (made == nullptr) return Status::kNoMemory;
  if (const Status status = CloseFile(fd, &socket->common); status != Status::kOk) {
    Put(*made);
    return status;
  }
  *timewait = made;
  return Status::kOk;
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

size_t SocketTable::socket_bytes() const noexcept {
  const Slab& mini = state_->mini_slab;
  size_t bytes = mini.objects() * mini.object_bytes() + mini.slack_bytes();
  for (const Slab& slab : state_->slabs) {
    bytes += slab.objects() * slab.object_bytes() + slab.slack_bytes();
  }
  return bytes;
}

// --- charging

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

MemoryUsage SocketTable::private_usage() const {
  MemoryUsage usage = storage_domain_->memory_usage();
  usage += tail_space_->memory_usage();
  usage += single_storage_->memory_usage();
  return usage;
}

}  // namespace inlay
