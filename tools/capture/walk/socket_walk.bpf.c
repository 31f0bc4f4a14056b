// Walks over sockets. A kernel iterator runs a program for each object; the program writes a record
// of the socket into a buffer that the process has mapped.
//
// Why not bpf_seq_write(): a read() of an iterator returns 32 KiB at most, and the iterator over a
// map starts each read at the head of a bucket, which makes it quadratic. Here a read() ends only
// when the buffer is full: a program that returns 1 is run again for the same object by the next
// read().

#include "tools/capture/walk/socket_walk.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

#include "inlay/bpf_map_state.h"
#include "tools/capture/walk/kernel_types.bpf.h"
#include "tools/capture/walk/socket_attributes.h"

// The loader replaces this map by the map to capture.
struct AnyValue {
  __u32 word;
};
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct AnyValue);
} captured SEC(".maps");

// The loader replaces these by the values and the state of a map of inlay.bpf.h, each of which is
// one element.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct AnyValue);
} indexed SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct inlay_map_state);
} indexed_state SEC(".maps");

// The loader sets the record size and the number of records.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __uint(value_size, sizeof(struct WalkRecordHead));
} records SEC(".maps");

// Counts sockets by value. The loader sets the value size and the number of entries.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __uint(key_size, sizeof(__u32));
  __type(value, __u64);
} folded SEC(".maps");

const volatile struct WalkSettings settings;
struct WalkProgress progress;

enum { kNext = 0, kAgainInNextRead = 1 };

// The next free record of the buffer; null if the buffer is full, and the walk has to stop.
static __always_inline struct WalkRecordHead* NextRecord(void) {
  const __u32 index = progress.records;
  struct WalkRecordHead* const record =
      index < progress.limit ? bpf_map_lookup_elem(&records, &index) : 0;
  if (record) {
    ++progress.records;
  } else {
    ++progress.stalled;
  }
  return record;
}

// --- values of a map ---

// `owner` tells the socket, task or cgroup from all others.
static __always_inline int KeepValue(__u64 owner, const void* value) {
  struct WalkRecordHead* const record = NextRecord();
  if (!record) return kAgainInNextRead;
  record->cookie = owner;
  bpf_probe_read_kernel(record + 1, settings.value_bytes, value);
  return kNext;
}

// Copies the value under its lock. The verifier allows no call under a lock. The lock itself is not
// copied: records are zero before.
static __always_inline int KeepLockedValue(__u64 owner, void* value) {
  struct WalkRecordHead* const record = NextRecord();
  if (!record) return kAgainInNextRead;
  record->cookie = owner;
  const __u32 lock_offset = settings.lock_offset;
  const __u32 value_bytes = settings.value_bytes;
  volatile __u8* const to = (volatile __u8*)(record + 1);
  volatile __u8* const from = value;
  struct bpf_spin_lock* const lock = value + lock_offset;
  bpf_spin_lock(lock);
  __u32 at = 0;
  // A struct with a lock is aligned to 4 bytes, and so is its size.
  for (; at < lock_offset; at += 4) *(volatile __u32*)(to + at) = *(volatile __u32*)(from + at);
  for (at += 4; at < value_bytes; at += 4)
    *(volatile __u32*)(to + at) = *(volatile __u32*)(from + at);
  bpf_spin_unlock(lock);
  return kNext;
}

static __always_inline struct sock* SocketOfFile(struct bpf_iter__task_file* context) {
  struct file* const file = context->file;
  if (!file) return 0;
  struct socket* const socket = bpf_sock_from_file(file);
  return socket ? socket->sk : 0;
}

SEC("iter/task_file")
int values_by_file(struct bpf_iter__task_file* context) {
  struct sock* const sk = SocketOfFile(context);
  if (!sk) return kNext;
  ++progress.visited;
  const void* const value = bpf_sk_storage_get(&captured, sk, 0, 0);
  return value ? KeepValue(bpf_get_socket_cookie(sk), value) : kNext;
}

SEC("iter/task_file")
int locked_by_file(struct bpf_iter__task_file* context) {
  struct sock* const sk = SocketOfFile(context);
  if (!sk) return kNext;
  ++progress.visited;
  void* const value = bpf_sk_storage_get(&captured, sk, 0, 0);
  return value ? KeepLockedValue(bpf_get_socket_cookie(sk), value) : kNext;
}

SEC("iter/bpf_sk_storage_map")
int values_by_map(struct bpf_iter__bpf_sk_storage_map* context) {
  struct sock* const sk = context->sk;
  const void* const value = context->value;
  if (!sk || !value) return kNext;
  ++progress.visited;
  return KeepValue(bpf_get_socket_cookie(sk), value);
}

