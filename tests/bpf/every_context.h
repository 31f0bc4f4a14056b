// Shared by every_context.bpf.c, which is C, and live_map_test.

#ifndef INLAY_TESTS_BPF_EVERY_CONTEXT_H_
#define INLAY_TESTS_BPF_EVERY_CONTEXT_H_

#include <linux/types.h>

enum {
  kMostPolicies = 6,
  kSlowBytes = 500,  // packets that slow_packet looks at have as many
  // A socket option that the programs take.
  kExchangeLevel = 0x1a7,
  kSet = 1,
  kSetIndex,
  kDelete,
  kSetKind,
  kDeleteKind,
  kSetSlowly,
};

struct Policy {
  __u64 rate;  // 0: none
  __u64 priority;
};

struct Wide {
  __u64 words[64];
};

struct Odd {
  __u8 bytes[3];
};

// What the test asks of the programs, and what they answer.
struct Exchange {
  struct Policy at_create;
  struct Policy in_setsockopt;
  struct Policy create_in_packet;
  struct Policy seen;  // by the last packet, or slow_get
  struct Policy kind;
  struct Wide wide;
  __u64 wait_ns;  // the programs that wait, slow_*: at most so long
  __u32 index;    // for at_create and kSetIndex
  __s32 result;
  __u32 waiting;  // 1 between what they find or read and its use; then 2
  __u32 go_on;    // ends the waiting
};

#endif  // INLAY_TESTS_BPF_EVERY_CONTEXT_H_
