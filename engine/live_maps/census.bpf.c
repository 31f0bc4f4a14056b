// Counts the users of every index: walks over all sockets, each by every way that leads to it.
//
// In one census a socket is told from others by its address. A socket that is freed during the walk
// may leave its address to another one; then the census counts one socket too few, and is not
// complete. From census to census it is told by its cookie, which a census gives to all that it
// meets in tables and by descriptors.

#include <linux/bpf.h>
// The types above come first.
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "engine/live_maps/census_counts.h"
#include "engine/live_maps/kernel_types.bpf.h"

// By address. The loader sets the sizes.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __type(key, __u64);
  __type(value, struct CensusMet);
} census_met SEC(".maps");

// By code of each map, see CensusField.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} census_users SEC(".maps");

// By the cookie of a namespace.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kMostNamespaces);
  __type(key, __u64);
  __type(value, struct CensusSockets);
} census_namespaces SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, kMostNamespaces);
  __type(key, __u32);
  __type(value, struct CensusNamespace);
} census_list SEC(".maps");

// A holder of a socket of each namespace, by the namespace's inode.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, kMostNamespaces);
  __type(key, __u32);
  __type(value, struct CensusHolder);
} census_holders SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, kMostRings);
  __type(key, __u32);
  __type(value, struct CensusHolder);
} census_rings SEC(".maps");

// Which codes sockets had in events; by code of each map as well.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} census_seen SEC(".maps");

// Sockets to which something has happened while the census watched, by cookie.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, kMostLives);
  __type(key, __u64);
  __type(value, struct CensusLife);
} census_lives SEC(".maps");

const volatile struct CensusSettings settings;
struct CensusCounts counts;

enum {
  kNext = 0,
  kSynRecv = 3,
  kListen = 10,
  kKindMask = 0170000,
  kSocketKind = 0140000,
};

// A code that is met counts, however often; a socket counts once.
static __always_inline void CountMark(__u32 mark, int is_new) {
  for (__u32 i = 0; i < kMostCensusMaps; ++i) {
    if (i >= settings.fields) return;
    const __u32 at = settings.field[i].first +
                     ((mark >> (settings.field[i].shift & 31)) & settings.field[i].most_code);
    __u64* const users = bpf_map_lookup_elem(&census_users, &at);
    if (!users) continue;
    if (is_new) {
      __sync_fetch_and_add(users, 1);
    } else if (*users == 0) {
      *users = 1;
    }
  }
}

// Children of MPTCP have their listener's cookie (Linux 6.18, mptcp_sk_clone_init()). Those of
// other sockets are their own.
static __always_inline int HasOwnCookie(const struct sock* sk) {
  enum { kMptcp = 262 };
  return BPF_CORE_READ(sk, sk_protocol) != kMptcp;
}

// One process walks, so nobody else changes what was met.
static __always_inline void CountSocket(const struct sock* sk, __u64 identity) {
  const __u64 address = (__u64)sk;
  const __u64 census = counts.number;
  struct CensusMet* const last = bpf_map_lookup_elem(&census_met, &address);
  const int is_new = !last || last->census != census;
  CountMark(BPF_CORE_READ(sk, sk_mark), is_new);
  struct CensusMet met = {.census = census, .identity = identity};
  if (last && is_new && last->census + 1 == census) met.former = last->identity;
  if (last && !is_new) {
    met.former = last->former;
    met.stayed = last->stayed;
    if (!identity) met.identity = last->identity;
  }
  const int stays = identity && met.former == identity && !met.stayed;
  if (stays) met.stayed = 1;
  if (last) {
    *last = met;
  } else if (bpf_map_update_elem(&census_met, &address, &met, BPF_ANY) != 0) {
    __sync_fetch_and_add(&counts.not_counted, 1);
    return;
  }
  if (!is_new && !stays) return;
  // Sockets of the kernel's own hold no reference to their namespace, and do not count there
  // (Linux 6.18, sk_alloc() in net/core/sock.c).
  if (!BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_net_refcnt)) return;
  const __u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie);
  struct CensusSockets* const sockets = bpf_map_lookup_elem(&census_namespaces, &cookie);
  if (sockets) {
    sockets->met += is_new;
    sockets->stayed += stays;
    return;
  }
  const struct CensusSockets first = {.met = is_new, .stayed = stays};
  if (bpf_map_update_elem(&census_namespaces, &cookie, &first, BPF_NOEXIST) != 0) {
    __sync_fetch_and_add(&counts.not_counted, 1);
  }
}

