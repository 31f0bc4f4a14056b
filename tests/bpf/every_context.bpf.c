// A program of every type that may use a map, in every way that it may. live_map_test loads them
// all, counts the instructions of some, and lets others change the values of sockets.

#include <linux/bpf.h>
// The types above come first.
#include <bpf/bpf_helpers.h>

#include "inlay/inlay_programs.bpf.h"
#include "tests/bpf/every_context.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sock {
  __u32 sk_mark;
};
struct inet_sock {
  struct sock sk;
};
struct udp_sock {
  struct inet_sock inet;
};
struct inet_connection_sock {
  struct inet_sock icsk_inet;
};
struct tcp_sock {
  struct inet_connection_sock inet_conn;
};
struct bpf_iter__tcp {
  struct sock_common* sk_common;
};
struct bpf_iter__udp {
  struct udp_sock* udp_sk;
};
#pragma clang attribute pop

INLAY_MAP(policies, struct Policy, kMostPolicies, 3);
INLAY_MAP_OF_PACKETS(kinds, struct Policy, 30, INLAY_AFTER(policies));
INLAY_MAP_ALLOTTED(owners, struct Policy, kMostPolicies);
INLAY_MAP(wide, struct Wide, 6, 16);
INLAY_MAP(odd, struct Odd, 6, INLAY_AFTER(wide));

INLAY_BRING_HOME(policies);
INLAY_BRING_HOME(kinds);
INLAY_BRING_HOME(owners);
INLAY_BRING_HOME(wide);
INLAY_BRING_HOME(odd);

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct Policy);
} plain_storage SEC(".maps");

struct Exchange exchange;

// --- what a get adds to a program ---

#define PACKET_GET(name, get)                                         \
  SEC("cgroup_skb/ingress")                                           \
  int get_##name(struct __sk_buff* packet) {                          \
    struct bpf_sock* const common = packet->sk;                       \
    struct bpf_sock* const sk = common ? bpf_sk_fullsock(common) : 0; \
    return sk && (get) ? 1 : 0;                                       \
  }
PACKET_GET(nothing, sk)
PACKET_GET(fixed, inlay_get(policies, sk))
PACKET_GET(allotted, inlay_get(owners, sk))
PACKET_GET(of_packets, inlay_get(kinds, sk))
PACKET_GET(storage, bpf_sk_storage_get(&plain_storage, sk, 0, 0))

// --- every context ---

enum { kAllow = 1, kStream = 1 };

SEC("cgroup_skb/ingress")
int in_packet(struct __sk_buff* packet) {
  struct bpf_sock* const common = packet->sk;
  struct bpf_sock* const sk = common ? bpf_sk_fullsock(common) : 0;
  if (!sk) return kAllow;
  const struct Policy* const policy = inlay_get(policies, sk);
  if (policy) exchange.seen = *policy;
  if (exchange.create_in_packet.rate) {
    const struct Policy initial = exchange.create_in_packet;
    const struct Policy* const kind = inlay_get_or_create_in_packet(kinds, sk, &initial);
    if (kind) exchange.kind = *kind;
  }
  return kAllow;
}

SEC("tc")
int in_tc(struct __sk_buff* packet) {
  struct bpf_sock* const common = packet->sk;
  struct bpf_sock* const sk = common ? bpf_sk_fullsock(common) : 0;
  return sk && inlay_get(policies, sk) ? 0 : 1;
}

SEC("cgroup/sock_create")
int at_create(struct bpf_sock* sk) {
  const struct Policy policy = exchange.at_create;
  if (policy.rate) exchange.result = inlay_set_at_create(policies, sk, &policy);
  if (exchange.index) exchange.result = inlay_set_index_at_create(owners, sk, exchange.index);
  return kAllow;
}

SEC("sockops")
int in_sockops(struct bpf_sock_ops* ctx) {
  const struct Policy policy = {.rate = ctx->op, .priority = 1};
  exchange.result = inlay_set(policies, ctx, &policy);
  return kAllow;
}

#define ADDRESS_PROGRAM(section, name)                               \
  SEC(section)                                                       \
  int name(struct bpf_sock_addr* ctx) {                              \
    const struct Policy policy = {.rate = ctx->type, .priority = 2}; \
    if (inlay_get_or_create(policies, ctx, &policy)) {               \
      exchange.result = inlay_delete(policies, ctx);                 \
    }                                                                \
    return kAllow;                                                   \
  }
ADDRESS_PROGRAM("cgroup/connect4", in_connect4)
ADDRESS_PROGRAM("cgroup/connect6", in_connect6)
ADDRESS_PROGRAM("cgroup/bind4", in_bind4)
ADDRESS_PROGRAM("cgroup/bind6", in_bind6)
ADDRESS_PROGRAM("cgroup/sendmsg4", in_sendmsg4)
ADDRESS_PROGRAM("cgroup/sendmsg6", in_sendmsg6)
ADDRESS_PROGRAM("cgroup/recvmsg4", in_recvmsg4)
ADDRESS_PROGRAM("cgroup/recvmsg6", in_recvmsg6)

