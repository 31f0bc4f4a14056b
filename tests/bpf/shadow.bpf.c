// Gives every socket of a cgroup its value twice, in Inlay and in a real socket storage that is
// cloned as well, and compares both for every packet and in every walk.

#include <linux/bpf.h>
// The types above come first.
#include <bpf/bpf_helpers.h>

#include "inlay/inlay_programs.bpf.h"
#include "tests/bpf/shadow.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sock {
  __u32 sk_mark;
};
struct socket {
  struct sock* sk;
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
struct bpf_iter__task_file {
  struct file* file;
};
#pragma clang attribute pop

INLAY_MAP(inlaid, struct ShadowedValue, kMostShadowed, 9);
INLAY_BRING_HOME(inlaid);

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
  __type(key, int);
  __type(value, struct Shadow);
} shadows SEC(".maps");

struct ShadowCounts counts;
// Numbers of new values are below this; the test moves it, so that old values die.
__u32 first_number = 1;
__u32 numbers = 60;

static __always_inline void MakeValue(struct ShadowedValue* value, __u32 number) {
  for (int i = 0; i < kShadowWords; ++i) {
    value->words[i] = (number + (__u64)i) * 0x9e3779b97f4a7c15;
  }
}

static __always_inline __u32 AnyNumber(void) {
  const __u32 range = numbers;
  return first_number + (range ? bpf_get_prandom_u32() % range : 0);
}

#define BARRIER() asm volatile("" : : : "memory")

// --- setting ---

