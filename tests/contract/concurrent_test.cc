// Threads on every layout. From the bytes of a value alone a reader can check that it is whole and
// belongs to the socket.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "inlay/rcu.h"
#include "tests/contract/contract_fixture.h"
#include "tests/contract/update_or_assign.h"

namespace inlay {
namespace {

struct ProvingValue {
  uint64_t map_id = 0;
  uint64_t generation = 0;
  std::array<uint64_t, 6> filler = {};
  uint64_t checksum = 0;

  static ProvingValue Make(uint64_t map_id, uint64_t generation) {
    ProvingValue value{.map_id = map_id, .generation = generation};
    value.filler.fill(generation * 0x9e37'79b9'7f4a'7c15U);
    value.checksum = value.Sum();
    return value;
  }
  uint64_t Sum() const {
    uint64_t sum = map_id * 31 + generation;
    for (const uint64_t part : filler) sum = sum * 31 + part;
    return sum;
  }
  bool Proves(uint64_t map) const { return map_id == map && checksum == Sum(); }
  std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span<const ProvingValue, 1>(this, 1));
  }
  static ProvingValue At(const std::byte* found) {
    ProvingValue value;
    std::memcpy(&value, found, sizeof(value));
    return value;
  }
};

template <typename L>
class ConcurrentTest : public ContractTest<L> {
 protected:
  using Map = typename L::Map;
  static constexpr size_t kMaps = 2;
  static constexpr size_t kSockets = 16;
  // More generations than 9-bit indexes, so that values are reclaimed and spill.
  static constexpr uint64_t kGenerations = 700;

  void SetUp() override {
    ContractTest<L>::SetUp();
    for (auto& map : maps_) {
      ASSERT_EQ(this->CreateMap(sizeof(ProvingValue), true, &map), Status::kOk);
    }
    listener_ = this->OpenListener();
    sockets_.push_back(&this->SocketOf(listener_));
    while (sockets_.size() < kSockets) sockets_.push_back(&this->OpenSocket());
  }
  void TearDown() override {
    EXPECT_EQ(wrong_.load(), 0U);
    std::string reason;
    EXPECT_TRUE(this->table_->store().CheckInvariants(&reason)) << reason;
    for (auto& map : maps_) {
      EXPECT_TRUE(map->CheckInvariants(&reason)) << reason;
      map.reset();
    }
    ContractTest<L>::TearDown();
  }

  void Require(bool right) {
    if (!right) wrong_.fetch_add(1, std::memory_order_relaxed);
  }

  // --- actions of threads

  void Read(std::mt19937_64& random) {
    const uint64_t m = random() % kMaps;
    const Socket& socket = *sockets_[random() % kSockets];
    ReadSection section;
    const std::byte* const found = maps_[m]->Get(socket);
    if (found == nullptr) return;
    const ProvingValue first = ProvingValue::At(found);
    Require(first.Proves(m));
    if (random() % 8 == 0) std::this_thread::yield();
    const ProvingValue again = ProvingValue::At(found);
    Require(std::memcmp(&first, &again, sizeof(first)) == 0);
  }

  void Write(std::mt19937_64& random) {
    const uint64_t m = random() % kMaps;
    Map& map = *maps_[m];
    Socket& socket = *sockets_[random() % kSockets];
    const ProvingValue value = ProvingValue::Make(m, random() % kGenerations);
    switch (random() % 6) {
      case 0:
        Require(UpdateOrAssign(map, socket, value.bytes(), UpdateFlag::kAny, random() % 2 == 0) ==
                Status::kOk);
        break;
      case 1: {
        const Status status = map.Update(socket, value.bytes(), UpdateFlag::kNoExist);
        Require(status == Status::kOk || status == Status::kExists);
        break;
      }
      case 2: {
        const Status status = map.Update(socket, value.bytes(), UpdateFlag::kExist);
        Require(status == Status::kOk || status == Status::kNotFound);
        break;
      }
      case 3: {
        const Status status = map.Delete(socket);
        Require(status == Status::kOk || status == Status::kNotFound);
        break;
      }
      case 4: {
        ReadSection section;
        const std::byte* const made = map.GetOrCreate(socket, value.bytes(), nullptr);
        Require(made != nullptr && ProvingValue::At(made).Proves(m));
        break;
      }
      default: {
        const Status status = map.Modify(socket, [&](std::span<std::byte> bytes) {
          const ProvingValue before = ProvingValue::At(bytes.data());
          Require(before.Proves(m));
          const ProvingValue after = ProvingValue::Make(m, (before.generation + 1) % kGenerations);
          std::memcpy(bytes.data(), &after, sizeof(after));
        });
        Require(status == Status::kOk || status == Status::kNotFound);
      }
    }
  }

