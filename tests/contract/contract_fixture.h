// ContractTest<Layout>: sockets, a map over them, and short functions for a socket's values and
// charges.

#ifndef INLAY_TESTS_CONTRACT_CONTRACT_FIXTURE_H_
#define INLAY_TESTS_CONTRACT_CONTRACT_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "inlay/emulated/socket.h"
#include "inlay/emulated/value_map.h"
#include "inlay/rcu.h"
#include "tests/contract/layouts.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {

template <typename L>
class ContractTest : public testing::Test {
 protected:
  using Map = typename L::Map;
  static constexpr uint32_t kValueBytes = 100;
  // Room for some maps of the tests, not for all: the others fall back to the pointer layout, and
  // tests must see no difference.
  static constexpr uint32_t kTailBytes = 512;

  void SetUp() override {
    SocketTableOptions options;
    options.inline_bits = 256;
    options.tail_bytes = kTailBytes;
    ASSERT_EQ(SocketTable::Create(options, &table_), Status::kOk);
    ASSERT_EQ(CreateMap(kValueBytes, false, &map_), Status::kOk);
  }

  void TearDown() override {
    if (table_ == nullptr) return;
    std::string reason;
    EXPECT_TRUE(table_->store().CheckInvariants(&reason)) << reason;
    if (map_ != nullptr) {
      EXPECT_TRUE(map_->CheckInvariants(&reason)) << reason;
    }
    map_.reset();
  }

  Status CreateMap(uint32_t value_bytes, bool clone, std::unique_ptr<Map>* map) {
    MapOptions options;
    options.name = L::kName;
    options.value_bytes = value_bytes;
    options.width_bits = L::kWidthBits;
    options.replaceable = L::kReplaceable;
    options.clone = clone;
    return Map::Create(*table_, options, map);
  }

  int Open(SocketFamily family = SocketFamily::kTcp) {
    int fd = -1;
    EXPECT_EQ(table_->Open(family, &fd), Status::kOk);
    return fd;
  }

  // The pointer is valid while the descriptor is open.
  Socket& SocketOf(int fd) {
    ReadSection section;
    Socket* socket = nullptr;
    EXPECT_EQ(table_->Find(fd, &socket), Status::kOk);
    return *socket;
  }
  Socket& OpenSocket(SocketFamily family = SocketFamily::kTcp) { return SocketOf(Open(family)); }

  int OpenListener() {
    const int fd = Open();
    EXPECT_EQ(table_->Listen(fd), Status::kOk);
    return fd;
  }
  int Accept(int listener) {
    int fd = -1;
    EXPECT_EQ(table_->Accept(listener, &fd), Status::kOk);
    return fd;
  }

  static Bytes Value(uint64_t n, uint32_t bytes = kValueBytes) { return NumberedValue(n, bytes); }

  // A copy of the value; empty if absent.
  static Bytes Held(const Map& map, const Socket& socket) {
    ReadSection section;
    return Copied(map.Get(socket), map.value_bytes());
  }
  Bytes Held(const Socket& socket) { return Held(*map_, socket); }

  // GetOrCreate() with its pointer followed inside the section.
  static Bytes Created(Map& map, Socket& socket, std::span<const std::byte> init, Status* status) {
    ReadSection section;
    return Copied(map.GetOrCreate(socket, init, status), map.value_bytes());
  }

  Status Put(Socket& socket, uint64_t n, UpdateFlag flag = UpdateFlag::kAny) {
    return map_->Update(socket, Value(n), flag);
  }

  // The socket's charge beyond its reservation.
  int32_t Charged(const Socket& socket) const {
    return socket.sk_omem_alloc.load() - table_->reserved_bytes();
  }

  // Waits until all replaced and deleted objects are freed. Twice, since a callback may retire
  // another object.
  static void Settle() {
    RetireBarrier();
    RetireBarrier();
  }

  // Memory of this table's maps outside of the sockets' reservations. Zero when all maps are freed.
  size_t MapBytes() {
    Settle();
    return table_->private_usage().private_bytes + table_->store().account().used_bytes();
  }

  std::unique_ptr<SocketTable> table_;
  std::unique_ptr<Map> map_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_CONTRACT_CONTRACT_FIXTURE_H_
