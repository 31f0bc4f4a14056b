// Maps, stores and owners destroyed in unusual places: in a function that runs after a grace
// period, and in the destructor of a thread_local object.

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <semaphore>
#include <span>
#include <thread>

#include "inlay/emulated/inline_map.h"
#include "inlay/emulated/pointer_map.h"
#include "inlay/emulated/shared_pointer_map.h"
#include "inlay/emulated/single_pointer_map.h"
#include "inlay/emulated/socket.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

struct Owner {
  InlineWords<16> words;
  InlineWords<16>& inline_words() { return words; }
  const InlineWords<16>& inline_words() const { return words; }
};

std::span<const std::byte> BytesOf(const uint64_t& value) {
  return std::as_bytes(std::span(&value, 1));
}

struct Signal {
  RcuHead head{};
  std::binary_semaphore given{0};
};
void Give(RcuHead* head) { reinterpret_cast<Signal*>(head)->given.release(); }

// Waits for a grace period of another thread. None would come if the library's thread hung.
void ExpectGracePeriods() {
  Signal signal;
  Retire<Give>(&signal.head);
  signal.given.acquire();
}

// Readers use a configuration that owns a map; the last one is retired.
struct Configuration {
  RcuHead head{};
  std::unique_ptr<Store> store;
  std::unique_ptr<IndexMap> map;
  std::binary_semaphore* freed = nullptr;
};
void FreeConfiguration(RcuHead* head) {
  auto* const configuration = reinterpret_cast<Configuration*>(head);
  std::binary_semaphore* const freed = configuration->freed;
  delete configuration;
  freed->release();
}

TEST(TeardownTest, AMapWithSpilledValuesMayGoAfterAGracePeriod) {
  std::binary_semaphore freed{0};
  auto* const configuration = new Configuration;
  configuration->freed = &freed;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &configuration->store), Status::kOk);
  ASSERT_EQ(IndexMap::Create(*configuration->store, {.value_bytes = 8, .width_bits = 2},
                             &configuration->map),
            Status::kOk);
  std::deque<Owner> owners(20);
  for (uint64_t i = 0; i < owners.size(); ++i) {
    ASSERT_EQ(configuration->map->Update(owners[i], BytesOf(i), UpdateFlag::kAny), Status::kOk);
  }
  ASSERT_GT(configuration->map->stats().spilled_now, 0U);
  for (Owner& owner : owners) configuration->store->Close(owner);
  Retire<FreeConfiguration>(&configuration->head);
  freed.acquire();
  ExpectGracePeriods();
}

// The same for everything that a socket table has.
struct World {
  RcuHead head{};
  std::unique_ptr<SocketTable> table;
  std::unique_ptr<IndexMap> index;
  std::unique_ptr<PointerMap> pointer;
  std::unique_ptr<InlineMap> in_place;
  std::unique_ptr<SinglePointerMap> single;
  std::unique_ptr<SharedPointerMap> shared;
  std::binary_semaphore* freed = nullptr;
};
void FreeWorld(RcuHead* head) {
  auto* const world = reinterpret_cast<World*>(head);
  std::binary_semaphore* const freed = world->freed;
  world->in_place.reset();
  world->index.reset();
  world->pointer.reset();
  world->single.reset();
  world->shared.reset();
  world->table.reset();
  delete world;
  freed->release();
}

TEST(TeardownTest, SocketTablesAndAllTheirMapsMayGoAfterAGracePeriod) {
  std::binary_semaphore freed{0};
  auto* const world = new World;
  world->freed = &freed;
  ASSERT_EQ(SocketTable::Create({.inline_bits = 64, .tail_bytes = 256}, &world->table),
            Status::kOk);
  MapOptions options;
  options.value_bytes = 16;
  options.width_bits = 2;
  ASSERT_EQ(IndexMap::Create(*world->table, options, &world->index), Status::kOk);
  ASSERT_EQ(PointerMap::Create(*world->table, options, &world->pointer), Status::kOk);
  ASSERT_EQ(InlineMap::Create(*world->table, options, &world->in_place), Status::kOk);
  ASSERT_EQ(SinglePointerMap::Create(*world->table, options, &world->single), Status::kOk);
  ASSERT_EQ(SharedPointerMap::Create(*world->table, options, &world->shared), Status::kOk);
  for (uint64_t i = 0; i < 10; ++i) {
    int fd = -1;
    ASSERT_EQ(world->table->Open(SocketFamily::kTcp, &fd), Status::kOk);
    ReadSection section;
    Socket* socket = nullptr;
    ASSERT_EQ(world->table->Find(fd, &socket), Status::kOk);
    for (uint64_t change = 0; change < 2; ++change) {
      const Bytes value = NumberedValue(10 * change + i, 16);
      EXPECT_EQ(world->index->Update(*socket, value, UpdateFlag::kAny), Status::kOk);
      EXPECT_EQ(world->pointer->Update(*socket, value, UpdateFlag::kAny), Status::kOk);
      EXPECT_EQ(world->in_place->Update(*socket, value, UpdateFlag::kAny), Status::kOk);
      EXPECT_EQ(world->single->Update(*socket, value, UpdateFlag::kAny), Status::kOk);
      EXPECT_EQ(world->shared->Update(*socket, value, UpdateFlag::kAny), Status::kOk);
    }
  }
  Retire<FreeWorld>(&world->head);
  freed.acquire();
  ExpectGracePeriods();
}

// A connection that a thread caches, and closes when it ends.
struct CachedOwner {
  ~CachedOwner() {
    if (store != nullptr) store->Close(owner);
  }
  Store* store = nullptr;
  Owner owner;
};

TEST(TeardownTest, AThreadLocalObjectMayCloseItsOwner) {
  std::unique_ptr<Store> store;
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  ASSERT_EQ(IndexMap::Create(*store, {.value_bytes = 8, .width_bits = 10}, &map), Status::kOk);
  for (int i = 0; i < 50; ++i) {
    std::thread([&] {
      thread_local CachedOwner cached;  // made before the thread registers, so it goes last
      cached.store = store.get();
      ASSERT_EQ(map->Update(cached.owner, BytesOf(1), UpdateFlag::kAny), Status::kOk);
    }).join();
  }
  EXPECT_EQ(map->table().total_references(), 0U);
  // Other threads get the memory of those stacks. A grace period must not look for readers there.
  for (int i = 0; i < 50; ++i) {
    std::thread([] {
      volatile char stack[100000];
      for (volatile char& byte : stack) byte = 1;
    }).join();
  }
  Synchronize();
}

}  // namespace
}  // namespace inlay