SEC("iter/bpf_sk_storage_map")
int locked_by_map(struct bpf_iter__bpf_sk_storage_map* context) {
  struct sock* const sk = context->sk;
  if (!sk) return kNext;
  ++progress.visited;
  // The verifier sees the context's value as plain memory without a lock.
  void* const value = bpf_sk_storage_get(&captured, sk, 0, 0);
  return value ? KeepLockedValue(bpf_get_socket_cookie(sk), value) : kNext;
}

SEC("iter/bpf_sk_storage_map")
int count_in_map(struct bpf_iter__bpf_sk_storage_map* context) {
  if (context->sk) ++progress.visited;
  return kNext;
}

static __always_inline int FoldValue(const void* value) {
  __u64* const count = bpf_map_lookup_elem(&folded, value);
  if (count) {
    ++*count;
    return kNext;
  }
  const __u64 one = 1;
  if (bpf_map_update_elem(&folded, value, &one, BPF_NOEXIST) != 0) ++progress.unfolded;
  return kNext;
}

SEC("iter/bpf_sk_storage_map")
int fold_in_map(struct bpf_iter__bpf_sk_storage_map* context) {
  const void* const value = context->value;
  if (!context->sk || !value) return kNext;
  ++progress.visited;
  return FoldValue(value);
}

// For older kernels, whose verifier takes no iterator's value as a key.
SEC("iter/bpf_sk_storage_map")
int fold_copy_in_map(struct bpf_iter__bpf_sk_storage_map* context) {
  const void* const value = context->value;
  if (!context->sk || !value) return kNext;
  const __u32 first = 0;
  struct WalkRecordHead* const record = bpf_map_lookup_elem(&records, &first);
  if (!record) return kNext;
  ++progress.visited;
  bpf_probe_read_kernel(record + 1, settings.value_bytes, value);
  return FoldValue(record + 1);
}

// --- values of a map of inlay.bpf.h ---

enum {
  kStateTimeWait = 6,
  kStateNewRequest = 12,
  kMostElementBytes = 1 << 28,
};

// Says to the verifier that the address is near `element`; that of Linux 6.1 does not know it by
// itself. The compiler must not compare one copy of the distance and add another, nor add before it
// compares.
static __always_inline const char* Within(const char* element, __u64 distance) {
  asm volatile("" : "+r"(distance));
  if (distance >= kMostElementBytes) return 0;
  asm volatile("" : "+r"(element));
  return element + distance;
}

// The value of an index. Null if the index is not in use: the bits of the mark are somebody else's.
static __always_inline const void* ValueAt(__u32 place) {
  const __u32 first = 0;
  const struct inlay_map_state* const state = bpf_map_lookup_elem(&indexed_state, &first);
  const char* const values = bpf_map_lookup_elem(&indexed, &first);
  if (!state || !values || place >= state->next) return 0;
  __u8 hint = INLAY_HINT_FREE;
  bpf_probe_read_kernel(&hint, sizeof(hint),
                        Within((const char*)state, (__u64)settings.hints_offset + place));
  return hint == INLAY_HINT_FREE ? 0 : Within(values, (__u64)place * settings.value_bytes);
}

// Reads what inlay_get() of this map returns for the socket. The program is a reader for which the
// collector waits, so the index is still that of the value that is copied.
static __always_inline int KeepIndexedValue(struct sock* sk) {
  ++progress.visited;
  const __u32 code = BPF_CORE_READ(sk, sk_mark) >> (settings.shift & 31) & settings.most_code;
  const __u32 place = code - 1;
  const void* value = 0;
  if (place < settings.most_values) {
    value = ValueAt(place);
  } else if (code == settings.most_code || settings.any_storage) {
    value = bpf_sk_storage_get(&captured, sk, 0, 0);
  }
  return value ? KeepValue(bpf_get_socket_cookie(sk), value) : kNext;
}

// Null for request and time-wait sockets, which are placeholders and not full sockets.
static __always_inline struct sock* FullSocket(struct bpf_iter__tcp* context) {
  struct sock_common* const common = context->sk_common;
  if (!common) return 0;
  const unsigned char state = common->skc_state;
  return state == kStateTimeWait || state == kStateNewRequest ? 0 : (struct sock*)common;
}

SEC("iter/task_file")
int indexed_by_file(struct bpf_iter__task_file* context) {
  struct sock* const sk = SocketOfFile(context);
  return sk ? KeepIndexedValue(sk) : kNext;
}

SEC("iter/bpf_sk_storage_map")
int indexed_by_map(struct bpf_iter__bpf_sk_storage_map* context) {
  struct sock* const sk = context->sk;
  return sk ? KeepIndexedValue(sk) : kNext;
}

SEC("iter/tcp")
int indexed_of_tcp(struct bpf_iter__tcp* context) {
  struct sock* const sk = FullSocket(context);
  return sk ? KeepIndexedValue(sk) : kNext;
}

