// Shared by census.bpf.c, which is C, and the census's process.

#ifndef INLAY_ENGINE_LIVE_MAPS_CENSUS_COUNTS_H_
#define INLAY_ENGINE_LIVE_MAPS_CENSUS_COUNTS_H_

#include <linux/types.h>

enum {
  kMostCensusMaps = 16,
  kMostNamespaces = 4096,     // of which a census knows
  kMostQueuedMessages = 512,  // in the queue of one UNIX socket, and descriptors in one message
  kMostWaiting = 1 << 17,     // connections that nobody has accepted, of one listener
  kMostLives = 1 << 17,       // sockets to which something happens during a census
  kMostRings = 64,  // instances of io_uring of which a census says that they have registered files
  kMostPassedFiles = 253,  // SCM_MAX_FD, Linux 6.18, include/net/scm.h
};

// A map whose field a census reads: its users are counted from `first` on, by code.
struct CensusField {
  __u32 shift;
  __u32 most_code;
  __u32 first;
  __u32 reserved;
};

struct CensusSettings {
  __u32 fields;
  __u32 skip_time_wait;  // mutations of tests
  __u32 skip_requests;
  __u32 reserved;
  struct CensusField field[kMostCensusMaps];
};

struct CensusCounts {
  __u64 number;        // of the census, from 1 on
  __u64 not_counted;   // sockets for which a table had no room: the census is not complete
  __u64 beyond;        // messages or descriptors beyond the limits above: neither
  __u64 namespaces;    // in the list of all network namespaces
  __u64 placeholders;  // TIME_WAIT and request sockets
  __u64 rings;         // instances of io_uring, by descriptor
  __u64 clock;         // at the first file; the process sets it to 0
};

// A socket that was met, by its address. Its identity is a number that no other socket has or had;
// 0: unknown.
struct CensusMet {
  __u64 census;  // the last one that met it
  __u64 identity;
  __u64 former;  // its identity when the census before met it; 0: that did not
  __u64 stayed;  // both are the same
};

// Full sockets of a namespace that count in `sockets: used`.
struct CensusSockets {
  __u64 met;
  __u64 stayed;  // that the census before met as well: they were there all the time between
};

// A socket that was seen alive by events: from the first to the last of them it was there.
struct CensusLife {
  __u64 address;
  __u64 net;    // the cookie of its namespace
  __u64 first;  // CLOCK_MONOTONIC, ns
  __u64 last;
  __u64 ended;  // how the last found it: 0 alive, 1 at its end, 2 about to be freed
};

struct CensusNamespace {
  __u64 id;  // 0: the kernel has no such ids
  __u32 inum;
  __u32 reserved;
};

// A descriptor of a socket, or of an io_uring.
struct CensusHolder {
  __u32 process;
  __u32 fd;
};

#endif  // INLAY_ENGINE_LIVE_MAPS_CENSUS_COUNTS_H_
