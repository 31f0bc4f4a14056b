// The data that the BPF programs of socket_walk.bpf.c share with the process that loads them.

#ifndef INLAY_TOOLS_CAPTURE_WALK_SOCKET_WALK_H_
#define INLAY_TOOLS_CAPTURE_WALK_SOCKET_WALK_H_

#include <linux/types.h>

// A record of the buffer: this head, then the value, padded with zeros to a multiple of 8 bytes.
struct WalkRecordHead {
  __u64 cookie;
};

// The process sets these before it loads the programs, so that the verifier knows them.
struct WalkSettings {
  __u32 value_bytes;
  __u32 lock_offset;  // of the bpf_spin_lock in the value; only for programs that take it
  // Of a map of inlay.bpf.h: its field in the mark, the indexes, and whether a code of 0 says
  // nothing, since the socket may have a value in its own storage.
  __u32 shift;
  __u32 most_code;
  __u32 most_values;
  __u32 any_storage;
  __u32 hints_offset;  // in the state
};

// The state of a walk.
struct WalkProgress {
  __u64 limit;     // records after which the walk stops; set by the process
  __u64 records;   // in the buffer now; the process sets it to 0 when it empties the buffer
  __u64 visited;   // objects that the iterator has passed, repeats included
  __u64 stalled;   // pauses because the buffer was full
  __u64 unfolded;  // values that found no room in `folded`
  // All pauses, after which the iterator has to find its place again. The process counts them. The
  // kernel pauses by itself after a million objects.
  __u64 pauses;
  // A bit for each byte of struct SocketAttributes: a member begins there that this kernel cannot
  // fill. Of members that the walk has read.
  __u64 absent[3];
};

#endif  // INLAY_TOOLS_CAPTURE_WALK_SOCKET_WALK_H_
