// The value that demo_live.sh gives to sockets: the data that a runtime-security product keeps
// about the task that opened them. Shared by the BPF program, which is C, and the process that
// loads it.

#ifndef INLAY_TOOLS_DEMO_LIVE_TASK_CONTEXT_H_
#define INLAY_TOOLS_DEMO_LIVE_TASK_CONTEXT_H_

#include <linux/types.h>

struct net_task_context {  // NOLINT(readability-identifier-naming): of C
  __u64 start_time;        // of the thread, nanoseconds since boot
  __u64 cgroup_id;
  __u32 pid;  // in the task's own namespace
  __u32 tid;
  __u32 ppid;
  __u32 host_pid;
  __u32 host_tid;
  __u32 host_ppid;
  __u32 node_host_pid;
  __u32 uid;
  __u32 mnt_id;  // of its namespaces
  __u32 pid_id;
  char comm[16];
  __u64 leader_start_time;
  __u64 parent_start_time;
};

#endif  // INLAY_TOOLS_DEMO_LIVE_TASK_CONTEXT_H_