// The identity of a socket to which the census has no reference: its cookie, if it has one, or
// `other`, a number of 62 bits of one kind.
static __always_inline __u64 IdentityOf(const struct sock* sk, __u64 other, __u64 kind) {
  const __u64 cookie = HasOwnCookie(sk) ? BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) : 0;
  return cookie ? cookie : (other & ((1ull << 62) - 1)) | kind << 62;
}
enum { kByInode = 1, kBySequences = 2 };

// Notes instances of io_uring: files that are registered with them have no descriptor.
static __always_inline void NoteRing(const struct file* file, __u32 process, __u32 fd) {
  enum { kNameBytes = 10 };  // "[io_uring]"; the compiler has no memcmp()
  char name[kNameBytes + 1] = {};
  const struct qstr* const called = &file->f_path.dentry->d_name;
  if (called->len != kNameBytes) return;
  bpf_probe_read_kernel_str(name, sizeof(name), called->name);
  if (name[0] != '[' || name[1] != 'i' || name[2] != 'o' || name[3] != '_' || name[4] != 'u' ||
      name[5] != 'r' || name[6] != 'i' || name[7] != 'n' || name[8] != 'g' || name[9] != ']') {
    return;
  }
  const __u32 place = counts.rings++;
  const struct CensusHolder holder = {.process = process, .fd = fd};
  bpf_map_update_elem(&census_rings, &place, &holder, BPF_ANY);
}

SEC("iter/task_file")
int census_files(struct bpf_iter__task_file* context) {
  if (!counts.clock) counts.clock = bpf_ktime_get_ns();
  struct file* const file = context->file;
  struct socket* const socket = file ? bpf_sock_from_file(file) : 0;
  struct sock* const sk = socket ? socket->sk : 0;
  struct task_struct* const task = context->task;
  if (file && task && !socket) NoteRing(file, task->tgid, context->fd);
  if (!sk) return kNext;
  const __u64 cookie = bpf_get_socket_cookie(sk);
  const __u64 inode = BPF_CORE_READ(file, f_inode, i_ino);
  CountSocket(sk, HasOwnCookie(sk) ? cookie : IdentityOf(sk, inode, kByInode));
  return kNext;
}

struct PassedFiles {
  const struct sk_buff* message;
  const struct scm_fp_list* list;
  int count;
};

// What has been read of a message was true if it is still in its queue, which holds its files.
static __always_inline int IsQueued(const struct sk_buff* message) {
  const struct sk_buff* const former = BPF_CORE_READ(message, prev);
  return former && BPF_CORE_READ(former, next) == message;
}

static long CountPassedFile(__u32 number, void* context) {
  const struct PassedFiles* const passed = context;
  const struct scm_fp_list* const list = passed->list;
  if ((int)number >= passed->count || number >= kMostPassedFiles) return 1;
  const struct file* file = 0;
  bpf_core_read(&file, sizeof(file), &list->fp[number]);
  if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & kKindMask) != kSocketKind) return 0;
  const struct socket* const socket = BPF_CORE_READ(file, private_data);
  const struct sock* const sk = socket ? BPF_CORE_READ(socket, sk) : 0;
  if (!sk) return 0;
  const __u64 identity = IdentityOf(sk, BPF_CORE_READ(file, f_inode, i_ino), kByInode);
  CountSocket(sk, IsQueued(passed->message) ? identity : 0);
  return 0;
}

// A file under way in a message has no descriptor. Reads without a lock: whatever comes and goes
// meanwhile is not met, or met twice.
static __always_inline void CountPassed(const struct sk_buff* message) {
  const struct unix_skb_parms* const control = (const struct unix_skb_parms*)&message->cb;
  struct PassedFiles passed = {.message = message, .list = BPF_CORE_READ(control, fp)};
  const struct scm_fp_list* const list = passed.list;
  if (!list) return;
  passed.count = BPF_CORE_READ(list, count);
  bpf_loop(kMostPassedFiles, CountPassedFile, &passed, 0);
}

struct QueueWalk {
  const struct sk_buff* at;
  const struct sk_buff* head;
};

static long CountMessage(__u32 number, void* context) {
  struct QueueWalk* const walk = context;
  const struct sk_buff* const message = walk->at;
  if (!message || message == walk->head) return 1;
  CountPassed(message);
  walk->at = BPF_CORE_READ(message, next);
  if (number + 1 == kMostQueuedMessages && walk->at != walk->head) {
    __sync_fetch_and_add(&counts.beyond, 1);
  }
  return 0;
}

