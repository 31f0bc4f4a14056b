#include "tests/kernel/on_kernel/kernel_backend.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/live_kernel/hidden_fd.h"
#include "engine/live_kernel/scratch_cgroup.h"
#include "engine/live_kernel/scratch_network.h"
#include "inlay/memory_usage.h"
#include "inlay/operation.h"
#include "tests/kernel/on_kernel/accepted_child.h"
#include "tests/kernel/on_kernel/exchange_map.h"
#include "tests/kernel/on_kernel/storage_diag.h"
#include "tests/kernel/on_kernel/storage_program.h"
#include "tests/kernel/on_kernel/storage_walk.h"
#include "tests/kernel/on_kernel/value_type.h"

namespace inlay::bpf_script {
namespace {

[[noreturn]] void Fail(const char* what, int error = errno) {
  throw std::system_error(error, std::generic_category(), what);
}

int ErrnoIf(bool failed) { return failed ? errno : 0; }

// State that outlives a script.
struct Machine {
  live_kernel::ScratchCgroup cgroup;
  ExchangeMap exchange;
  live_kernel::OptmemLimit optmem_limit;
  std::string_view same_layout;
  int walk_target = 0;  // the BTF id that walk programs attach to
  std::map<std::pair<uint32_t, bool>, ValueType> types;

