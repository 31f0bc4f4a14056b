// Prints reports of two stores as OpenMetrics: maps with every kind of name, one that has fallen
// back, owners that have spilled, and forecasts. open_metrics_test.py parses it.

#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "inlay/emulated/socket.h"
#include "inlay/shared_map.h"
#include "inlay/store.h"
#include "inlay/store_report.h"

namespace {

using inlay::Status;

struct SampleOwner {
  inlay::InlineWords<64> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

// Adds maps with these names, of 2 bits each, to the store. Each value is that of one owner.
bool AddMaps(inlay::Store& store, const std::vector<std::string>& names,
             std::vector<std::unique_ptr<inlay::SharedMap<uint64_t>>>* maps) {
  for (const std::string& name : names) {
    inlay::MapOptions options;
    options.name = name;
    options.width_bits = 2;
    options.background = false;
    if (inlay::SharedMap<uint64_t>::Create(store, options, &maps->emplace_back()) != Status::kOk) {
      return false;
    }
  }
  return true;
}

int Run() {
  std::unique_ptr<inlay::Store> store;
  std::unique_ptr<inlay::SocketTable> sockets;
  std::vector<std::unique_ptr<inlay::SharedMap<uint64_t>>> maps;
  if (inlay::Store::Create({.reserved_bits = 64, .table_limit_bytes = 1 << 20}, &store) !=
          Status::kOk ||
      inlay::SocketTable::Create({.inline_bits = 0}, &sockets) != Status::kOk ||
      !AddMaps(*store,
               {"policy", "policy", "", "a\"b\\c\nd\\n", "\xff\xc3\xa9", "# EOF", "{x=\"y\"} 1"},
               &maps) ||
      !AddMaps(sockets->store(), {"fallen back"}, &maps)) {
    return 1;
  }
  const inlay::StoreReport earlier = store->Report();
  std::deque<SampleOwner> owners(3);
  for (uint64_t value = 0; value < owners.size(); ++value) {  // the third one spills
    if (maps[0]->Update(owners[value], value) != Status::kOk) return 1;
  }
  if (maps[1]->Update(owners[0], 1) != Status::kOk) return 1;
  inlay::StoreReport reports[] = {store->Report(&earlier), sockets->store().Report()};
  reports[0].name = "connections \"in\"";
  reports[1].name = "sockets";
  std::fputs(inlay::ToOpenMetrics(reports).c_str(), stdout);
  for (SampleOwner& owner : owners) store->Close(owner);
  return 0;
}

}  // namespace

int main() { return Run(); }
