// Gives sockets values when they are created, and when they are connected, in socket storage or in
// a map of Inlay's.

#include "bench/kernel/connections.h"

#include <linux/bpf.h>
// The types above come first.
#include <bpf/bpf_helpers.h>

#include "inlay/inlay.bpf.h"

struct ConnectionValue {
  __u64 words[kConnectionWords];
};

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct ConnectionValue);
} connection_storage SEC(".maps");

INLAY_MAP(connection_inlay, struct ConnectionValue, kConnectionValues, 16);

struct ConnectionTotals totals;

enum { kAllow = 1 };

static __always_inline void MakeValue(struct ConnectionValue* value) {
  const __u32 number = bpf_get_prandom_u32() % kConnectionValues;
  for (int i = 0; i < kConnectionWords; ++i) value->words[i] = number + (__u64)i;
}

static __always_inline int SetInStorage(void* sk, const struct ConnectionValue* value) {
  struct ConnectionValue* const own =
      bpf_sk_storage_get(&connection_storage, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (!own) return -1;
  *own = *value;
  return 0;
}

static __always_inline void Count(int error) {
  __sync_fetch_and_add(error ? &totals.failed : &totals.sets, 1);
}

// NAME sets; NAME_timed also reads the clock before and after.
#define PROGRAMS(section, name, context, socket, is_ours, set) \
  SEC(section)                                                 \
  int name(struct context* ctx) {                              \
    struct bpf_sock* const sk = socket;                        \
    if (!sk || !(is_ours)) return kAllow;                      \
    struct ConnectionValue value;                              \
    MakeValue(&value);                                         \
    Count(set);                                                \
    return kAllow;                                             \
  }                                                            \
  SEC(section)                                                 \
  int name##_timed(struct context* ctx) {                      \
    struct bpf_sock* const sk = socket;                        \
    if (!sk || !(is_ours)) return kAllow;                      \
    struct ConnectionValue value;                              \
    MakeValue(&value);                                         \
    const __u64 start_ns = bpf_ktime_get_ns();                 \
    const int error = set;                                     \
    const __u64 ns = bpf_ktime_get_ns() - start_ns;            \
    Count(error);                                              \
    if (ns >= kTooLongNs) return kAllow;                       \
    __sync_fetch_and_add(&totals.ns, ns);                      \
    __sync_fetch_and_add(&totals.timed, 1);                    \
    return kAllow;                                             \
  }

#define IS_ESTABLISHED \
  (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB || ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)

PROGRAMS("cgroup/sock_create", create_storage, bpf_sock, ctx, 1, SetInStorage(sk, &value))
PROGRAMS("cgroup/sock_create", create_inlay, bpf_sock, ctx, 1,
         inlay_set_at_create(connection_inlay, sk, &value))
PROGRAMS("sockops", sockops_storage, bpf_sock_ops, ctx->sk, IS_ESTABLISHED,
         SetInStorage(sk, &value))
PROGRAMS("sockops", sockops_inlay, bpf_sock_ops, ctx->sk, IS_ESTABLISHED,
         inlay_set(connection_inlay, ctx, &value))

char licence[] SEC("license") = "Dual BSD/GPL";
