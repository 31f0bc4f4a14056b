// Socket and SocketTable: emulated sockets with the kernel's sizes and field positions, to test and
// measure a layout where the kernel would have it.
//
// A Socket emulates struct sock: the fields that storage and the packet path touch are at the
// kernel's offsets, and the rest is filler. Behind it lies the reserved tail that some layouts use,
// then the bytes that the protocol adds up to the size of tcp_sock, udp_sock and so on. So a place
// in the tail has the same offset in sockets of every family, and the offset can be a compile-time
// or run-time constant.
//
// The inline words lie in the group that the kernel calls sock_read_tx, directly behind sk_mark.
// The packet path has loaded that cache line before a BPF program runs. (Measured on Linux 6.18 in
// the UDP receive path: reading sk_mark costs nothing once the socket has been touched.)
//
//   line 0   skc_family, skc_state, ...         the header: every packet
//   line 1   skc_node (the hash chain)          the header: every packet
//   line 2   skc_refcnt | sock_write_rx ...
//   line 3   ... sk_rcvbuf (sock_read_rx)       every received packet
//   line 5   ... sk_omem_alloc
//   line 8   ... sk_mark | inline words         sock_read_tx
//   line 11  ... sk_bpf_storage                 cold
//   line 12  (16 bytes) | the tail              cold
//
// Source of sizes and positions: BTF of Linux 6.18.44, x86-64.

#ifndef INLAY_EMULATED_SOCKET_H_
#define INLAY_EMULATED_SOCKET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "inlay/export.h"
#include "inlay/function_ref.h"
#include "inlay/inline_words.h"
#include "inlay/local_storage.h"
#include "inlay/memory_usage.h"
#include "inlay/rcu.h"
#include "inlay/rcu_list.h"
#include "inlay/status.h"
#include "inlay/store.h"

namespace inlay {

class SocketTable;
class TailSpace;
class SinglePointerObjects;
struct SingleObject;

enum class SocketFamily : uint8_t {
  kTcp,
  kTcp6,
  kUdp,
  kUdp6,
  kUnix,
  kUnixDgram,
  kRaw,
  kNetlink,
  kPacket
};
inline constexpr size_t kSocketFamilies = 9;

// The kernel's values (include/net/tcp_states.h). Sockets in kTimeWait and kNewSynRecv are mini
// sockets: only a SocketCommon, without storage.
enum class SocketState : uint8_t {
  kEstablished = 1,
  kTimeWait = 6,
  kClose = 7,
  kListen = 10,
  kNewSynRecv = 12,
};

// The properties that differ between families of sockets.
struct SocketProtocol {
  SocketFamily family;
  std::string_view name;  // as in "tcp6"
  uint32_t object_bytes;  // size of the protocol's struct, e.g. tcp_sock, without the tail
  bool can_listen;        // has accept(), whose children inherit values
};
INLAY_API const SocketProtocol& ProtocolOf(SocketFamily family);

// The kernel's struct sock_common: the part that full sockets, requests and time-wait sockets
// share.
struct SocketCommon {
  std::byte skc_addresses[16] = {};
  uint16_t skc_family = 0;
  std::atomic<SocketState> skc_state{SocketState::kClose};
  uint8_t skc_flag_bits = 0;
  int32_t skc_bound_dev_if = 0;
  ListNode skc_bind_node;  // here: in the list of all sockets of the table
  const SocketProtocol* skc_prot = nullptr;
  SocketTable* skc_net = nullptr;
  std::byte skc_v6_addresses[32] = {};
  uint64_t skc_cookie = 0;  // unique among the table's full sockets; never reused
  SocketCommon* skc_listener = nullptr;
  std::atomic<SocketCommon*> skc_node_next{nullptr};  // the hash chain; free for a packet walk
  void* skc_node_link = nullptr;
  uint16_t skc_queue_mappings[2] = {};
  int32_t skc_incoming_cpu = 0;
  std::atomic<int32_t> skc_refcnt{1};
  uint32_t skc_rxhash = 0;

