// LiveMap::Maps: the kernel's maps of one map, as this process has them: descriptors, and the
// memory of values and state.

#ifndef INLAY_ENGINE_LIVE_MAPS_KERNEL_MAPS_H_
#define INLAY_ENGINE_LIVE_MAPS_KERNEL_MAPS_H_

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_maps/map_objects.h"
#include "inlay/bpf_map_state.h"
#include "inlay/live_map.h"

namespace inlay {

// Memory of a map that is shared with the kernel.
class MappedElement {
 public:
  MappedElement() = default;
  MappedElement(const MappedElement&) = delete;
  MappedElement& operator=(const MappedElement&) = delete;
  ~MappedElement() {
    if (memory_ != MAP_FAILED) munmap(memory_, bytes_);
  }

  bool Map(int fd, size_t bytes, int protection) {
    memory_ = mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
    bytes_ = bytes;
    return memory_ != MAP_FAILED;
  }
  std::byte* data() const { return static_cast<std::byte*>(memory_); }
  size_t bytes() const { return bytes_; }

 private:
  void* memory_ = MAP_FAILED;
  size_t bytes_ = 0;
};

struct LiveMap::Maps {
  std::string name;
  MarkField field;
  uint32_t value_bytes = 0;
  uint32_t most_values = 0;
  uint32_t flags = 0;
  std::array<live_kernel::FileDescriptor, kParts.size()> fds;
  MappedElement state;
  MappedElement values;
  bool values_writable = false;
  // The programs of INLAY_BRING_HOME(), if the object has them.
  std::array<live_kernel::FileDescriptor, kHomePrograms.size()> home;
  std::mutex writing_values;  // if the memory is not writable: one system call writes all values

  int fd(Part part) const { return fds[static_cast<size_t>(part)].get(); }
  inlay_map_state& head() const { return *reinterpret_cast<inlay_map_state*>(state.data()); }
  std::byte* value(uint32_t index) const { return values.data() + size_t{index - 1} * value_bytes; }
  // How many holders an index has in user space.
  std::atomic_ref<uint32_t> held(uint32_t index) const {
    return std::atomic_ref<uint32_t>(
        reinterpret_cast<uint32_t*>(state.data() + head().held_offset)[index - 1]);
  }
  // An inlay_hint.
  std::atomic_ref<uint8_t> hint(uint32_t index) const {
    return std::atomic_ref<uint8_t>(
        reinterpret_cast<uint8_t*>(state.data() + head().hints_offset)[index - 1]);
  }
  // Counts processes that change a socket by its descriptor.
  std::atomic_ref<uint32_t> changing() const { return std::atomic_ref<uint32_t>(head().changing); }
  // Makes an index free, which nothing refers to.
  void Free(uint32_t index) {
    hint(index).store(INLAY_HINT_FREE);
    if (bpf_map_update_elem(fd(Part::kFree), nullptr, &index, BPF_ANY) != 0) {
      hint(index).store(INLAY_HINT_NONE);  // who reclaims indexes finds it
    }
  }
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LIVE_MAPS_KERNEL_MAPS_H_
