#include "inlay/emulated/tail_space.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <semaphore>
#include <set>
#include <thread>
#include <vector>

#include "inlay/emulated/inline_map.h"
#include "inlay/emulated/shared_pointer_map.h"
#include "tests/engine/sockets/sockets_fixture.h"

namespace inlay {
namespace {

// The first place of the tail, counted from the socket.
constexpr uint32_t kStart = sizeof(Socket);

// A map that fills its place in clones, and records its calls.
class RecordingMap final : public TailMap {
 public:
  RecordingMap(TailSpace& space, uint32_t bytes) : space_(space), bytes_(bytes) {}
  ~RecordingMap() { Unregister(); }

  Status Register() {
    const Status status = space_.Register(this, bytes_, &offset_);
    registered_ = status == Status::kOk;
    return status;
  }
  void Unregister() {
    if (registered_) space_.Unregister(this);
    registered_ = false;
    gone_ = true;
  }
  uint32_t offset() const { return offset_; }

  void ReleaseValue(Socket& socket, bool unread) noexcept override {
    if (gone_) ++called_when_gone;
    ++(unread ? emptied : released)[&socket];
    std::memset(PlaceIn(socket), 0, bytes_);
  }
  Status CloneValue(Socket& parent, Socket& child) noexcept override {
    if (gone_) ++called_when_gone;
    EXPECT_NE(&parent, &child);
    if (fail_clones) return Status::kNoMemory;
    cloned.insert(&child);
    std::memset(PlaceIn(child), 0xee, bytes_);
    return Status::kOk;
  }

  bool fail_clones = false;
  std::map<Socket*, int> released;
  std::map<Socket*, int> emptied;
  std::set<Socket*> cloned;
  int called_when_gone = 0;

 private:
  std::byte* PlaceIn(Socket& socket) const {
    return reinterpret_cast<std::byte*>(&socket) + offset_;
  }

