// The two walks over sockets, each with every access, timed in the kernel.
//
// `packet` programs run when a datagram has found its socket; they drop it, so that nothing is
// queued. `iterator` programs run for every socket of the network namespace.

#include "bench/kernel/socket_walk.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

#include "inlay/inlay.bpf.h"

// The kernel's types, with the fields that we read; the loader relocates their offsets (CO-RE).
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sock_common {
  __be32 skc_rcv_saddr;
  unsigned char skc_state;
};
struct sock {
  struct sock_common __sk_common;
  __u32 sk_mark;
};
struct inet_sock {
  struct sock sk;
};
struct udp_sock {
  struct inet_sock inet;
};
struct bpf_iter_meta;
struct bpf_iter__udp {
  struct bpf_iter_meta* meta;
  struct udp_sock* udp_sk;
};
#pragma clang attribute pop

struct Value {
  __u64 words[kValueBytes / sizeof(__u64)];
};

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct Value);
} walk_storage SEC(".maps");

// Element i is value number i; the mark of its sockets is i + 1.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, kDistinctValues);
  __type(key, __u32);
  __type(value, struct Value);
} walk_values SEC(".maps");

// The same values, by the same marks.
INLAY_MAP(walk_inlay, struct Value, kDistinctValues, 0);

// By socket number. The loader sets how many there are.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct SocketCheck);
} walk_checks SEC(".maps");

struct WalkTotals totals;

static __always_inline void Account(__u64 start_ns, __u64 end_ns, __u64 read) {
  const __u64 ns = end_ns - start_ns;
  __sync_fetch_and_add(&totals.read, read);
  if (ns < kInterruptedNs) {
    __sync_fetch_and_add(&totals.ns, ns);
    __sync_fetch_and_add(&totals.timed, 1);
  } else {
    __sync_fetch_and_add(&totals.interrupted, 1);
  }
}

// The field that accesses read: the first four bytes of a value. 0 without a value.
static __always_inline __u64 ReadField(const void* value) {
  return value ? *(const volatile __u32*)value : 0;
}

static __always_inline const struct Value* ValueOfMark(__u32 mark) {
  const __u32 index = mark - 1;  // 0 - 1: beyond the array, for a socket without a mark
  return bpf_map_lookup_elem(&walk_values, &index);
}

// Do not read the second clock before `read` has arrived: the kernel's clock waits for earlier
// loads, and this barrier keeps the load earlier.
#define TIMED(sk, access)                     \
  const __u64 start_ns = bpf_ktime_get_ns();  \
  __u64 read = access(sk);                    \
  asm volatile("" : "+r"(read) : : "memory"); \
  Account(start_ns, bpf_ktime_get_ns(), read)

static __always_inline int CountAgreed(__u32 number, const struct Value* stored,
                                       const struct Value* of_mark, const struct Value* of_inlay) {
  struct SocketCheck* const check = bpf_map_lookup_elem(&walk_checks, &number);
  if (!check) return 0;
  const __u32 expected_number = check->value;
  const struct Value* const expected = bpf_map_lookup_elem(&walk_values, &expected_number);
  if (!expected || !stored || !of_mark || !of_inlay) return 0;
  for (int i = 0; i < (int)(sizeof(expected->words) / sizeof(expected->words[0])); ++i) {
    if (stored->words[i] != expected->words[i]) return 0;
    if (of_mark->words[i] != expected->words[i]) return 0;
    if (of_inlay->words[i] != expected->words[i]) return 0;
  }
  __sync_fetch_and_add(&check->agreed, 1);
  return 0;
}

static __always_inline __u32 NumberOfAddress(__be32 address) {
  return bpf_ntohl(address) - kFirstAddress;
}

// --- packet ---

enum { kDrop = 0 };

static __always_inline struct bpf_sock* FullSocket(struct __sk_buff* packet) {
  struct bpf_sock* const sk = packet->sk;
  return sk ? bpf_sk_fullsock(sk) : 0;
}

