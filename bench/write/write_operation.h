// The operations of write_bench: each with its effect on a packet's socket, the state before, and
// the values.

#ifndef INLAY_BENCH_WRITE_OPERATION_H_
#define INLAY_BENCH_WRITE_OPERATION_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "bench/workload/workload.h"
#include "inlay/emulated/socket.h"
#include "inlay/operation.h"
#include "inlay/status.h"

namespace inlay::bench {

// The values to give to sockets, by number. Not thread-safe.
class ValueSource {
 public:
  explicit ValueSource(const Workload& workload)
      : workload_(workload), numbered_(workload.value(0).begin(), workload.value(0).end()) {}

  std::span<const std::byte> OfWorkload(uint32_t number) const { return workload_.value(number); }
  // The values differ in the first field alone, which holds the number. Valid until the next call.
  std::span<const std::byte> Numbered(uint32_t number) {
    std::memcpy(numbered_.data(), &number, sizeof(number));
    return numbered_;
  }

 private:
  const Workload& workload_;
  std::vector<std::byte> numbered_;
};

// The defaults of an operation.
struct WriteOperation {
  // Whether sockets have a value before the operation, and after it.
  static constexpr bool kStartsPresent = true;
  static constexpr bool kEndsPresent = true;
  // The number of sockets that a round changes before it restores them, untimed. 0: all.
  static constexpr size_t kSocketsPerRound = 0;
  // The number of the value to write: another value of the workload, or a number that no operation
  // had before.
  static constexpr bool kNewNumbers = false;
  // The bytes of value `number` before the operation, and after an operation with `number`.
  static std::span<const std::byte> Before(ValueSource& values, uint32_t number) {
    return values.OfWorkload(number);
  }
  static std::span<const std::byte> After(ValueSource& values, uint32_t number) {
    return values.OfWorkload(number);
  }
  // template <typename Map>
  // static Status Run(Map& map, Socket& socket, Socket& listener, ValueSource& values,
  //                   uint32_t number);
  // changes `socket`. `listener` has value 0 before.
};

// The first value of a socket, interned already.
struct Create : WriteOperation {
  static constexpr char kName[] = "Create";
  static constexpr bool kStartsPresent = false;
  template <typename Map>
  static Status Run(Map& map, Socket& socket, Socket& /*listener*/, ValueSource& values,
                    uint32_t number) {
    return map.Update(socket, values.OfWorkload(number), UpdateFlag::kNoExist);
  }
};

// Another value, interned already.
struct Update : WriteOperation {
  static constexpr char kName[] = "Update";
  template <typename Map>
  static Status Run(Map& map, Socket& socket, Socket& /*listener*/, ValueSource& values,
                    uint32_t number) {
    return map.Update(socket, values.OfWorkload(number), UpdateFlag::kExist);
  }
};

// A value that no socket has ever had. After each round the sockets get their old values back and
// the new ones die, so there are only a few hundred of them at a time, for any number of sockets.
struct UpdateNew : WriteOperation {
  static constexpr char kName[] = "UpdateNew";
  static constexpr size_t kSocketsPerRound = 250;
  static constexpr bool kNewNumbers = true;
  static std::span<const std::byte> After(ValueSource& values, uint32_t number) {
    return values.Numbered(number);
  }
  template <typename Map>
  static Status Run(Map& map, Socket& socket, Socket& /*listener*/, ValueSource& values,
                    uint32_t number) {
    return map.Update(socket, values.Numbered(number), UpdateFlag::kExist);
  }
};

// Modify() of one field, the only one in which values differ, to another value's content: the
// result is interned already.
struct Modify : WriteOperation {
  static constexpr char kName[] = "Modify";
  static std::span<const std::byte> Before(ValueSource& values, uint32_t number) {
    return values.Numbered(number);
  }
  static std::span<const std::byte> After(ValueSource& values, uint32_t number) {
    return values.Numbered(number);
  }
  template <typename Map>
  static Status Run(Map& map, Socket& socket, Socket& /*listener*/, ValueSource& /*values*/,
                    uint32_t number) {
    const auto set_field = [number](std::span<std::byte> value) {
      std::memcpy(value.data(), &number, sizeof(number));
    };
    return map.Modify(socket, set_field);
  }
};

struct Delete : WriteOperation {
  static constexpr char kName[] = "Delete";
  static constexpr bool kEndsPresent = false;
  template <typename Map>
  static Status Run(Map& map, Socket& socket, Socket& /*listener*/, ValueSource& /*values*/,
                    uint32_t /*number*/) {
    return map.Delete(socket);
  }
};

// The map's part of an accept: the socket gets the listener's value.
struct Clone : WriteOperation {
  static constexpr char kName[] = "Clone";
  static constexpr bool kStartsPresent = false;
  static std::span<const std::byte> After(ValueSource& values, uint32_t /*number*/) {
    return values.OfWorkload(0);
  }
  template <typename Map>
  static Status Run(Map& map, Socket& socket, Socket& listener, ValueSource& /*values*/,
                    uint32_t /*number*/) {
    return map.Clone(listener, socket);
  }
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_WRITE_OPERATION_H_
