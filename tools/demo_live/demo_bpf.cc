// Shows socket storage and a map of inlay.bpf.h side by side: many processes open UDP sockets, a
// BPF program gives each socket the context of its task in both, and datagrams find the sockets in
// random order. Prints what a get, a create and a socket cost in both. The kernel frees everything
// with the process.
//
//   demo_bpf PROCESSES SOCKETS_OF_EACH

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_cgroup.h"
#include "engine/live_kernel/scratch_network.h"
#include "inlay/live_map.h"
#include "inlay/memory_usage.h"
#include "tools/demo_live/held_processes.h"
#include "tools/demo_live/side_by_side.h"
#include "tools/demo_live/task_context.h"

INLAY_EMBED_OBJECT(inlay_side_by_side_object)

namespace inlay {
namespace {

constexpr size_t kRounds = 5;
constexpr uint32_t kFirstAddress = 0x7F020000;  // 127.2.0.0
constexpr uint16_t kPort = 9;

volatile std::sig_atomic_t ending = 0;
extern "C" void NoteEnding(int) { ending = 1; }

[[noreturn]] void Fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in AddressOf(size_t number) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  address.sin_addr.s_addr = htonl(kFirstAddress + static_cast<uint32_t>(number));
  return address;
}

void OpenSockets(size_t first, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const sockaddr_in address = AddressOf(first + i);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      Fail("cannot open a UDP socket");
    }
  }
}

// The programs and the memory that they share with us.
class Programs {
 public:
  Programs() {
    libbpf_set_print(nullptr);
    bpf_object_open_opts options = {};
    options.sz = sizeof(options);
    options.object_name = "side_by_side";
    const std::span<const std::byte> embedded = inlay_side_by_side_object();
    object_.reset(bpf_object__open_mem(embedded.data(), embedded.size(), &options));
    if (object_ == nullptr) Fail("cannot read the BPF object");
    if (const int error = bpf_object__load(object_.get()); error != 0) {
      errno = -error;
      Fail("the kernel does not load the BPF programs");
    }
    void* const memory = mmap(nullptr, sizeof(SideBySide), PROT_READ | PROT_WRITE, MAP_SHARED,
                              bpf_object__find_map_fd_by_name(object_.get(), ".bss"), 0);
    if (memory == MAP_FAILED) Fail("cannot map the programs' variables");
    totals_ = static_cast<volatile SideBySide*>(memory);
    if (LiveMap::Open(object_.get(), "in_inlay", &map_) != Status::kOk) {
      throw std::runtime_error("cannot open the map in_inlay");
    }
  }
  ~Programs() { munmap(const_cast<SideBySide*>(totals_), sizeof(SideBySide)); }
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  using Link = std::unique_ptr<bpf_link, decltype(&bpf_link__destroy)>;
  Link Attach(const char* program, int cgroup_fd) const {
    Link link(bpf_program__attach_cgroup(bpf_object__find_program_by_name(object_.get(), program),
                                         cgroup_fd),
              &bpf_link__destroy);
    if (link == nullptr) Fail("cannot attach a BPF program to a cgroup");
    return link;
  }
  void WalkOverCharges() const {
    const bpf_program* const program =
        bpf_object__find_program_by_name(object_.get(), "charge_walk");
    const live_kernel::FileDescriptor link(
        bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, nullptr));
    const live_kernel::FileDescriptor walk(bpf_iter_create(link.get()));
    if (!walk.ok()) Fail("cannot walk over the UDP sockets");
    char printed[64];
    for (ssize_t size = 1; size != 0;) {
      size = read(walk.get(), printed, sizeof(printed));
      if (size < 0 && errno != EAGAIN && errno != EINTR) Fail("cannot walk over the UDP sockets");
    }
  }
  volatile SideBySide& totals() const { return *totals_; }
  const LiveMap& map() const { return *map_; }

 private:
  struct CloseObject {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };

  std::unique_ptr<bpf_object, CloseObject> object_;
  volatile SideBySide* totals_ = nullptr;
  std::unique_ptr<LiveMap> map_;
};

double PerAccess(const volatile Timed& timed) {
  return timed.count == 0 ? 0 : static_cast<double>(timed.ns) / static_cast<double>(timed.count);
}

// Sends a datagram to each socket, in random order, and waits until all have found one.
class Sender {
 public:
  explicit Sender(size_t sockets) {
    for (size_t i = 0; i < sockets; ++i) order_.push_back(i);
    std::shuffle(order_.begin(), order_.end(), std::mt19937_64(1));
    if (!fd_.ok()) Fail("cannot open a UDP socket");
  }

