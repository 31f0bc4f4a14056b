#include "engine/live_maps/census_programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_maps/map_objects.h"

INLAY_EMBED_OBJECT(inlay_census_object)

namespace inlay {
namespace {

using live_kernel::FileDescriptor;

constexpr std::array kWatches = {"watch_states", "watch_ends"};

bool IsWatch(const bpf_program* program) {
  return bpf_program__expected_attach_type(program) == BPF_TRACE_RAW_TP;
}

// Without this a build that embeds an old object, or reads it by an old header, does not fail, but
// counts zeros.
bool IsOfThisVersion(const bpf_object* object) {
  struct Size {
    const char* map;
    size_t bytes;
  };
  constexpr Size kSizes[] = {
      {"census_met", sizeof(CensusMet)},        {"census_namespaces", sizeof(CensusSockets)},
      {"census_list", sizeof(CensusNamespace)}, {"census_holders", sizeof(CensusHolder)},
      {"census_rings", sizeof(CensusHolder)},   {"census_lives", sizeof(CensusLife)},
      {"census_users", sizeof(uint64_t)},       {"census_seen", sizeof(uint64_t)},
      {".rodata", sizeof(CensusSettings)},      {".bss", sizeof(CensusCounts)},
  };
  for (const Size& each : kSizes) {
    const bpf_map* const map = bpf_object__find_map_by_name(object, each.map);
    if (map == nullptr || bpf_map__value_size(map) != each.bytes) return false;
  }
  return true;
}

}  // namespace

void CensusPrograms::CloseObject::operator()(bpf_object* open) const { bpf_object__close(open); }

CensusPrograms::~CensusPrograms() = default;

int CensusPrograms::MapFd(const char* name) const {
  return bpf_object__find_map_fd_by_name(object_.get(), name);
}

Status CensusPrograms::Load(const Shape& shape, std::unique_ptr<CensusPrograms>* loaded) {
  std::unique_ptr<CensusPrograms> made(new CensusPrograms);
  Status status = made->LoadObject(shape, !shape.cannot_watch);
  if (status != Status::kOk && status != Status::kInvalid && !shape.cannot_watch) {
    status = made->LoadObject(shape, false);
  }
  if (status == Status::kOk) *loaded = std::move(made);
  return status;
}

Status CensusPrograms::LoadObject(const Shape& shape, bool can_watch) {
  bpf_object_open_opts options = {};
  options.sz = sizeof(options);
  options.object_name = "inlay_census";
  const std::span<const std::byte> embedded = inlay_census_object();
  bpf_object* const object = bpf_object__open_mem(embedded.data(), embedded.size(), &options);
  if (object == nullptr) return StatusOfErrno(errno);
  object_.reset(object);
  if (shape.other_version) {
    bpf_map__set_value_size(bpf_object__find_map_by_name(object, "census_namespaces"), 8);
  }
  if (!IsOfThisVersion(object)) return Status::kInvalid;
  const auto set_entries = [&](const char* map, uint32_t entries) {
    bpf_map__set_max_entries(bpf_object__find_map_by_name(object, map), entries);
  };
  set_entries("census_met", shape.most_sockets);
  set_entries("census_users", shape.codes);
  set_entries("census_seen", shape.codes);
  size_t bytes = 0;
  bpf_map* const constants = bpf_object__find_map_by_name(object, ".rodata");
  void* const initial = const_cast<void*>(bpf_map__initial_value(constants, &bytes));
  if (initial == nullptr || bytes < sizeof(CensusSettings)) return Status::kInvalid;
  std::memcpy(initial, &shape.settings, sizeof(shape.settings));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    if (IsWatch(program)) bpf_program__set_autoload(program, can_watch);
  }
  if (const int error = bpf_object__load(object); error != 0) {
    const Status status = StatusOfErrno(error);
    return status == Status::kInvalid ? Status::kUnsupported : status;
  }
  links_.clear();
  bpf_object__for_each_program(program, object) {
    if (IsWatch(program)) continue;
    FileDescriptor link(bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, nullptr));
    if (!link.ok()) return StatusOfErrno(errno);
    links_.emplace(bpf_program__name(program), std::move(link));
  }
  constexpr int kBoth = PROT_READ | PROT_WRITE;
  const size_t numbers = shape.codes * sizeof(uint64_t);
  if (!counts_.Map(MapFd(".bss"), sizeof(CensusCounts), kBoth) ||
      !users_.Map(MapFd("census_users"), numbers, kBoth) ||
      !seen_.Map(MapFd("census_seen"), numbers, kBoth)) {
    return StatusOfErrno(errno);
  }
  can_watch_ = can_watch;
  return Status::kOk;
}

void CensusPrograms::Watch() {
  if (!can_watch_ || !watches_.empty()) return;
  for (const char* const name : kWatches) {
    const bpf_program* const program = bpf_object__find_program_by_name(object_.get(), name);
    FileDescriptor watch(bpf_raw_tracepoint_open(nullptr, bpf_program__fd(program)));
    if (watch.ok()) watches_.push_back(std::move(watch));
  }
}

}  // namespace inlay
