#include "tools/replay/replay.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/workload/layouts.h"
#include "engine/workload/packet_walk.h"
#include "inlay/emulated/socket.h"
#include "inlay/rcu.h"

namespace inlay::replay {
namespace {

// Each timing is the best of this many rounds: noise only adds.
constexpr int kRounds = 3;

absl::Status Failed(const std::string& what, Status status) {
  return absl::ResourceExhaustedError(
      absl::StrCat("cannot ", what, ": ", std::string(StatusName(status))));
}

template <typename F>
double NsPerOperation(size_t operations, F&& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / static_cast<double>(std::max<size_t>(operations, 1));
}

// One socket per record, linked into a random cycle, with the reservation of a layout in each.
class Sockets {
 public:
  static absl::StatusOr<std::unique_ptr<Sockets>> Open(size_t count, workload::Reservation needs) {
    SocketTableOptions options;
    options.inline_bits = needs.inline_bits;
    options.tail_bytes = needs.tail_bytes;
    options.max_descriptors = static_cast<uint32_t>(count);
    auto opened = std::make_unique<Sockets>();
    Status status = SocketTable::Create(options, &opened->table_);
    if (status != Status::kOk) return Failed("make a socket table", status);
    ReadSection section;
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      Socket* socket = nullptr;
      status = opened->table_->Open(SocketFamily::kUdp, &fd);
      if (status == Status::kOk) status = opened->table_->Find(fd, &socket);
      if (status != Status::kOk) return Failed(absl::StrCat("open socket ", i + 1), status);
      opened->sockets_.push_back(socket);
    }
    std::vector<Socket*> order = opened->sockets_;
    std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
    for (size_t i = 0; i < order.size(); ++i) {
      order[i]->common.skc_node_next.store(&order[(i + 1) % order.size()]->common,
                                           std::memory_order_relaxed);
    }
    return opened;
  }

  SocketTable& table() { return *table_; }
  size_t size() const { return sockets_.size(); }
  Socket& operator[](size_t i) { return *sockets_[i]; }

  template <typename Get>
  double WalkNs(Get&& get) {
    const ReadSection section;
    const uint64_t zero = workload::OpaqueZero();
    Socket* at = sockets_.front();
    double best_ns = 0;
    uint64_t sum = 0;
    for (int round = 0; round <= kRounds; ++round) {  // the first one warms up
      const double ns =
          NsPerOperation(size(), [&] { sum += workload::PacketWalk(&at, size(), zero, get); });
      if (round == 1 || (round > 1 && ns < best_ns)) best_ns = ns;
    }
    sink_ = sum;
    return best_ns;
  }

 private:
  std::unique_ptr<SocketTable> table_;
  std::vector<Socket*> sockets_;
  volatile uint64_t sink_ = 0;  // keeps the compiler from dropping a walk
};

// Reads the first byte: a value may have no more.
uint64_t FirstByte(const std::byte* value) { return static_cast<uint64_t>(*value); }

template <typename Layout>
absl::StatusOr<LayoutResult> ReplayOn(const Recording& recording) {
  absl::StatusOr<std::unique_ptr<Sockets>> opened =
      Sockets::Open(recording.records(), Layout::Needs(recording.value_bytes()));
  if (!opened.ok()) return opened.status();
  Sockets& sockets = **opened;
  const std::string layout = Layout::kName;
  MapOptions options;
  options.name = layout;
  options.value_bytes = recording.value_bytes();
  options.width_bits = Layout::kWidthBits;
  std::unique_ptr<typename Layout::Map> map;
  const Status created = Layout::Map::Create(sockets.table(), options, &map);
  if (created != Status::kOk) return Failed(absl::StrCat("make a map of layout ", layout), created);
  LayoutResult result;
  result.layout = layout;
  for (int round = 0; round < kRounds; ++round) {
    Status status = Status::kOk;
    const double create_ns = NsPerOperation(sockets.size(), [&] {
      for (size_t i = 0; i < sockets.size() && status == Status::kOk; ++i) {
        status = map->Update(sockets[i], recording.value_of(i), UpdateFlag::kNoExist);
      }
    });
    if (status != Status::kOk)
      return Failed(absl::StrCat("create a value on layout ", layout), status);

    if (round == 0) {
      const ReadSection section;
      for (size_t i = 0; i < sockets.size(); ++i) {
        const std::byte* const found = map->Get(sockets[i]);
        if (found != nullptr &&
            std::memcmp(found, recording.value_of(i).data(), recording.value_bytes()) == 0) {
          continue;
        }
        return absl::InternalError(
            absl::StrCat("layout ", layout, " returns another value than record ", i + 1, " has"));
      }
      MemoryUsage usage = map->memory_usage();
      usage.slack_bytes += sockets.table().private_usage().slack_bytes;
      result.bytes_per_socket =
          static_cast<double>(usage.total_bytes()) / static_cast<double>(sockets.size());
      if constexpr (requires { map->stats().spilled_now; })
        result.spilled = map->stats().spilled_now;
      if constexpr (requires { map->private_values(); }) result.spilled = map->private_values();
      result.get_ns =
          sockets.WalkNs([&map = *map](const Socket& s) { return FirstByte(map.Get(s)); });
    }

    const double delete_ns = NsPerOperation(sockets.size(), [&] {
      for (size_t i = 0; i < sockets.size() && status == Status::kOk; ++i) {
        status = map->Delete(sockets[i]);
      }
    });
    if (status != Status::kOk)
      return Failed(absl::StrCat("delete a value on layout ", layout), status);
    RetireBarrier();
    result.create_ns = round == 0 ? create_ns : std::min(result.create_ns, create_ns);
    result.delete_ns = round == 0 ? delete_ns : std::min(result.delete_ns, delete_ns);
  }
  return result;
}

}  // namespace

absl::StatusOr<ReplayResult> Replay(const Recording& recording) {
  ReplayResult result;
  {
    absl::StatusOr<std::unique_ptr<Sockets>> sockets = Sockets::Open(recording.records(), {});
    if (!sockets.ok()) return sockets.status();
    result.touch_ns = (*sockets)->WalkNs([](const Socket&) { return uint64_t{0}; });
  }
  absl::Status status;
  workload::ForEachLayout([&]<typename Layout>() {
    if (!status.ok()) return;
    absl::StatusOr<LayoutResult> replayed = ReplayOn<Layout>(recording);
    status = replayed.status();
    if (replayed.ok()) result.layouts.push_back(*std::move(replayed));
  });
  if (!status.ok()) return status;
  return result;
}

}  // namespace inlay::replay
