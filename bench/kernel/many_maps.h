// Shared by many_maps.bpf.c, which is C, and socket_with_many_maps.cc.

#ifndef INLAY_BENCH_KERNEL_MANY_MAPS_H_
#define INLAY_BENCH_KERNEL_MANY_MAPS_H_

#include <linux/types.h>

enum {
  kMaps = 16,
  kManyWords = 12,  // of a value
  kManyValues = 2,  // of each map: two bits of the mark, of which all 16 maps take all
};

#endif  // INLAY_BENCH_KERNEL_MANY_MAPS_H_
