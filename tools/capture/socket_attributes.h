// What `inlay capture --sockets` keeps of a socket: what somebody has set, or what follows from
// that. What differs from socket to socket by nature (addresses, ports, queues, counters, timers)
// is left out.
//
// Shared by the BPF programs, which are C, and the command. There is no padding. The names
// and types that analyze shows are those of socket_attributes.cc, which checks them against this.

#ifndef INLAY_TOOLS_CAPTURE_SOCKET_ATTRIBUTES_H_
#define INLAY_TOOLS_CAPTURE_SOCKET_ATTRIBUTES_H_

#include <linux/types.h>

struct SocketAttributes {
  __u64 netns_cookie;
  __u64 cgroup_id;
  __u64 max_pacing_rate;  // bytes per second; ~0: none
  __u32 mark;
  __u32 priority;
  __u32 uid;
  __s32 bound_device;  // its index; 0: none
  __s32 rcvbuf;        // bytes, as the kernel counts them: twice what was asked for
  __s32 sndbuf;
  __s32 rcvlowat;
  __u32 flags;  // SOCK_KEEPOPEN and its like, by the kernel's numbers
  __u32 max_ack_backlog;
  __u32 classid;
  __u32 timestamp_flags;
  __u32 mss;  // TCP from here on, until congestion_control
  __u32 window_clamp;
  __u32 keepalive_time;  // in ticks of the kernel's clock, 0: the namespace's
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
  __u8 userlocks;  // which of the buffers' sizes the program has set
  __u8 tos;
  __s16 ttl;  // unicast; -1: the namespace's
  __u8 multicast_ttl;
  __u8 mtu_discovery;
  __u8 min_ttl;
  __u8 shutdown;
  __u8 ecn_flags;
  __u8 nodelay;  // TCP_NODELAY 1, TCP_CORK 2, and their like
  __u8 keepalive_probes;
  __u8 syn_retries;
  char congestion_control[16];
  char upper_protocol[16];  // "tls", "mptcp"; empty: none
};

#endif  // INLAY_TOOLS_CAPTURE_SOCKET_ATTRIBUTES_H_
