// FillTaskContext(): what demos store of the task that opens a socket. Its includer has included
// <linux/bpf.h>.

#ifndef INLAY_TOOLS_DEMO_LIVE_FILL_TASK_CONTEXT_BPF_H_
#define INLAY_TOOLS_DEMO_LIVE_FILL_TASK_CONTEXT_BPF_H_

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "tools/demo_live/task_context.h"

// The kernel's types, with the fields that we read; the loader relocates their offsets (CO-RE).
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
  unsigned int inum;
};
struct mnt_namespace {
  struct ns_common ns;
};
struct pid_namespace {
  struct ns_common ns;
};
struct nsproxy {
  struct mnt_namespace* mnt_ns;
  struct pid_namespace* pid_ns_for_children;
};
typedef struct {
  __u32 val;
} kuid_t;
struct cred {
  kuid_t uid;
};
struct task_struct {
  __u64 start_time;
  int pid;
  int tgid;
  struct task_struct* real_parent;
  struct task_struct* group_leader;
  const struct cred* cred;
  struct nsproxy* nsproxy;
  char comm[16];
};
#pragma clang attribute pop

static __always_inline void FillTaskContext(struct net_task_context* context) {
  const struct task_struct* const task = (const struct task_struct*)bpf_get_current_task();
  context->start_time = BPF_CORE_READ(task, start_time);
  context->cgroup_id = bpf_get_current_cgroup_id();
  context->host_pid = BPF_CORE_READ(task, tgid);
  context->host_tid = BPF_CORE_READ(task, pid);
  context->host_ppid = BPF_CORE_READ(task, real_parent, tgid);
  // The demonstration has no PID namespaces.
  context->pid = context->host_pid;
  context->tid = context->host_tid;
  context->ppid = context->host_ppid;
  context->node_host_pid = context->host_pid;
  context->uid = BPF_CORE_READ(task, cred, uid.val);
  context->mnt_id = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
  context->pid_id = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
  bpf_core_read_str(context->comm, sizeof(context->comm), &task->comm);
  context->leader_start_time = BPF_CORE_READ(task, group_leader, start_time);
  context->parent_start_time = BPF_CORE_READ(task, real_parent, start_time);
}

#endif  // INLAY_TOOLS_DEMO_LIVE_FILL_TASK_CONTEXT_BPF_H_