  SocketState state() const { return skc_state.load(std::memory_order_relaxed); }
};
static_assert(offsetof(SocketCommon, skc_state) == 18);
static_assert(offsetof(SocketCommon, skc_bind_node) == 24);
static_assert(offsetof(SocketCommon, skc_net) == 48);
static_assert(offsetof(SocketCommon, skc_cookie) == 88);
static_assert(offsetof(SocketCommon, skc_node_next) == 104);
static_assert(offsetof(SocketCommon, skc_refcnt) == 128);
static_assert(sizeof(SocketCommon) == 136);

// A full socket. Only a SocketTable makes it.
struct Socket {
  static constexpr size_t kMaxInlineBits = 256;
  using Words = InlineWords<kMaxInlineBits>;

  SocketCommon common;
  // sock_write_rx
  std::atomic<int32_t> sk_drops{0};
  std::byte filler_140[52] = {};
  std::atomic<int32_t> sk_rmem_alloc{0};
  std::byte filler_196[48] = {};
  // sock_read_rx
  int32_t sk_rcvbuf = 212992;
  std::byte filler_248[120] = {};
  // sock_write_tx
  std::atomic<int32_t> sk_omem_alloc{0};
  std::byte filler_372[132] = {};
  // sock_read_tx. The kernel has sk_uid, sk_protocol, sk_type, sk_dst_cache and sk_route_caps where
  // the inline words are here; nothing in the project reads them.
  uint64_t sk_max_pacing_rate = ~uint64_t{0};
  int64_t sk_sndtimeo = 0;
  uint32_t sk_priority = 0;
  uint32_t sk_mark = 0;
  Words sk_inline_words;
  std::byte filler_560[176] = {};
  StoragePointer sk_bpf_storage{nullptr};
  std::atomic<SingleObject*> sk_single_object{nullptr};  // of SinglePointerMap; not in the kernel
  RcuHead sk_rcu{};
  std::byte filler_768[16] = {};

  // The interface of an owner (see InlineOwner and OwnerRef).
  Words& inline_words() { return sk_inline_words; }
  const Words& inline_words() const { return sk_inline_words; }
  StoragePointer& storage_pointer() { return sk_bpf_storage; }
  const StoragePointer& storage_pointer() const { return sk_bpf_storage; }
  // True once the last reference is dropped: then no value may be created.
  bool is_dying() const { return common.skc_refcnt.load(std::memory_order_relaxed) == 0; }

