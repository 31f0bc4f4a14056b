#include "engine/live_maps/census_programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_maps/map_objects.h"

INLAY_EMBED_OBJECT(inlay_census_object)

namespace inlay {
namespace {

using live_kernel::FileDescriptor;

// What a kernel must have for the program.
CensusWatch Needs(const bpf_program* program) {
  switch (bpf_program__expected_attach_type(program)) {
    case BPF_TRACE_RAW_TP:
      return CensusWatch::kConnections;
    case BPF_TRACE_FENTRY:
    case BPF_TRACE_FEXIT:
      return CensusWatch::kSockets;
    default:
      return CensusWatch::kNothing;
  }
}

// Tries it, since libbpf would say on stderr what fails. A kernel may refuse such a program when it
// is loaded, or when it is attached.
bool CanFollow(const char* function) {
  const int id = libbpf_find_vmlinux_btf_id(function, BPF_TRACE_FENTRY);
  if (id <= 0) return false;
  const bpf_insn return_0[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  bpf_prog_load_opts options = {};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_TRACE_FENTRY;
  options.attach_btf_id = static_cast<uint32_t>(id);
  const FileDescriptor program(bpf_prog_load(BPF_PROG_TYPE_TRACING, "inlay_probe", "Dual BSD/GPL",
                                             return_0, std::size(return_0), &options));
  return program.ok() && FileDescriptor(bpf_raw_tracepoint_open(nullptr, program.get())).ok();
}

CensusWatch MostOf(CensusWatch wanted) {
  // Once it could, it can. Without privilege it could not, and may get it.
  static std::atomic<bool> can_follow = false;
  if (wanted != CensusWatch::kSockets || can_follow) return wanted;
  can_follow = CanFollow("sk_free");
  return can_follow ? wanted : CensusWatch::kConnections;
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
  CensusWatch watch = MostOf(shape.most_watch);
  Status status = made->LoadObject(shape, watch);
  while (status != Status::kOk && status != Status::kInvalid && watch != CensusWatch::kNothing) {
    watch = static_cast<CensusWatch>(static_cast<int>(watch) - 1);
    status = made->LoadObject(shape, watch);
  }
  if (status == Status::kOk) *loaded = std::move(made);
  return status;
}

Status CensusPrograms::LoadObject(const Shape& shape, CensusWatch watch) {
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
    if (Needs(program) > watch) bpf_program__set_autoload(program, false);
  }
  if (const int error = bpf_object__load(object); error != 0) {
    const Status status = StatusOfErrno(error);
    return status == Status::kInvalid ? Status::kUnsupported : status;
  }
  links_.clear();
  bpf_object__for_each_program(program, object) {
    if (Needs(program) != CensusWatch::kNothing) continue;
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
  watch_ = watch;
  return Status::kOk;
}

void CensusPrograms::Watch() {
  if (!watches_.empty()) return;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    const CensusWatch needs = Needs(program);
    if (needs == CensusWatch::kNothing || needs > watch_) continue;
    // Without a name or a target: the program was loaded for one.
    FileDescriptor watch(bpf_raw_tracepoint_open(nullptr, bpf_program__fd(program)));
    if (watch.ok()) watches_.push_back(std::move(watch));
  }
}

}  // namespace inlay
