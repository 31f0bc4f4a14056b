// Maps of all layouts over the same sockets, under changing limits. After each operation every
// value equals the model's, and the socket's charge follows exactly from the rules in the headers.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "inlay/emulated/value_map.h"
#include "tests/engine/sockets/sockets_fixture.h"

namespace inlay {
namespace {

// A map of any layout.
struct AnyMap {
  std::string name;
  bool clone = false;
  uint32_t value_bytes = 0;
  std::function<Status(Socket&, const Bytes&, UpdateFlag)> update = {};
  std::function<Status(Socket&, const Bytes&)> get_or_create = {};
  std::function<Status(Socket&, uint64_t)> modify_to = {};
  std::function<Status(Socket&)> remove = {};
  std::function<Bytes(const Socket&)> held = {};
  std::function<bool(std::string*)> is_sound = {};
  // The charge for a value of this map. For single-pointer maps it depends on the other values.
  std::function<int32_t(const Socket&)> private_bytes = {};
  bool in_storage = false;  // shares the 176 bytes of a storage, if private_bytes is not 0
  bool is_shared = false;   // private only where the table has no room
  int single_number = -1;
};

class MixedLayoutsTest : public SocketsTest {
 protected:
  using Values = std::vector<Bytes>;  // by map; empty: absent
  struct Open {
    int fd;
    bool listening;
    Values values;
  };

  template <typename Map>
  AnyMap& Add(const std::string& name, const MapOptions& options) {
    auto made = MakeMap<Map>(options);
    Map* const map = made.get();
    kept_.push_back(std::shared_ptr<Map>(std::move(made)));
    AnyMap any{.name = name, .clone = options.clone, .value_bytes = options.value_bytes};
    any.update = [map](Socket& socket, const Bytes& value, UpdateFlag flag) {
      return map->Update(socket, value, flag);
    };
    any.get_or_create = [map](Socket& socket, const Bytes& init) {
      return GetOrCreateStatus(*map, socket, init);
    };
    any.modify_to = [map](Socket& socket, uint64_t n) { return ModifyTo(*map, socket, n); };
    any.remove = [map](Socket& socket) { return map->Delete(socket); };
    any.held = [map](const Socket& socket) { return Held(*map, socket); };
    any.is_sound = [map](std::string* reason) { return map->CheckInvariants(reason); };
    any.private_bytes = [](const Socket&) { return 0; };
    if constexpr (std::is_same_v<Map, SharedPointerMap>) {
      any.is_shared = true;
      any.private_bytes = [map](const Socket& socket) {
        ReadSection section;
        const ValueIndex index = map->table().Find(std::span(map->Get(socket), map->value_bytes()));
        const bool is_shared = index != kNoIndex && map->table().At(index) == map->Get(socket);
        return is_shared ? 0 : 32 + static_cast<int32_t>(map->value_bytes());
      };
    }
    if constexpr (std::is_same_v<Map, IndexMap>) {
      any.in_storage = any.is_shared = true;
      any.private_bytes = [map](const Socket& socket) {
        const bool spilled =
            socket.inline_words().Load(map->field()) == map->field().spilled_code();
        return spilled ? 72 + static_cast<int32_t>(map->value_bytes()) : 0;
      };
    }
    maps_.push_back(any);
    return maps_.back();
  }
  // The same for maps in the pointer layout, from the start or by falling back.
  template <typename Map>
  void AddInStorage(const std::string& name, const MapOptions& options) {
    AnyMap& any = Add<Map>(name, options);
    any.in_storage = true;
    any.is_shared = false;
    any.private_bytes = [bytes = options.value_bytes](const Socket&) {
      return 72 + static_cast<int32_t>(bytes);
    };
  }
  void AddSingle(int number, const MapOptions& options) {
    Add<SinglePointerMap>("single", options).single_number = number;
  }

  void SetUp() override {
    MakeTable({.inline_bits = 16, .tail_bytes = 8 + 24 + 8, .table_limit_bytes = 1600});
    AddInStorage<PointerMap>("pointer", {.value_bytes = 50, .clone = true});
    Add<InlineMap>("inline", {.value_bytes = 20, .clone = true});
    Add<SharedPointerMap>("shared", {.value_bytes = 40, .clone = true});
    AddInStorage<InlineMap>("fallen inline", {.value_bytes = 30, .clone = false});
    AddInStorage<SharedPointerMap>("fallen shared", {.value_bytes = 30, .clone = true});
    Add<IndexMap>("index", {.value_bytes = 60, .width_bits = 3, .clone = true});
    Add<IndexMap>("narrow index", {.value_bytes = 16, .width_bits = 2, .clone = false});
    AddInStorage<IndexMap>("fallen index", {.value_bytes = 70, .width_bits = 16, .clone = true});
    AddSingle(0, {.value_bytes = 12, .clone = true});
    AddSingle(1, {.value_bytes = 90, .clone = false});
    AddSingle(2, {.value_bytes = 5, .clone = true});
    AddInStorage<IndexMap>("locked", {.value_bytes = 9, .clone = true, .spin_lock = true});
  }
  void TearDown() override {
    for (auto& map : kept_) map.reset();
    for (const Open& open : open_) EXPECT_EQ(Charged(SocketOf(open.fd)), 0);
    Settle();
    EXPECT_EQ(table_->private_usage().private_bytes, 0U);
    EXPECT_EQ(table_->store().account().used_bytes(), 0U);
  }

  uint64_t Random(uint64_t below) { return random_() % below; }

  // The stored bytes, with a lock as zeroes.
  Bytes Number(const AnyMap& map, uint64_t n) const {
    Bytes value = NumberedValue(n, map.value_bytes);
    if (map.name == "locked") std::fill_n(value.begin(), kSpinLockBytes, std::byte{0});
    return value;
  }

