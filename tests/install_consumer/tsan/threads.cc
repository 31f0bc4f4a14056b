// Threads read, change and close owners while grace periods pass. ThreadSanitizer, with the
// installed suppressions, reports nothing: it would end the program with its own exit code.

#include <inlay/rcu.h>
#include <inlay/shared_map.h>

#include <array>
#include <cstdint>
#include <memory>
#include <thread>

namespace {

struct Connection {
  inlay::InlineWords<16> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

using Map = inlay::SharedMap<uint64_t>;

constexpr int kRounds = 2000;
std::array<Connection, 8> connections;

void Read(const Map& map, uint64_t* sum) {
  for (int round = 0; round < kRounds; ++round) {
    inlay::ReadSection section;
    for (const Connection& connection : connections) {
      if (const uint64_t* const value = map.Get(connection)) *sum += *value;
    }
  }
}

// More values than a map of 4 bits has indexes: some spill, and come home.
void Write(Map* map, uint64_t first) {
  for (uint64_t round = 0; round < kRounds; ++round) {
    Connection& connection = connections[round % connections.size()];
    if (map->Update(connection, first + round % 16) != inlay::Status::kOk) return;
    if (round % 64 == 0) inlay::Synchronize();
  }
}

}  // namespace

int main() {
  std::unique_ptr<inlay::Store> store;
  std::unique_ptr<Map> map;
  if (inlay::Store::Create({.reserved_bits = 16}, &store) != inlay::Status::kOk) return 1;
  if (Map::Create(*store, {.width_bits = 4}, &map) != inlay::Status::kOk) return 2;
  uint64_t sum = 0;
  std::thread reader([&] { Read(*map, &sum); });
  std::thread writer([&] { Write(map.get(), 1); });
  Write(map.get(), 9);
  reader.join();
  writer.join();
  for (Connection& connection : connections) store->Close(connection);
  return map->bytes().stats().table.live == 0 ? 0 : 3;
}
