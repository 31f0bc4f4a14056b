// The peers meet the assumptions of the benchmarks: the results of the contract, copies for clones,
// no leaks, and exact memory figures.
//
// The seed of the random run is printed and can be set: INLAY_TEST_SEED=1234 peers_test.

#include "bench/layouts/peers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <set>
#include <thread>
#include <tuple>
#include <vector>

#include "inlay/emulated/socket.h"
#include "inlay/rcu.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace {

// Memory by the rule of the peers: bytes from operator new that are not freed.
std::atomic<size_t> allocated_bytes{0};
constexpr size_t kHeaderBytes = alignof(std::max_align_t);

}  // namespace

void* operator new(size_t bytes, const std::nothrow_t& /*nothrow*/) noexcept {
  auto* const header = static_cast<size_t*>(std::malloc(kHeaderBytes + bytes));
  if (header == nullptr) return nullptr;
  *header = bytes;
  allocated_bytes += inlay::bench::ArrayBytes(bytes);
  return reinterpret_cast<std::byte*>(header) + kHeaderBytes;
}
void* operator new(size_t bytes) {
  void* const object = operator new(bytes, std::nothrow);
  if (object == nullptr) throw std::bad_alloc();
  return object;
}
void* operator new[](size_t bytes) { return operator new(bytes); }
void* operator new[](size_t bytes, const std::nothrow_t& nothrow) noexcept {
  return operator new(bytes, nothrow);
}
void operator delete(void* object) noexcept {
  if (object == nullptr) return;
  auto* const header = reinterpret_cast<size_t*>(static_cast<std::byte*>(object) - kHeaderBytes);
  allocated_bytes -= inlay::bench::ArrayBytes(*header);
  std::free(header);
}
void operator delete(void* object, size_t /*bytes*/) noexcept { operator delete(object); }
void operator delete[](void* object) noexcept { operator delete(object); }
void operator delete[](void* object, size_t /*bytes*/) noexcept { operator delete(object); }