SEC("iter/udp")
int indexed_of_udp(struct bpf_iter__udp* context) {
  struct udp_sock* const udp = context->udp_sk;
  return udp ? KeepIndexedValue((struct sock*)udp) : kNext;
}

SEC("iter/unix")
int indexed_of_unix(struct bpf_iter__unix* context) {
  struct unix_sock* const unix_socket = context->unix_sk;
  return unix_socket ? KeepIndexedValue((struct sock*)unix_socket) : kNext;
}

// --- values of tasks and cgroups ---

static __always_inline void* ValueOfTask(struct task_struct* task) {
  return task ? bpf_task_storage_get(&captured, task, 0, 0) : 0;
}

SEC("iter/task")
int values_by_task(struct bpf_iter__task* context) {
  struct task_struct* const task = context->task;
  const void* const value = ValueOfTask(task);
  if (!task || !value) return kNext;
  ++progress.visited;
  return KeepValue(task->pid, value);
}

SEC("iter/task")
int locked_by_task(struct bpf_iter__task* context) {
  struct task_struct* const task = context->task;
  void* const value = ValueOfTask(task);
  if (!task || !value) return kNext;
  ++progress.visited;
  return KeepLockedValue(task->pid, value);
}

SEC("iter/task")
int count_by_task(struct bpf_iter__task* context) {
  if (ValueOfTask(context->task)) ++progress.visited;
  return kNext;
}

static __always_inline void* ValueOfCgroup(struct cgroup* cgroup) {
  return cgroup ? bpf_cgrp_storage_get(&captured, cgroup, 0, 0) : 0;
}

SEC("iter/cgroup")
int values_by_cgroup(struct bpf_iter__cgroup* context) {
  struct cgroup* const cgroup = context->cgroup;
  const void* const value = ValueOfCgroup(cgroup);
  if (!cgroup || !value) return kNext;
  ++progress.visited;
  return KeepValue(BPF_CORE_READ(cgroup, kn, id), value);
}

SEC("iter/cgroup")
int locked_by_cgroup(struct bpf_iter__cgroup* context) {
  struct cgroup* const cgroup = context->cgroup;
  void* const value = ValueOfCgroup(cgroup);
  if (!cgroup || !value) return kNext;
  ++progress.visited;
  return KeepLockedValue(BPF_CORE_READ(cgroup, kn, id), value);
}

SEC("iter/cgroup")
int count_by_cgroup(struct bpf_iter__cgroup* context) {
  if (ValueOfCgroup(context->cgroup)) ++progress.visited;
  return kNext;
}

// --- attributes of sockets ---

enum {
  kFamilyInet = 2,
  kFamilyInet6 = 10,
  kTypeStream = 1,
  kProtocolTcp = 6,
};

// This kernel does not have what the member of the record is read from: the process says so.
#define NOTE_ABSENT(member)                                                    \
  progress.absent[__builtin_offsetof(struct SocketAttributes, member) / 64] |= \
      1ULL << __builtin_offsetof(struct SocketAttributes, member) % 64

// Reads a member of `from` into one of the record, which stays 0 if this kernel does not have it.
#define READ_IF_THERE(member, from, source)   \
  if (bpf_core_field_exists((from)->source))  \
    to->member = BPF_CORE_READ(from, source); \
  else                                        \
    NOTE_ABSENT(member)

// The same for bit-fields, and for members that some kernels have as bit-fields or in another size.
#define READ_BITS_IF_THERE(member, from, source)              \
  if (bpf_core_field_exists((from)->source))                  \
    to->member = BPF_CORE_READ_BITFIELD_PROBED(from, source); \
  else                                                        \
    NOTE_ABSENT(member)

static __always_inline void ReadTcp(const struct sock* sk, struct SocketAttributes* to) {
  const struct tcp_sock* const tcp = (const struct tcp_sock*)sk;
  const struct inet_connection_sock* const connection = &tcp->inet_conn;
  READ_IF_THERE(mss, tcp, mss_cache);
  READ_IF_THERE(window_clamp, tcp, window_clamp);
  READ_IF_THERE(keepalive_time, tcp, keepalive_time);
  READ_IF_THERE(keepalive_interval, tcp, keepalive_intvl);
  READ_IF_THERE(keepalive_probes, tcp, keepalive_probes);
  READ_IF_THERE(notsent_lowat, tcp, notsent_lowat);
  READ_IF_THERE(advmss, tcp, advmss);
  READ_IF_THERE(ecn_flags, tcp, ecn_flags);
  READ_BITS_IF_THERE(nodelay, tcp, nonagle);
  READ_IF_THERE(user_timeout, connection, icsk_user_timeout);
  READ_IF_THERE(syn_retries, connection, icsk_syn_retries);
  if (bpf_core_field_exists(connection->icsk_ca_ops)) {
    const struct tcp_congestion_ops* const congestion = BPF_CORE_READ(connection, icsk_ca_ops);
    if (congestion) {
      bpf_core_read_str(to->congestion_control, sizeof(to->congestion_control), &congestion->name);
    }
  } else {
    NOTE_ABSENT(congestion_control);
  }
  if (bpf_core_field_exists(connection->icsk_ulp_ops)) {
    const struct tcp_ulp_ops* const upper = BPF_CORE_READ(connection, icsk_ulp_ops);
    if (upper) bpf_core_read_str(to->upper_protocol, sizeof(to->upper_protocol), &upper->name);
  } else {
    NOTE_ABSENT(upper_protocol);
  }
}

