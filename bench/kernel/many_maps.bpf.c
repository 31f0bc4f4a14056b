// Sixteen socket storages on each socket, and sixteen maps of Inlay's of two bits. The kernel's
// cache of storages has sixteen slots, so that all sixteen have one.

#include "bench/kernel/many_maps.h"

#include <linux/bpf.h>
// The types above come first.
#include <bpf/bpf_helpers.h>

#include "bench/kernel/socket_walk.h"
#include "inlay/inlay.bpf.h"

struct ManyValue {
  __u64 words[kManyWords];
};

#define MAPS(number)                       \
  struct {                                 \
    __uint(type, BPF_MAP_TYPE_SK_STORAGE); \
    __uint(map_flags, BPF_F_NO_PREALLOC);  \
    __type(key, int);                      \
    __type(value, struct ManyValue);       \
  } big##number SEC(".maps");              \
  INLAY_MAP(small##number, struct ManyValue, kManyValues, 2 * number);
#define FOR_EACH_MAP(DO) \
  DO(0)                  \
  DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)
FOR_EACH_MAP(MAPS)

struct WalkTotals totals;

enum { kDrop = 0, kAllow = 1 };

// Value `index` of map `map` begins with this number; a process has interned them.
static __always_inline __u64 NumberOf(__u32 map, __u32 index) { return map * 100 + index; }

// Every socket gets one of the two values of each map, in both.
SEC("cgroup/sock_create")
int give_all(struct bpf_sock* sk) {
  const __u32 index = 1 + (bpf_get_prandom_u32() & 1);
#define GIVE(number)                                                           \
  {                                                                            \
    struct ManyValue value = {};                                               \
    value.words[0] = NumberOf(number, index);                                  \
    bpf_sk_storage_get(&big##number, sk, &value, BPF_SK_STORAGE_GET_F_CREATE); \
    inlay_set_index_at_create(small##number, sk, index);                       \
  }
  FOR_EACH_MAP(GIVE)
  return kAllow;
}

static __always_inline __u64 FirstWord(const struct ManyValue* value) {
  return value ? *(const volatile __u64*)&value->words[0] : 0;
}

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
    const __u64 ns = bpf_ktime_get_ns() - start_ns;                   \
    __sync_fetch_and_add(&totals.read, read);                         \
    if (ns < kInterruptedNs) {                                        \
      __sync_fetch_and_add(&totals.ns, ns);                           \
      __sync_fetch_and_add(&totals.timed, 1);                         \
    } else {                                                          \
      __sync_fetch_and_add(&totals.interrupted, 1);                   \
    }                                                                 \
    return kDrop;                                                     \
  }
PACKET_PROGRAM(touch, sk->state)
PACKET_PROGRAM(storage_first, FirstWord(bpf_sk_storage_get(&big0, sk, 0, 0)))
PACKET_PROGRAM(storage_last, FirstWord(bpf_sk_storage_get(&big15, sk, 0, 0)))
PACKET_PROGRAM(storage_all,
#define GET(number) FirstWord(bpf_sk_storage_get(&big##number, sk, 0, 0)) +
               FOR_EACH_MAP(GET) 0)
#undef GET
PACKET_PROGRAM(inlay_first, FirstWord(inlay_get(small0, sk)))
PACKET_PROGRAM(inlay_last, FirstWord(inlay_get(small15, sk)))
PACKET_PROGRAM(inlay_all,
#define GET(number) FirstWord(inlay_get(small##number, sk)) +
               FOR_EACH_MAP(GET) 0)

char licence[] SEC("license") = "Dual BSD/GPL";