namespace inlay::bench {
namespace {

uint64_t Seed() {
  const char* const given = std::getenv("INLAY_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device()();
}

// The number of values that a map keeps, if it can tell.
template <typename Map>
size_t ValuesKept(const Map& map) {
  if constexpr (requires { map.values(); }) {
    return map.values();
  } else if constexpr (requires { map.keeper().values(); }) {
    return map.keeper().values();
  } else {
    return 0;
  }
}

template <typename Peer>
class PeersTest : public testing::Test {
 protected:
  using Map = typename Peer::Map;
  static constexpr uint32_t kValueBytes = sizeof(typename Map::Value);
  static constexpr uint32_t kTailBytes = 64;

  struct Open {
    int fd;
    Socket* socket;
    bool listens;
    uint64_t cookie() const { return socket->common.skc_cookie; }
  };

  void SetUp() override {
    ASSERT_EQ(SocketTable::Create({.tail_bytes = kTailBytes}, &table_), Status::kOk);
    map_ = Make(true);
  }
  void TearDown() override {
    for (const Open& open : sockets_) EXPECT_EQ(table_->Close(open.fd), Status::kOk);
    EXPECT_EQ(ValuesKept(*map_), 0U);
  }

  static MapOptions OptionsOf(bool clone) {
    MapOptions options;
    options.value_bytes = kValueBytes;
    options.clone = clone;
    return options;
  }
  std::unique_ptr<Map> Make(bool clone) {
    std::unique_ptr<Map> map;
    EXPECT_EQ(Map::Create(*table_, OptionsOf(clone), &map), Status::kOk);
    return map;
  }

  Open& Added(int fd, bool listens) {
    const ReadSection section;
    Socket* socket = nullptr;
    EXPECT_EQ(table_->Find(fd, &socket), Status::kOk);
    return sockets_.emplace_back(Open{fd, socket, listens});
  }
  Open& OpenOne() {
    int fd = -1;
    EXPECT_EQ(table_->Open(SocketFamily::kTcp, &fd), Status::kOk);
    EXPECT_EQ(table_->Listen(fd), Status::kOk);
    return Added(fd, true);
  }
  void Close(size_t at) {
    EXPECT_EQ(table_->Close(sockets_[at].fd), Status::kOk);
    sockets_[at] = sockets_.back();
    sockets_.pop_back();
  }

  static Bytes Value(uint64_t n) { return NumberedValue(n, kValueBytes); }
  static Bytes ValueOf(const Map& map, const Socket& socket) {
    Bytes found;
    Peer::Read(map, socket, [&](const void* value) {
      found = Copied(static_cast<const std::byte*>(value), kValueBytes);
      return uint64_t{0};
    });
    return found;
  }
  Bytes ValueOf(const Socket& socket) const { return ValueOf(*map_, socket); }

  std::unique_ptr<SocketTable> table_;
  std::unique_ptr<Map> map_;
  std::vector<Open> sockets_;
};

template <typename... Lists>
struct TypesOf;
template <typename... P8, typename... P100, typename... P1024>
struct TypesOf<std::tuple<P8...>, std::tuple<P100...>, std::tuple<P1024...>> {
  using Type = testing::Types<P8..., P100..., P1024...>;
};
using AllPeers = TypesOf<Peers<8>, Peers<100>, Peers<1024>>::Type;
struct PeerNames {
  template <typename Peer>
  static std::string GetName(int /*number*/) {
    return std::string(Peer::kName) + "_" + std::to_string(sizeof(typename Peer::Map::Value));
  }
};
TYPED_TEST_SUITE(PeersTest, AllPeers, PeerNames);

TYPED_TEST(PeersTest, AnswersOfAnAbsentValue) {
  Socket& socket = *this->OpenOne().socket;
  EXPECT_EQ(this->ValueOf(socket), Bytes());
  EXPECT_EQ(this->map_->Update(socket, this->Value(1), UpdateFlag::kExist), Status::kNotFound);
  EXPECT_EQ(this->map_->Modify(socket, [](std::span<std::byte>) { FAIL(); }), Status::kNotFound);
  EXPECT_EQ(this->map_->Delete(socket), Status::kNotFound);
  EXPECT_EQ(this->ValueOf(socket), Bytes());
  EXPECT_EQ(this->map_->Update(socket, this->Value(1), UpdateFlag::kNoExist), Status::kOk);
  EXPECT_EQ(this->ValueOf(socket), this->Value(1));
}

TYPED_TEST(PeersTest, AnswersOfAPresentValue) {
  Socket& socket = *this->OpenOne().socket;
  EXPECT_EQ(this->map_->Update(socket, this->Value(1), UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(this->ValueOf(socket), this->Value(1));
  EXPECT_EQ(this->map_->Update(socket, this->Value(2), UpdateFlag::kNoExist), Status::kExists);
  EXPECT_EQ(this->ValueOf(socket), this->Value(1));
  EXPECT_EQ(this->map_->Update(socket, this->Value(3), UpdateFlag::kExist), Status::kOk);
  EXPECT_EQ(this->ValueOf(socket), this->Value(3));
  EXPECT_EQ(this->map_->Update(socket, this->Value(4), UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(this->ValueOf(socket), this->Value(4));
  Bytes changed = this->Value(4);
  changed[0] ^= std::byte{1};
  const auto change = [](std::span<std::byte> value) { value[0] ^= std::byte{1}; };
  EXPECT_EQ(this->map_->Modify(socket, change), Status::kOk);
  EXPECT_EQ(this->ValueOf(socket), changed);
  EXPECT_EQ(this->map_->Delete(socket), Status::kOk);
  EXPECT_EQ(this->ValueOf(socket), Bytes());
}

TYPED_TEST(PeersTest, RefusesWhatItHasNot) {
  using PeerMap = typename TypeParam::Map;
  Socket& socket = *this->OpenOne().socket;
  const Bytes larger(this->kValueBytes + 1);
  EXPECT_EQ(this->map_->Update(socket, larger, UpdateFlag::kAny), Status::kInvalid);
  EXPECT_EQ(this->ValueOf(socket), Bytes());

  MapOptions options = this->OptionsOf(true);
  std::unique_ptr<PeerMap> none;
  options.value_bytes += 1;
  EXPECT_EQ(PeerMap::Create(*this->table_, options, &none), Status::kInvalid);
  options = this->OptionsOf(true);
  options.spin_lock = true;
  EXPECT_EQ(PeerMap::Create(*this->table_, options, &none), Status::kUnsupported);
  std::vector<std::unique_ptr<PeerMap>> others;
  for (uint32_t at = PeerMap::kPlaceBytes; at + PeerMap::kPlaceBytes <= this->kTailBytes;
       at += PeerMap::kPlaceBytes) {
    others.push_back(this->Make(true));
  }
  EXPECT_EQ(PeerMap::Create(*this->table_, this->OptionsOf(true), &none), Status::kNoMemory);
  EXPECT_EQ(none, nullptr);
}

TYPED_TEST(PeersTest, EqualValuesAreKeptOnceWhereValuesAreShared) {
  for (uint64_t i = 0; i < 10; ++i) {
    Socket& socket = *this->OpenOne().socket;
    ASSERT_EQ(this->map_->Update(socket, this->Value(i % 2), UpdateFlag::kAny), Status::kOk);
  }
  if constexpr (requires { this->map_->keeper().values(); }) {
    EXPECT_EQ(this->map_->keeper().values(), 2U);
    for (const auto& open : this->sockets_) {
      ASSERT_EQ(this->map_->Update(*open.socket, this->Value(2), UpdateFlag::kExist), Status::kOk);
    }
    EXPECT_EQ(this->map_->keeper().values(), 1U);
  }
}

TYPED_TEST(PeersTest, AcceptedSocketsInheritACopy) {
  const auto listener = this->OpenOne();
  ASSERT_EQ(this->map_->Update(*listener.socket, this->Value(1), UpdateFlag::kAny), Status::kOk);
  const auto unlisted = this->Make(false);
  ASSERT_EQ(unlisted->Update(*listener.socket, this->Value(9), UpdateFlag::kAny), Status::kOk);
  int fd = -1;
  ASSERT_EQ(this->table_->Accept(listener.fd, &fd), Status::kOk);
  Socket& child = *this->Added(fd, false).socket;
  EXPECT_EQ(this->ValueOf(child), this->Value(1));
  EXPECT_EQ(this->ValueOf(*unlisted, child), Bytes());
  ASSERT_EQ(this->map_->Update(*listener.socket, this->Value(2), UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(this->ValueOf(child), this->Value(1));
  ASSERT_EQ(this->map_->Delete(child), Status::kOk);
  EXPECT_EQ(this->ValueOf(*listener.socket), this->Value(2));

  // The same without a socket table, over an absent and over a present value.
  EXPECT_EQ(this->map_->Clone(*listener.socket, child), Status::kOk);
  EXPECT_EQ(this->ValueOf(child), this->Value(2));
  ASSERT_EQ(this->map_->Update(*listener.socket, this->Value(3), UpdateFlag::kAny), Status::kOk);
  EXPECT_EQ(this->map_->Clone(*listener.socket, child), Status::kOk);
  EXPECT_EQ(this->ValueOf(child), this->Value(3));
  EXPECT_EQ(this->map_->Clone(*this->OpenOne().socket, child), Status::kOk);
  EXPECT_EQ(this->ValueOf(child), this->Value(3));
}

TYPED_TEST(PeersTest, ClosingReleasesTheValue) {
  for (uint64_t n = 0; n < 20; ++n) {
    Socket& socket = *this->OpenOne().socket;
    ASSERT_EQ(this->ValueOf(socket), Bytes());
    ASSERT_EQ(this->map_->Update(socket, this->Value(n), UpdateFlag::kAny), Status::kOk);
  }
  while (!this->sockets_.empty()) this->Close(0);
  EXPECT_EQ(ValuesKept(*this->map_), 0U);
  RetireBarrier();
  // In memory that had sockets with values.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(this->ValueOf(*this->OpenOne().socket), Bytes());
}

TYPED_TEST(PeersTest, FreeingTheMapReleasesAllValues) {
  for (uint64_t n = 0; n < 20; ++n) {
    Socket& socket = *this->OpenOne().socket;
    ASSERT_EQ(this->map_->Update(socket, this->Value(n), UpdateFlag::kAny), Status::kOk);
  }
  this->map_.reset();
  this->map_ = this->Make(true);  // in the same place
  EXPECT_EQ(ValuesKept(*this->map_), 0U);
  for (const auto& open : this->sockets_) EXPECT_EQ(this->ValueOf(*open.socket), Bytes());
}

TYPED_TEST(PeersTest, CountsTheMemoryThatItTakes) {
  std::vector<Bytes> values;
  for (uint64_t n = 0; n < 300; ++n) {
    this->OpenOne();
    values.push_back(this->Value(n));
  }
  const auto outside_bytes = [&] {
    const MemoryUsage usage = this->map_->memory_usage();
    return usage.total_bytes() - usage.inline_bytes;
  };
  const size_t counted_before = outside_bytes();
  const size_t allocated_before = allocated_bytes;
  bool filled = true;  // checked later: GoogleTest allocates too
  for (size_t i = 0; i < this->sockets_.size(); ++i) {
    Socket& socket = *this->sockets_[i].socket;
    filled &= this->map_->Update(socket, values[i], UpdateFlag::kAny) == Status::kOk;
  }
  const size_t allocated = allocated_bytes - allocated_before;
  EXPECT_TRUE(filled);
  EXPECT_GT(outside_bytes(), counted_before + 300 * this->kValueBytes);
  EXPECT_EQ(outside_bytes() - counted_before, allocated);
}

TYPED_TEST(PeersTest, HoldsWhatAModelHolds) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(testing::Message() << "INLAY_TEST_SEED=" << seed);
  std::printf("INLAY_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t limit) { return static_cast<size_t>(random() % limit); };
  std::map<uint64_t, Bytes> model;  // socket cookie -> value
  for (int step = 0; step < 4000; ++step) {
    const size_t operation = below(100);
    if (this->sockets_.empty() || (operation < 10 && this->sockets_.size() < 60)) {
      this->OpenOne();
      continue;
    }
    const size_t at = below(this->sockets_.size());
    const auto open = this->sockets_[at];
    const Bytes value = this->Value(below(20));
    const auto found = model.find(open.cookie());
    const bool present = found != model.end();
    if (operation < 20 && open.listens && this->sockets_.size() < 60) {
      int fd = -1;
      ASSERT_EQ(this->table_->Accept(open.fd, &fd), Status::kOk);
      const uint64_t child = this->Added(fd, false).cookie();
      if (present) model[child] = Bytes(found->second);
    } else if (operation < 30) {
      model.erase(open.cookie());
      this->Close(at);
      continue;
    } else if (operation < 70) {
      const auto flag = static_cast<UpdateFlag>(below(3));
      const Status status = CheckUpdateFlag(flag, present);
      ASSERT_EQ(this->map_->Update(*open.socket, value, flag), status);
      if (status == Status::kOk) model[open.cookie()] = value;
    } else if (operation < 85) {
      const auto change = [&](std::span<std::byte> bytes) { bytes[0] = value[0]; };
      ASSERT_EQ(this->map_->Modify(*open.socket, change),
                present ? Status::kOk : Status::kNotFound);
      if (present) found->second[0] = value[0];
    } else {
      ASSERT_EQ(this->map_->Delete(*open.socket), present ? Status::kOk : Status::kNotFound);
      if (present) model.erase(found);
    }
    std::set<Bytes> distinct;
    for (const auto& each : this->sockets_) {
      const auto expected = model.find(each.cookie());
      const Bytes bytes = expected == model.end() ? Bytes() : expected->second;
      ASSERT_EQ(this->ValueOf(*each.socket), bytes) << "step " << step;
      if (!bytes.empty()) distinct.insert(bytes);
    }
    if constexpr (requires { this->map_->keeper().values(); }) {
      ASSERT_EQ(this->map_->keeper().values(), distinct.size()) << "step " << step;
    } else if constexpr (requires { this->map_->values(); }) {
      ASSERT_EQ(this->map_->values(), model.size()) << "step " << step;
    }
  }
}

TYPED_TEST(PeersTest, ThreadsMayDoWhatItSays) {
  constexpr size_t kSockets = 4;
  for (size_t i = 0; i < 2 * kSockets; ++i) this->OpenOne();
  // Few values, so that they come and go under both threads.
  const auto run = [&](uint64_t seed, size_t first) {
    std::mt19937_64 random(seed);
    for (int step = 0; step < 20000; ++step) {
      Socket& socket = *this->sockets_[first + random() % kSockets].socket;
      if (random() % 3 == 0) {
        static_cast<void>(this->map_->Delete(socket));
        continue;
      }
      const uint64_t number = random() % 3;
      ASSERT_EQ(this->map_->Update(socket, this->Value(number), UpdateFlag::kAny), Status::kOk);
      const Bytes read = this->ValueOf(socket);
      if (TypeParam::kThreads != PeerThreads::kAnyOnASocket) {
        ASSERT_EQ(read, this->Value(number));
      } else if (!read.empty()) {  // the other thread's value, or already deleted
        ASSERT_TRUE(read == this->Value(0) || read == this->Value(1) || read == this->Value(2));
      }
    }
  };
  std::thread one(run, 1, 0);
  if (TypeParam::kThreads == PeerThreads::kOne) one.join();
  std::thread other(run, 2, TypeParam::kThreads == PeerThreads::kAnyOnASocket ? 0 : kSockets);
  if (one.joinable()) one.join();
  other.join();
  for (const auto& open : this->sockets_) static_cast<void>(this->map_->Delete(*open.socket));
  EXPECT_EQ(ValuesKept(*this->map_), 0U);
}

}  // namespace
}  // namespace inlay::bench
