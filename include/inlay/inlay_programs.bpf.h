// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// Programs for maps of inlay.bpf.h, ready to attach. Each line defines programs in the object that
// includes this file:
//
//   #include <inlay/inlay_programs.bpf.h>
//
//   INLAY_MAP_CLONED(policies, struct policy, 1000, 16);
//   INLAY_KEEP_BITS(policy_marks, INLAY_BITS(policies));
//   INLAY_FOLLOW_LISTENERS(policies);

#ifndef INLAY_INLAY_PROGRAMS_BPF_H_
#define INLAY_INLAY_PROGRAMS_BPF_H_

#include "inlay/inlay.bpf.h"

// INLAY_KEEP_BITS(name, ours): the programs NAME_setsockopt and NAME_getsockopt, which share the
// mark with applications. An application that sets SO_MARK changes all bits but `ours`, and one
// that reads it sees `ours` as zeros; also if it reads fewer than four bytes. `ours` is an
// expression, such as INLAY_BITS(policies) | INLAY_BITS(classes).
//
// Attach them to the cgroup of all applications; the kernel asks the programs of the cgroup that
// the socket was opened in. Both or none: an application that reads our bits and sets them again on
// another socket would give it a value behind the back of who reclaims indexes.
//
// One process is exempt, which calls LiveMap::Set(), Get() and Delete() for sockets of that cgroup:
// it writes its process id, as of the first PID namespace, to the variable NAME_exempt of the
// section .data.NAME. Programs are exempt: they read sk->mark, and the kernel does not ask for what
// bpf_setsockopt() does. So are marks of single packets (control messages of SO_MARK), which are no
// marks of sockets.
//
// Between NAME_setsockopt and the change of the mark the kernel does not lock the socket. Who gives
// a socket another value while its application sets the mark may find that the socket has its
// former value; as with LiveMap::Set(), let nobody else change the mark of a socket meanwhile.
#define INLAY_KEEP_BITS(name, ours)                                                \
  __u32 name##_exempt SEC(".data." #name) = 0;                                     \
  INLAY_FUNCTION_ int name##_asks(const struct bpf_sockopt* ctx) {                 \
    if (ctx->level != INLAY_SOL_SOCKET || ctx->optname != INLAY_SO_MARK) return 0; \
    const __u32 exempt = *(volatile __u32*)&name##_exempt;                         \
    return !exempt || bpf_get_current_pid_tgid() >> 32 != exempt;                  \
  }                                                                                \
  SEC("cgroup/setsockopt")                                                         \
  int name##_setsockopt(struct bpf_sockopt* ctx) {                                 \
    __u32* const mark = ctx->optval;                                               \
    struct bpf_sock* const sk = ctx->sk;                                           \
    if (!sk || !name##_asks(ctx)) return 1;                                        \
    /* Shorter: the kernel refuses it. */                                          \
    if ((void*)(mark + 1) > ctx->optval_end) return 1;                             \
    *mark = (*mark & ~(__u32)(ours)) | (sk->mark & (__u32)(ours));                 \
    return 1;                                                                      \
  }                                                                                \
  SEC("cgroup/getsockopt")                                                         \
  int name##_getsockopt(struct bpf_sockopt* ctx) {                                 \
    __u8* const value = ctx->optval;                                               \
    const __u32 theirs = ~(__u32)(ours);                                           \
    if (ctx->retval || !name##_asks(ctx)) return 1;                                \
    for (int i = 0; i < (int)sizeof(theirs); ++i) {                                \
      if ((void*)(value + i + 1) > ctx->optval_end) return 1;                      \
      value[i] &= ((const __u8*)&theirs)[i];                                       \
    }                                                                              \
    return 1;                                                                      \
  }                                                                                \
  struct name##_inlay_bits /* takes the semicolon */

// INLAY_FOLLOW_LISTENERS(name): the program NAME_sockops, for a map of INLAY_MAP_CLONED(). A child
// of a listener gets the listener's value of the time of its ACK, before anybody can accept it.
// What BPF_F_CLONE gives, compared with what a child gets here:
//
// - the same value, at the same moment, for a listener that has one; with SYN cookies too.
// - If the listener's value was taken away between SYN and ACK, or it has no copy since it began to
//   listen before the program was attached, a child keeps the value of its SYN. With BPF_F_CLONE it
//   has none.
// - The reply to the SYN is sent with the mark of the SYN. Socket storage is not there either.
// - The kernel clones the listener's copy into a storage of the child, as with BPF_F_CLONE, and the
//   program takes it away again: after that a child takes no memory.
// - If all indexes are in use, the child keeps the clone as its spilled value. A spilled listener
//   that gets another value at that moment may leave a mixture of both in the child, as programs
//   that write to a cloned storage in place may.
#define INLAY_FOLLOW_LISTENERS(name)             \
  SEC("sockops")                                 \
  int name##_sockops(struct bpf_sock_ops* ctx) { \
    inlay_follow_listener(name, ctx);            \
    return 1;                                    \
  }                                              \
  struct name##_inlay_children /* takes the semicolon */

#endif  // INLAY_INLAY_PROGRAMS_BPF_H_
