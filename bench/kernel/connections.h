// Shared by connections.bpf.c, which is C, and connection_rate.cc.

#ifndef INLAY_BENCH_KERNEL_CONNECTIONS_H_
#define INLAY_BENCH_KERNEL_CONNECTIONS_H_

#include <linux/types.h>

enum {
  kConnectionValues = 500,
  kConnectionWords = 12,  // of a value
  kTooLongNs = 50000,     // no set takes so long: its CPU was taken away
};

struct ConnectionTotals {
  __u64 sets;  // that gave a socket a value
  __u64 failed;
  __u64 ns;  // of the timed ones, including the cost of reading the clock
  __u64 timed;
};

#endif  // INLAY_BENCH_KERNEL_CONNECTIONS_H_