  const ValueType& TypeOf(const MapShape& shape) {
    const std::pair key(shape.value_bytes, shape.lock);
    const auto at = types.find(key);
    constexpr size_t kKept = 500;  // each is an open descriptor
    if (at == types.end() && types.size() >= kKept) types.clear();
    return at != types.end() ? at->second : types.emplace(key, LoadValueType(shape)).first->second;
  }
};

int SocketOption(int fd, int option, int* value) {
  socklen_t length = sizeof(*value);
  return ErrnoIf(getsockopt(fd, SOL_SOCKET, option, value, &length) != 0);
}

// Polls `done()` every millisecond. Bounded by tries, not by time: a virtual machine may stand
// still.
template <typename Done>
void WaitUntil(const char* what, Done&& done) {
  constexpr int kTries = 10000;
  for (int i = 0; i < kTries; ++i) {
    if (done()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw std::runtime_error(std::string("no end of ") + what);
}

// Clears the lock's bytes, which are not part of a value: the kernel does not always write them.
void ClearLock(const MapShape& shape, Bytes& value) {
  if (!shape.lock) return;
  std::fill_n(value.begin(), std::min<size_t>(kSpinLockBytes, value.size()), std::byte{});
}

int64_t StorageBytes() {
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__load_vmlinux_btf(), &btf__free);
  if (types == nullptr) Fail("cannot read the kernel's BTF");
  const int id = btf__find_by_name_kind(types.get(), "bpf_local_storage", BTF_KIND_STRUCT);
  if (id < 0) Fail("cannot find bpf_local_storage in the kernel's BTF", -id);
  return btf__type_by_id(types.get(), static_cast<uint32_t>(id))->size;
}

class KernelBackend final : public Backend {
 public:
  explicit KernelBackend(Machine& machine) : machine_(machine) {
    machine_.optmem_limit = live_kernel::EnterScratchNetwork();
  }
  ~KernelBackend() override;

  int CreateMap(MapNumber map, const MapShape& shape) override;
  int FreeMap(MapNumber map) override;
  int OpenSocket(int fd, SocketFamily family) override;
  int OpenFile(int fd) override;
  int Dup(int from, int fd) override;
  int Clone(int listener, int fd) override;
  int Close(int fd) override;
  int Update(MapNumber map, int fd, const Bytes& value, uint64_t flags) override;
  int Lookup(MapNumber map, int fd, uint64_t flags, Bytes* value) override;
  int SysDelete(MapNumber map, int fd) override;
  int Freeze(MapNumber map) override;
  int NextKey(MapNumber map, const int* fd) override;
  int LookupAndDelete(MapNumber map, int fd) override;
  int Get(MapNumber map, int fd, uint64_t flags, const Bytes* init, Bytes* value) override;
  int Delete(MapNumber map, int fd) override;
  int Poke(MapNumber map, int fd, uint32_t offset, const Bytes& bytes, bool* present) override;
  int Omem(int fd, int64_t* bytes) override;
  int SetOptmem(int64_t bytes) override { return live_kernel::SetScratchOptmem(bytes); }
  int Cookie(int fd, uint64_t* cookie) override;
  int Dump(MapNumber map, std::vector<HeldValue>* values) override;
  int Diag(int fd, std::span<const MapNumber> maps, DiagReply* reply) override;

 private:
  struct Map {
    live_kernel::HiddenFd fd;
    live_kernel::HiddenFd program;  // made at the first helper call
    MapShape shape;
    uint32_t id = 0;
  };

  Map* Find(MapNumber map);
  int FdOf(MapNumber map);
  // Moves a descriptor to its number in the script.
  int Place(int opened, int fd);
  void Placed(int fd);
  // Runs the map's program on the socket; the result is in the exchange.
  int RunProgram(MapNumber map, int fd, HelperCall call);

  Machine& machine_;
  std::unordered_map<MapNumber, Map> maps_;
  MapNumber attached_ = kNoMap;                   // the map whose program is attached to the cgroup
  std::set<int> open_;                            // the script's numbers
  std::map<int, live_kernel::HiddenFd> clients_;  // of accepted sockets, by the number of those
};

KernelBackend::~KernelBackend() {
  bpf_prog_detach(machine_.cgroup.fd(), BPF_CGROUP_SETSOCKOPT);
  maps_.clear();
  while (!open_.empty()) Close(*open_.begin());
}

// --- maps

KernelBackend::Map* KernelBackend::Find(MapNumber map) {
  const auto at = maps_.find(map);
  return at != maps_.end() ? &at->second : nullptr;
}

int KernelBackend::FdOf(MapNumber map) {
  const Map* const found = Find(map);
  return found != nullptr ? found->fd.get() : -1;
}

int KernelBackend::CreateMap(MapNumber map, const MapShape& shape) {
  const ValueType& type = machine_.TypeOf(shape);
  bpf_map_create_opts options = {};
  options.sz = sizeof(options);
  options.map_flags = BPF_F_NO_PREALLOC;
  if (shape.clone) options.map_flags |= BPF_F_CLONE;
  options.btf_fd = static_cast<uint32_t>(type.fd.get());
  options.btf_key_type_id = type.key_id;
  options.btf_value_type_id = type.value_id;
  const int fd = bpf_map_create(BPF_MAP_TYPE_SK_STORAGE, "script", sizeof(int), shape.value_bytes,
                                0, &options);
  if (fd < 0) return errno;
  Map made;
  made.fd = live_kernel::HiddenFd(fd, "cannot keep a map");
  made.shape = shape;
  bpf_map_info info = {};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(made.fd.get(), &info, &length) != 0) Fail("cannot read a map's id");
  made.id = info.id;
  maps_.emplace(map, std::move(made));
  return 0;
}

int KernelBackend::FreeMap(MapNumber map) {
  Map* const freed = Find(map);
  if (freed == nullptr) return EBADF;
  const uint32_t value_bytes = freed->shape.value_bytes;
  std::map<int, int64_t> charged;  // charge in bytes, by socket with a value
  for (const int fd : open_) {
    Bytes value;
    int64_t bytes = 0;
    if (Lookup(map, fd, 0, &value) == 0 && Omem(fd, &bytes) == 0) charged.emplace(fd, bytes);
  }
  if (attached_ == map) {
    if (bpf_prog_detach(machine_.cgroup.fd(), BPF_CGROUP_SETSOCKOPT) != 0) {
      Fail("cannot detach a program");
    }
    attached_ = kNoMap;
  }
  maps_.erase(map);
  WaitUntil("freeing a map", [&] {
    std::erase_if(charged, [&](const auto& socket) {
      int64_t now = 0;
      return Omem(socket.first, &now) != 0 || now + value_bytes < socket.second;
    });
    return charged.empty();
  });
  return 0;
}

int KernelBackend::Freeze(MapNumber map) { return ErrnoIf(bpf_map_freeze(FdOf(map)) != 0); }

// --- descriptors

// A script must see our own descriptors as closed.
int Visible(int fd) { return fd >= live_kernel::HiddenFd::FirstNumber() ? -1 : fd; }

void KernelBackend::Placed(int fd) {
  open_.insert(fd);
  const auto client = clients_.find(fd);
  if (client == clients_.end()) return;
  ResetClient(std::move(client->second));
  clients_.erase(client);
}

int KernelBackend::Place(int opened, int fd) {
  if (opened < 0) return errno;
  if (opened != fd) {
    const bool foreign = !open_.contains(fd) && fcntl(fd, F_GETFD) >= 0;
    if (foreign) throw std::logic_error("a descriptor of somebody else is where a script's goes");
    if (Visible(fd) < 0 || dup3(opened, fd, O_CLOEXEC) < 0) Fail("too many descriptors", EMFILE);
    close(opened);
  }
  Placed(fd);
  return 0;
}

int KernelBackend::OpenSocket(int fd, SocketFamily family) {
  switch (family) {
    case SocketFamily::kTcp:
      return Place(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd);
    case SocketFamily::kTcp6:
      return Place(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), fd);
    case SocketFamily::kUdp:
      return Place(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd);
    case SocketFamily::kUdp6:
      return Place(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd);
    case SocketFamily::kUnix:
      return Place(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd);
    case SocketFamily::kUnixDgram:
      return Place(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd);
    case SocketFamily::kRaw:
      return Place(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), fd);
    case SocketFamily::kNetlink:
      return Place(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), fd);
    case SocketFamily::kPacket:
      return Place(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), fd);
  }
  return EAFNOSUPPORT;
}