  // The reserved tail: SocketTableOptions::tail_bytes bytes, initially zeroes.
  std::byte* tail() { return reinterpret_cast<std::byte*>(this + 1); }
  const std::byte* tail() const { return reinterpret_cast<const std::byte*>(this + 1); }
};
static_assert(offsetof(Socket, sk_drops) == 136);
static_assert(offsetof(Socket, sk_rmem_alloc) == 192);
static_assert(offsetof(Socket, sk_rcvbuf) == 244);
static_assert(offsetof(Socket, sk_omem_alloc) == 368);
static_assert(offsetof(Socket, sk_max_pacing_rate) == 504);
static_assert(offsetof(Socket, sk_mark) == 524);
static_assert(offsetof(Socket, sk_inline_words) == 528);
static_assert(offsetof(Socket, sk_inline_words) / 64 == offsetof(Socket, sk_mark) / 64 &&
                  (offsetof(Socket, sk_inline_words) + sizeof(Socket::Words) - 1) / 64 ==
                      offsetof(Socket, sk_mark) / 64,
              "the inline words share the cache line of sk_mark");
static_assert(offsetof(Socket, sk_bpf_storage) == 736);
static_assert(offsetof(Socket, sk_single_object) == 744);
static_assert(offsetof(Socket, sk_rcu) == 752);
static_assert(sizeof(Socket) == 784);

// `sk` as a full socket. Null if it is a request or time-wait socket, or null. The kernel's
// bpf_sk_fullsock().
inline Socket* FullSocket(SocketCommon* sk) {
  if (sk == nullptr) return nullptr;
  const SocketState state = sk->state();
  if (state == SocketState::kTimeWait || state == SocketState::kNewSynRecv) return nullptr;
  return reinterpret_cast<Socket*>(sk);  // its first member
}

// The kernel whose answers are emulated where programs can observe that they differ.
// docs/semantics.md lists the differences; versions between these two have some of them.
enum class KernelVersion : uint8_t { kLinux61, kLinux618 };

struct SocketTableOptions {
  uint32_t inline_bits = 64;  // reserved for index maps: 0, 16, 32, or a multiple of 64 up to 256
  // Reserved in each socket for inline and shared-pointer maps: a multiple of 8 up to 65536.
  uint32_t tail_bytes = 0;
  uint32_t max_descriptors = 1 << 20;  // open at a time
  int32_t optmem_max_bytes = 131072;   // net.core.optmem_max: limits sk_omem_alloc of each socket
  size_t table_limit_bytes = Account::kUnlimited;  // of all index maps' tables together
  KernelVersion kernel = KernelVersion::kLinux618;
};

// The sockets and descriptors of one emulated process and network namespace.
//
// Thread-safety: all functions may run concurrently, except the destructor.
class SocketTable final : private OwnerPopulation, private StorageCharger {
 public:
  // kInvalid: a size is out of range. kNoMemory. On failure *table is unchanged.
  INLAY_API static Status Create(const SocketTableOptions& options,
                                 std::unique_ptr<SocketTable>* table) noexcept;
  // Closes the descriptors that are still open.
  // REQUIRES: all maps over these sockets are destroyed.
  // Aborts, in every build, and says so on standard error, if a map is left.
  // Reader section: REQUIRES none.
  INLAY_API ~SocketTable();
  SocketTable(const SocketTable&) = delete;
  SocketTable& operator=(const SocketTable&) = delete;

  // --- descriptors: a new one has the lowest free number, as in POSIX

  // Makes a socket. kTooManyOpen. kNoMemory. On failure *fd is unchanged.
  INLAY_API Status Open(SocketFamily family, int* fd) noexcept;
  // Makes a descriptor of something that is not a socket. kTooManyOpen.
  INLAY_API Status OpenFile(int* fd) noexcept;
  // Makes a second descriptor of the same object. kBadDescriptor. kTooManyOpen.
  INLAY_API Status Dup(int fd, int* new_fd) noexcept;
  // As Dup(), with a number that the caller chooses. Like dup3(), first closes `new_fd` if it is
  // open. kBadDescriptor: `fd` is not open, or `new_fd` is out of range. kInvalid: the two are
  // equal.
  INLAY_API Status DupTo(int fd, int new_fd) noexcept;
  // Frees the number at once. The socket is freed with its last reference. kBadDescriptor.
  INLAY_API Status Close(int fd) noexcept;
  // Finds the socket of a descriptor. kBadDescriptor. kNotSocket.
  // Reader section: required. Pointer valid until: the end of the section, or Put() after a
  // TryHold().
  INLAY_API Status Find(int fd, Socket** socket) const noexcept;

  // --- connections

  // Makes the socket listen. kInvalid: the family has no connections. kBadDescriptor. kNotSocket.
  INLAY_API Status Listen(int fd) noexcept;
  // Makes the child of a finished handshake, as the kernel does at the final ACK. The child
  // inherits the values of all maps with the clone flag. On failure there is no child. kInvalid:
  // not listening. kNoMemory: a value could not be copied or charged. kTooManyOpen.
  INLAY_API Status Accept(int listener_fd, int* fd) noexcept;
  // Makes a request socket (NEW_SYN_RECV: SYN received), which is not a full socket. Release it
  // with Put().
  INLAY_API Status OpenRequest(int listener_fd, SocketCommon** request) noexcept;
  // Closes the descriptor and replaces the connection by a time-wait socket, which is not a full
  // socket. The values are released with the full socket. Release the time-wait socket with Put().
  // kInvalid: not TCP.
  INLAY_API Status EnterTimeWait(int fd, SocketCommon** timewait) noexcept;

