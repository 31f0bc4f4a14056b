// The programs of inlay_programs.bpf.h, for maps of ready_programs_test.

#include <linux/bpf.h>
// The types above come first.
#include <bpf/bpf_helpers.h>

#include "inlay/inlay_programs.bpf.h"
#include "tests/bpf/every_context.h"

INLAY_MAP(kept, struct Policy, kMostPolicies, 5);
INLAY_MAP_CLONED(cloned, struct Policy, kMostPolicies, 16);

INLAY_KEEP_BITS(guard, INLAY_BITS(kept) | INLAY_BITS(cloned));
INLAY_FOLLOW_LISTENERS(cloned);

// What the kernel's own storage gives to children.
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
  __type(key, int);
  __type(value, struct Policy);
} kernels SEC(".maps");

struct Policy next_policy;

// Sets next_policy by a program, in both.
SEC("cgroup/setsockopt")
int set_policy(struct bpf_sockopt* ctx) {
  struct bpf_sock* const sk = ctx->sk;
  if (ctx->level != kExchangeLevel || !sk) return 1;
  const struct Policy policy = next_policy;
  if (policy.rate) {
    struct Policy* const own = bpf_sk_storage_get(&kernels, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
    if (own) *own = policy;
    inlay_set(cloned, ctx, &policy);
  } else {
    bpf_sk_storage_delete(&kernels, sk);
    inlay_delete(cloned, ctx);
  }
  ctx->optlen = -1;  // skips the kernel's handler, which does not know the option
  return 1;
}

char licence[] SEC("license") = "Dual BSD/GPL";