// The record is zero before: the process clears the buffer when it empties it.
static __always_inline void ReadAttributes(const struct sock* sk, struct SocketAttributes* to) {
  to->family = BPF_CORE_READ(sk, __sk_common.skc_family);
  to->state = BPF_CORE_READ(sk, __sk_common.skc_state);
  to->type = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_type);
  to->protocol = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_protocol);
  READ_BITS_IF_THERE(reuse, sk, __sk_common.skc_reuse);
  READ_BITS_IF_THERE(reuseport, sk, __sk_common.skc_reuseport);
  READ_BITS_IF_THERE(ipv6only, sk, __sk_common.skc_ipv6only);
  READ_IF_THERE(bound_device, sk, __sk_common.skc_bound_dev_if);
  READ_IF_THERE(flags, sk, __sk_common.skc_flags);
  READ_IF_THERE(mark, sk, sk_mark);
  READ_IF_THERE(priority, sk, sk_priority);
  READ_IF_THERE(uid, sk, sk_uid.val);
  READ_IF_THERE(rcvbuf, sk, sk_rcvbuf);
  READ_IF_THERE(sndbuf, sk, sk_sndbuf);
  READ_IF_THERE(rcvlowat, sk, sk_rcvlowat);
  READ_IF_THERE(shutdown, sk, sk_shutdown);
  READ_BITS_IF_THERE(userlocks, sk, sk_userlocks);
  READ_IF_THERE(max_pacing_rate, sk, sk_max_pacing_rate);
  READ_IF_THERE(pacing_status, sk, sk_pacing_status);
  READ_IF_THERE(max_ack_backlog, sk, sk_max_ack_backlog);
  READ_BITS_IF_THERE(timestamp_flags, sk, sk_tsflags);
  READ_IF_THERE(classid, sk, sk_cgrp_data.classid);
  if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
    to->cgroup_id = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
  } else {
    NOTE_ABSENT(cgroup_id);
  }
  if (bpf_core_field_exists(((struct net*)0)->net_cookie)) {
    to->netns_cookie = BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie);
  } else {
    NOTE_ABSENT(netns_cookie);
  }
  if (to->family != kFamilyInet && to->family != kFamilyInet6) return;
  const struct inet_sock* const inet = (const struct inet_sock*)sk;
  READ_IF_THERE(ttl, inet, uc_ttl);
  READ_IF_THERE(tos, inet, tos);
  READ_IF_THERE(min_ttl, inet, min_ttl);
  READ_IF_THERE(multicast_ttl, inet, mc_ttl);
  READ_IF_THERE(mtu_discovery, inet, pmtudisc);
  if (to->type == kTypeStream && to->protocol == kProtocolTcp) ReadTcp(sk, to);
}

static __always_inline int KeepAttributes(struct sock* sk) {
  ++progress.visited;
  struct WalkRecordHead* const record = NextRecord();
  if (!record) return kAgainInNextRead;
  record->cookie = bpf_get_socket_cookie(sk);
  ReadAttributes(sk, (struct SocketAttributes*)(record + 1));
  return kNext;
}

SEC("iter/task_file")
int sockets_by_file(struct bpf_iter__task_file* context) {
  struct sock* const sk = SocketOfFile(context);
  return sk ? KeepAttributes(sk) : kNext;
}

SEC("iter/tcp")
int sockets_of_tcp(struct bpf_iter__tcp* context) {
  struct sock* const sk = FullSocket(context);
  return sk ? KeepAttributes(sk) : kNext;
}

SEC("iter/udp")
int sockets_of_udp(struct bpf_iter__udp* context) {
  struct udp_sock* const udp = context->udp_sk;
  return udp ? KeepAttributes((struct sock*)udp) : kNext;
}

SEC("iter/unix")
int sockets_of_unix(struct bpf_iter__unix* context) {
  struct unix_sock* const unix_socket = context->unix_sk;
  return unix_socket ? KeepAttributes((struct sock*)unix_socket) : kNext;
}

// Iterators call helpers that require a licence compatible with the GPL.
char licence[] SEC("license") = "Dual BSD/GPL";
