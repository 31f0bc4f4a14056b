// What the BPF programs and kernel_bench say to each other. C, for both.

#ifndef INLAY_BENCH_KERNEL_SOCKET_WALK_H_
#define INLAY_BENCH_KERNEL_SOCKET_WALK_H_

#include <linux/types.h>

enum {
  kValueBytes = 96,
  kDistinctValues = 500,
  // Socket number i is bound to the address kFirstAddress + i, in host order: 127.1.0.0 and on.
  kFirstAddress = 0x7F010000,
  // So long no access takes; whoever takes it was interrupted, or its CPU was taken away.
  kInterruptedNs = 50000,
};

// What a walk adds up. Every socket that is met is counted in one of the first two.
struct WalkTotals {
  __u64 timed;
  __u64 interrupted;  // accesses that took kInterruptedNs or longer; their time is in no sum
  __u64 ns;           // of the timed accesses, the clock's own cost included
  __u64 read;         // the sum of all that was read, interrupted or not
};

// What a socket has to have, and what a checking walk found.
struct SocketCheck {
  __u32 value;   // the number of its value
  __u32 agreed;  // walks that found all bytes of it, in both places
};

#endif  // INLAY_BENCH_KERNEL_SOCKET_WALK_H_