int KernelBackend::OpenFile(int fd) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  close(ends[1]);
  return Place(ends[0], fd);
}

int KernelBackend::Dup(int from, int fd) {
  if (dup3(Visible(from), fd, O_CLOEXEC) < 0) return errno;
  Placed(fd);
  return 0;
}

int KernelBackend::Clone(int listener, int fd) {
  live_kernel::HiddenFd client;
  int child = -1;
  if (const int error = AcceptChild(Visible(listener), &client, &child); error != 0) return error;
  if (const int error = Place(child, fd); error != 0) return error;
  clients_[fd] = std::move(client);
  return 0;
}

int KernelBackend::Close(int fd) {
  const auto client = clients_.find(fd);
  if (client != clients_.end()) {
    ResetClient(std::move(client->second));
    clients_.erase(client);
  }
  open_.erase(fd);
  return ErrnoIf(close(Visible(fd)) != 0);
}

int KernelBackend::Omem(int fd, int64_t* bytes) {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t length = sizeof(memory);
  if (getsockopt(Visible(fd), SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) return errno;
  *bytes = memory[SK_MEMINFO_OPTMEM];
  return 0;
}

int KernelBackend::Cookie(int fd, uint64_t* cookie) {
  socklen_t length = sizeof(*cookie);
  return ErrnoIf(getsockopt(Visible(fd), SOL_SOCKET, SO_COOKIE, cookie, &length) != 0);
}

// --- the system call

int KernelBackend::Update(MapNumber map, int fd, const Bytes& value, uint64_t flags) {
  const int key = Visible(fd);
  return ErrnoIf(bpf_map_update_elem(FdOf(map), &key, value.data(), flags) != 0);
}

int KernelBackend::Lookup(MapNumber map, int fd, uint64_t flags, Bytes* value) {
  const int key = Visible(fd);
  const Map* const found = Find(map);
  value->assign(found != nullptr ? found->shape.value_bytes : 1, std::byte{});
  return ErrnoIf(bpf_map_lookup_elem_flags(FdOf(map), &key, value->data(), flags) != 0);
}

int KernelBackend::SysDelete(MapNumber map, int fd) {
  const int key = Visible(fd);
  return ErrnoIf(bpf_map_delete_elem(FdOf(map), &key) != 0);
}

int KernelBackend::NextKey(MapNumber map, const int* fd) {
  const int key = fd != nullptr ? Visible(*fd) : -1;
  int next = 0;
  return ErrnoIf(bpf_map_get_next_key(FdOf(map), fd != nullptr ? &key : nullptr, &next) != 0);
}

int KernelBackend::LookupAndDelete(MapNumber map, int fd) {
  const int key = Visible(fd);
  const Map* const found = Find(map);
  Bytes value(found != nullptr ? found->shape.value_bytes : 1);
  return ErrnoIf(bpf_map_lookup_and_delete_elem(FdOf(map), &key, value.data()) != 0);
}

// --- programs

int KernelBackend::RunProgram(MapNumber map, int fd, HelperCall call) {
  Map* const used = Find(map);
  if (used == nullptr) return EBADF;
  if (used->program.get() < 0) {
    used->program = LoadStorageProgram(used->fd.get(), used->shape, machine_.exchange.fd());
  }
  if (attached_ != map) {  // replaces the previous program
    if (bpf_prog_attach(used->program.get(), machine_.cgroup.fd(), BPF_CGROUP_SETSOCKOPT, 0) != 0) {
      Fail("cannot attach a program to the cgroup");
    }
    attached_ = map;
  }
  HelperExchange& exchange = *machine_.exchange;
  exchange.call = call;
  exchange.has_run = 0;
  if (setsockopt(Visible(fd), kProgramLevel, kProgramOption, nullptr, 0) != 0) return errno;
  if (exchange.has_run == 0) throw std::runtime_error("the program did not run");
  return 0;
}

int KernelBackend::Get(MapNumber map, int fd, uint64_t flags, const Bytes* init, Bytes* value) {
  HelperExchange& exchange = *machine_.exchange;
  exchange.flags = flags;
  exchange.has_init = init != nullptr ? 1 : 0;
  if (init != nullptr) std::copy(init->begin(), init->end(), exchange.value);
  if (const int error = RunProgram(map, fd, HelperCall::kGet); error != 0) return error;
  if (exchange.found == 0) return 0;
  const MapShape& shape = Find(map)->shape;
  value->assign(exchange.value, exchange.value + shape.value_bytes);
  ClearLock(shape, *value);
  return 0;
}

int KernelBackend::Delete(MapNumber map, int fd) {
  if (const int error = RunProgram(map, fd, HelperCall::kDelete); error != 0) return error;
  return static_cast<int>(-(*machine_.exchange).result);
}

int KernelBackend::Poke(MapNumber map, int fd, uint32_t offset, const Bytes& bytes, bool* present) {
  HelperExchange& exchange = *machine_.exchange;
  exchange.flags = 0;
  exchange.has_init = 0;
  *present = true;
  for (size_t i = 0; i < bytes.size() && *present; ++i) {
    exchange.poke_offset = static_cast<uint32_t>(offset + i);
    exchange.poke_byte = std::to_integer<uint32_t>(bytes[i]);
    if (const int error = RunProgram(map, fd, HelperCall::kPoke); error != 0) return error;
    *present = exchange.found != 0;
  }
  return 0;
}

// --- walks

int KernelBackend::Dump(MapNumber map, std::vector<HeldValue>* values) {
  const Map* const walked = Find(map);
  if (walked == nullptr) return EBADF;
  int error = 0;
  const auto open_socket_holds = [&](int fd) {
    Bytes value;
    return Lookup(map, fd, 0, &value) == 0;
  };
  // A closed socket keeps its value for some milliseconds; that value must not count as too big.
  WaitUntil("closed sockets with values", [&] {
    error = WalkStorage(walked->fd.get(), walked->shape.value_bytes, machine_.walk_target, values);
    return error == 0 || std::ranges::any_of(open_, open_socket_holds);
  });
  return error;
}

int KernelBackend::Diag(int fd, std::span<const MapNumber> maps, DiagReply* reply) {
  int family = 0;
  int protocol = 0;
  uint64_t cookie = 0;
  if (const int error = SocketOption(Visible(fd), SO_DOMAIN, &family); error != 0) return error;
  if (const int error = SocketOption(Visible(fd), SO_PROTOCOL, &protocol); error != 0) return error;
  if (const int error = Cookie(fd, &cookie); error != 0) return error;
  reply->listed = family == AF_INET || family == AF_INET6;
  if (!reply->listed) return 0;
  std::vector<int> map_fds;
  for (const MapNumber map : maps) map_fds.push_back(FdOf(map));
  DiagValues values;
  if (const int error = ReadStorageDiag(family, protocol, cookie, map_fds, &values); error != 0) {
    return error;
  }
  for (auto& [id, value] : values) {
    for (const auto& [number, map] : maps_) {
      if (map.id != id) continue;
      ClearLock(map.shape, value);
      reply->values.emplace_back(number, std::move(value));
      break;
    }
  }
  return 0;
}

// --- access

class OpenedKernel final : public KernelAccess {
 public:
  OpenedKernel() {
    machine_.walk_target = libbpf_find_vmlinux_btf_id("bpf_sk_storage_map", BPF_TRACE_ITER);
    if (machine_.walk_target < 0) {
      Fail("the kernel has no BTF of its own types", -machine_.walk_target);
    }
    TryEverything();
  }
  std::unique_ptr<Backend> NewBackend() override {
    return std::make_unique<KernelBackend>(machine_);
  }
  std::string_view same_layout() const override { return machine_.same_layout; }
  live_kernel::OptmemLimit optmem_limit() const override { return machine_.optmem_limit; }

 private:
  // Checks at the start that the machine can do all that scripts may ask of it.
  void TryEverything() {
    KernelBackend backend(machine_);
    constexpr int kFd = 3;
    Bytes value;
    std::vector<HeldValue> values;
    DiagReply reply;
    const auto must = [](int error, const char* what) {
      if (error != 0) Fail(what, error);
    };
    must(backend.CreateMap(0, {.value_bytes = 8, .clone = true}), "cannot make a map");
    must(backend.CreateMap(1, {.value_bytes = 8, .lock = true}), "cannot make a map");
    const int freezes_lock = backend.Freeze(1);
    must(backend.CreateMap(2, {.value_bytes = 8}), "cannot make a map");
    must(backend.Freeze(2), "cannot freeze a map");
    const int freezes_again = backend.Freeze(2);
    const int64_t storage_bytes = StorageBytes();
    if (storage_bytes == kLocalStorageBytes && freezes_lock != 0 && freezes_again == EPERM) {
      machine_.same_layout = "pointer";
    }
    if (storage_bytes == kLocalStorageBytes61 && freezes_lock == 0 && freezes_again == EBUSY) {
      machine_.same_layout = "pointer_6_1";
    }
    must(backend.OpenSocket(kFd, SocketFamily::kTcp), "cannot make a socket");
    must(backend.Get(0, kFd, BPF_SK_STORAGE_GET_F_CREATE, nullptr, &value), "cannot run a program");
    must(backend.Dump(0, &values), "cannot walk a map");
    must(backend.Clone(kFd, kFd + 1), "cannot accept a connection");
    must(backend.Diag(kFd, {}, &reply), "cannot ask sock_diag");
    if (value.empty() || values.size() != 1 || reply.values.size() != 1) {
      throw std::runtime_error("the kernel has lost a value");
    }
  }

  Machine machine_;
};

}  // namespace

std::unique_ptr<KernelAccess> OpenKernel(std::string* reason) {
  libbpf_set_print(nullptr);
  try {
    return std::make_unique<OpenedKernel>();
  } catch (const std::exception& missing) {
    *reason = missing.what();
    return nullptr;
  }
}

}  // namespace inlay::bpf_script
