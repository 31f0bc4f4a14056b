// Random operations on every layout, compared with a simple model. Several maps share the sockets'
// words, and some index maps are so narrow that values are reclaimed and spill.
//
// The test prints its seed. To repeat a run: INLAY_TEST_SEED=1234 contract_test
// --gtest_filter='Model*'.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

#include "inlay/rcu.h"
#include "tests/contract/layouts.h"
#include "tests/contract/update_or_assign.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

uint64_t Seed() {
  const char* const given = std::getenv("INLAY_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device()();
}

// The expected values of a map: socket cookie -> value.
using ModelValues = std::unordered_map<uint64_t, Bytes>;

// For the index layout: the table has as many live values as the owners that have not spilled have
// distinct ones.
template <typename Map>
void CheckTable(const Map&, const ModelValues&, SocketTable&) {}
void CheckTable(const IndexMap& map, const ModelValues& values, SocketTable& table) {
  std::set<Bytes> distinct;
  size_t spilled = 0;
  table.ForEach([&](Socket& socket) {
    const auto at = values.find(socket.common.skc_cookie);
    if (at == values.end()) return;
    if (socket.inline_words().Load(map.field()) == map.field().spilled_code()) {
      ++spilled;
    } else {
      distinct.insert(at->second);
    }
  });
  EXPECT_EQ(map.stats().table.live, distinct.size());
  EXPECT_EQ(map.stats().spilled_now, spilled);
  EXPECT_EQ(map.table().total_references(), values.size() - spilled);
}
template <typename Map>
void Reclaim(Map& map) {
  if constexpr (requires { map.Reclaim(); }) map.Reclaim();
}
template <typename Map>
void Trim(Map& map) {
  if constexpr (requires { map.Trim(); }) map.Trim();
}
template <typename Map>
uint64_t LadderSteps(const Map&) {
  return 0;
}
uint64_t LadderSteps(const IndexMap& map) { return map.stats().spilled + map.stats().reclaimed; }

template <typename L>
class ModelTest : public testing::Test {
 protected:
  using Map = typename L::Map;
  static constexpr size_t kMaps = 3;
  static constexpr size_t kMaxSockets = 40;

  struct Slot {
    std::unique_ptr<Map> map = nullptr;
    ModelValues values = {};
    bool clone = false;
    uint32_t value_bytes = 0;
    uint32_t width_bits = 0;
  };
  struct OpenSocket {
    int fd;
    Socket* socket;
    bool listening;
    uint64_t cookie() const { return socket->common.skc_cookie; }
  };

  void SetUp() override {
    ASSERT_EQ(SocketTable::Create({.tail_bytes = 64}, &table_), Status::kOk);
    // Too few indexes for all values, unless the layout spills none.
    maps_[0] = {.clone = true, .value_bytes = 3, .width_bits = L::kReplaceable ? 8U : 3};
    maps_[1] = {.clone = false, .value_bytes = 20, .width_bits = L::kReplaceable ? 8U : 4};
    maps_[2] = {.clone = true, .value_bytes = 700, .width_bits = L::kWidthBits};
    for (Slot& slot : maps_) CreateMap(slot);
  }

  void CreateMap(Slot& slot) {
    MapOptions options;
    options.value_bytes = slot.value_bytes;
    options.width_bits = slot.width_bits;
    options.replaceable = L::kReplaceable;
    options.clone = slot.clone;
    ASSERT_EQ(Map::Create(*table_, options, &slot.map), Status::kOk);
  }

  uint64_t Random(uint64_t below) { return random_() % below; }
  Bytes RandomValue(const Slot& slot) { return NumberedValue(Random(30), slot.value_bytes); }
  OpenSocket* RandomSocket() {
    return sockets_.empty() ? nullptr : &sockets_[Random(sockets_.size())];
  }

  void AddSocket(int fd) {
    ReadSection section;
    Socket* socket = nullptr;
    ASSERT_EQ(table_->Find(fd, &socket), Status::kOk);
    sockets_.push_back({fd, socket, false});
  }

  void OpenOne() {
    int fd = -1;
    ASSERT_EQ(table_->Open(SocketFamily::kTcp, &fd), Status::kOk);
    ASSERT_NO_FATAL_FAILURE(AddSocket(fd));
    if (Random(3) == 0) {
      ASSERT_EQ(table_->Listen(fd), Status::kOk);
      sockets_.back().listening = true;
    }
  }

  void AcceptOne() {
    const OpenSocket* const found = RandomSocket();
    if (found == nullptr) return;
    const OpenSocket listener = *found;
    int fd = -1;
    const Status status = table_->Accept(listener.fd, &fd);
    if (!listener.listening) {
      ASSERT_EQ(status, Status::kInvalid);
      return;
    }
    ASSERT_EQ(status, Status::kOk);
    ASSERT_NO_FATAL_FAILURE(AddSocket(fd));
    for (Slot& slot : maps_) {
      const auto at = slot.values.find(listener.cookie());
      if (!slot.clone || at == slot.values.end()) continue;
      const Bytes copy = at->second;
      slot.values[sockets_.back().cookie()] = copy;
    }
  }

  void CloseOne() {
    OpenSocket* const closed = RandomSocket();
    if (closed == nullptr) return;
    for (Slot& slot : maps_) slot.values.erase(closed->cookie());
    ASSERT_EQ(table_->Close(closed->fd), Status::kOk);
    *closed = sockets_.back();
    sockets_.pop_back();
  }

  // The result of an update by the contract. Updates the model.
  static Status ModelUpdate(ModelValues& values, uint64_t cookie, const Bytes& value,
                            UpdateFlag flag) {
    const Status status = CheckUpdateFlag(flag, values.contains(cookie));
    if (status == Status::kOk) values[cookie] = value;
    return status;
  }

  void UseMap(Slot& slot, uint64_t operation) {
    const OpenSocket* const used = RandomSocket();
    if (used == nullptr) return;
    Socket& socket = *used->socket;
    const uint64_t cookie = used->cookie();
    const Bytes value = RandomValue(slot);
    const auto at = slot.values.find(cookie);
    const Bytes before = at == slot.values.end() ? Bytes() : at->second;
    if (operation < 40) {
      const auto flag = static_cast<UpdateFlag>(Random(3));
      ASSERT_EQ(UpdateOrAssign(*slot.map, socket, value, flag, operation < 15),
                ModelUpdate(slot.values, cookie, value, flag));
    } else if (operation < 55) {
      ASSERT_EQ(slot.map->Delete(socket),
                slot.values.erase(cookie) == 1 ? Status::kOk : Status::kNotFound);
    } else if (operation < 70) {
      const bool zeroes = Random(4) == 0;
      Status status = Status::kInvalid;
      ReadSection section;
      const std::byte* const made =
          slot.map->GetOrCreate(socket, zeroes ? Bytes() : value, &status);
      ASSERT_EQ(status, Status::kOk);
      if (before.empty()) slot.values[cookie] = zeroes ? Zeroes(slot.value_bytes) : value;
      ASSERT_EQ(Copied(made, slot.value_bytes), slot.values[cookie]);
    } else {
      const auto change = [&](std::span<std::byte> bytes) {
        ASSERT_EQ(Bytes(bytes.begin(), bytes.end()), before);
        bytes[1] = value[0];
        bytes.back() ^= std::byte{1};
      };
      ASSERT_EQ(slot.map->Modify(socket, change), before.empty() ? Status::kNotFound : Status::kOk);
      if (!before.empty()) {
        Bytes& held = slot.values[cookie];
        held[1] = value[0];
        held.back() ^= std::byte{1};
      }
    }
    ASSERT_NO_FATAL_FAILURE(CheckOne(slot, *used));
  }

  void CheckOne(const Slot& slot, const OpenSocket& open) {
    ReadSection section;
    const auto at = slot.values.find(open.cookie());
    ASSERT_EQ(Copied(slot.map->Get(*open.socket), slot.value_bytes),
              at == slot.values.end() ? Bytes() : at->second);
  }

  void CheckAll() {
    std::string reason;
    ASSERT_TRUE(table_->store().CheckInvariants(&reason)) << reason;
    for (const Slot& slot : maps_) {
      for (const OpenSocket& open : sockets_) ASSERT_NO_FATAL_FAILURE(CheckOne(slot, open));
      ASSERT_TRUE(slot.map->CheckInvariants(&reason)) << reason;
      ASSERT_NO_FATAL_FAILURE(CheckTable(*slot.map, slot.values, *table_));
    }
    ASSERT_EQ(table_->sockets(), sockets_.size());
  }

  void Step() {
    const uint64_t operation = Random(1000);
    Slot& slot = maps_[Random(kMaps)];
    if (operation < 900) {
      UseMap(slot, operation % 85);
    } else if (operation < 940) {
      sockets_.size() < kMaxSockets ? OpenOne() : CloseOne();
    } else if (operation < 960) {
      sockets_.size() < kMaxSockets ? AcceptOne() : CloseOne();
    } else if (operation < 996) {
      CloseOne();
    } else if (operation < 998) {
      Reclaim(*slot.map);
    } else if (operation < 999) {
      Random(2) == 0 ? Trim(*slot.map) : static_cast<void>(table_->store().Trim());
    } else {
      ladder_steps_ += LadderSteps(*slot.map);
      slot.map.reset();
      slot.values.clear();
      CreateMap(slot);
    }
  }

  const uint64_t seed_ = Seed();
  std::mt19937_64 random_{seed_};
  std::unique_ptr<SocketTable> table_;
  Slot maps_[kMaps];
  std::vector<OpenSocket> sockets_;
  uint64_t ladder_steps_ = 0;
};
TYPED_TEST_SUITE(ModelTest, AllLayouts, LayoutName);

TYPED_TEST(ModelTest, RandomOperationsAnswerAsTheModelDoes) {
  constexpr int kSteps = 60000;
  std::printf("INLAY_TEST_SEED=%llu\n", static_cast<unsigned long long>(this->seed_));
  SCOPED_TRACE(testing::Message() << "INLAY_TEST_SEED=" << this->seed_);
  for (int step = 0; step < kSteps; ++step) {
    this->Step();
    if (step % 200 == 0) this->CheckAll();
    if (this->HasFailure()) FAIL() << "at step " << step;
  }
  this->CheckAll();
  for (auto& slot : this->maps_) this->ladder_steps_ += LadderSteps(*slot.map);
  if constexpr (std::is_same_v<typename TypeParam::Map, IndexMap>) {
    EXPECT_GT(this->ladder_steps_, 1000U) << "too few operations reached the overflow ladder";
  }
}

}  // namespace
}  // namespace inlay
