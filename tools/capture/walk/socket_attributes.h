// The record of `inlay capture --sockets`: the settings of a socket by a program or administrator,
// and their consequences. It leaves out properties that always differ between sockets: addresses,
// ports, queues, counters, timers.
//
// Shared by the BPF programs, which are C, and the command. There is no padding.
// attribute_fields.cc has the names and types that analyze prints, and checks them against this
// struct.

#ifndef INLAY_TOOLS_CAPTURE_WALK_SOCKET_ATTRIBUTES_H_
#define INLAY_TOOLS_CAPTURE_WALK_SOCKET_ATTRIBUTES_H_

#include <linux/types.h>

struct SocketAttributes {
  __u64 netns_cookie;
  __u64 cgroup_id;
  __u64 max_pacing_rate;  // bytes per second; ~0: none
  __u32 mark;
  __u32 priority;
  __u32 uid;
  __s32 bound_device;  // interface index; 0: not bound
  __s32 rcvbuf;        // bytes; the kernel doubles what setsockopt() sets
  __s32 sndbuf;
  __s32 rcvlowat;
  __u32 flags;  // bit numbers are the kernel's, such as SOCK_KEEPOPEN
  __u32 max_ack_backlog;
  __u32 classid;
  __u32 timestamp_flags;
  __u32 mss;  // TCP from here on, until congestion_control
  __u32 window_clamp;
  __u32 keepalive_time;  // in jiffies; 0: the namespace's default
  __u32 keepalive_interval;
  __u32 user_timeout;  // milliseconds
  __u32 notsent_lowat;
  __u32 pacing_status;  // 0: none; 1: by TCP itself; 2: by the queue of the device
  __u16 advmss;
  __u16 family;
  __u16 type;
  __u16 protocol;
  __u8 state;
  __u8 reuse;
  __u8 reuseport;
  __u8 ipv6only;
  __u8 userlocks;  // which buffer sizes the program has set
  __u8 tos;
  __s16 ttl;  // unicast; -1: the namespace's default
  __u8 multicast_ttl;
  __u8 mtu_discovery;
  __u8 min_ttl;
  __u8 shutdown;
  __u8 ecn_flags;
  __u8 nodelay;  // TCP_NODELAY 1, TCP_CORK 2, and further bits
  __u8 keepalive_probes;
  __u8 syn_retries;
  char congestion_control[16];
  char upper_protocol[16];  // "tls", "mptcp"; empty: none
};

#endif  // INLAY_TOOLS_CAPTURE_WALK_SOCKET_ATTRIBUTES_H_