  // --- references

  // Takes a reference. False if the last one is dropped already.
  // Reader section: required, unless the caller holds a reference.
  [[nodiscard]] INLAY_API static bool TryHold(SocketCommon& socket) noexcept;
  // Drops a reference. Dropping the last one releases all values at once; the memory stays readable
  // until all current reader sections end.
  INLAY_API static void Put(SocketCommon& socket) noexcept;

  // --- all of them

  // Calls `visit` for every full socket, newest first. May skip sockets that come or go meanwhile.
  // Reader section: not needed; the call holds one. `visit` must not block.
  INLAY_API void ForEach(FunctionRef<void(Socket& socket)> visit) noexcept;
  INLAY_API size_t sockets() const noexcept;  // full sockets that are not released yet

  // --- the charges for values

  // Bytes that each socket reserves for values. A new socket is charged for them in sk_omem_alloc,
  // and optmem_max never refuses them: it limits further charges. (With nothing reserved the
  // pointer layout reaches the limit exactly where the kernel does.)
  int32_t reserved_bytes() const {
    return static_cast<int32_t>(options_.inline_bits / 8 + options_.tail_bytes);
  }
  // Sets net.core.optmem_max. Existing charges stay.
  INLAY_API void set_optmem_max_bytes(int32_t bytes) noexcept;
  // Adds `bytes` to the socket's sk_omem_alloc. False if `bytes` exceed optmem_max or the sum is
  // not below it. The kernel's omem_charge(). Lock-free.
  [[nodiscard]] INLAY_API bool ChargeOmem(Socket& socket, uint32_t bytes) noexcept;
  INLAY_API void UnchargeOmem(Socket& socket, uint32_t bytes) noexcept;
  // Bytes of the sockets themselves, with their tails and without any map's memory.
  INLAY_API size_t socket_bytes() const noexcept;
  // Memory of the sockets' values outside of the sockets, in all layouts, without shared tables;
  // store().account() has those.
  INLAY_API MemoryUsage private_usage() const;

  // --- for layouts: shared by the maps of a layout. Thread-safe; live as long as the table.
  Store& store() { return *store_; }
  LocalStorageDomain& storage_domain() { return *storage_domain_; }
  TailSpace& tail_space() { return *tail_space_; }
  SinglePointerObjects& single_pointer_objects() { return *single_storage_; }
  const SocketTableOptions& options() const { return options_; }

 private:
  struct State;

  SocketTable(const SocketTableOptions& options, std::unique_ptr<State> state);

  Socket* NewSocket(SocketFamily family) noexcept;
  void AddToAll(Socket& socket) noexcept;
  SocketCommon* NewMiniSocket(const SocketCommon& full, SocketState state) noexcept;
  Status TakeDescriptor(SocketCommon* file, int* fd) noexcept;
  Status CloseFile(int fd, const SocketCommon* expected) noexcept;
  void Release(SocketCommon& socket) noexcept;
  static void ReclaimSocket(RcuHead* head);
  static void ReclaimMiniSocket(RcuHead* head);

  // OwnerPopulation
  void ForEachOwner(FunctionRef<void(const OwnerRef& owner)> visit) override;
  size_t owners() const override { return sockets(); }
  // StorageCharger
  bool Charge(StoragePointer& owner, uint32_t bytes) noexcept override;
  void Uncharge(StoragePointer& owner, uint32_t bytes) noexcept override;

  const SocketTableOptions options_;
  std::unique_ptr<State> state_;
  std::unique_ptr<LocalStorageDomain> storage_domain_;
  std::unique_ptr<TailSpace> tail_space_;
  std::unique_ptr<SinglePointerObjects> single_storage_;
  std::unique_ptr<Store> store_;
};

}  // namespace inlay

#endif  // INLAY_EMULATED_SOCKET_H_
