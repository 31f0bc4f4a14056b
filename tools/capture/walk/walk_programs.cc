#include "tools/capture/walk/walk_programs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "inlay/live_map.h"
#include "tools/capture/system/capabilities.h"
#include "tools/capture/system/first_namespace.h"
#include "tools/capture/system/libbpf_messages.h"

INLAY_EMBED_OBJECT(inlay_capture_object)

namespace inlay::capture {
namespace {

const std::vector<Capability>& ToLoad() {
  static const std::vector<Capability> needed = {Capability::kBpf, Capability::kPerfmon};
  return needed;
}

constexpr size_t RoundUp8(size_t bytes) { return (bytes + 7) / 8 * 8; }

std::string KernelRelease() {
  utsname name = {};
  uname(&name);
  return name.release;
}

bool Contains(const std::vector<std::string>& names, const char* name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::Status NotLoaded(int error, const LibbpfMessages& messages) {
  if (error == EPERM || error == EACCES) {
    // The verifier answers EACCES too, although no capability is missing.
    if (!MissingCapabilities(ToLoad()).empty() || !InFirstUserNamespace()) {
      return CallFailed("loading BPF programs", EPERM, ToLoad());
    }
  }
  const std::string reason = messages.Reason();
  return absl::FailedPreconditionError(
      absl::StrCat("this kernel (", KernelRelease(), ") does not load the BPF programs: ",
                   reason.empty() ? std::string(std::strerror(error)) : reason));
}

}  // namespace

absl::StatusOr<bool> KernelHasIterator(const std::string& name) {
  // Cached: reading vmlinux BTF is slow, and the answer does not change.
  static std::map<std::string, bool> known;
  if (const auto answer = known.find(name); answer != known.end()) return answer->second;
  const LibbpfMessages quiet;
  btf* const types = btf__load_vmlinux_btf();
  if (types == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("this kernel (", KernelRelease(),
                     ") has no type information: it was built without BTF "
                     "(CONFIG_DEBUG_INFO_BTF), or /sys/kernel/btf/vmlinux cannot be read"));
  }
  for (const char* const each :
       {"task_file", "bpf_sk_storage_map", "tcp", "udp", "unix", "task", "cgroup"}) {
    const std::string function = absl::StrCat("bpf_iter_", each);
    known[each] = btf__find_by_name_kind(types, function.c_str(), BTF_KIND_FUNC) > 0;
  }
  btf__free(types);
  return known[name];
}

void WalkPrograms::CloseObject::operator()(bpf_object* object) const { bpf_object__close(object); }

absl::StatusOr<std::unique_ptr<WalkPrograms>> WalkPrograms::Load(const Options& options) {
  const LibbpfMessages messages;
  std::unique_ptr<WalkPrograms> loaded(new WalkPrograms());
  bpf_object_open_opts open_options = {};
  open_options.sz = sizeof(open_options);
  open_options.object_name = "inlay_capture";
  const std::span<const std::byte> embedded = inlay_capture_object();
  bpf_object* const object = bpf_object__open_mem(embedded.data(), embedded.size(), &open_options);
  if (object == nullptr) return NotLoaded(errno, messages);
  loaded->object_.reset(object);

  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    bpf_program__set_autoload(program, Contains(options.programs, bpf_program__name(program)));
  }
  loaded->value_bytes_ = options.value_bytes;
  loaded->record_bytes_ = sizeof(WalkRecordHead) + RoundUp8(options.value_bytes);
  bpf_map* const captured = bpf_object__find_map_by_name(object, "captured");
  bpf_map* const records = bpf_object__find_map_by_name(object, "records");
  bpf_map* const folded = bpf_object__find_map_by_name(object, "folded");
  int error = options.storage_map_fd >= 0 ? bpf_map__reuse_fd(captured, options.storage_map_fd)
                                          : bpf_map__set_autocreate(captured, false);
  if (error != 0) return CallFailed("using the map", -error, ToLoad());
  for (const auto& [name, fd] : {std::pair{"indexed", options.indexed_values_fd},
                                 std::pair{"indexed_state", options.indexed_state_fd}}) {
    bpf_map* const indexed = bpf_object__find_map_by_name(object, name);
    error = fd >= 0 ? bpf_map__reuse_fd(indexed, fd) : bpf_map__set_autocreate(indexed, false);
    if (error != 0) return CallFailed("using the map's values", -error, ToLoad());
  }
  if (options.most_records != 0) {
    bpf_map__set_value_size(records, static_cast<uint32_t>(loaded->record_bytes_));
    bpf_map__set_max_entries(records, static_cast<uint32_t>(options.most_records));
  } else {
    bpf_map__set_autocreate(records, false);
  }
  if (options.most_folded != 0) {
    bpf_map__set_key_size(folded, static_cast<uint32_t>(options.value_bytes));
    bpf_map__set_max_entries(folded, options.most_folded);
  } else {
    bpf_map__set_autocreate(folded, false);
  }
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    size_t bytes = 0;
    void* const initial = const_cast<void*>(bpf_map__initial_value(map, &bytes));
    if (initial == nullptr || bytes < sizeof(WalkSettings)) continue;
    if (std::string_view(bpf_map__name(map)).ends_with(".rodata")) {
      WalkSettings settings = {};
      settings.value_bytes = static_cast<uint32_t>(options.value_bytes);
      settings.lock_offset = options.lock_offset;
      settings.shift = options.state.shift;
      settings.most_code = MarkField{options.state.shift, options.state.width}.most_code();
      settings.most_values = options.state.most_values;
      settings.any_storage = options.state.flags & INLAY_ANY_STORAGE;
      settings.hints_offset = options.state.hints_offset;
      std::memcpy(initial, &settings, sizeof(settings));
    }
  }
  error = bpf_object__load(object);
  if (error != 0) return NotLoaded(-error, messages);
  const absl::Status mapped = loaded->MapMemory(options);
  if (!mapped.ok()) return mapped;
  return loaded;
}

