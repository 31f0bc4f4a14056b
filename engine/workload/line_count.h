// LineCount: counts the cache lines that gets load beyond those that the packet has touched
// already. It counts addresses, so every run on every machine gives the same number.

#ifndef INLAY_ENGINE_WORKLOAD_LINE_COUNT_H_
#define INLAY_ENGINE_WORKLOAD_LINE_COUNT_H_

#include <cstddef>
#include <cstdint>
#include <set>

namespace inlay::workload {

class LineCount {
 public:
  static constexpr size_t kLineBytes = 64;

  // Starts a packet for another socket.
  void NextPacket() {
    packet_.clear();
    get_.clear();
  }
  // The packet has loaded `bytes` at `start`. REQUIRES: the get of this packet is not counted yet.
  void Packet(const void* start, size_t bytes) {
    ForEachLine(start, bytes, [this](uintptr_t line) { packet_.insert(line); });
  }
  // The get loads memory that belongs to this socket alone: in a busy system, a miss.
  void Own(const void* start, size_t bytes) { own_ += AddToGet(start, bytes); }
  // The get loads memory that sockets share: a miss only if there is much of it.
  void Shared(const void* start, size_t bytes) { shared_ += AddToGet(start, bytes); }

  // Over all packets so far.
  size_t own() const { return own_; }
  size_t shared() const { return shared_; }

 private:
  template <typename Visit>
  static void ForEachLine(const void* start, size_t bytes, Visit&& visit) {
    const auto first = reinterpret_cast<uintptr_t>(start);
    for (uintptr_t line = first / kLineBytes; line <= (first + bytes - 1) / kLineBytes; ++line) {
      visit(line);
    }
  }
  // The number of these lines that neither the packet nor the get had before.
  size_t AddToGet(const void* start, size_t bytes) {
    size_t added = 0;
    ForEachLine(start, bytes, [&](uintptr_t line) {
      added += !packet_.contains(line) && get_.insert(line).second;
    });
    return added;
  }

  std::set<uintptr_t> packet_;
  std::set<uintptr_t> get_;
  size_t own_ = 0;
  size_t shared_ = 0;
};

}  // namespace inlay::workload

#endif  // INLAY_ENGINE_WORKLOAD_LINE_COUNT_H_