// What the option's name asks for.
SEC("cgroup/setsockopt")
int in_setsockopt(struct bpf_sockopt* ctx) {
  if (ctx->level != kExchangeLevel) return kAllow;
  const struct Policy policy = exchange.in_setsockopt;
  switch (ctx->optname) {
    case kSet:
      exchange.result = inlay_set(policies, ctx, &policy);
      break;
    case kSetIndex:
      exchange.result = inlay_set_index(owners, ctx, exchange.index);
      break;
    case kDelete:
      exchange.result = inlay_delete(policies, ctx);
      break;
    case kSetKind:
      exchange.result = inlay_set(kinds, ctx, &policy);
      break;
    case kDeleteKind:
      exchange.result = inlay_delete(kinds, ctx);
      break;
  }
  ctx->optlen = -1;  // skips the kernel's handler, which does not know the option
  return kAllow;
}

// Finds the index of a value, waits until it may go on or for so long, and sets it; without a
// hint, which would keep the index.
static long Spin(__u32 unused, void* context) {
  (void)unused;
  (void)context;
  return *(volatile __u32*)&exchange.go_on != 0;
}
static long Wait(__u32 unused, void* context) {
  (void)unused;
  bpf_loop(1 << 10, Spin, context, 0);
  return *(volatile __u32*)&exchange.go_on != 0 || bpf_ktime_get_ns() > *(__u64*)context;
}
SEC("cgroup/setsockopt")
int slow_set(struct bpf_sockopt* ctx) {
  struct bpf_sock* const sk = ctx->sk;
  if (ctx->level != kExchangeLevel || ctx->optname != kSetSlowly || !sk) return kAllow;
  const struct Policy policy = exchange.in_setsockopt;
  const __u32* const found = bpf_map_lookup_elem(&policies_codes, &policy);
  const __u32 index = found ? *found : 0;
  exchange.waiting = 1;
  __u64 end_ns = bpf_ktime_get_ns() + exchange.wait_ns;
  bpf_loop(1 << 23, Wait, &end_ns, 0);
  __u32 mark = policies_inlay_put(sk->mark, index);
  bpf_setsockopt(sk, INLAY_SOL_SOCKET, INLAY_SO_MARK, &mark, sizeof(mark));
  exchange.waiting = 2;
  ctx->optlen = -1;
  return kAllow;
}

// In the path of packets the socket is not locked, so that it can lose its index meanwhile.
SEC("cgroup_skb/egress")
int slow_get(struct __sk_buff* packet) {
  struct bpf_sock* const sk = packet->sk ? bpf_sk_fullsock(packet->sk) : 0;
  const struct Policy* const found = sk ? inlay_get(policies, sk) : 0;
  if (!found) return kAllow;
  exchange.waiting = 1;
  __u64 end_ns = bpf_ktime_get_ns() + exchange.wait_ns;
  bpf_loop(1 << 23, Wait, &end_ns, 0);
  exchange.seen = *found;
  exchange.waiting = 2;
  return kAllow;
}

// Reads the mark, waits, and gets or creates the value by that mark.
SEC("cgroup_skb/ingress")
int slow_packet(struct __sk_buff* packet) {
  struct bpf_sock* const common = packet->sk;
  struct bpf_sock* const sk = common ? bpf_sk_fullsock(common) : 0;
  // Raw sockets get a copy.
  if (!sk || sk->type != kStream || packet->len < kSlowBytes) return kAllow;
  const __u32 mark = sk->mark;
  if (kinds_inlay_code(mark)) return kAllow;
  exchange.waiting = 1;
  __u64 end_ns = bpf_ktime_get_ns() + exchange.wait_ns;
  bpf_loop(1 << 23, Wait, &end_ns, 0);
  const struct Policy initial = exchange.create_in_packet;
  const struct Policy* const kind = kinds_inlay_get_or_create_in_packet(sk, mark, &initial);
  if (kind) exchange.kind = *kind;
  exchange.waiting = 2;
  return kAllow;
}

SEC("cgroup/getsockopt")
int in_getsockopt(struct bpf_sockopt* ctx) {
  struct bpf_sock* const sk = ctx->sk;
  return sk && inlay_get(policies, sk) ? 1 : 0;
}

// Values of sizes that are no multiples of a word; and the largest.
SEC("cgroup/connect4")
int of_sizes(struct bpf_sock_addr* ctx) {
  const struct Odd bytes = {.bytes = {1, 2, 3}};
  exchange.result = inlay_set(odd, ctx, &bytes);
  const struct Wide* const value = &exchange.wide;
  exchange.result |= inlay_set(wide, ctx, value);
  return kAllow;
}

SEC("iter/tcp")
int in_tcp_walk(struct bpf_iter__tcp* ctx) {
  struct sock_common* const common = ctx->sk_common;
  // Null for TIME_WAIT and request sockets.
  struct tcp_sock* const tcp = common ? bpf_skc_to_tcp_sock(common) : 0;
  if (!tcp) return 0;
  const __u32 mark = tcp->inet_conn.icsk_inet.sk.sk_mark;
  const struct Policy policy = {.rate = 7, .priority = 7};
  if (!inlay_get_marked(policies, tcp, mark)) {
    exchange.result = inlay_set_marked(policies, tcp, mark, &policy);
  }
  return 0;
}

SEC("iter/udp")
int in_udp_walk(struct bpf_iter__udp* ctx) {
  struct udp_sock* const udp = ctx->udp_sk;
  if (!udp) return 0;
  const struct Policy* const policy = inlay_get_marked(policies, udp, udp->inet.sk.sk_mark);
  if (policy) exchange.seen = *policy;
  return 0;
}

char licence[] SEC("license") = "Dual BSD/GPL";
