#include "bench/kernel/loaded_programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "engine/live_kernel/embedded_object.h"

INLAY_EMBED_OBJECT(inlay_socket_walk_object)

namespace inlay::bench {
namespace {

// The messages of libbpf and the verifier during the last load.
std::string& Said() {
  static std::string said;
  return said;
}

[[gnu::format(printf, 2, 0)]] int KeepWhatIsSaid(libbpf_print_level level, const char* format,
                                                 va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char line[2048];
  const int length = std::vsnprintf(line, sizeof(line), format, arguments);
  Said() += line;
  return length;
}

void Check(int error, const char* what) {
  if (error == 0) return;
  throw std::system_error(-error, std::generic_category(), std::string(what) + ":\n" + Said());
}

// A map's memory, shared with the kernel.
void* MapMemory(int fd, size_t bytes, const char* what) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), what);
  return memory;
}

uint64_t Load(__u64& counter) {
  return std::atomic_ref<__u64>(counter).load(std::memory_order_relaxed);
}

}  // namespace

void LoadedPrograms::CloseObject::operator()(bpf_object* object) const {
  bpf_object__close(object);
}

LoadedPrograms::LoadedPrograms(uint32_t sockets) : sockets_(sockets) {
  libbpf_set_print(KeepWhatIsSaid);
  Said().clear();
  bpf_object_open_opts options = {};
  options.sz = sizeof(options);
  options.object_name = "socket_walk";
  const std::span<const std::byte> embedded = inlay_socket_walk_object();
  object_.reset(bpf_object__open_mem(embedded.data(), embedded.size(), &options));
  if (object_ == nullptr) Check(-errno, "cannot read the BPF object");
  Check(
      bpf_map__set_max_entries(bpf_object__find_map_by_name(object_.get(), "walk_checks"), sockets),
      "cannot size a map");
  Check(bpf_object__load(object_.get()), "the kernel does not load the BPF programs");
  checks_ = static_cast<SocketCheck*>(
      MapMemory(MapFd("walk_checks"), sockets * sizeof(SocketCheck), "cannot map an array map"));
  inlay_values_ = static_cast<std::byte*>(MapMemory(
      MapFd(".data.walk_inlay"), size_t{kDistinctValues} * kValueBytes, "cannot map an array map"));
  // `totals` is the programs' only variable.
  if (bpf_map__value_size(bpf_object__find_map_by_name(object_.get(), ".bss")) !=
      sizeof(WalkTotals)) {
    throw std::logic_error("the programs' variables are not what socket_walk.h says");
  }
  totals_ = static_cast<WalkTotals*>(
      MapMemory(MapFd(".bss"), sizeof(WalkTotals), "cannot map the programs' variables"));
}

LoadedPrograms::~LoadedPrograms() {
  if (checks_ != nullptr) munmap(checks_, sockets_ * sizeof(SocketCheck));
  if (totals_ != nullptr) munmap(totals_, sizeof(WalkTotals));
  if (inlay_values_ != nullptr) munmap(inlay_values_, size_t{kDistinctValues} * kValueBytes);
}

int LoadedPrograms::ProgramFd(const std::string& name) const {
  const bpf_program* const program = bpf_object__find_program_by_name(object_.get(), name.c_str());
  if (program == nullptr) throw std::logic_error("no BPF program " + name);
  return bpf_program__fd(program);
}

int LoadedPrograms::MapFd(const char* name) const {
  return bpf_object__find_map_fd_by_name(object_.get(), name);
}

int LoadedPrograms::program_fd(Walk walk, Access access) const {
  return ProgramFd(std::string(Name(walk)) + "_" + Name(access));
}

int LoadedPrograms::checking_program_fd(Walk walk) const {
  return ProgramFd(std::string(Name(walk)) + "_check");
}

int LoadedPrograms::storage_map_fd() const { return MapFd("walk_storage"); }

void LoadedPrograms::SetValue(uint32_t number, std::span<const std::byte> bytes) {
  if (bytes.size() != kValueBytes) throw std::logic_error("a value of another size");
  Check(bpf_map_update_elem(MapFd("walk_values"), &number, bytes.data(), BPF_ANY),
        "cannot set a value of an array map");
  std::memcpy(inlay_values_ + size_t{number} * kValueBytes, bytes.data(), bytes.size());
}

WalkTotals LoadedPrograms::totals() const {
  WalkTotals totals = {};
  totals.timed = Load(totals_->timed);
  totals.interrupted = Load(totals_->interrupted);
  totals.ns = Load(totals_->ns);
  totals.read = Load(totals_->read);
  return totals;
}

void LoadedPrograms::ResetTotals() { *totals_ = WalkTotals{}; }

}  // namespace inlay::bench
