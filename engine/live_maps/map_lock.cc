#include "engine/live_maps/map_lock.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>

#include <cerrno>
#include <utility>

#include "engine/live_maps/map_objects.h"

namespace inlay {
namespace {

using live_kernel::FileDescriptor;

int SetLock(const FileDescriptor& opened, uint64_t byte, decltype(flock::l_type) type,
            int command) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(byte);
  lock.l_len = 1;
  int done;
  do {
    done = fcntl(opened.get(), command, &lock);
  } while (done != 0 && errno == EINTR);
  return done;
}

}  // namespace

Status MapLock::Take(int map_fd, Of of, bool waits, std::unique_ptr<MapLock>* taken) {
  bpf_map_info info = {};
  uint32_t bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(map_fd, &info, &bytes) != 0) return StatusOfErrno(errno);
  // A lock belongs to an opening, so each needs one of its own.
  FileDescriptor opened(bpf_map_get_fd_by_id(info.id));
  if (!opened.ok()) return StatusOfErrno(errno);
  const uint64_t byte = info.id + (static_cast<uint64_t>(of) << 32);
  if (SetLock(opened, byte, F_WRLCK, waits ? F_OFD_SETLKW : F_OFD_SETLK) != 0) {
    return errno == EAGAIN || errno == EACCES ? Status::kExists : StatusOfErrno(errno);
  }
  taken->reset(new MapLock(std::move(opened), byte));
  return Status::kOk;
}

MapLock::MapLock(FileDescriptor opened, uint64_t byte) : opened_(std::move(opened)), byte_(byte) {}

// A child that was forked meanwhile may have the descriptor too.
MapLock::~MapLock() { SetLock(opened_, byte_, F_UNLCK, F_OFD_SETLK); }

}  // namespace inlay
