// Shared by side_by_side.bpf.c, which is C, and demo_bpf.

#ifndef INLAY_TOOLS_DEMO_LIVE_SIDE_BY_SIDE_H_
#define INLAY_TOOLS_DEMO_LIVE_SIDE_BY_SIDE_H_

#include <linux/types.h>

enum {
  kMostTaskContexts = 1022,
  kInterruptedNs = 50000,  // no access takes so long: its CPU was taken away
};

// Accesses of one kind; those that were interrupted do not count.
struct Timed {
  __u64 ns;  // including the cost of reading the clock
  __u64 count;
};

struct SideBySide {
  struct Timed create_in_storage;
  struct Timed create_in_inlay;
  struct Timed get;  // of the program that is attached
  __u64 read;        // the sum of what it has read
  __u64 packets;     // that have met a socket
  __u64 same;        // check_both: all bytes of both were equal
  __u64 differed;
  __u64 charged_sockets;  // charge_walk: sockets with a storage
  __u64 charged_bytes;    // what the kernel has charged them for it
};

#endif  // INLAY_TOOLS_DEMO_LIVE_SIDE_BY_SIDE_H_
