// The kernel's types, with the fields that the programs of socket_walk.bpf.c read; the loader
// relocates their offsets (CO-RE).

#ifndef INLAY_TOOLS_CAPTURE_WALK_KERNEL_TYPES_BPF_H_
#define INLAY_TOOLS_CAPTURE_WALK_KERNEL_TYPES_BPF_H_

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct net {
  __u64 net_cookie;
};
typedef struct {
  struct net* net;
} possible_net_t;
struct sock_common {
  unsigned short skc_family;
  volatile unsigned char skc_state;
  unsigned char skc_reuse : 4;
  unsigned char skc_reuseport : 1;
  unsigned char skc_ipv6only : 1;
  int skc_bound_dev_if;
  possible_net_t skc_net;
  unsigned long skc_flags;
};
struct kernfs_node {
  __u64 id;
};
struct cgroup {
  struct kernfs_node* kn;
};
struct task_struct {
  int pid;
};
struct sock_cgroup_data {
  struct cgroup* cgroup;
  __u32 classid;
};
typedef struct {
  __u32 val;
} kuid_t;
struct sock {
  struct sock_common __sk_common;
  __u8 sk_userlocks;
  int sk_rcvbuf;
  int sk_rcvlowat;
  __u32 sk_pacing_status;
  unsigned long sk_max_pacing_rate;
  __u32 sk_priority;
  __u32 sk_mark;
  kuid_t sk_uid;
  __u16 sk_protocol;
  __u16 sk_type;
  int sk_sndbuf;
  __u8 sk_shutdown;
  __u32 sk_max_ack_backlog;
  __u32 sk_tsflags;
  struct sock_cgroup_data sk_cgrp_data;
};
struct inet_sock {
  struct sock sk;
  __s16 uc_ttl;
  __u8 tos;
  __u8 min_ttl;
  __u8 mc_ttl;
  __u8 pmtudisc;
};
struct tcp_congestion_ops {
  char name[16];
};
struct tcp_ulp_ops {
  char name[16];
};
struct inet_connection_sock {
  struct inet_sock icsk_inet;
  const struct tcp_congestion_ops* icsk_ca_ops;
  const struct tcp_ulp_ops* icsk_ulp_ops;
  __u8 icsk_syn_retries;
  __u32 icsk_user_timeout;
};
struct tcp_sock {
  struct inet_connection_sock inet_conn;
  __u32 mss_cache;
  __u32 window_clamp;
  __u32 notsent_lowat;
  __u16 advmss;
  __u8 ecn_flags;
  __u8 nonagle : 4;
  __u8 keepalive_probes;
  unsigned int keepalive_time;
  unsigned int keepalive_intvl;
};
struct udp_sock {
  struct inet_sock inet;
};
struct unix_sock {
  struct sock sk;
};
struct socket {
  struct sock* sk;
};
struct bpf_iter__task_file {
  struct file* file;
};
struct bpf_iter__bpf_sk_storage_map {
  struct sock* sk;
  void* value;
};
struct bpf_iter__task {
  struct task_struct* task;
};
struct bpf_iter__cgroup {
  struct cgroup* cgroup;
};
struct bpf_iter__tcp {
  struct sock_common* sk_common;
};
struct bpf_iter__udp {
  struct udp_sock* udp_sk;
};
struct bpf_iter__unix {
  struct unix_sock* unix_sk;
};
#pragma clang attribute pop

#endif  // INLAY_TOOLS_CAPTURE_WALK_KERNEL_TYPES_BPF_H_
