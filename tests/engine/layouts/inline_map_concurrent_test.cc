// Inline values under threads: copies move into their places during writes, reads and closes.
// Readers can check a value by its bytes.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "inlay/emulated/inline_map.h"
#include "tests/engine/sockets/sockets_fixture.h"

namespace inlay {
namespace {

// Long, so that a reader detects a value that changes under it.
struct Proof {
  uint64_t owner = 0;
  uint64_t generation = 0;
  std::array<uint64_t, 72> filler = {};

  static Proof Make(uint64_t owner, uint64_t generation) {
    Proof proof{.owner = owner, .generation = generation};
    for (size_t i = 0; i < proof.filler.size(); ++i) {
      proof.filler[i] = (owner * 31 + generation + i) * 0x9e37'79b9'7f4a'7c15U;
    }
    return proof;
  }
  static Proof At(const std::byte* bytes) {
    Proof proof;
    std::memcpy(&proof, bytes, sizeof(proof));
    return proof;
  }
  bool IsOf(uint64_t expected_owner) const {
    return owner == expected_owner && filler == Make(owner, generation).filler;
  }
  std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span<const Proof, 1>(this, 1));
  }
};

class InlineMapConcurrentTest : public SocketsTest {
 protected:
  static constexpr SocketFamily kFamily = SocketFamily::kTcp;

  void SetUp() override {
    MakeTable({.inline_bits = 0, .tail_bytes = 8 + sizeof(Proof)});
    map_ = MakeMap<InlineMap>({.value_bytes = sizeof(Proof), .clone = true});
    ASSERT_TRUE(map_->is_inline());
  }
  void TearDown() override {
    EXPECT_EQ(wrong_.load(), 0);
    Settle();
    EXPECT_EQ(map_->copies(), 0U);
    EXPECT_EQ(table_->private_usage().private_bytes, 0U);
  }

  void Require(bool right) {
    if (!right) wrong_.fetch_add(1, std::memory_order_relaxed);
  }

  void Write(Socket& socket, uint64_t owner, std::mt19937_64& random) {
    const Proof proof = Proof::Make(owner, random());
    switch (random() % 8) {
      case 0:
      case 1:
        Require(map_->Update(socket, proof.bytes(), UpdateFlag::kAny) == Status::kOk);
        break;
      case 2: {
        const Status status = map_->Modify(socket, [&](std::span<std::byte> value) {
          Require(Proof::At(value.data()).IsOf(owner));
          std::memcpy(value.data(), &proof, sizeof(proof));
        });
        Require(status == Status::kOk || status == Status::kNotFound);
        break;
      }
      case 3: {
        const Status status = map_->Delete(socket);
        Require(status == Status::kOk || status == Status::kNotFound);
        break;
      }
      case 4: {
        ReadSection section;
        const std::byte* const made = map_->GetOrCreate(socket, proof.bytes());
        Require(made != nullptr && Proof::At(made).IsOf(owner));
        break;
      }
      default:
        std::this_thread::yield();  // lets copies move into their places
    }
  }

  void Read(const Socket& socket, uint64_t owner) {
    ReadSection section;
    const std::byte* const found = InlineMap::GetAt(socket, map_->offset_bytes());
    if (found == nullptr) return;
    const Proof first = Proof::At(found);
    Require(first.IsOf(owner));
    std::this_thread::yield();
    Require(std::memcmp(&first, found, sizeof(first)) == 0);
    (IsInTail(socket, found) ? seen_in_place_ : seen_elsewhere_).fetch_add(1);
  }

  std::unique_ptr<InlineMap> map_;
  std::atomic<int> wrong_{0};
  std::atomic<int> seen_in_place_{0};
  std::atomic<int> seen_elsewhere_{0};
};

TEST_F(InlineMapConcurrentTest, ReadersSeeWholeValuesWhileCopiesMoveIntoTheirPlaces) {
  constexpr int kWrites = 20000;
  const std::vector<Socket*> sockets = OpenSockets(16, kFamily);
  std::atomic<int> writing{2};
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 2; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      for (int i = 0; i < kWrites; ++i) {
        // Some sockets are written while the copies of others move.
        const uint64_t owner = (static_cast<uint64_t>(i) / 500 + random() % 2) % sockets.size();
        Write(*sockets[owner], owner, random);
      }
      --writing;
    });
  }
  threads.emplace_back([&] {
    std::mt19937_64 random(7);
    do {
      const uint64_t owner = random() % sockets.size();
      Read(*sockets[owner], owner);
    } while (writing > 0);
  });
  threads.emplace_back([&] {
    do {
      RetireBarrier();
    } while (writing > 0);
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(seen_in_place_.load(), 0);
  EXPECT_GT(seen_elsewhere_.load(), 0);
}

// Threads accept and close children, which have copies of their own, while the listener's value
// moves.
TEST_F(InlineMapConcurrentTest, SocketsCloseWhileTheirCopiesMove) {
  constexpr int kSockets = 2000;
  const int listener = OpenListener();
  Socket& parent = SocketOf(listener);
  std::atomic<int> running{2};
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 2; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      for (int i = 0; i < kSockets; ++i) {
        int fd = -1;
        Require(table_->Accept(listener, &fd) == Status::kOk);
        Socket* child = nullptr;
        {
          ReadSection section;
          Require(table_->Find(fd, &child) == Status::kOk);
        }
        const uint64_t writes = random() % 8;
        for (uint64_t n = 0; n < writes; ++n) Write(*child, 0, random);
        Read(*child, 0);
        Require(table_->Close(fd) == Status::kOk);
      }
      --running;
    });
  }
  threads.emplace_back([&] {
    std::mt19937_64 random(7);
    do {
      Write(parent, 0, random);
    } while (running > 0);
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(table_->sockets(), 1U);
}

}  // namespace
}  // namespace inlay
