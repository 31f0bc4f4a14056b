// Shared by inlay_maps.bpf.c, which is C, and live_inlay_maps_test.

#ifndef INLAY_TESTS_CAPTURE_INLAY_MAPS_H_
#define INLAY_TESTS_CAPTURE_INLAY_MAPS_H_

#include <linux/types.h>

// Fewer than the field has room for.
enum { kMostCapPolicies = 3 };

struct CapPolicy {
  __u64 rate;
  __u64 priority;
  __u64 owner[4];
};

#endif  // INLAY_TESTS_CAPTURE_INLAY_MAPS_H_
