// WalkPrograms: the BPF programs that walk over sockets, loaded into the kernel, and the buffer
// that they fill.
//
// Nothing is pinned: programs, maps and walks go with this object, or with the process however it
// ends.
//
// Not thread-safe, and one at a time is loaded: libbpf's messages are kept for the whole process
// meanwhile.

#ifndef INLAY_TOOLS_CAPTURE_WALK_PROGRAMS_H_
#define INLAY_TOOLS_CAPTURE_WALK_PROGRAMS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/capture/socket_walk.h"

struct bpf_object;

namespace inlay::capture {

// Whether the kernel that is running has the iterator of this name: task_file, bpf_sk_storage_map,
// tcp, udp or unix. Fails if it has no BTF.
absl::StatusOr<bool> KernelHasIterator(const std::string& name);

class WalkPrograms {
 public:
  struct Options {
    std::vector<std::string> programs = {};  // by their names in socket_walk.bpf.c
    size_t value_bytes = 0;
    size_t most_records = 0;  // in the buffer; 0: none
    int storage_map_fd = -1;  // the map whose values are read; -1: none is
    uint32_t lock_offset = 0;
    uint32_t most_folded = 0;  // distinct values in folded_map_fd(); 0: there is no such map
  };

  // Fails if the kernel does not load the programs, with what it objects to; needs CAP_BPF and
  // CAP_PERFMON.
  static absl::StatusOr<std::unique_ptr<WalkPrograms>> Load(const Options& options);
  ~WalkPrograms();
  WalkPrograms(const WalkPrograms&) = delete;
  WalkPrograms& operator=(const WalkPrograms&) = delete;

  // Of a socket; valid while the call lasts. An error ends the walk.
  using OnRecord =
      std::function<absl::Status(uint64_t cookie, std::span<const uint8_t> value_bytes)>;

  // Walks with one of the loaded programs; over the elements of `map_fd` if that is what the
  // program does. The walk pauses whenever `pause_bytes` of the buffer are full, or all of it, and
  // what it has met goes to `on_record`. It ends with kCancelled when `stop` says so, which is
  // asked between reads.
  absl::StatusOr<WalkProgress> Walk(const std::string& program, int map_fd, size_t pause_bytes,
                                    const OnRecord& on_record, const std::function<bool()>& stop);

  // For walks that can pause at no cost: the buffer's part that is used stays in the cache.
  static constexpr size_t kOftenBytes = 256 << 10;
  // For walks that have to find their place again, and may miss what was changed in a pause.
  static constexpr size_t kSeldomBytes = SIZE_MAX;

  int folded_map_fd() const;

 private:
  struct CloseObject {
    void operator()(bpf_object* object) const;
  };

  WalkPrograms() = default;
  absl::Status MapMemory(const Options& options);
  absl::Status Drain(const OnRecord& on_record);

  std::unique_ptr<bpf_object, CloseObject> object_;
  size_t value_bytes_ = 0;
  size_t record_bytes_ = 0;
  std::span<uint8_t> buffer_ = {};  // the kernel's own memory
  WalkProgress* progress_ = nullptr;
};

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_WALK_PROGRAMS_H_
