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
//   INLAY_BRING_HOME(policies);

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

// INLAY_BRING_HOME(name): the programs NAME_home and NAME_home_end (iter/tcp), which give TCP
// sockets with a spilled value, or with one that was created in the packet path, an index when
// there is room. Nobody attaches them: LiveMap::Open() finds them in the object, Pin() pins them
// beside the map, and a pass of LiveCollector runs them at its end. Not for maps whose values are
// read-only for programs. The object's licence has to be compatible with the GPL.
//
// NAME_home interns the stored value and sets the mark. NAME_home_end takes away the storage of
// sockets that have an index, after a grace period for programs and one for processes. No value is
// lost, and no older one wins over a newer one:
//
// - Both programs run with the socket locked. All programs that may set a mark do as well (sockops,
//   cgroup/connect, bind and setsockopt of TCP, iter/tcp), so between reading the storage and
//   setting the mark there is no other one, and a later one sees the new mark. Exempt are the
//   timestamp operations of sockops, without the lock: do not set values there.
// - The packet path does not lock the socket. It only reads values, and creates one if there is
//   none, so it writes over nothing. A program that has read the former mark still finds the value
//   in the storage, which stays until it has ended: else it would create a second one.
// - LiveMap::Set() and Delete() take two system calls, and would write a former mark back or have
//   their new storage taken away. They count themselves in `changing` first: then both programs let
//   the map's sockets alone; those that did not see it have unlocked the socket before Set() goes
//   on. NAME_home_end runs only after each map of the collector had nobody who changes anything.
// - A listener keeps its storage, for children of SYNs that came before.
//
// Not allowed: a process that sets values by descriptor in a map that this collector does not have,
// of the same sockets. Let one collector have all maps of a mark. An application behind
// INLAY_KEEP_BITS() may write our former bits back, between the program and the kernel's change of
// the mark. That does no harm before NAME_home_end; one that is stopped there, within setsockopt(),
// until NAME_home_end has run makes the socket lose its value. Nothing excludes that.
//
// UDP sockets, and TCP sockets that are in none of the kernel's tables (neither bound nor
// connected), come home by the next set: in iter/udp the kernel lets nobody set a mark.
#define INLAY_BRING_HOME(name)                                                      \
  SEC("iter/tcp")                                                                   \
  int name##_home(__u64* ctx) {                                                     \
    void* const tcp = inlay_walked_tcp(ctx);                                        \
    if (!tcp || *(volatile __u32*)&name##_state.head.changing) return 0;            \
    const __u32 mark = ((struct sock___inlay*)tcp)->sk_mark;                        \
    const __u32 code = name##_inlay_code(mark);                                     \
    if (code != name##_inlay_mask && (code || !name##_inlay_any_storage)) return 0; \
    const name##_inlay_value* const stored = bpf_sk_storage_get(&name, tcp, 0, 0);  \
    if (!stored) return 0;                                                          \
    const __u32 index = name##_inlay_intern(stored);                                \
    if (index && !name##_inlay_mark(tcp, mark, index)) inlay_count_walked(ctx);     \
    return 0;                                                                       \
  }                                                                                 \
  SEC("iter/tcp")                                                                   \
  int name##_home_end(__u64* ctx) {                                                 \
    void* const tcp = inlay_walked_tcp(ctx);                                        \
    if (!tcp || *(volatile __u32*)&name##_state.head.changing) return 0;            \
    const __u32 code = name##_inlay_code(((struct sock___inlay*)tcp)->sk_mark);     \
    const __u8 state = ((struct sock_common___inlay*)tcp)->skc_state;               \
    if (!code || code == name##_inlay_mask) return 0;                               \
    /* A child in SYN_RECV may not have followed its listener yet. */               \
    if (state == INLAY_LISTEN_ || state == INLAY_SYN_RECV_) return 0;               \
    if (!bpf_sk_storage_delete(&name, tcp)) inlay_count_walked(ctx);                \
    return 0;                                                                       \
  }                                                                                 \
  struct name##_inlay_home /* takes the semicolon */

// --- below: no part of the interface ---

enum { INLAY_SYN_RECV_ = 3 };  // TCP_SYN_RECV

// The kernel's types, as far as these programs read them; names end as no other header's.
struct sock___inlay {
  __u32 sk_mark;
} __attribute__((preserve_access_index));
struct sock_common___inlay {
  unsigned char skc_state;
} __attribute__((preserve_access_index));

// The context of iter/tcp is { meta, sk_common, ... }, and its meta { seq, ... }. Null for requests
// and TIME_WAIT, which are not locked.
INLAY_FUNCTION_ void* inlay_walked_tcp(const __u64* ctx) {
  void* const common = (void*)ctx[1];
  return common ? bpf_skc_to_tcp_sock(common) : 0;
}
// Who reads the iterator counts bytes.
INLAY_FUNCTION_ void inlay_count_walked(const __u64* ctx) {
  const __u64* const meta = (const __u64*)ctx[0];
  const char one = 1;
  bpf_seq_write((void*)meta[0], &one, sizeof(one));
}

#endif  // INLAY_INLAY_PROGRAMS_BPF_H_
