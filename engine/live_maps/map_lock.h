// MapLock: a lock of a map in the kernel, for one process at a time.
//
// It is a lock on a byte of the file that all BPF maps share, in which each has its own: by its id.
// So the kernel knows it in all namespaces, and ends it with its process, however that ends.

#ifndef INLAY_ENGINE_LIVE_MAPS_MAP_LOCK_H_
#define INLAY_ENGINE_LIVE_MAPS_MAP_LOCK_H_

#include <cstdint>
#include <memory>

#include "engine/live_kernel/file_descriptor.h"
#include "inlay/status.h"

namespace inlay {

class MapLock {
 public:
  enum class Of : uint8_t {
    kCollecting,  // a pass of a collector
    kReplacing,   // the change of a value in its place
  };

  // kExists: another one has it, if this does not wait.
  static Status Take(int map_fd, Of of, bool waits, std::unique_ptr<MapLock>* taken);
  MapLock(const MapLock&) = delete;
  MapLock& operator=(const MapLock&) = delete;
  ~MapLock();

 private:
  MapLock(live_kernel::FileDescriptor opened, uint64_t byte);

  const live_kernel::FileDescriptor opened_;
  const uint64_t byte_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LIVE_MAPS_MAP_LOCK_H_
