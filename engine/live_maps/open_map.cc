// LiveMap: opening, sharing and pinning.

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "engine/live_maps/kernel_maps.h"
#include "engine/live_maps/map_objects.h"
#include "inlay/live_map.h"

namespace inlay {
namespace {

using live_kernel::FileDescriptor;

bool Describe(int fd, bpf_map_info* info) {
  *info = {};
  uint32_t bytes = sizeof(*info);
  return bpf_obj_get_info_by_fd(fd, info, &bytes) == 0;
}

uint32_t TypeOf(Part part) {
  switch (part) {
    case Part::kStorage:
      return BPF_MAP_TYPE_SK_STORAGE;
    case Part::kCodes:
      return BPF_MAP_TYPE_HASH;
    case Part::kFree:
      return BPF_MAP_TYPE_STACK;
    case Part::kValues:
    case Part::kState:
      break;
  }
  return BPF_MAP_TYPE_ARRAY;
}

std::string PathOf(const std::string& folder, const std::string& name, Part part) {
  return folder + "/" + NameOfPin(name, part);
}

// Of all that a map may have there.
std::vector<std::string> PathsIn(const std::string& folder, const std::string& name) {
  std::vector<std::string> paths;
  for (const Part part : kParts) paths.push_back(PathOf(folder, name, part));
  for (const char* const ending : kHomePrograms) paths.push_back(folder + "/" + name + ending);
  return paths;
}

}  // namespace

// The state describes the map; the kernel's own sizes must agree with it, so that nobody reads
// beyond a map that has been replaced.
Status LiveMap::Finish(std::unique_ptr<Maps> maps, std::unique_ptr<LiveMap>* opened) {
  std::array<bpf_map_info, kParts.size()> infos;
  for (const Part part : kParts) {
    bpf_map_info& info = infos[static_cast<size_t>(part)];
    if (!Describe(maps->fd(part), &info)) return StatusOfErrno(errno);
    if (info.type != TypeOf(part)) return Status::kInvalid;
  }
  const auto info = [&](Part part) -> const bpf_map_info& {
    return infos[static_cast<size_t>(part)];
  };
  const bpf_map_info& state = info(Part::kState);
  if (state.value_size < sizeof(inlay_map_state)) return Status::kInvalid;
  if (!maps->state.Map(maps->fd(Part::kState), state.value_size, PROT_READ | PROT_WRITE)) {
    return StatusOfErrno(errno);
  }
  const inlay_map_state& head = maps->head();
  if (head.magic != INLAY_STATE_MAGIC || head.version != INLAY_STATE_VERSION) {
    return Status::kInvalid;
  }
  maps->field = {head.shift, head.width};
  maps->value_bytes = head.value_bytes;
  maps->most_values = head.most_values;
  maps->flags = head.flags;
  const uint64_t most = head.most_values;
  const bpf_map_info& values = info(Part::kValues);
  if (head.width < 2 || head.width > 16 || head.shift + head.width > 32 || most == 0 ||
      most > maps->field.most_code() - 1 || values.value_size < most * head.value_bytes ||
      info(Part::kCodes).key_size != head.value_bytes ||
      info(Part::kStorage).value_size != head.value_bytes ||
      head.held_offset + most * sizeof(uint32_t) > state.value_size ||
      head.hints_offset + most > state.value_size || head.held_offset % sizeof(uint32_t) != 0) {
    return Status::kInvalid;
  }
  maps->values_writable = (values.map_flags & BPF_F_RDONLY_PROG) == 0;
  const int protection = maps->values_writable ? PROT_READ | PROT_WRITE : PROT_READ;
  if (!maps->values.Map(maps->fd(Part::kValues), values.value_size, protection)) {
    return StatusOfErrno(errno);
  }
  opened->reset(new LiveMap(std::move(maps)));
  return Status::kOk;
}

Status LiveMap::Open(const bpf_object* object, const std::string& name,
                     std::unique_ptr<LiveMap>* opened) {
  auto maps = std::make_unique<Maps>();
  maps->name = name;
  for (const Part part : kParts) {
    const bpf_map* const map = FindPart(object, name, part);
    if (map == nullptr || bpf_map__fd(map) < 0) return Status::kNotFound;
    FileDescriptor own(fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0));
    if (!own.ok()) return StatusOfErrno(errno);
    maps->fds[static_cast<size_t>(part)] = std::move(own);
  }
  for (size_t i = 0; i < kHomePrograms.size(); ++i) {
    const bpf_program* const program =
        bpf_object__find_program_by_name(object, (name + kHomePrograms[i]).c_str());
    if (program == nullptr || bpf_program__fd(program) < 0) continue;
    maps->home[i] = FileDescriptor(fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0));
    if (!maps->home[i].ok()) return StatusOfErrno(errno);
  }
  return Finish(std::move(maps), opened);
}

Status LiveMap::Open(const std::string& folder, const std::string& name,
                     std::unique_ptr<LiveMap>* opened) {
  auto maps = std::make_unique<Maps>();
  maps->name = name;
  for (const Part part : kParts) {
    FileDescriptor own(bpf_obj_get(PathOf(folder, name, part).c_str()));
    if (!own.ok()) return StatusOfErrno(errno);
    maps->fds[static_cast<size_t>(part)] = std::move(own);
  }
  for (size_t i = 0; i < kHomePrograms.size(); ++i) {
    maps->home[i] = FileDescriptor(bpf_obj_get((folder + "/" + name + kHomePrograms[i]).c_str()));
    if (!maps->home[i].ok() && errno != ENOENT) return StatusOfErrno(errno);
  }
  return Finish(std::move(maps), opened);
}

Status LiveMap::ShareWith(bpf_object* object) const {
  inlay_map_state* const head = InitialState(object, name());
  if (head == nullptr || head->version != INLAY_STATE_VERSION ||
      head->value_bytes != value_bytes() || head->most_values != most_values() ||
      head->flags != maps_->flags) {
    return Status::kInvalid;
  }
  uint32_t* const shift = head->shift == INLAY_NO_SHIFT ? InitialShift(object, name()) : nullptr;
  if (head->shift != field().shift && shift == nullptr) return Status::kInvalid;
  for (const Part part : kParts) {
    bpf_map* const map = FindPart(object, name(), part);
    if (map == nullptr) return Status::kInvalid;
    const int error = bpf_map__reuse_fd(map, maps_->fd(part));
    if (error != 0) return StatusOfErrno(error);
  }
  if (shift != nullptr) head->shift = *shift = field().shift;
  return Status::kOk;
}

Status LiveMap::Pin(const std::string& folder) const {
  const std::vector<std::string> paths = PathsIn(folder, name());
  for (size_t i = 0; i < paths.size(); ++i) {
    const FileDescriptor& fd = i < kParts.size() ? maps_->fds[i] : maps_->home[i - kParts.size()];
    if (i >= kParts.size() && !fd.ok()) continue;  // the object has no such program
    if (bpf_obj_pin(fd.get(), paths[i].c_str()) == 0) continue;
    const int error = errno;
    while (i-- > 0) unlink(paths[i].c_str());
    return StatusOfErrno(error);
  }
  return Status::kOk;
}

Status LiveMap::Unpin(const std::string& folder, const std::string& name) {
  const std::vector<std::string> paths = PathsIn(folder, name);
  Status status = Status::kOk;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (unlink(paths[i].c_str()) == 0 || (i >= kParts.size() && errno == ENOENT)) continue;
    status = StatusOfErrno(errno);
  }
  return status;
}

}  // namespace inlay
