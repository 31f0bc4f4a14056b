// WalkPrograms: the BPF programs that walk over sockets, loaded into the kernel, and the buffer
// that they fill.
//
// Nothing is pinned: programs, maps and walks go with this object, or with the process however it
// ends.
//
// Not thread-safe. Load one at a time: loading collects libbpf's messages for the whole process.

#ifndef INLAY_TOOLS_CAPTURE_WALK_WALK_PROGRAMS_H_
#define INLAY_TOOLS_CAPTURE_WALK_WALK_PROGRAMS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inlay/bpf_map_state.h"
#include "tools/capture/walk/socket_walk.h"

struct bpf_object;

namespace inlay::capture {

// Whether the running kernel has the iterator of this name: task_file, bpf_sk_storage_map, tcp,
// udp, unix, task or cgroup. Fails if it has no BTF.
absl::StatusOr<bool> KernelHasIterator(const std::string& name);

class WalkPrograms {
 public:
  struct Options {
    std::vector<std::string> programs = {};  // by their names in socket_walk.bpf.c
    size_t value_bytes = 0;
    size_t most_records = 0;  // size of the buffer; 0: no buffer
    int storage_map_fd = -1;  // the map to read; -1: none
    uint32_t lock_offset = 0;
    // Of a map of inlay.bpf.h, whose storage is storage_map_fd; -1: none.
    int indexed_values_fd = -1;
    int indexed_state_fd = -1;
    inlay_map_state state = {};  // its description
    uint32_t most_folded = 0;    // distinct values in folded_map_fd(); 0: there is no such map
  };

  // Fails if the kernel does not load the programs, with the kernel's reason; needs CAP_BPF and
  // CAP_PERFMON.
  static absl::StatusOr<std::unique_ptr<WalkPrograms>> Load(const Options& options);
  // As Load(). If the kernel refuses the programs together, it loads those that the kernel does not
  // refuse alone, and *refused has the others with the reasons. Fails if it refuses all.
  static absl::StatusOr<std::unique_ptr<WalkPrograms>> LoadSome(
      Options options, std::map<std::string, std::string>* refused);
  ~WalkPrograms();
  WalkPrograms(const WalkPrograms&) = delete;
  WalkPrograms& operator=(const WalkPrograms&) = delete;

  // The value is valid during the call. An error ends the walk.
  using OnRecord =
      std::function<absl::Status(uint64_t cookie, std::span<const uint8_t> value_bytes)>;

  // The object that an iterator walks over, if it needs one.
  struct Over {
    int map_fd = -1;           // the elements of this map
    bool all_cgroups = false;  // every cgroup of the machine
  };
  // Runs the walk of one loaded program. Whenever `pause_bytes` of the buffer are full, or all of
  // it, the walk pauses and passes its records to `on_record`. Calls `stop` between reads, and ends
  // with kCancelled if it returns true.
  absl::StatusOr<WalkProgress> Walk(const std::string& program, Over over, size_t pause_bytes,
                                    const OnRecord& on_record, const std::function<bool()>& stop);

  // For walks that pause at no cost: a small part of the buffer, which stays in the cache.
  static constexpr size_t kOftenBytes = 256 << 10;
  // For walks that find their place again after a pause, and may miss what changed: all of the
  // buffer.
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
  std::span<uint8_t> buffer_ = {};  // memory of a BPF map
  WalkProgress* progress_ = nullptr;
};

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_WALK_WALK_PROGRAMS_H_
