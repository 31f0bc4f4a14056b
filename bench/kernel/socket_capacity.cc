#include "bench/kernel/socket_capacity.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "bench/kernel/socket_holders.h"
#include "bench/kernel/socket_network.h"
#include "bench/kernel/socket_walk.h"

namespace inlay::bench {
namespace {

// A line "name: kilobytes kB" of /proc/meminfo.
size_t MemoryBytes(const std::string& name) {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string word; meminfo >> word;) {
    size_t kilobytes = 0;
    if (word == name + ":" && meminfo >> kilobytes) return kilobytes * 1024;
    meminfo.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  throw std::runtime_error("/proc/meminfo has no line " + name);
}

SocketCapacity ByMemory() {
  // Slab growth per UDP socket on Linux 6.18 (socket, inode, file, directory entry, value), rounded
  // up.
  constexpr size_t kSocketBytes = 4400;
  const size_t available_bytes = MemoryBytes("MemAvailable");
  // Leave a tenth of the memory free, for other programs and the kernel.
  const size_t reserve_bytes = MemoryBytes("MemTotal") / 10;
  const size_t free_bytes = available_bytes > reserve_bytes ? available_bytes - reserve_bytes : 0;
  constexpr size_t kMiB = 1 << 20;
  return {free_bytes / kSocketBytes, "MemAvailable is " + std::to_string(available_bytes / kMiB) +
                                         " MiB, of which " + std::to_string(reserve_bytes / kMiB) +
                                         " stay free, and a socket takes " +
                                         std::to_string(kSocketBytes) + " bytes"};
}

SocketCapacity ByFiles() {
  std::ifstream file_nr("/proc/sys/fs/file-nr");
  size_t open = 0, unused = 0, most = 0;
  if (!(file_nr >> open >> unused >> most)) {
    throw std::runtime_error("cannot read /proc/sys/fs/file-nr");
  }
  constexpr size_t kForOthers = 10000;
  return {most > open + kForOthers ? most - open - kForOthers : 0,
          "fs.file-max is " + std::to_string(most) + ", and " + std::to_string(open) +
              " files are open"};
}

SocketCapacity ByDescriptors() {
  const size_t per_holder = std::max<size_t>(SocketsPerHolder(), 1);
  const size_t holders_per_network = (SocketNetwork::kMostSockets + per_holder - 1) / per_holder;
  constexpr size_t kForSmallRuns = 1;
  const size_t networks = kMaxHolders / holders_per_network;
  return {networks > kForSmallRuns ? (networks - kForSmallRuns) * SocketNetwork::kMostSockets : 0,
          "RLIMIT_NOFILE allows " + std::to_string(SocketsPerHolder()) +
              " sockets to each of at most " + std::to_string(kMaxHolders) + " processes"};
}

SocketCapacity ByAddresses() {
  constexpr size_t kPastLastAddress = 0x7FFFFFFF;
  constexpr size_t kForSmallRuns = 1000;
  return {kPastLastAddress - kFirstAddress - kForSmallRuns,
          "each socket has an address of its own in 127.0.0.0/8"};
}

}  // namespace

SocketCapacity FindSocketCapacity() {
  SocketCapacity least = ByMemory();
  for (const SocketCapacity& other : {ByFiles(), ByDescriptors(), ByAddresses()}) {
    if (other.sockets < least.sockets) least = other;
  }
  return least;
}

}  // namespace inlay::bench