SEC("iter/unix")
int census_unix(struct bpf_iter__unix* context) {
  struct unix_sock* const unix_socket = context->unix_sk;
  if (!unix_socket) return kNext;
  CountSocket(&unix_socket->sk, bpf_get_socket_cookie(unix_socket));
  const struct sk_buff_head* const queue = &unix_socket->sk.sk_receive_queue;
  struct QueueWalk walk = {.at = BPF_CORE_READ(queue, next), .head = (const void*)queue};
  bpf_loop(kMostQueuedMessages, CountMessage, &walk, 0);
  return kNext;
}

SEC("iter/udp")
int census_udp(struct bpf_iter__udp* context) {
  struct udp_sock* const udp = context->udp_sk;
  if (udp) CountSocket(&udp->inet.sk, bpf_get_socket_cookie(udp));
  return kNext;
}

struct AcceptQueue {
  const struct request_sock* at;
};

static long CountWaiting(__u32 number, void* context) {
  struct AcceptQueue* const queue = context;
  const struct request_sock* const request = queue->at;
  if (!request) return 1;
  const struct sock* const child = BPF_CORE_READ(request, sk);
  if (child) {
    // Both begin with random numbers, and do not change once the connection is reset. Until then
    // the child is in a table, and has a cookie.
    const struct tcp_sock* const tcp = (const struct tcp_sock*)child;
    const __u64 sequences =
        (__u64)BPF_CORE_READ(tcp, write_seq) << 32 | BPF_CORE_READ(tcp, rcv_nxt);
    CountSocket(child, IdentityOf(child, sequences, kBySequences));
  }
  queue->at = BPF_CORE_READ(request, dl_next);
  if (number + 1 == kMostWaiting && queue->at) __sync_fetch_and_add(&counts.beyond, 1);
  return 0;
}

// A child that nobody has accepted is in no table if its peer has reset the connection. The walk
// has locked the listener (Linux 6.1 and 6.18, bpf_iter_tcp_seq_show()), as accept() does.
static __always_inline void CountAcceptQueue(struct sock_common* listener) {
  const struct inet_connection_sock* const connection =
      (const struct inet_connection_sock*)bpf_skc_to_tcp_sock(listener);
  if (!connection) return;
  struct AcceptQueue queue = {.at = BPF_CORE_READ(connection, icsk_accept_queue.rskq_accept_head)};
  bpf_loop(kMostWaiting, CountWaiting, &queue, 0);
}

SEC("iter/tcp")
int census_tcp(struct bpf_iter__tcp* context) {
  struct sock_common* const common = context->sk_common;
  if (!common) return kNext;
  const struct tcp_timewait_sock* const waiting = bpf_skc_to_tcp_timewait_sock(common);
  if (waiting) {
    __sync_fetch_and_add(&counts.placeholders, 1);
    if (!settings.skip_time_wait) CountMark(BPF_CORE_READ(waiting, tw_sk.tw_mark), 0);
    return kNext;
  }
  const struct tcp_request_sock* const request = bpf_skc_to_tcp_request_sock(common);
  if (request) {
    __sync_fetch_and_add(&counts.placeholders, 1);
    if (!settings.skip_requests) CountMark(BPF_CORE_READ(request, req.ir_mark), 0);
    return kNext;
  }
  CountSocket((const struct sock*)common, bpf_get_socket_cookie(common));
  if (common->skc_state == kListen) CountAcceptQueue(common);
  return kNext;
}

// All network namespaces are in one list, whose head is no namespace: its `ops` differ.
struct NamespaceWalk {
  const struct net* at;
  const struct net* first;
  const void* ops;
};

static long ListNext(__u32 unused, void* context) {
  struct NamespaceWalk* const walk = context;
  (void)unused;
  const struct net* const net = walk->at;
  if (BPF_CORE_READ(net, ns.ops) == walk->ops) {
    struct CensusNamespace found = {.inum = BPF_CORE_READ(net, ns.inum)};
    if (bpf_core_field_exists(net->ns.ns_id)) found.id = BPF_CORE_READ(net, ns.ns_id);
    const __u32 place = counts.namespaces;
    if (bpf_map_update_elem(&census_list, &place, &found, BPF_ANY) != 0) {
      __sync_fetch_and_add(&counts.beyond, 1);
      return 1;
    }
    ++counts.namespaces;
  }
  const char* const next = (const char*)BPF_CORE_READ(net, list.next);
  walk->at = (const struct net*)(next - bpf_core_field_offset(struct net, list));
  return walk->at == walk->first;
}

