// SocketsTest: emulated sockets, maps of any layout over them, and short functions for a socket's
// values and charges.

#ifndef INLAY_TESTS_ENGINE_SOCKETS_SOCKETS_FIXTURE_H_
#define INLAY_TESTS_ENGINE_SOCKETS_SOCKETS_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "inlay/emulated/socket.h"
#include "inlay/operation.h"
#include "inlay/rcu.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {

class SocketsTest : public testing::Test {
 protected:
  void MakeTable(const SocketTableOptions& options) {
    table_.reset();
    ASSERT_EQ(SocketTable::Create(options, &table_), Status::kOk);
  }

  template <typename Map>
  std::unique_ptr<Map> MakeMap(const MapOptions& options) {
    std::unique_ptr<Map> map;
    EXPECT_EQ(Map::Create(*table_, options, &map), Status::kOk);
    return map;
  }

  // --- sockets: valid while their descriptor is open

  int Open(SocketFamily family = SocketFamily::kTcp) {
    int fd = -1;
    EXPECT_EQ(table_->Open(family, &fd), Status::kOk);
    return fd;
  }
  Socket& SocketOf(int fd) {
    ReadSection section;
    Socket* socket = nullptr;
    EXPECT_EQ(table_->Find(fd, &socket), Status::kOk);
    return *socket;
  }
  Socket& OpenSocket(SocketFamily family = SocketFamily::kTcp) { return SocketOf(Open(family)); }
  std::vector<Socket*> OpenSockets(size_t count, SocketFamily family = SocketFamily::kUnix) {
    std::vector<Socket*> sockets;
    while (sockets.size() < count) sockets.push_back(&OpenSocket(family));
    return sockets;
  }
  int OpenListener() {
    const int fd = Open();
    EXPECT_EQ(table_->Listen(fd), Status::kOk);
    return fd;
  }
  Socket& Accept(int listener) {
    int fd = -1;
    EXPECT_EQ(table_->Accept(listener, &fd), Status::kOk);
    return SocketOf(fd);
  }

  // --- values

  // A copy of the value; empty if absent.
  template <typename Map>
  static Bytes Held(const Map& map, const Socket& socket) {
    ReadSection section;
    return Copied(map.Get(socket), map.value_bytes());
  }
  template <typename Map>
  static Bytes Value(const Map& map, uint64_t n) {
    return NumberedValue(n, map.value_bytes());
  }
  template <typename Map>
  static Status Put(Map& map, Socket& socket, uint64_t n, UpdateFlag flag = UpdateFlag::kAny) {
    return map.Update(socket, Value(map, n), flag);
  }
  // Modify() to the value of that number.
  template <typename Map>
  static Status ModifyTo(Map& map, Socket& socket, uint64_t n) {
    const Bytes after = Value(map, n);
    return map.Modify(socket, [&](std::span<std::byte> value) {
      std::memcpy(value.data(), after.data(), after.size());
    });
  }
  template <typename Map>
  static Status GetOrCreateStatus(Map& map, Socket& socket, std::span<const std::byte> init) {
    ReadSection section;
    Status status = Status::kInvalid;
    const std::byte* const made = map.GetOrCreate(socket, init, &status);
    EXPECT_EQ(made != nullptr, status == Status::kOk);
    return status;
  }

  // --- charges

  // The socket's charge beyond its reservation.
  int32_t Charged(const Socket& socket) const {
    return socket.sk_omem_alloc.load() - table_->reserved_bytes();
  }
  // The limit that allows exactly `bytes` beyond a socket's reservation: the comparison is strict.
  void LimitTo(int32_t bytes) {
    table_->set_optmem_max_bytes(table_->reserved_bytes() + bytes + 1);
  }

  // --- the tail

  std::span<const std::byte> Tail(const Socket& socket) const {
    return {socket.tail(), table_->options().tail_bytes};
  }
  bool IsInTail(const Socket& socket, const std::byte* address) const {
    const std::span<const std::byte> tail = Tail(socket);
    return address >= tail.data() && address < tail.data() + tail.size();
  }
  static bool AllZero(std::span<const std::byte> bytes) {
    return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
  }

  // Waits until all replaced and deleted objects are freed. Twice, since a callback may retire
  // another object.
  static void Settle() {
    RetireBarrier();
    RetireBarrier();
  }

  std::unique_ptr<SocketTable> table_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_ENGINE_SOCKETS_SOCKETS_FIXTURE_H_
