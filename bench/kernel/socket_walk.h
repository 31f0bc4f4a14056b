// Shared by the BPF programs, which are C, and kernel_bench.

#ifndef INLAY_BENCH_KERNEL_SOCKET_WALK_H_
#define INLAY_BENCH_KERNEL_SOCKET_WALK_H_

#include <linux/types.h>

enum {
  kValueBytes = 96,
  kDistinctValues = 500,
  // Socket number i is bound to the address kFirstAddress + i, in host order: 127.1.0.0 and on.
  kFirstAddress = 0x7F010000,
  // No access takes this long by itself: it was interrupted, or its CPU was taken away.
  kInterruptedNs = 50000,
};

// The sums of a walk. Every socket counts in one of the first two.
struct WalkTotals {
  __u64 timed;
  __u64 interrupted;  // accesses that took kInterruptedNs or longer; ns leaves their time out
  __u64 ns;           // of the timed accesses, including the cost of reading the clock
  __u64 read;         // the sum of all that was read, interrupted or not
};

// The expected value of a socket, and the result of a checking walk.
struct SocketCheck {
  __u32 value;   // the number of its value
  __u32 agreed;  // walks that found all bytes of it, in both places
};

#endif  // INLAY_BENCH_KERNEL_SOCKET_WALK_H_
