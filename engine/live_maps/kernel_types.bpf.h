// The kernel's types, with the fields that census.bpf.c reads; the loader relocates their offsets
// (CO-RE).

#ifndef INLAY_ENGINE_LIVE_MAPS_KERNEL_TYPES_BPF_H_
#define INLAY_ENGINE_LIVE_MAPS_KERNEL_TYPES_BPF_H_

#include <linux/types.h>

#include "engine/live_maps/census_counts.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct list_head {
  struct list_head* next;
};
struct ns_common {
  const void* ops;
  unsigned int inum;
  __u64 ns_id;
};
struct net {
  struct list_head list;
  struct ns_common ns;
  __u64 net_cookie;
};
typedef struct {
  struct net* net;
} possible_net_t;
struct nsproxy {
  struct net* net_ns;
};
struct task_struct {
  int tgid;
  struct nsproxy* nsproxy;
};
struct sock_common {
  volatile unsigned char skc_state;
  unsigned char skc_net_refcnt : 1;
  possible_net_t skc_net;
  struct {
    __s64 counter;
  } skc_cookie;
};
struct sk_buff {
  struct sk_buff* next;
  struct sk_buff* prev;
  char cb[48];
};
struct sk_buff_head {
  struct sk_buff* next;
};
struct sock {
  struct sock_common __sk_common;
  __u32 sk_mark;
  unsigned short sk_protocol;
  struct sk_buff_head sk_receive_queue;
  struct {
    struct {
      int counter;
    } refs;
  } sk_wmem_alloc;
  void (*sk_destruct)(struct sock* sk);
};
struct socket {
  struct sock* sk;
};
struct inode {
  unsigned short i_mode;
  unsigned long i_ino;
};
struct qstr {
  __u32 len;
  const unsigned char* name;
};
struct dentry {
  struct qstr d_name;
};
struct path {
  struct dentry* dentry;
};
struct file {
  struct inode* f_inode;
  void* private_data;
  struct path f_path;
};
struct scm_fp_list {
  short count;
  struct file* fp[kMostPassedFiles];
};
struct unix_skb_parms {
  struct scm_fp_list* fp;
};
struct unix_sock {
  struct sock sk;
};
struct inet_sock {
  struct sock sk;
};
struct udp_sock {
  struct inet_sock inet;
};
struct request_sock {
  struct request_sock* dl_next;
  struct sock* sk;
};
struct request_sock_queue {
  struct request_sock* rskq_accept_head;
};
struct inet_connection_sock {
  struct request_sock_queue icsk_accept_queue;
};
struct tcp_sock {
  struct inet_connection_sock inet_conn;
  __u32 write_seq;
  __u32 rcv_nxt;
};
struct inet_timewait_sock {
  __u32 tw_mark;
};
struct tcp_timewait_sock {
  struct inet_timewait_sock tw_sk;
};
struct inet_request_sock {
  __u32 ir_mark;
};
struct tcp_request_sock {
  struct inet_request_sock req;
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
struct bpf_iter__task_file {
  struct task_struct* task;
  __u32 fd;
  struct file* file;
};
struct bpf_iter__task {
  struct task_struct* task;
};
#pragma clang attribute pop

#endif  // INLAY_ENGINE_LIVE_MAPS_KERNEL_TYPES_BPF_H_