  TailSpace& space_;
  const uint32_t bytes_;
  uint32_t offset_ = UINT32_MAX;
  bool registered_ = false;
  bool gone_ = false;
};

class TailSpaceTest : public SocketsTest {
 protected:
  void SetUp() override { MakeTable({.inline_bits = 0, .tail_bytes = 64}); }
  std::unique_ptr<RecordingMap> Make(uint32_t bytes, Status expected = Status::kOk) {
    auto map = std::make_unique<RecordingMap>(table_->tail_space(), bytes);
    EXPECT_EQ(map->Register(), expected);
    return map;
  }
};

// --- places

TEST_F(TailSpaceTest, TailsOfOtherSizesAreInvalid) {
  for (const uint32_t bytes : {1U, 4U, 12U, 65535U, 65544U, UINT32_MAX - 7}) {
    std::unique_ptr<SocketTable> table;
    EXPECT_EQ(SocketTable::Create({.tail_bytes = bytes}, &table), Status::kInvalid) << bytes;
    EXPECT_EQ(table, nullptr);
  }
  for (const uint32_t bytes : {0U, 8U, 65528U, TailSpace::kMaxBytes}) {
    MakeTable({.tail_bytes = bytes});
    Socket& socket = OpenSocket();
    EXPECT_TRUE(AllZero(Tail(socket))) << bytes;
  }
}

TEST_F(TailSpaceTest, PlacesFollowEachOtherUntilTheTailIsFull) {
  std::vector<std::unique_ptr<RecordingMap>> maps;
  uint32_t expected = kStart;
  for (const uint32_t bytes : {8U, 24U, 16U, 16U}) {
    maps.push_back(Make(bytes));
    EXPECT_EQ(maps.back()->offset(), expected);
    expected += bytes;
  }
  const auto refused = Make(8, Status::kNoMemory);
  EXPECT_EQ(refused->offset(), UINT32_MAX) << "not set without a place";
}

TEST_F(TailSpaceTest, WithoutATailThereIsNoPlace) {
  MakeTable({.tail_bytes = 0});
  Make(8, Status::kNoMemory);
}

TEST_F(TailSpaceTest, AMapTakesTheFirstGapThatIsLargeEnough) {
  std::vector<std::unique_ptr<RecordingMap>> maps;
  for (int i = 0; i < 8; ++i) maps.push_back(Make(8));
  for (const size_t freed : {1U, 3U, 4U, 6U}) maps[freed].reset();
  Make(24, Status::kNoMemory);
  const auto two_grains = Make(16);
  EXPECT_EQ(two_grains->offset(), kStart + 3 * 8);
  const auto one_grain = Make(8);
  EXPECT_EQ(one_grain->offset(), kStart + 1 * 8);
  maps[5].reset();  // merges with the gap behind it
  const auto joined = Make(16);
  EXPECT_EQ(joined->offset(), kStart + 5 * 8);
  Make(8, Status::kNoMemory);
}

TEST_F(TailSpaceTest, TheLargestTailHoldsAMapInEachOfItsGrains) {
  MakeTable({.tail_bytes = TailSpace::kMaxBytes});
  constexpr uint32_t kMaps = TailSpace::kMaxBytes / TailSpace::kGrainBytes;
  std::vector<std::unique_ptr<RecordingMap>> maps;
  for (uint32_t i = 0; i < 100; ++i) maps.push_back(Make(8));
  maps.push_back(Make((kMaps - 101) * 8));
  maps.push_back(Make(8));
  EXPECT_EQ(maps.back()->offset(), kStart + TailSpace::kMaxBytes - 8);
  Make(8, Status::kNoMemory);
  maps.clear();
  EXPECT_EQ(Make(TailSpace::kMaxBytes)->offset(), kStart);
}

TEST_F(TailSpaceTest, InlineBytesAreSharedInProportionAndAddUp) {
  OpenSockets(10);
  const auto one = Make(8);
  EXPECT_EQ(table_->tail_space().InlineBytes(8), 10 * 64U) << "maps share the unused bytes";
  auto other = Make(24);
  EXPECT_EQ(table_->tail_space().InlineBytes(8), 10 * 16U);
  EXPECT_EQ(table_->tail_space().InlineBytes(24), 10 * 48U);
  other.reset();
  EXPECT_EQ(table_->tail_space().InlineBytes(8), 10 * 64U);
}

// Maps of two layouts share a tail.
TEST_F(TailSpaceTest, LayoutsShareOneTail) {
  MakeTable({.tail_bytes = 64});
  const auto inline_map = MakeMap<InlineMap>({.value_bytes = 40});
  const auto shared_map = MakeMap<SharedPointerMap>({.value_bytes = 40});
  EXPECT_TRUE(inline_map->is_inline());
  EXPECT_TRUE(shared_map->is_shared());
  const std::vector<Socket*> sockets = OpenSockets(2);
  for (uint64_t n = 0; n < 20; ++n) {
    ASSERT_EQ(Put(*inline_map, *sockets[n % 2], n), Status::kOk);
    ASSERT_EQ(Put(*shared_map, *sockets[n % 2], n + 100), Status::kOk);
    EXPECT_EQ(Held(*inline_map, *sockets[n % 2]), Value(*inline_map, n));
    EXPECT_EQ(Held(*shared_map, *sockets[n % 2]), Value(*shared_map, n + 100));
  }
}

// --- calls of the maps

TEST_F(TailSpaceTest, ACloseReleasesTheValuesOfAllMapsOnce) {
  const auto one = Make(8);
  const auto other = Make(16);
  const int fd = Open();
  Socket* const socket = &SocketOf(fd);
  OpenSocket();
  ASSERT_EQ(table_->Close(fd), Status::kOk);
  for (const RecordingMap* const map : {one.get(), other.get()}) {
    EXPECT_EQ(map->released, (std::map<Socket*, int>{{socket, 1}}));
    EXPECT_TRUE(map->emptied.empty());
  }
}

TEST_F(TailSpaceTest, UnregisterEmptiesTheOpenSocketsAndNoOthers) {
  const auto map = Make(8);
  std::map<Socket*, int> open;
  for (Socket* const socket : OpenSockets(20)) open[socket] = 1;
  const int closed = Open();
  ASSERT_EQ(table_->Close(closed), Status::kOk);
  map->Unregister();
  EXPECT_EQ(map->emptied, open);
  OpenSocket();
  const int listener = OpenListener();
  Accept(listener);
  ASSERT_EQ(table_->Close(listener), Status::kOk);
  EXPECT_EQ(map->called_when_gone, 0);
}

TEST_F(TailSpaceTest, AcceptClonesTheValuesOfAllMaps) {
  const auto one = Make(8);
  const auto other = Make(16);
  Socket& child = Accept(OpenListener());
  EXPECT_EQ(one->cloned, std::set<Socket*>{&child});
  EXPECT_EQ(other->cloned, std::set<Socket*>{&child});
}

TEST_F(TailSpaceTest, AChildThatCannotHaveAllValuesIsReleasedAndNotMade) {
  const auto one = Make(8);
  const auto failing = Make(8);
  const auto behind = Make(8);
  failing->fail_clones = true;
  const int listener = OpenListener();
  int fd = -1;
  EXPECT_EQ(table_->Accept(listener, &fd), Status::kNoMemory);
  EXPECT_EQ(fd, -1);
  EXPECT_EQ(table_->sockets(), 1U);
  ASSERT_EQ(one->cloned.size(), 1U);
  Socket* const child = *one->cloned.begin();
  for (const RecordingMap* const map : {one.get(), failing.get(), behind.get()}) {
    EXPECT_EQ(map->released, (std::map<Socket*, int>{{child, 1}}));
  }
  EXPECT_TRUE(behind->cloned.empty());
}

// A map with a slow close in progress while TailSpace empties it.
class SlowlyClosedMap final : public TailMap {
 public:
  SlowlyClosedMap(SocketTable& table, int fd) : table_(table), fd_(fd) {
    EXPECT_EQ(table_.tail_space().Register(this, 8, &offset_), Status::kOk);
  }
  void ReleaseValue(Socket& /*socket*/, bool unread) noexcept override {
    if (unread && !closing_.joinable()) {
      closing_ = std::thread([this] { EXPECT_EQ(table_.Close(fd_), Status::kOk); });
      entered_.acquire();
    } else if (!unread) {
      entered_.release();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      left_ = true;
    }
  }
  Status CloneValue(Socket& /*parent*/, Socket& /*child*/) noexcept override { return Status::kOk; }
  // Whether the close had returned from the map when Unregister() returned.
  bool UnregisterWaits() {
    table_.tail_space().Unregister(this);
    const bool left = left_;
    closing_.join();
    return left;
  }

