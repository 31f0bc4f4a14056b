// Includes every public header that a user may include, and uses the library once.

#include <inlay/emulated/bpf.h>
#include <inlay/emulated/inline_map.h>
#include <inlay/emulated/pointer_map.h>
#include <inlay/emulated/shared_pointer_map.h>
#include <inlay/emulated/single_pointer_map.h>
#include <inlay/emulated/socket.h>
#include <inlay/emulated/tail_space.h>
#include <inlay/emulated/value_map.h>
#include <inlay/index_map.h>
#include <inlay/inlay.h>
#include <inlay/memory_usage.h>
#include <inlay/rcu.h>
#include <inlay/runtime_constant.h>
#include <inlay/status.h>
#include <inlay/store.h>
#include <inlay/value_table.h>

#include <cstdio>
#include <memory>

int main() {
  std::unique_ptr<inlay::SocketTable> sockets;
  if (inlay::SocketTable::Create({}, &sockets) != inlay::Status::kOk) return 1;
  inlay::MapOptions options;
  options.value_bytes = sizeof(int);
  std::unique_ptr<inlay::bpf::SkStorage<inlay::IndexMap>> map;
  if (inlay::bpf::map_create(*sockets, options, &map) != 0) return 2;
  int fd = -1;
  if (sockets->Open(inlay::SocketFamily::kTcp, &fd) != inlay::Status::kOk) return 3;
  const int written = 42;
  int read = 0;
  if (inlay::bpf::map_update_elem(*map, *sockets, fd, &written, inlay::bpf::BPF_ANY) != 0) return 4;
  if (inlay::bpf::map_lookup_elem(*map, *sockets, fd, &read) != 0) return 5;
  std::printf("read %d\n", read);
  return read == written && sockets->Close(fd) == inlay::Status::kOk ? 0 : 6;
}
