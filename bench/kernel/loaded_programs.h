// LoadedPrograms: the programs of socket_walk.bpf.c and their maps, loaded into the kernel. Nothing
// is pinned: the kernel drops all of it when the process ends.

#ifndef INLAY_BENCH_KERNEL_LOADED_PROGRAMS_H_
#define INLAY_BENCH_KERNEL_LOADED_PROGRAMS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "bench/kernel/accesses.h"
#include "bench/kernel/socket_walk.h"

struct bpf_object;

namespace inlay::bench {

class LoadedPrograms {
 public:
  // For socket numbers below `sockets`. Throws std::system_error or std::runtime_error with the
  // kernel's reason and the verifier's log.
  explicit LoadedPrograms(uint32_t sockets);
  LoadedPrograms(const LoadedPrograms&) = delete;
  LoadedPrograms& operator=(const LoadedPrograms&) = delete;
  ~LoadedPrograms();

  int program_fd(Walk walk, Access access) const;
  int checking_program_fd(Walk walk) const;
  int storage_map_fd() const;

  // Value number `number`, into the array map and Inlay's.
  void SetValue(uint32_t number, std::span<const std::byte> bytes);

  // By socket number; shared with the kernel.
  std::span<SocketCheck> checks() { return {checks_, sockets_}; }
  // The programs' sums since the last ResetTotals().
  WalkTotals totals() const;
  void ResetTotals();

 private:
  struct CloseObject {
    void operator()(bpf_object* object) const;
  };

  int ProgramFd(const std::string& name) const;
  int MapFd(const char* name) const;

  std::unique_ptr<bpf_object, CloseObject> object_;
  uint32_t sockets_;
  SocketCheck* checks_ = nullptr;
  WalkTotals* totals_ = nullptr;
  std::byte* inlay_values_ = nullptr;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_LOADED_PROGRAMS_H_