 private:
  SocketTable& table_;
  const int fd_;
  uint32_t offset_ = 0;
  std::thread closing_;
  std::binary_semaphore entered_{0};
  std::atomic<bool> left_{false};
};

TEST_F(TailSpaceTest, UnregisterWaitsForAClose) {
  const int fd = Open();
  EXPECT_TRUE(SlowlyClosedMap(*table_, fd).UnregisterWaits());
}

// --- maps that come and go while sockets do

// A map like those of the layouts: its ReleaseValue() may run in two threads at once.
class CountingMap final : public TailMap {
 public:
  static constexpr uint32_t kBytes = 16;
  using Word = std::atomic<uint64_t>;

  explicit CountingMap(TailSpace& space) : space_(space) {
    EXPECT_EQ(space_.Register(this, kBytes, &offset_), Status::kOk);
  }
  ~CountingMap() {
    space_.Unregister(this);
    gone_ = true;
    EXPECT_EQ(values_.load(), 0) << "every value was released once";
    EXPECT_EQ(wrong_.load(), 0);
  }

  void ReleaseValue(Socket& socket, bool /*unread*/) noexcept override {
    if (gone_) ++wrong_;
    if (WordOf(socket).exchange(0) != 0) --values_;
  }
  Status CloneValue(Socket& /*parent*/, Socket& child) noexcept override {
    if (gone_ || offset_ == UINT32_MAX) ++wrong_;
    if (WordOf(child).exchange(1) != 0) ++wrong_;  // another map's value, or an old one
    ++values_;
    return Status::kOk;
  }

 private:
  Word& WordOf(Socket& socket) const {
    return *reinterpret_cast<Word*>(reinterpret_cast<std::byte*>(&socket) + offset_);
  }
  TailSpace& space_;
  uint32_t offset_ = UINT32_MAX;
  std::atomic<bool> gone_{false};
  std::atomic<int> values_{0};
  std::atomic<int> wrong_{0};
};

TEST_F(TailSpaceTest, MapsComeAndGoWhileSocketsAreAcceptedAndClosed) {
  const int listener = OpenListener();
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      std::vector<int> fds;
      while (!done) {
        int fd = -1;
        if (table_->Accept(listener, &fd) != Status::kOk) ++wrong;
        fds.push_back(fd);
        if (fds.size() < 8) continue;
        for (const int opened : fds) {
          if (table_->Close(opened) != Status::kOk) ++wrong;
        }
        fds.clear();
      }
      for (const int opened : fds) {
        if (table_->Close(opened) != Status::kOk) ++wrong;
      }
    });
  }
  // Two threads that take and free places of one tail.
  threads.emplace_back([&] {
    while (!done) const CountingMap map(table_->tail_space());
  });
  for (int round = 0; round < 40; ++round) {
    const CountingMap one(table_->tail_space());
    const CountingMap other(table_->tail_space());
    std::this_thread::yield();
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  Make(64);
}

}  // namespace
}  // namespace inlay