  void OpenAcceptClose(std::mt19937_64& random) {
    int fd = -1;
    if (random() % 2 == 0) {
      Require(this->table_->Accept(listener_, &fd) == Status::kOk);
    } else {
      Require(this->table_->Open(SocketFamily::kTcp, &fd) == Status::kOk);
    }
    for (uint64_t m = 0; m < kMaps; ++m) {
      ReadSection section;
      Socket* socket = nullptr;
      Require(this->table_->Find(fd, &socket) == Status::kOk);
      const std::byte* const found = maps_[m]->Get(*socket);
      Require(found == nullptr || ProvingValue::At(found).Proves(m));
      const ProvingValue value = ProvingValue::Make(m, random() % kGenerations);
      Require(maps_[m]->Update(*socket, value.bytes(), UpdateFlag::kAny) == Status::kOk);
    }
    Require(this->table_->Close(fd) == Status::kOk);
  }

  // Finds sockets by descriptors that other threads open and close.
  void ReadByDescriptor(std::mt19937_64& random) {
    ReadSection section;
    Socket* socket = nullptr;
    const int fd = static_cast<int>(kSockets + random() % 4);
    if (this->table_->Find(fd, &socket) != Status::kOk) return;
    const uint64_t m = random() % kMaps;
    const std::byte* const found = maps_[m]->Get(*socket);
    if (found != nullptr) Require(ProvingValue::At(found).Proves(m));
  }

  using Action = void (*)(ConcurrentTest&, std::mt19937_64&);

  static Action Reads() {
    return [](ConcurrentTest& t, std::mt19937_64& random) { t.Read(random); };
  }
  static Action Writes() {
    return [](ConcurrentTest& t, std::mt19937_64& random) { t.Write(random); };
  }
  static Action OpensAndCloses() {
    return [](ConcurrentTest& t, std::mt19937_64& random) { t.OpenAcceptClose(random); };
  }
  static Action ReadsByDescriptor() {
    return [](ConcurrentTest& t, std::mt19937_64& random) { t.ReadByDescriptor(random); };
  }

