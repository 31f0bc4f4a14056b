// WriteRounds: runs an operation over the sockets of a population, round by round. Outside of the
// timing it restores the state before each round, and checks the state after it.

#ifndef INLAY_BENCH_WRITE_ROUNDS_H_
#define INLAY_BENCH_WRITE_ROUNDS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "bench/layouts/has_value.h"
#include "bench/layouts/no_layout.h"
#include "bench/workload/population.h"
#include "bench/write/write_operation.h"
#include "engine/workload/packet_walk.h"
#include "inlay/emulated/socket.h"
#include "inlay/rcu.h"
#include "inlay/status.h"

namespace inlay::bench {

// With NoLayout as Layout: the walk alone, with the same work around it.
template <typename Operation, typename Layout>
class WriteRounds {
 public:
  explicit WriteRounds(Population& population)
      : population_(population),
        values_(population.workload()),
        next_number_(population.workload().shape().values) {
    const size_t wanted = Operation::kSocketsPerRound;
    changes_ = wanted == 0 ? population.sockets() : std::min(wanted, population.sockets());
    numbers_.resize(changes_);
  }
  ~WriteRounds() {
    for (const int fd : holders_) static_cast<void>(population_.table().Close(fd));
  }
  WriteRounds(const WriteRounds&) = delete;
  WriteRounds& operator=(const WriteRounds&) = delete;

  // Creates the map, gives every socket its value, and checks all values. Further sockets hold each
  // value once throughout, so that all values stay interned during the operation. False, with
  // *error set, on failure.
  bool Prepare(std::string* error) {
    if constexpr (kHasMap) {
      map_ = MakeMap<Layout>(population_, error);
      if (map_ == nullptr) return false;
    }
    for (uint32_t number = 0; number < population_.workload().shape().values; ++number) {
      if (!OpenHolder(number, error)) return false;
    }
    for (size_t number = 0; number < population_.sockets(); ++number) {
      if (!SetBefore(population_.socket(number), ValueOf(number), true, error)) return false;
    }
    const ReadSection section;
    for (size_t number = 0; number < population_.sockets(); ++number) {
      Socket& socket = population_.socket(number);
      if (!IsAt(socket, Operation::Before(values_, ValueOf(number)))) {
        *error = "a socket does not have the value that the model says";
        return false;
      }
      if (!Operation::kStartsPresent && !SetBefore(socket, ValueOf(number), false, error))
        return false;
    }
    return true;
  }

  // The number of changes per round; constant.
  size_t changes() const { return changes_; }

  // Undoes the last round, and chooses the values of the next one.
  bool Next(std::string* error) {
    if (round_ > 0) {
      for (size_t at = first_; at < first_ + changes_; ++at) {
        if (!SetBefore(SocketAt(at), ValueAt(at), Operation::kStartsPresent, error)) return false;
      }
      first_ = first_ + 2 * changes_ <= population_.sockets() ? first_ + changes_ : 0;
    }
    const uint32_t values = population_.workload().shape().values;
    // Never the socket's present value, unless there is only one value.
    const uint32_t shift = values > 1 ? 1 + round_ % (values - 1) : 0;
    for (size_t i = 0; i < changes_; ++i) {
      numbers_[i] =
          Operation::kNewNumbers ? next_number_++ : (ValueAt(first_ + i) + shift) % values;
    }
    ++round_;
    return true;
  }

  // The round itself. `zero`: see PacketWalk().
  uint64_t Run(uint64_t zero) {
    Socket* at = &SocketAt(first_);
    const uint32_t* number = numbers_.data();
    return workload::PacketWalk(&at, changes_, zero, [&](Socket& socket) {
      const uint32_t value = *number++;
      if constexpr (kHasMap) {
        const Status status = Operation::Run(*map_, socket, *listener_, values_, value);
        failures_ += status != Status::kOk;
        return static_cast<uint64_t>(ToErrno(status));
      }
      return uint64_t{value};
    });
  }

  // Whether every operation succeeded, and the last round had its effect.
  bool Check(std::string* error) {
    const ReadSection section;
    for (size_t i = 0; i < changes_; ++i) {
      std::span<const std::byte> after;
      if (Operation::kEndsPresent) after = Operation::After(values_, numbers_[i]);
      if (IsAt(SocketAt(first_ + i), after)) continue;
      *error = "the operation did not do what it says";
      return false;
    }
    if (failures_ == 0) return true;
    *error = "an operation failed while it was measured";
    return false;
  }

  // Null if Prepare() could not make it.
  const typename Layout::Map* map() const { return map_.get(); }

 private:
  static constexpr bool kHasMap = !std::is_same_v<Layout, NoLayout>;

  // The number of the workload's value for a socket.
  uint32_t ValueOf(size_t socket) const { return population_.workload().value_of_socket(socket); }
  // In the order of packets.
  Socket& SocketAt(size_t at) { return *population_.packet_order()[at]; }
  uint32_t ValueAt(size_t at) const { return population_.workload().values_in_packet_order()[at]; }

  bool OpenHolder(uint32_t number, std::string* error) {
    int fd = -1;
    Socket* holder = nullptr;
    {
      const ReadSection section;  // the open descriptor holds the socket from here on
      if (population_.table().Open(SocketFamily::kTcp, &fd) != Status::kOk ||
          population_.table().Find(fd, &holder) != Status::kOk) {
        *error = "cannot open one more socket";
        return false;
      }
    }
    holders_.push_back(fd);
    if (number == 0) listener_ = holder;
    return SetBefore(*holder, number, true, error);
  }

  // Whether the socket has this value; empty: no value.
  bool IsAt(const Socket& socket, std::span<const std::byte> value) const {
    if constexpr (kHasMap) return HasValue<Layout>(*map_, socket, value);
    return true;
  }

  // Gives the socket value `number`, or deletes its value if !present.
  bool SetBefore(Socket& socket, uint32_t number, bool present, std::string* error) {
    Status status = Status::kOk;
    if constexpr (kHasMap) {
      status = present ? map_->Update(socket, Operation::Before(values_, number), UpdateFlag::kAny)
                       : map_->Delete(socket);
    }
    if (status == Status::kOk) return true;
    *error = "cannot set the state before the operation: " + std::string(StatusName(status));
    return false;
  }

  Population& population_;
  ValueSource values_;
  std::unique_ptr<typename Layout::Map> map_;
  std::vector<int> holders_;
  Socket* listener_ = nullptr;  // the first of them
  size_t changes_;
  size_t first_ = 0;  // the round's first socket in the order of packets
  uint32_t round_ = 0;
  uint32_t next_number_;           // not used by an operation yet
  std::vector<uint32_t> numbers_;  // value numbers of the round
  size_t failures_ = 0;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_WRITE_ROUNDS_H_
