// Maps for record.sh: what bpftool prints of them while churn.c changes them.

#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

struct inner {
  __u16 port;
  __u8 proto;
};
// Padding, a member that bpftool cannot print, text that ends before its array, and large numbers.
struct conf {
  __u64 limit;
  struct inner in;
  float ratio;
  char cc[8];
  __u8 last;
};
struct failure {
  char error[16];
};
struct wide {
  __u8 bytes[24];
};

#define MAP(map_name, map_type, value_type) \
  struct {                                  \
    __uint(type, map_type);                 \
    __uint(max_entries, 8);                 \
    __type(key, __u32);                     \
    __type(value, value_type);              \
  } map_name SEC(".maps")

MAP(conf_hash, BPF_MAP_TYPE_HASH, struct conf);
MAP(conf_array, BPF_MAP_TYPE_ARRAY, struct conf);
MAP(conf_pcpu, BPF_MAP_TYPE_PERCPU_HASH, struct conf);
MAP(num_hash, BPF_MAP_TYPE_HASH, __u64);
MAP(num_pcpu, BPF_MAP_TYPE_PERCPU_HASH, __u64);
MAP(error_hash, BPF_MAP_TYPE_HASH, struct failure);
MAP(wide_hash, BPF_MAP_TYPE_HASH, struct wide);
MAP(stored, BPF_MAP_TYPE_SOCKMAP, __u32);

SEC("socket") int use(struct __sk_buff* skb) {
  __u32 key = 0;
  if (skb->len != 0xffffffff) return 0;
  bpf_map_lookup_elem(&conf_hash, &key);
  bpf_map_lookup_elem(&conf_array, &key);
  bpf_map_lookup_elem(&conf_pcpu, &key);
  bpf_map_lookup_elem(&num_hash, &key);
  bpf_map_lookup_elem(&num_pcpu, &key);
  bpf_map_lookup_elem(&error_hash, &key);
  bpf_map_lookup_elem(&wide_hash, &key);
  return 0;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
