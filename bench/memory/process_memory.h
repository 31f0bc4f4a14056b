// ProcessMemory: the memory that this process uses, by the allocator and by the system.

#ifndef INLAY_BENCH_PROCESS_MEMORY_H_
#define INLAY_BENCH_PROCESS_MEMORY_H_

#include <malloc.h>
#include <unistd.h>

#include <cinttypes>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>

#include "inlay/rcu.h"

namespace inlay::bench {

struct ProcessMemory {
  double heap_bytes = 0;      // from malloc(), and other writable mappings
  double resident_bytes = 0;  // resident anonymous memory

  // Measures after retired objects are freed and free memory is returned to the system. Reader
  // section: REQUIRES none.
  static ProcessMemory Now() {
    // The first call of Retire() in a process starts a thread, whose stack does not count.
    Retire<Free>(new RcuHead);
    RetireBarrier();
    malloc_trim(0);
    const struct mallinfo2 info = mallinfo2();
    // The mappings include malloc()'s arenas; count only what malloc() has handed out of these.
    const double of_malloc = static_cast<double>(info.arena) + static_cast<double>(info.hblkhd);
    const double handed_out = static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
    return {.heap_bytes = MappedForWriting() - of_malloc + handed_out,
            .resident_bytes = Resident()};
  }

 private:
  static void Free(RcuHead* head) { delete head; }

  // Writable anonymous mappings. Address space that is only reserved is not writable.
  static double MappedForWriting() {
    std::ifstream maps("/proc/self/maps");
    double mapped = 0;
    for (std::string line; std::getline(maps, line);) {
      uint64_t start = 0;
      uint64_t end = 0;
      uint64_t inode = 0;
      char permissions[5] = {};
      if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %" SCNu64, &start, &end,
                      permissions, &inode) != 4) {
        continue;
      }
      const bool stack = line.find("[stack]") != std::string::npos;
      if (permissions[1] == 'w' && inode == 0 && !stack) mapped += static_cast<double>(end - start);
    }
    return mapped;
  }

  // Without file mappings: code does not count.
  static double Resident() {
    std::ifstream statm("/proc/self/statm");
    size_t size_pages = 0;
    size_t resident_pages = 0;
    size_t file_pages = 0;
    statm >> size_pages >> resident_pages >> file_pages;
    return static_cast<double>(resident_pages - file_pages) *
           static_cast<double>(sysconf(_SC_PAGESIZE));
  }
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_PROCESS_MEMORY_H_