absl::StatusOr<std::unique_ptr<WalkPrograms>> WalkPrograms::LoadSome(
    Options options, std::map<std::string, std::string>* refused) {
  absl::StatusOr<std::unique_ptr<WalkPrograms>> all = Load(options);
  if (all.ok() || absl::IsPermissionDenied(all.status()) || options.programs.size() < 2) return all;
  Options alone = options;
  std::erase_if(options.programs, [&](const std::string& program) {
    alone.programs = {program};
    const absl::Status status = Load(alone).status();
    if (!status.ok()) refused->emplace(program, std::string(status.message()));
    return !status.ok();
  });
  if (options.programs.empty()) return all;
  return Load(options);
}

absl::Status WalkPrograms::MapMemory(const Options& options) {
  const auto map_memory = [](int fd, size_t bytes) {
    void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? nullptr : memory;
  };
  const auto failed = [] {
    return CallFailed("mapping the memory of the BPF programs", errno, ToLoad());
  };
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_.get()) {
    if (!std::string_view(bpf_map__name(map)).ends_with(".bss")) continue;
    if (bpf_map__value_size(map) < sizeof(WalkProgress)) continue;
    progress_ = static_cast<WalkProgress*>(map_memory(bpf_map__fd(map), sizeof(WalkProgress)));
    if (progress_ == nullptr) return failed();
  }
  if (progress_ == nullptr) return absl::InternalError("the BPF object has no .bss");
  if (options.most_records == 0) return absl::OkStatus();
  const size_t bytes = record_bytes_ * options.most_records;
  void* const memory = map_memory(bpf_object__find_map_fd_by_name(object_.get(), "records"), bytes);
  if (memory == nullptr) return failed();
  buffer_ = {static_cast<uint8_t*>(memory), bytes};
  return absl::OkStatus();
}

WalkPrograms::~WalkPrograms() {
  if (progress_ != nullptr) munmap(progress_, sizeof(*progress_));
  if (!buffer_.empty()) munmap(buffer_.data(), buffer_.size());
}

int WalkPrograms::folded_map_fd() const {
  return bpf_object__find_map_fd_by_name(object_.get(), "folded");
}

absl::StatusOr<WalkProgress> WalkPrograms::Walk(const std::string& program, Over over,
                                                size_t pause_bytes, const OnRecord& on_record,
                                                const std::function<bool()>& stop) {
  const std::string what = absl::StrCat("walking (", program, ")");
  const bpf_program* const found = bpf_object__find_program_by_name(object_.get(), program.c_str());
  if (found == nullptr || bpf_program__fd(found) < 0) {
    return absl::InternalError(absl::StrCat("no program ", program, " is loaded"));
  }
  bpf_iter_link_info link_info = {};
  bpf_link_create_opts link_options = {};
  link_options.sz = sizeof(link_options);
  if (over.map_fd >= 0) link_info.map.map_fd = static_cast<uint32_t>(over.map_fd);
  if (over.all_cgroups) link_info.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE;
  if (over.map_fd >= 0 || over.all_cgroups) {
    link_options.iter_info = &link_info;
    link_options.iter_info_len = sizeof(link_info);
  }
  const live_kernel::FileDescriptor link(
      bpf_link_create(bpf_program__fd(found), 0, BPF_TRACE_ITER, &link_options));
  if (!link.ok()) return CallFailed(what, errno, ToLoad());
  const live_kernel::FileDescriptor walk(bpf_iter_create(link.get()));
  if (!walk.ok()) return CallFailed(what, errno, ToLoad());

  *progress_ = {};
  progress_->limit = std::max<size_t>(std::min(pause_bytes, buffer_.size()) / record_bytes_, 1);
  uint64_t stalled_before = 0;
  for (;;) {
    // The programs write nothing into the seq_file.
    char printed[64];
    const ssize_t size = read(walk.get(), printed, sizeof(printed));
    const int error = errno;
    const uint64_t stalled = progress_->stalled;
    const bool nothing_kept = progress_->records == 0;
    const absl::Status drained = Drain(on_record);
    if (!drained.ok()) return drained;
    if (size == 0) return *progress_;
    // EAGAIN: the buffer was full, or the kernel paused after a million objects.
    if (size < 0 && error != EAGAIN && error != EINTR) return CallFailed(what, error, ToLoad());
    ++progress_->pauses;
    if (std::exchange(stalled_before, stalled) != stalled && nothing_kept) {
      return absl::InternalError(absl::StrCat(what, ": the buffer has no room for one record"));
    }
    if (stop && stop()) return absl::CancelledError("interrupted");
  }
}

absl::Status WalkPrograms::Drain(const OnRecord& on_record) {
  const size_t count = progress_->records;
  if (count * record_bytes_ > buffer_.size()) return absl::InternalError("too many records");
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* const record = buffer_.data() + i * record_bytes_;
    WalkRecordHead head;
    std::memcpy(&head, record, sizeof(head));
    const absl::Status status = on_record(head.cookie, {record + sizeof(head), value_bytes_});
    if (!status.ok()) return status;
  }
  // The programs rely on zeros in the bytes that they do not write.
  if (count != 0) std::memset(buffer_.data(), 0, count * record_bytes_);
  progress_->records = 0;
  return absl::OkStatus();
}

}  // namespace inlay::capture
