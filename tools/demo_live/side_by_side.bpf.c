// Gives each socket of a cgroup the context of the task that opens it twice, in socket storage and
// in a map of Inlay's, and times both: when a socket gets its value, and when a packet has found
// it.

#include "tools/demo_live/side_by_side.h"

#include <linux/bpf.h>
// The types above come first.
#include "inlay/inlay.bpf.h"
#include "tools/demo_live/fill_task_context.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sock {
  struct {
    int counter;
  } sk_omem_alloc;
};
struct inet_sock {
  struct sock sk;
};
struct udp_sock {
  struct inet_sock inet;
};
struct bpf_iter__udp {
  struct udp_sock* udp_sk;
};
#pragma clang attribute pop

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
  __type(key, int);
  __type(value, struct net_task_context);
} in_storage SEC(".maps");

INLAY_MAP(in_inlay, struct net_task_context, kMostTaskContexts, 16);

struct SideBySide totals;

enum { kDrop = 0, kAllow = 1 };

static __always_inline void Account(struct Timed* timed, __u64 start_ns, __u64 end_ns) {
  const __u64 ns = end_ns - start_ns;
  if (ns >= kInterruptedNs) return;
  __sync_fetch_and_add(&timed->ns, ns);
  __sync_fetch_and_add(&timed->count, 1);
}

SEC("cgroup/sock_create")
int remember_twice(struct bpf_sock* sk) {
  struct net_task_context context = {};
  FillTaskContext(&context);
  const __u64 start_ns = bpf_ktime_get_ns();
  struct net_task_context* const own =
      bpf_sk_storage_get(&in_storage, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (own) *own = context;
  const __u64 between_ns = bpf_ktime_get_ns();
  inlay_set_at_create(in_inlay, sk, &context);
  const __u64 end_ns = bpf_ktime_get_ns();
  Account(&totals.create_in_storage, start_ns, between_ns);
  Account(&totals.create_in_inlay, between_ns, end_ns);
  return kAllow;
}

// The field that gets read.
static __always_inline __u64 HostPid(const struct net_task_context* context) {
  return context ? *(const volatile __u32*)&context->host_pid : 0;
}

// Each drops the datagram, so that nothing is queued.
#define PACKET_PROGRAM(name, access)                                  \
  SEC("cgroup_skb/ingress")                                           \
  int name(struct __sk_buff* packet) {                                \
    struct bpf_sock* const common = packet->sk;                       \
    struct bpf_sock* const sk = common ? bpf_sk_fullsock(common) : 0; \
    if (!sk) return kDrop;                                            \
    const __u64 start_ns = bpf_ktime_get_ns();                        \
    __u64 read = access;                                              \
    /* The second clock is read when `read` has arrived. */           \
    asm volatile("" : "+r"(read) : : "memory");                       \
    Account(&totals.get, start_ns, bpf_ktime_get_ns());               \
    __sync_fetch_and_add(&totals.read, read);                         \
    __sync_fetch_and_add(&totals.packets, 1);                         \
    return kDrop;                                                     \
  }
PACKET_PROGRAM(get_touch, sk->state)
PACKET_PROGRAM(get_storage, HostPid(bpf_sk_storage_get(&in_storage, sk, 0, 0)))
PACKET_PROGRAM(get_inlay, HostPid(inlay_get(in_inlay, sk)))

SEC("cgroup_skb/ingress")
int check_both(struct __sk_buff* packet) {
  struct bpf_sock* const common = packet->sk;
  struct bpf_sock* const sk = common ? bpf_sk_fullsock(common) : 0;
  if (!sk) return kDrop;
  const struct net_task_context* const one = bpf_sk_storage_get(&in_storage, sk, 0, 0);
  const struct net_task_context* const other = inlay_get(in_inlay, sk);
  const int same = one && other && INLAY_COMPARE_(struct net_task_context, one, other);
  __sync_fetch_and_add(same ? &totals.same : &totals.differed, 1);
  __sync_fetch_and_add(&totals.packets, 1);
  return kDrop;
}

SEC("iter/udp")
int charge_walk(struct bpf_iter__udp* context) {
  struct udp_sock* const udp = context->udp_sk;
  if (!udp || !bpf_sk_storage_get(&in_storage, udp, 0, 0)) return 0;
  ++totals.charged_sockets;
  totals.charged_bytes += udp->inet.sk.sk_omem_alloc.counter;
  return 0;
}

char licence[] SEC("license") = "Dual BSD/GPL";