// Nobody else sees the socket yet.
static __always_inline void SetAtCreate(struct bpf_sock* sk) {
  struct ShadowedValue value;
  MakeValue(&value, AnyNumber());
  struct Shadow* const shadow = bpf_sk_storage_get(&shadows, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (!shadow || inlay_set_at_create(inlaid, sk, &value) != 0) {
    __sync_fetch_and_add(&counts.failed, 1);
    if (shadow) shadow->absent = 1;
    return;
  }
  shadow->value = value;
}

#define SET(ctx, sk, number)                                                                  \
  do {                                                                                        \
    const __u32 number_ = number;                                                             \
    struct ShadowedValue value_;                                                              \
    MakeValue(&value_, number_);                                                              \
    struct Shadow* const shadow_ =                                                            \
        bpf_sk_storage_get(&shadows, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);                     \
    if (!shadow_) break;                                                                      \
    __sync_fetch_and_add(&shadow_->sequence, 1);                                              \
    const int error_ = number_ ? inlay_set(inlaid, ctx, &value_) : inlay_delete(inlaid, ctx); \
    if (number_ && error_) {                                                                  \
      __sync_fetch_and_add(&counts.failed, 1);                                                \
    } else {                                                                                  \
      shadow_->value = value_;                                                                \
      shadow_->absent = number_ == 0;                                                         \
    }                                                                                         \
    __sync_fetch_and_add(&shadow_->sequence, 1);                                              \
  } while (0)

enum { kAllow = 1 };

SEC("cgroup/sock_create")
int shadow_create(struct bpf_sock* sk) {
  SetAtCreate(sk);
  return kAllow;
}

SEC("sockops")
int shadow_sockops(struct bpf_sock_ops* ctx) {
  if (ctx->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
      ctx->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) {
    return kAllow;
  }
  struct bpf_sock* const sk = ctx->sk;
  // Every second socket keeps what it has inherited.
  if (!sk || (bpf_get_prandom_u32() & 1)) return kAllow;
  SET(ctx, sk, AnyNumber());
  return kAllow;
}

SEC("cgroup/connect4")
int shadow_connect4(struct bpf_sock_addr* ctx) {
  struct bpf_sock* const sk = ctx->sk;
  if (sk) SET(ctx, sk, AnyNumber());
  return kAllow;
}

SEC("cgroup/connect6")
int shadow_connect6(struct bpf_sock_addr* ctx) {
  struct bpf_sock* const sk = ctx->sk;
  if (sk) SET(ctx, sk, AnyNumber());
  return kAllow;
}

SEC("cgroup/setsockopt")
int shadow_setsockopt(struct bpf_sockopt* ctx) {
  if (ctx->level != kShadowLevel) return kAllow;
  struct bpf_sock* const sk = ctx->sk;
  if (sk) SET(ctx, sk, ctx->optname);
  ctx->optlen = -1;  // skips the kernel's handler, which does not know the option
  return kAllow;
}

// --- comparing ---

// `mark` is read again through READ, so that a change between two reads is noticed.
#define COMPARE(sk, READ, at)                                                                      \
  do {                                                                                             \
    const struct Shadow* const shadow_ = bpf_sk_storage_get(&shadows, sk, 0, 0);                   \
    const __u32 before_ = shadow_ ? *(volatile __u32*)&shadow_->sequence : 0;                      \
    BARRIER();                                                                                     \
    const __u32 mark_ = READ;                                                                      \
    const struct ShadowedValue* const value_ = inlay_get_marked(inlaid, sk, mark_);                \
    const int expected_ = shadow_ && !shadow_->absent;                                             \
    int same_ = !expected_ == !value_;                                                             \
    if (expected_ && value_) same_ = IsSame(value_, &shadow_->value);                              \
    BARRIER();                                                                                     \
    const __u32 after_ = shadow_ ? *(volatile __u32*)&shadow_->sequence : 0;                       \
    if ((before_ & 1) || before_ != after_) {                                                      \
      __sync_fetch_and_add(&counts.changing, 1);                                                   \
    } else if (same_) {                                                                            \
      __sync_fetch_and_add(at <= kEgress ? &counts.packets : &counts.walked, 1);                   \
      if (inlaid_inlay_code(mark_) == inlaid_inlay_mask) __sync_fetch_and_add(&counts.spilled, 1); \
      if (!value_) __sync_fetch_and_add(&counts.without, 1);                                       \
    } else {                                                                                       \
      __sync_fetch_and_add(&counts.differed, 1);                                                   \
      counts.mark = mark_;                                                                         \
      counts.place = at;                                                                           \
      counts.in_inlay = value_ ? value_->words[0] : ~0ull;                                         \
      counts.in_storage = expected_ ? shadow_->value.words[0] : ~0ull;                             \
    }                                                                                              \
  } while (0)

static __always_inline int IsSame(const struct ShadowedValue* a, const struct ShadowedValue* b) {
  for (int i = 0; i < kShadowWords; ++i) {
    if (a->words[i] != b->words[i]) return 0;
  }
  return 1;
}

#define COMPARE_PACKETS(section, name, at)                            \
  SEC(section)                                                        \
  int name(struct __sk_buff* packet) {                                \
    struct bpf_sock* const common = packet->sk;                       \
    struct bpf_sock* const sk = common ? bpf_sk_fullsock(common) : 0; \
    if (sk) COMPARE(sk, sk->mark, at);                                \
    return kAllow;                                                    \
  }
COMPARE_PACKETS("cgroup_skb/ingress", compare_ingress, kIngress)
COMPARE_PACKETS("cgroup_skb/egress", compare_egress, kEgress)

SEC("iter/tcp")
int compare_tcp(struct bpf_iter__tcp* ctx) {
  struct sock_common* const common = ctx->sk_common;
  struct tcp_sock* const tcp = common ? bpf_skc_to_tcp_sock(common) : 0;
  if (tcp) COMPARE(tcp, tcp->inet_conn.icsk_inet.sk.sk_mark, kTcpWalk);
  return 0;
}

SEC("iter/udp")
int compare_udp(struct bpf_iter__udp* ctx) {
  struct udp_sock* const udp = ctx->udp_sk;
  if (udp) COMPARE(udp, udp->inet.sk.sk_mark, kUdpWalk);
  return 0;
}

// Sees the sockets of other processes too, which have neither.
SEC("iter/task_file")
int compare_files(struct bpf_iter__task_file* ctx) {
  struct file* const file = ctx->file;
  struct socket* const socket = file ? bpf_sock_from_file(file) : 0;
  struct sock* const sk = socket ? socket->sk : 0;
  if (!sk || !bpf_sk_storage_get(&shadows, sk, 0, 0)) return 0;
  COMPARE(sk, sk->sk_mark, kFileWalk);
  return 0;
}

char licence[] SEC("license") = "Dual BSD/GPL";