  void SendToAll(const volatile SideBySide& totals) {
    constexpr size_t kUnderWay = 256;  // fewer than net.core.netdev_max_backlog
    const uint64_t before = totals.packets;
    size_t sent = 0;
    for (const size_t number : order_) {
      const sockaddr_in to = AddressOf(number);
      const char byte = 0;
      if (sendto(fd_.get(), &byte, 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) < 0) {
        Fail("cannot send");
      }
      if (++sent % kUnderWay != 0 && sent != order_.size()) continue;
      for (int tries = 0; totals.packets < before + sent; ++tries) {
        if (tries == 10000) throw std::runtime_error("datagrams have met no socket");
        usleep(tries < 100 ? 0 : 1000);
      }
      if (ending != 0) throw std::runtime_error("ended by a signal");
    }
  }

 private:
  const live_kernel::FileDescriptor fd_{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::vector<size_t> order_;
};

void Run(size_t processes, size_t sockets_of_each) {
  const live_kernel::ScratchCgroup cgroup;
  live_kernel::EnterScratchNetwork();
  const Programs programs;
  volatile SideBySide& totals = programs.totals();
  const size_t sockets = processes * sockets_of_each;
  Sender sender(sockets);
  // Destroyed before the cgroup, which cannot be removed while they are in it.
  HeldProcesses holders;
  struct sigaction note = {};
  note.sa_handler = NoteEnding;
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) sigaction(signal, &note, nullptr);
  {
    const Programs::Link remember = programs.Attach("remember_twice", cgroup.fd());
    for (size_t i = 0; i < processes && ending == 0; ++i) {
      holders.Start([&] { OpenSockets(i * sockets_of_each, sockets_of_each); });
    }
  }
  {
    const Programs::Link check = programs.Attach("check_both", cgroup.fd());
    sender.SendToAll(totals);
  }
  if (totals.differed != 0 || totals.same != sockets) {
    throw std::runtime_error("the values in both are not the same");
  }
  constexpr std::array kPrograms = {"get_touch", "get_storage", "get_inlay"};
  std::array<std::vector<double>, kPrograms.size()> ns;
  for (size_t round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < kPrograms.size(); ++i) {
      const Programs::Link link = programs.Attach(kPrograms[i], cgroup.fd());
      totals.get.ns = 0;
      totals.get.count = 0;
      sender.SendToAll(totals);
      ns[i].push_back(PerAccess(totals.get));
    }
  }
  for (std::vector<double>& each : ns) {
    std::nth_element(each.begin(), each.begin() + kRounds / 2, each.end());
  }
  const auto over_touch = [&](size_t i) {
    return std::max(0.0, ns[i][kRounds / 2] - ns[0][kRounds / 2]);
  };
  programs.WalkOverCharges();
  const double charged = static_cast<double>(totals.charged_bytes) /
                         static_cast<double>(std::max<uint64_t>(totals.charged_sockets, 1));
  const size_t allocated = KmallocBytes(kStorageElementHeaderBytes + sizeof(net_task_context)) +
                           KmallocBytes(kLocalStorageBytes);
  const double inlay_bytes =
      static_cast<double>(programs.map().KernelBytes()) / static_cast<double>(sockets);
  std::printf("%zu UDP sockets of %zu processes, %u different values of %zu bytes\n", sockets,
              processes, programs.map().CountValues().values, sizeof(net_task_context));
  std::printf("The map has room for %u values, and takes %lu bytes in all.\n\n",
              programs.map().most_values(), programs.map().KernelBytes());
  std::printf("%-44s %15s %8s\n", "", "socket storage", "Inlay");
  const auto row = [](const char* what, double one, double other) {
    std::printf("%-44s %15.1f %8.1f\n", what, one, other);
  };
  row("get, ns over the packet's touch", over_touch(1), over_touch(2));
  row("create, ns", PerAccess(totals.create_in_storage), PerAccess(totals.create_in_inlay));
  row("bytes per socket, as the kernel charges them", charged, inlay_bytes);
  row("bytes per socket, as its allocator takes them", static_cast<double>(allocated), inlay_bytes);
}

}  // namespace
}  // namespace inlay

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: demo_bpf PROCESSES SOCKETS_OF_EACH\n");
    return 2;
  }
  try {
    inlay::Run(std::strtoul(argv[1], nullptr, 10), std::strtoul(argv[2], nullptr, 10));
    return 0;
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "demo_bpf: %s\n", failed.what());
    return 1;
  }
}