  int32_t ExpectedCharge(const Socket& socket, const Values& values) {
    int32_t bytes = 0;
    bool has_storage = false;
    int last_single = -1;
    for (size_t i = 0; i < maps_.size(); ++i) {
      if (values[i].empty()) continue;
      const int32_t private_bytes = maps_[i].private_bytes(socket);
      bytes += private_bytes;
      if (private_bytes > 0) ++seen_private_[maps_[i].name];
      has_storage |= maps_[i].in_storage && private_bytes > 0;
      if (maps_[i].single_number < 0) continue;
      bytes += static_cast<int32_t>((values[i].size() + 7) / 8 * 8);
      last_single = std::max(last_single, maps_[i].single_number);
    }
    if (has_storage) bytes += 176;
    if (last_single >= 0) bytes += 32 + (4 * (last_single + 1) + 7) / 8 * 8;
    return bytes;
  }

  void Check(const Open& open) {
    Socket& socket = SocketOf(open.fd);
    for (size_t i = 0; i < maps_.size(); ++i) {
      ASSERT_EQ(maps_[i].held(socket), open.values[i]) << maps_[i].name;
    }
    ASSERT_EQ(Charged(socket), ExpectedCharge(socket, open.values));
  }

  void UseMap(Open& open) {
    const size_t i = Random(maps_.size());
    const AnyMap& map = maps_[i];
    Bytes& value = open.values[i];
    Socket& socket = SocketOf(open.fd);
    const uint64_t n = Random(24);
    const bool present = !value.empty();
    Status status = Status::kOk;
    Status wanted = Status::kOk;
    Bytes after = Number(map, n);
    bool needs_room = true;
    switch (Random(6)) {
      case 0:
        status = map.remove(socket);
        wanted = present ? Status::kOk : Status::kNotFound;
        after.clear();
        needs_room = false;
        break;
      case 1:
        status = map.modify_to(socket, n);
        needs_room = map.is_shared;
        wanted = present ? Status::kOk : Status::kNotFound;
        break;
      case 2:
        status = map.get_or_create(socket, NumberedValue(n, map.value_bytes));
        if (present) after = value;
        needs_room = !present;
        break;
      default: {
        const auto flag = static_cast<UpdateFlag>(Random(3));
        status = map.update(socket, NumberedValue(n, map.value_bytes), flag);
        wanted = CheckUpdateFlag(flag, present);
      }
    }
    if (status == Status::kOwnerLimit) {
      ASSERT_TRUE(needs_room) << map.name;
      ++refused_[map.name];
      return;
    }
    ASSERT_EQ(status, wanted) << map.name;
    if (status == Status::kOk) value = after;
  }

  void AcceptOne(size_t from) {
    int fd = -1;
    const Status status = table_->Accept(open_[from].fd, &fd);
    if (!open_[from].listening) {
      ASSERT_EQ(status, Status::kInvalid);
      return;
    }
    if (status == Status::kOwnerLimit) {
      ++refused_["accept"];
      return;
    }
    ASSERT_EQ(status, Status::kOk);
    Open child{fd, false, Values(maps_.size())};
    for (size_t i = 0; i < maps_.size(); ++i) {
      if (maps_[i].clone) child.values[i] = open_[from].values[i];
    }
    open_.push_back(child);
    Check(open_.back());
  }

  void Step() {
    static constexpr int32_t kRoom[] = {0, 100, 200, 300, 500, 2000};
    if (open_.empty() || (open_.size() < 12 && Random(20) == 0)) {
      const bool listening = Random(2) == 0;
      open_.push_back(
          {listening ? OpenListener() : SocketsTest::Open(), listening, Values(maps_.size())});
      return;
    }
    if (Random(30) == 0) LimitTo(kRoom[Random(std::size(kRoom))]);
    const size_t at = Random(open_.size());
    if (Random(40) == 0) {
      ASSERT_EQ(table_->Close(open_[at].fd), Status::kOk);
      open_[at] = open_.back();
      open_.pop_back();
    } else if (open_.size() < 12 && Random(20) == 0) {
      AcceptOne(at);
    } else {
      ASSERT_NO_FATAL_FAILURE(UseMap(open_[at]));
      Check(open_[at]);
    }
  }

  std::vector<AnyMap> maps_;
  std::vector<std::shared_ptr<void>> kept_;
  std::vector<Open> open_;
  std::map<std::string, int> refused_;
  std::map<std::string, int> seen_private_;
  std::mt19937_64 random_{1};
};

TEST_F(MixedLayoutsTest, ValuesAndChargesAreWhatTheRulesMakeOfThem) {
  constexpr int kSteps = 30000;
  for (int step = 0; step < kSteps; ++step) {
    SCOPED_TRACE(step);
    Step();
    if (step % 500 == 0) {
      std::string reason;
      for (const Open& open : open_) Check(open);
      for (const AnyMap& map : maps_) ASSERT_TRUE(map.is_sound(&reason)) << reason;
      ASSERT_TRUE(table_->store().CheckInvariants(&reason)) << reason;
    }
    if (HasFailure()) return;
  }
  // Every layout that has a limit reached it.
  EXPECT_EQ(refused_["inline"], 0);
  for (const char* const name : {"pointer", "shared", "fallen inline", "fallen shared", "index",
                                 "narrow index", "fallen index", "single", "locked", "accept"}) {
    EXPECT_GT(refused_[name], 0) << name;
  }
  for (const char* const name : {"shared", "index", "narrow index"}) {
    EXPECT_GT(seen_private_[name], 0) << name;
  }
}

}  // namespace
}  // namespace inlay
