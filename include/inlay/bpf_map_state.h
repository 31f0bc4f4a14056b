// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// What the programs and the processes that use a map of inlay.bpf.h share: the head of its state,
// which is the first element of the map `.data.NAME_state`. C, and C++.

#ifndef INLAY_BPF_MAP_STATE_H_
#define INLAY_BPF_MAP_STATE_H_

#include <linux/types.h>

// NOLINTBEGIN(readability-identifier-naming): names as in the kernel's headers, for programs in C.

enum {
  INLAY_STATE_MAGIC = 0x79616c6e,  // "nlay"
  INLAY_STATE_VERSION = 2,
  // A socket without a bit for `shift` yet: the loader has to allot its bits.
  INLAY_NO_SHIFT = 32,
};

// What is known of an index, for who reclaims indexes.
enum inlay_hint {
  INLAY_HINT_NONE = 0,
  INLAY_HINT_SET = 1,   // some socket got it since the hint was cleared
  INLAY_HINT_FREE = 2,  // it is on the free list
};

enum inlay_map_flags {
  // A code of 0 says nothing: the socket may have a value in its own storage.
  INLAY_ANY_STORAGE = 1,
  // A listener's storage has a copy of its value, for its children.
  INLAY_CLONED = 2,
};

// The description does not change once the programs are loaded. The counters only grow.
struct inlay_map_state {
  __u32 magic;
  __u32 version;
  __u32 value_bytes;
  __u32 most_values;  // indexes are 1 to most_values
  __u32 shift;        // the field in the mark: its lowest bit, and how many bits
  __u32 width;
  __u32 flags;
  __u32 held_offset;   // __u32 held[most_values]: how many holders an index has in user space
  __u32 hints_offset;  // __u8 hints[most_values]: an inlay_hint of each index
  __u32 reserved;      // 0
  __u64 next;          // indexes above this were never used; may exceed most_values
  __u64 interned;      // how often a value was written, also if another CPU was first
  __u64 spilled;       // how often a socket got a value of its own, since no index was left
  // How many processes are changing a mark or a storage of a socket by its descriptor just now:
  // until they have, programs bring no socket of the map home (inlay_programs.bpf.h).
  __u32 changing;
  __u32 unused;
};

// NOLINTEND(readability-identifier-naming)

#endif  // INLAY_BPF_MAP_STATE_H_