static __always_inline __u64 PacketClock(struct bpf_sock* sk) { return sk ? 0 : 1; }
static __always_inline __u64 PacketTouch(struct bpf_sock* sk) { return sk->state; }
static __always_inline __u64 PacketMark(struct bpf_sock* sk) { return sk->mark; }
static __always_inline __u64 PacketStorage(struct bpf_sock* sk) {
  return ReadField(bpf_sk_storage_get(&walk_storage, sk, 0, 0));
}
static __always_inline __u64 PacketIndex(struct bpf_sock* sk) {
  return ReadField(ValueOfMark(sk->mark));
}
static __always_inline __u64 PacketInlay(struct bpf_sock* sk) {
  return ReadField(inlay_get(walk_inlay, sk));
}

#define PACKET_PROGRAM(name, access)                \
  SEC("cgroup_skb/ingress")                         \
  int packet_##name(struct __sk_buff* packet) {     \
    struct bpf_sock* const sk = FullSocket(packet); \
    if (!sk) return kDrop;                          \
    TIMED(sk, access);                              \
    return kDrop;                                   \
  }

PACKET_PROGRAM(clock, PacketClock)
PACKET_PROGRAM(touch, PacketTouch)
PACKET_PROGRAM(mark, PacketMark)
PACKET_PROGRAM(sk_storage, PacketStorage)
PACKET_PROGRAM(index, PacketIndex)
PACKET_PROGRAM(inlay, PacketInlay)

SEC("cgroup_skb/ingress")
int packet_check(struct __sk_buff* packet) {
  struct bpf_sock* const sk = FullSocket(packet);
  if (!sk) return kDrop;
  __sync_fetch_and_add(&totals.timed, 1);
  CountAgreed(NumberOfAddress(sk->src_ip4), bpf_sk_storage_get(&walk_storage, sk, 0, 0),
              ValueOfMark(sk->mark), inlay_get(walk_inlay, sk));
  return kDrop;
}

// --- iterator ---

static __always_inline struct sock* SockOf(struct udp_sock* udp) { return &udp->inet.sk; }

static __always_inline __u64 IteratorClock(struct udp_sock* udp) { return udp ? 0 : 1; }
static __always_inline __u64 IteratorTouch(struct udp_sock* udp) {
  return SockOf(udp)->__sk_common.skc_state;
}
static __always_inline __u64 IteratorMark(struct udp_sock* udp) { return SockOf(udp)->sk_mark; }
static __always_inline __u64 IteratorStorage(struct udp_sock* udp) {
  return ReadField(bpf_sk_storage_get(&walk_storage, udp, 0, 0));
}
static __always_inline __u64 IteratorIndex(struct udp_sock* udp) {
  return ReadField(ValueOfMark(SockOf(udp)->sk_mark));
}
static __always_inline __u64 IteratorInlay(struct udp_sock* udp) {
  return ReadField(inlay_get_marked(walk_inlay, udp, SockOf(udp)->sk_mark));
}

// Skip the sender's socket, which has another address.
static __always_inline int IsOurs(struct udp_sock* udp) {
  return udp && SockOf(udp)->__sk_common.skc_rcv_saddr != 0;
}

#define ITERATOR_PROGRAM(name, access)            \
  SEC("iter/udp")                                 \
  int iterator_##name(struct bpf_iter__udp* at) { \
    struct udp_sock* const udp = at->udp_sk;      \
    if (!IsOurs(udp)) return 0;                   \
    TIMED(udp, access);                           \
    return 0;                                     \
  }

ITERATOR_PROGRAM(clock, IteratorClock)
ITERATOR_PROGRAM(touch, IteratorTouch)
ITERATOR_PROGRAM(mark, IteratorMark)
ITERATOR_PROGRAM(sk_storage, IteratorStorage)
ITERATOR_PROGRAM(index, IteratorIndex)
ITERATOR_PROGRAM(inlay, IteratorInlay)

SEC("iter/udp")
int iterator_check(struct bpf_iter__udp* at) {
  struct udp_sock* const udp = at->udp_sk;
  if (!IsOurs(udp)) return 0;
  __sync_fetch_and_add(&totals.timed, 1);
  return CountAgreed(NumberOfAddress(SockOf(udp)->__sk_common.skc_rcv_saddr),
                     bpf_sk_storage_get(&walk_storage, udp, 0, 0),
                     ValueOfMark(SockOf(udp)->sk_mark),
                     inlay_get_marked(walk_inlay, udp, SockOf(udp)->sk_mark));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
