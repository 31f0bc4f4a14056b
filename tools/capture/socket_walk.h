// What the BPF programs of socket_walk.bpf.c and the process that loads them share.

#ifndef INLAY_TOOLS_CAPTURE_SOCKET_WALK_H_
#define INLAY_TOOLS_CAPTURE_SOCKET_WALK_H_

#include <linux/types.h>

// A record of the buffer: who, and then the value, with zeros up to the next multiple of 8 bytes.
struct WalkRecordHead {
  __u64 cookie;
};

// Set before the programs are loaded, so that the verifier knows them.
struct WalkSettings {
  __u32 value_bytes;
  __u32 lock_offset;  // of the bpf_spin_lock in the value; only for programs that take it
};

// What a walk has met so far.
struct WalkProgress {
  __u64 limit;     // records after which the walk stops; set by the process
  __u64 records;   // in the buffer now; whoever empties it sets it to 0
  __u64 visited;   // sockets that the kernel has shown, some of them several times
  __u64 stalled;   // times that the buffer was full, and the walk had to stop
  __u64 unfolded;  // values for which the table of distinct values had no room
  // Times that the walk had to stop and find its place again, for whatever reason; counted by the
  // process. The kernel itself wants one after a million objects.
  __u64 pauses;
};

#endif  // INLAY_TOOLS_CAPTURE_SOCKET_WALK_H_
