// Workload: the value of each socket, and the order of packets. Generated from a seed, the same for
// every layout.

#ifndef INLAY_BENCH_WORKLOAD_H_
#define INLAY_BENCH_WORKLOAD_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace inlay::bench {

enum class Draw : uint8_t { kUniform, kZipf };

struct WorkloadShape {
  size_t sockets = 0;
  uint32_t values = 0;       // distinct values
  uint32_t value_bytes = 0;  // at least 4
  Draw draw = Draw::kUniform;
  uint64_t seed = 1;

  // NOLINTNEXTLINE(modernize-use-nullptr): the compiler's own 0
  friend auto operator<=>(const WorkloadShape&, const WorkloadShape&) = default;
};

class Workload {
 public:
  // Draws everything from shape.seed. Zipf: the k-th value is drawn with a weight of 1/k.
  explicit Workload(const WorkloadShape& shape);

  const WorkloadShape& shape() const { return shape_; }
  // The bytes of value number `value`. No two are equal.
  std::span<const std::byte> value(uint32_t value) const {
    return {bytes_.data() + size_t{value} * shape_.value_bytes, shape_.value_bytes};
  }
  uint32_t value_of_socket(size_t socket) const { return value_of_socket_[socket]; }
  std::span<const std::byte> bytes_of_socket(size_t socket) const {
    return value(value_of_socket_[socket]);
  }
  // Every socket once, in random order: one random cycle of packets.
  const std::vector<uint32_t>& packet_order() const { return packet_order_; }
  // The numbers of their values, in the same order.
  const std::vector<uint32_t>& values_in_packet_order() const { return values_in_packet_order_; }

 private:
  WorkloadShape shape_;
  std::vector<std::byte> bytes_;
  std::vector<uint32_t> value_of_socket_;
  std::vector<uint32_t> packet_order_;
  std::vector<uint32_t> values_in_packet_order_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_WORKLOAD_H_
