// Stores the context of the opening task in every socket that a task of the cgroup opens. Accepted
// sockets inherit the listener's value.

#include <linux/bpf.h>
// The types above come first.
#include "tools/demo_live/fill_task_context.bpf.h"

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
  __type(key, int);
  __type(value, struct net_task_context);
} net_taskctx_map SEC(".maps");

SEC("cgroup/sock_create")
int remember_task(struct bpf_sock* sk) {
  enum { kAllow = 1 };
  struct net_task_context* const context =
      bpf_sk_storage_get(&net_taskctx_map, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (!context) return kAllow;
  FillTaskContext(context);
  return kAllow;
}

// Reading kernel memory requires a licence that is compatible with the GPL.
char licence[] SEC("license") = "Dual BSD/GPL";
