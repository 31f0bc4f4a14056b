// The programs that the kernel's helpers are called from: one per map, which runs at a setsockopt()
// on a socket of our cgroup, and one that walks a map.

#ifndef INLAY_TESTS_KERNEL_ON_KERNEL_STORAGE_PROGRAM_H_
#define INLAY_TESTS_KERNEL_ON_KERNEL_STORAGE_PROGRAM_H_

#include <cstddef>
#include <cstdint>

#include "engine/live_kernel/hidden_fd.h"
#include "inlay/operation.h"
#include "tests/kernel/script/script.h"

namespace inlay::bpf_script {

// The socket option that runs the program of a map.
inline constexpr int kProgramLevel = 0x5ca1e;
inline constexpr int kProgramOption = 1;

enum class HelperCall : uint32_t { kGet, kDelete, kPoke };

// The exchange between this process and a program: the only value of an array map.
struct HelperExchange {
  HelperCall call;
  uint32_t has_init;     // kGet: `value` holds what a new value starts with
  uint64_t flags;        // kGet, kPoke
  uint32_t poke_offset;  // kPoke: where `poke_byte` is stored
  uint32_t poke_byte;
  uint32_t has_run;                               // set by the program
  uint32_t found;                                 // kGet, kPoke: the helper returned a pointer
  int64_t result;                                 // kDelete: the helper's result
  std::byte value[(kMaxValueBytes + 7) / 8 * 8];  // kGet, out: the value
};

// Loads the program for a map. `exchange_fd`: an array map with one HelperExchange.
live_kernel::HiddenFd LoadStorageProgram(int map_fd, const MapShape& shape, int exchange_fd);

// Loads the program of an iterator over a map with values of this size: it writes the socket's
// cookie and the value. `target`: the BTF id of bpf_iter_bpf_sk_storage_map in vmlinux.
live_kernel::HiddenFd LoadWalkProgram(uint32_t value_bytes, int target);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_KERNEL_STORAGE_PROGRAM_H_
