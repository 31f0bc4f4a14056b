// Shared by shadow.bpf.c, which is C, and shadow_test.

#ifndef INLAY_TESTS_BPF_SHADOW_H_
#define INLAY_TESTS_BPF_SHADOW_H_

#include <linux/types.h>

enum {
  kMostShadowed = 30,    // values with an index
  kShadowLevel = 0x1a8,  // of a socket option: its name is the number of the new value; 0: none
  kShadowWords = 5,
};

struct ShadowedValue {
  __u64 words[kShadowWords];
};

// What a socket's real storage holds.
struct Shadow {
  __u32 sequence;  // odd: its value is being changed
  __u32 absent;    // 1: the value was taken away
  struct ShadowedValue value;
};

struct ShadowCounts {
  __u64 packets;   // compared, and equal
  __u64 walked;    // sockets in walks, compared and equal
  __u64 spilled;   // of these, sockets with a value in a storage of Inlay's
  __u64 without;   // of these, sockets without a value
  __u64 changing;  // not compared
  __u64 failed;    // values that could not be set
  __u64 differed;
  // The last one that differed.
  __u32 mark;
  __u32 place;  // ShadowPlace
  __u64 cookie;
  __u64 in_inlay;  // the first word, or ~0
  __u64 in_storage;
};

enum ShadowPlace { kIngress = 1, kEgress, kTcpWalk, kUdpWalk, kFileWalk };

#endif  // INLAY_TESTS_BPF_SHADOW_H_
