// Opens TCP and UDP sockets in many processes, each process in a network namespace of its own with
// nothing but loopback, while a BPF program gives every socket the context of the task that opened
// it. Prints the map's id, and holds the sockets until standard input ends. The kernel frees
// everything with the process.
//
//   demo_sockets PROCESSES CONNECTIONS DATAGRAM_SOCKETS    (the last two: in each process)

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <system_error>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/scratch_cgroup.h"
#include "engine/live_kernel/scratch_network.h"
#include "tools/demo_live/held_processes.h"

INLAY_EMBED_OBJECT(inlay_task_context_object)

namespace inlay {
namespace {

constexpr std::array kEndingSignals = {SIGHUP, SIGINT, SIGTERM};
volatile std::sig_atomic_t ending = 0;
extern "C" void NoteEnding(int) { ending = 1; }

[[noreturn]] void Fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
struct CloseLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};

// A listener, and connections to it, both ends of which stay open.
void OpenConnections(size_t count) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof(address);
  auto* const to = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, to, bytes) != 0 || listen(listener, 128) != 0 ||
      getsockname(listener, to, &bytes) != 0) {
    Fail("cannot listen");
  }
  for (size_t i = 0; i < count; ++i) {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    if (client < 0 || connect(client, to, bytes) != 0) Fail("cannot connect");
    if (accept(listener, nullptr, nullptr) < 0) Fail("cannot accept");
  }
}

void OpenDatagramSockets(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const int fd = socket(i % 2 == 0 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
    if (fd < 0) Fail("cannot open a UDP socket");
  }
}

void Run(size_t processes, size_t connections, size_t datagrams) {
  const live_kernel::ScratchCgroup cgroup;
  libbpf_set_print(nullptr);
  bpf_object_open_opts options = {};
  options.sz = sizeof(options);
  options.object_name = "task_context";
  const std::span<const std::byte> embedded = inlay_task_context_object();
  const std::unique_ptr<bpf_object, CloseObject> object(
      bpf_object__open_mem(embedded.data(), embedded.size(), &options));
  if (object == nullptr) Fail("cannot read the BPF object");
  if (const int error = bpf_object__load(object.get()); error != 0) {
    errno = -error;
    Fail("the kernel does not load the BPF program");
  }
  const std::unique_ptr<bpf_link, CloseLink> link(bpf_program__attach_cgroup(
      bpf_object__find_program_by_name(object.get(), "remember_task"), cgroup.fd()));
  if (link == nullptr) Fail("cannot attach the BPF program to a cgroup");
  // Destroyed before the cgroup, which cannot be removed while they are in it.
  HeldProcesses holders;
  struct sigaction note = {};
  note.sa_handler = NoteEnding;  // without SA_RESTART, so that read() ends
  for (const int signal : kEndingSignals) sigaction(signal, &note, nullptr);
  for (size_t i = 0; i < processes && ending == 0; ++i) {
    holders.Start([&] {
      live_kernel::EnterScratchNetwork();
      OpenConnections(connections);
      OpenDatagramSockets(datagrams);
    });
  }
  bpf_map_info info = {};
  uint32_t bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(bpf_object__find_map_fd_by_name(object.get(), "net_taskctx_map"),
                             &info, &bytes) != 0) {
    Fail("cannot read the map's id");
  }
  std::printf("%u\n", info.id);
  std::fflush(stdout);
  char byte = 0;
  while (ending == 0 && read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

}  // namespace
}  // namespace inlay

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: demo_sockets PROCESSES CONNECTIONS DATAGRAM_SOCKETS\n");
    return 2;
  }
  try {
    inlay::Run(std::strtoul(argv[1], nullptr, 10), std::strtoul(argv[2], nullptr, 10),
               std::strtoul(argv[3], nullptr, 10));
    return 0;
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "demo_sockets: %s\n", failed.what());
    return 1;
  }
}