  // The same actions in turn in one thread, and each in its own thread.
  void TakeTurns(const std::vector<Action>& actions, int rounds) {
    std::mt19937_64 random(1);
    for (int round = 0; round < rounds; ++round) {
      for (const Action action : actions) action(*this, random);
    }
  }
  void RunTogether(const std::vector<Action>& actions, int rounds) {
    std::vector<std::thread> threads;
    for (const Action action : actions) {
      threads.emplace_back([this, action, rounds, seed = threads.size()] {
        std::mt19937_64 random(seed);
        for (int round = 0; round < rounds; ++round) action(*this, random);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  std::array<std::unique_ptr<Map>, kMaps> maps_;
  std::vector<Socket*> sockets_;
  int listener_ = -1;
  std::atomic<uint64_t> wrong_{0};
};
TYPED_TEST_SUITE(ConcurrentTest, AllLayouts, LayoutName);

TYPED_TEST(ConcurrentTest, ReadersAndWritersTakingTurnsInOneThread) {
  this->TakeTurns({TestFixture::Reads(), TestFixture::Writes(), TestFixture::OpensAndCloses(),
                   TestFixture::ReadsByDescriptor()},
                  3000);
}

TYPED_TEST(ConcurrentTest, ReadersBesideWriters) {
  this->RunTogether({TestFixture::Reads(), TestFixture::Writes(), TestFixture::Writes()}, 15000);
}

TYPED_TEST(ConcurrentTest, WritersBesideOpenAcceptAndClose) {
  this->RunTogether({TestFixture::Writes(), TestFixture::OpensAndCloses(),
                     TestFixture::OpensAndCloses(), TestFixture::ReadsByDescriptor()},
                    5000);
}

TYPED_TEST(ConcurrentTest, IncrementsOfTwoThreadsAddUp) {
  constexpr uint64_t kIncrements = 3000;
  std::unique_ptr<typename TypeParam::Map> map;
  ASSERT_EQ(this->CreateMap(8, false, &map), Status::kOk);
  Socket& socket = *this->sockets_[0];
  ASSERT_EQ(map->Update(socket, Zeroes(8), UpdateFlag::kAny), Status::kOk);
  const auto increment = [&] {
    for (uint64_t i = 0; i < kIncrements; ++i) {
      this->Require(map->Modify(socket, [](std::span<std::byte> bytes) {
        uint64_t count = 0;
        std::memcpy(&count, bytes.data(), sizeof(count));
        ++count;
        std::memcpy(bytes.data(), &count, sizeof(count));
      }) == Status::kOk);
    }
  };
  std::thread other(increment);
  increment();
  other.join();
  EXPECT_EQ(this->Held(*map, socket), this->Value(2 * kIncrements, 8));
}

// If several threads create one value, one makes it and all get it.
TYPED_TEST(ConcurrentTest, GetOrCreateGivesAllThreadsOneValue) {
  constexpr size_t kThreads = 3;
  constexpr size_t kRounds = 1500;
  std::vector<Socket*> fresh;
  for (size_t i = 0; i < kRounds; ++i) fresh.push_back(&this->OpenSocket(SocketFamily::kUnix));
  std::vector<std::vector<uint64_t>> got(kThreads, std::vector<uint64_t>(kRounds));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < kRounds; ++i) {
        const ProvingValue init = ProvingValue::Make(0, 1 + t);
        ReadSection section;
        const std::byte* const made = this->maps_[0]->GetOrCreate(*fresh[i], init.bytes(), nullptr);
        this->Require(made != nullptr && ProvingValue::At(made).Proves(0));
        if (made != nullptr) got[t][i] = ProvingValue::At(made).generation;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t t = 1; t < kThreads; ++t) EXPECT_EQ(got[t], got[0]);
}

// Of racing updates with kNoExist one wins; of racing deletes one finds the value.
TYPED_TEST(ConcurrentTest, OneOfRacingCreatorsAndDeletersWins) {
  constexpr int kRounds = 4000;
  Socket& socket = *this->sockets_[1];
  typename TypeParam::Map& map = *this->maps_[0];
  std::atomic<int64_t> made{0};
  std::atomic<int64_t> deleted{0};
  const auto body = [&](uint64_t t) {
    const ProvingValue value = ProvingValue::Make(0, t);
    for (int i = 0; i < kRounds; ++i) {
      if (map.Update(socket, value.bytes(), UpdateFlag::kNoExist) == Status::kOk) ++made;
      if (map.Delete(socket) == Status::kOk) ++deleted;
    }
  };
  std::thread one(body, 1);
  std::thread other(body, 2);
  one.join();
  other.join();
  EXPECT_EQ(made.load() - deleted.load(), this->Held(map, socket).empty() ? 0 : 1);
}

// A child has its parent's value as soon as other threads can see it.
TYPED_TEST(ConcurrentTest, NobodySeesAnAcceptedChildWithoutItsValue) {
  typename TypeParam::Map& map = *this->maps_[0];
  for (Socket* const socket : this->sockets_) {
    ASSERT_EQ(map.Update(*socket, ProvingValue::Make(0, 1).bytes(), UpdateFlag::kAny), Status::kOk);
  }
  std::atomic<bool> done{false};
  std::thread looking([&] {
    while (!done) {
      this->table_->ForEach([&](Socket& socket) {
        if (map.Get(socket) != nullptr) return;
        std::atomic_thread_fence(std::memory_order_acquire);
        this->Require(socket.is_dying());  // released already
      });
    }
  });
  for (int round = 0; round < 3000; ++round) {
    int fd = -1;
    ASSERT_EQ(this->table_->Accept(this->listener_, &fd), Status::kOk);
    ASSERT_EQ(this->table_->Close(fd), Status::kOk);
  }
  done = true;
  looking.join();
}

// A thread makes and frees maps while others close and accept sockets that hold their values.
TYPED_TEST(ConcurrentTest, MapsAreFreedWhileTheirOwnersCloseAndAreCloned) {
  std::atomic<bool> done{false};
  std::thread churn([&] {
    std::mt19937_64 random(3);
    while (!done) this->OpenAcceptClose(random);
  });
  std::thread clones([&] {
    while (!done) {
      int fd = -1;
      this->Require(this->table_->Accept(this->listener_, &fd) == Status::kOk);
      this->Require(this->table_->Close(fd) == Status::kOk);
    }
  });
  for (uint64_t round = 0; round < 30; ++round) {
    std::unique_ptr<typename TypeParam::Map> map;
    ASSERT_EQ(this->CreateMap(sizeof(ProvingValue), true, &map), Status::kOk);
    for (Socket* const socket : this->sockets_) {
      EXPECT_TRUE(this->Held(*map, *socket).empty());
      EXPECT_EQ(map->Update(*socket, ProvingValue::Make(9, round).bytes(), UpdateFlag::kAny),
                Status::kOk);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    map.reset();
  }
  done = true;
  churn.join();
  clones.join();
}

}  // namespace
}  // namespace inlay
