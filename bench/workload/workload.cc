#include "bench/workload/workload.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

namespace inlay::bench {

Workload::Workload(const WorkloadShape& shape) : shape_(shape) {
  std::mt19937_64 random(shape.seed);
  bytes_.resize(size_t{shape.values} * shape.value_bytes);
  for (std::byte& byte : bytes_) byte = static_cast<std::byte>(random());
  for (uint32_t value = 0; value < shape.values; ++value) {
    // The first bytes hold the value's number, so that all values are distinct.
    std::memcpy(bytes_.data() + size_t{value} * shape.value_bytes, &value, sizeof(value));
  }

  value_of_socket_.resize(shape.sockets);
  std::vector<double> cumulative(shape.values);
  for (uint32_t value = 0; value < shape.values; ++value) {
    const double weight = shape.draw == Draw::kZipf ? 1.0 / (value + 1) : 1.0;
    cumulative[value] = weight + (value > 0 ? cumulative[value - 1] : 0.0);
  }
  std::uniform_real_distribution<double> position(0.0, cumulative.back());
  for (uint32_t& value : value_of_socket_) {
    const auto drawn = std::upper_bound(cumulative.begin(), cumulative.end(), position(random));
    value =
        static_cast<uint32_t>(std::min<ptrdiff_t>(drawn - cumulative.begin(), shape.values - 1));
  }

  packet_order_.resize(shape.sockets);
  std::iota(packet_order_.begin(), packet_order_.end(), 0U);
  std::shuffle(packet_order_.begin(), packet_order_.end(), random);
  for (const uint32_t socket : packet_order_) {
    values_in_packet_order_.push_back(value_of_socket_[socket]);
  }
}

}  // namespace inlay::bench
