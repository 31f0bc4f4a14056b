#include "bench/kernel/kernel_sockets.h"

#include <bpf/bpf.h>
#include <sched.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "bench/kernel/slab_usage.h"
#include "engine/live_kernel/hidden_fd.h"

namespace inlay::bench {
namespace {

using live_kernel::HiddenFd;

// Real-time priority while it lives, if the system allows it: no ordinary process takes the CPU or
// evicts our cache lines. The kernel keeps a twentieth of the time for the others.
class UndisturbedByOthers {
 public:
  UndisturbedByOthers() {
    sched_param lowest = {};
    lowest.sched_priority = 1;
    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest);
  }
  UndisturbedByOthers(const UndisturbedByOthers&) = delete;
  UndisturbedByOthers& operator=(const UndisturbedByOthers&) = delete;
  ~UndisturbedByOthers() {
    const sched_param none = {};
    sched_setscheduler(0, SCHED_OTHER, &none);
  }
};

WorkloadShape ShapeOf(size_t sockets) {
  WorkloadShape shape;
  shape.sockets = sockets;
  shape.values = kDistinctValues;
  shape.value_bytes = kValueBytes;
  return shape;
}

}  // namespace

KernelSockets::KernelSockets(LoadedPrograms& programs, int cgroup_fd, size_t sockets,
                             uint32_t first_number)
    : programs_(programs),
      cgroup_fd_(cgroup_fd),
      first_number_(first_number),
      workload_(ShapeOf(sockets)) {
  OpenSockets();
  StoreValues();
  for (const Walk walk : kWalks) Check(walk);
}

void KernelSockets::OpenSockets() {
  const HeldSockets all = {&workload_, 0, sockets(), first_number_};
  for (size_t at = 0; at < sockets(); at += SocketNetwork::kMostSockets) {
    networks_.push_back(std::make_unique<SocketNetwork>(all.Part(at, SocketNetwork::kMostSockets),
                                                        programs_.storage_map_fd()));
  }
}

void KernelSockets::StoreValues() {
  // All populations draw from the same values: the seed determines these first.
  for (uint32_t value = 0; value < kDistinctValues; ++value) {
    programs_.SetValue(value, workload_.value(value));
  }
  for (size_t i = 0; i < sockets(); ++i) {
    programs_.checks()[first_number_ + i] = {.value = workload_.value_of_socket(i), .agreed = 0};
  }
  uint64_t mark_ns = 0;
  for (const auto& network : networks_) mark_ns += network->holders().SetMarks();
  mark_ns_ = PerSocket(mark_ns);
  const SlabUsage before = ReadSlabUsage();
  uint64_t store_ns = 0;
  for (const auto& network : networks_) store_ns += network->holders().StoreValues();
  store_ns_ = PerSocket(store_ns);
  const SlabUsage after = ReadSlabUsage();
  slab_page_bytes_ = PerSocket(after.page_bytes) - PerSocket(before.page_bytes);
  slab_object_bytes_ = PerSocket(after.object_bytes) - PerSocket(before.object_bytes);
}

double KernelSockets::PerSocket(uint64_t of_all) const {
  return static_cast<double>(of_all) / static_cast<double>(sockets());
}

void KernelSockets::Check(Walk walk) {
  const auto checks = programs_.checks().subspan(first_number_, sockets());
  for (SocketCheck& check : checks) check.agreed = 0;
  RunWalk(walk, programs_.checking_program_fd(walk), 1);
  for (size_t i = 0; i < checks.size(); ++i) {
    if (checks[i].agreed == 1) continue;
    throw std::runtime_error("socket number " + std::to_string(first_number_ + i) +
                             ": wrong value, or not visited exactly once");
  }
}

KernelSockets::WalkTime KernelSockets::Take(Walk walk, Access access) {
  constexpr size_t kLeastAccesses = 20000;
  const size_t rounds = (kLeastAccesses + sockets() - 1) / sockets();
  const WalkTotals totals = RunWalk(walk, programs_.program_fd(walk, access), rounds);
  if (totals.read != rounds * ExpectedRead(access)) {
    throw std::runtime_error("the sum of the values read differs from the workload's");
  }
  if (totals.timed == 0) throw std::runtime_error("all accesses were interrupted");
  return {static_cast<double>(totals.ns) / static_cast<double>(totals.timed),
          static_cast<double>(totals.interrupted) /
              static_cast<double>(totals.timed + totals.interrupted)};
}

WalkTotals KernelSockets::RunWalk(Walk walk, int program_fd, size_t rounds) {
  programs_.ResetTotals();
  const UndisturbedByOthers undisturbed;
  if (walk == Walk::kPacket) {
    const HiddenFd attached(
        bpf_link_create(program_fd, cgroup_fd_, BPF_CGROUP_INET_INGRESS, nullptr),
        "cannot attach a program to the cgroup");
    for (size_t round = 0; round < rounds; ++round) SendToAll(round * sockets());
  } else {
    const HiddenFd link(bpf_link_create(program_fd, 0, BPF_TRACE_ITER, nullptr),
                        "cannot make a UDP iterator");
    for (size_t round = 0; round < rounds; ++round) {
      for (const auto& network : networks_) network->Iterate(link.get());
    }
  }
  const WalkTotals totals = programs_.totals();
  if (totals.timed + totals.interrupted != rounds * sockets()) {
    throw std::runtime_error("a walk visited " + std::to_string(totals.timed + totals.interrupted) +
                             " sockets instead of " + std::to_string(rounds * sockets()));
  }
  return totals;
}

void KernelSockets::SendToAll(size_t already_met) {
  // Fewer than net.core.netdev_max_backlog (1000), so that the backlog drops none.
  constexpr size_t kUnderWay = 256;
  size_t sent = 0;
  for (const uint32_t socket : workload_.packet_order()) {
    networks_[socket / SocketNetwork::kMostSockets]->SendTo(first_number_ + socket);
    if (++sent % kUnderWay == 0 || sent == sockets()) AwaitMet(already_met + sent);
  }
}

// Usually all have arrived when the sender's system call returns. Bounded by tries, not by time: a
// virtual machine may stand still.
void KernelSockets::AwaitMet(size_t met) const {
  constexpr int kTries = 10000;
  for (int i = 0; Met() < met; ++i) {
    if (i == kTries) {
      throw std::runtime_error(std::to_string(met - Met()) + " datagrams have met no socket");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(i < kTries / 2 ? 0 : 1000));
  }
}

size_t KernelSockets::Met() const {
  const WalkTotals totals = programs_.totals();
  return totals.timed + totals.interrupted;
}

uint64_t KernelSockets::ExpectedRead(Access access) const {
  constexpr uint64_t kStateClosed = 7;  // TCP_CLOSE: the state of an unconnected UDP socket
  uint64_t sum = 0;
  for (size_t i = 0; i < sockets(); ++i) {
    const uint32_t value = workload_.value_of_socket(i);
    switch (access) {
      case Access::kClock:
        break;
      case Access::kTouch:
        sum += kStateClosed;
        break;
      case Access::kMark:
        sum += value + 1;
        break;
      case Access::kSkStorage:
      case Access::kIndex:
      case Access::kInlay:
        sum += value;  // its number is in its first bytes
        break;
    }
  }
  return sum;
}

}  // namespace inlay::bench