SEC("iter/task")
int census_list_namespaces(struct bpf_iter__task* context) {
  struct task_struct* const task = context->task;
  if (!task || counts.namespaces) return kNext;
  const struct net* const first = BPF_CORE_READ(task, nsproxy, net_ns);
  if (!first) return kNext;
  struct NamespaceWalk walk = {first, first, BPF_CORE_READ(first, ns.ops)};
  bpf_loop(2 * kMostNamespaces, ListNext, &walk, 0);
  return kNext;
}

SEC("iter/task_file")
int census_find_holders(struct bpf_iter__task_file* context) {
  struct task_struct* const task = context->task;
  struct file* const file = context->file;
  struct socket* const socket = file ? bpf_sock_from_file(file) : 0;
  struct sock* const sk = socket ? socket->sk : 0;
  if (!task || !sk) return kNext;
  const __u32 inum = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
  const struct CensusHolder holder = {.process = task->tgid, .fd = context->fd};
  bpf_map_update_elem(&census_holders, &inum, &holder, BPF_NOEXIST);  // the first one serves
  return kNext;
}

// --- beside the walks: what happens to sockets ---

static __always_inline void SeeMark(__u32 mark) {
  for (__u32 i = 0; i < kMostCensusMaps; ++i) {
    if (i >= settings.fields) return;
    const __u32 at = settings.field[i].first +
                     ((mark >> (settings.field[i].shift & 31)) & settings.field[i].most_code);
    __u64* const seen = bpf_map_lookup_elem(&census_seen, &at);
    if (seen) *seen = 1;
  }
}

enum SeenAt { kAlive = 0, kEnds = 1, kFreed = 2 };

// At this time there is such a socket, and it counts in `sockets: used`.
static __always_inline void SeeAlive(struct sock* sk, enum SeenAt at) {
  SeeMark(BPF_CORE_READ(sk, sk_mark));
  if (!BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_net_refcnt) || !HasOwnCookie(sk)) return;
  const __u64 cookie = bpf_get_socket_cookie(sk);
  const __u64 now = bpf_ktime_get_ns();
  struct CensusLife* const known = bpf_map_lookup_elem(&census_lives, &cookie);
  // A request that has a cookie gives it to each child that it makes, until one is kept.
  const int is_its_own = known && known->address == (__u64)sk &&
                         (known->ended == kAlive || (known->ended == kEnds && at == kFreed));
  if (is_its_own) {
    known->last = now;
    known->ended = at;
    return;
  }
  const struct CensusLife life = {
      .address = (__u64)sk,
      .net = BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie),
      .first = now,
      .last = now,
      .ended = at,
  };
  // Without room the socket stays unexplained, and the census incomplete.
  bpf_map_update_elem(&census_lives, &cookie, &life, BPF_ANY);
}

// (sock, old state, new state). A child is in SYN_RECV before it has its own mark and cookie (Linux
// 6.1 and 6.18, inet_csk_clone_lock()); it gets to ESTABLISHED before anybody else can see it.
SEC("tp_btf/inet_sock_set_state")
int watch_states(__u64* arguments) {
  struct sock* const sk = (struct sock*)arguments[0];
  const int state = (int)arguments[2];
  if (state != kSynRecv) SeeAlive(sk, kAlive);
  return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int watch_ends(__u64* arguments) {
  SeeAlive((struct sock*)arguments[0], kEnds);
  return 0;
}

// Where programs can follow functions, sockets of every kind are seen at their begin and their end.
// All three are called while the socket counts (Linux 6.1 and 6.18, net/core/sock.c).

// (net, family, priority, protocol, is of the kernel's own) and the new socket.
SEC("fexit/sk_alloc")
int watch_allocated(__u64* arguments) {
  struct sock* const sk = (struct sock*)arguments[5];
  if (sk) SeeAlive(sk, kAlive);
  return 0;
}

// (sock). The last of its references goes with its last packet under way, of which each has one. A
// child that could not be made, and has no destructor, still has its listener's cookie.
SEC("fentry/sk_free")
int watch_freed(__u64* arguments) {
  struct sock* const sk = (struct sock*)arguments[0];
  if (sk->sk_wmem_alloc.refs.counter != 1) return 0;
  if (sk->sk_destruct) SeeAlive(sk, kFreed);
  return 0;
}

// (sock). UDP and raw sockets end here, and some compilers put sk_free() into this one.
SEC("fentry/sk_common_release")
int watch_released(__u64* arguments) {
  SeeAlive((struct sock*)arguments[0], kEnds);
  return 0;
}

char licence[] SEC("license") = "Dual BSD/GPL";
