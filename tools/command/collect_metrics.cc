#include "tools/command/collect_metrics.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "engine/metrics/open_metrics.h"
#include "inlay/memory_usage.h"

namespace inlay {
namespace {

using Type = OpenMetrics::Type;

// Of a map, the values with the most sockets; there may be 65,534 of them.
constexpr size_t kMostNamedValues = 1000;

uint64_t StorageBytes(const LiveMap& map) {
  return KmallocBytes(kLocalStorageBytes) +
         KmallocBytes(kStorageElementHeaderBytes + map.value_bytes());
}

uint64_t SocketsOf(const LiveCollector::MapReport& report) {
  return std::accumulate(report.users.begin(), report.users.end(), uint64_t{report.spilled});
}

void AddUsers(OpenMetrics& text, const LiveCollector::MapReport& report) {
  std::vector<uint32_t> indexes;
  for (uint32_t i = 0; i < report.users.size(); ++i) {
    if (report.users[i] != 0) indexes.push_back(i + 1);
  }
  if (indexes.size() > kMostNamedValues) {
    std::stable_sort(indexes.begin(), indexes.end(), [&](uint32_t a, uint32_t b) {
      return report.users[a - 1] > report.users[b - 1];
    });
    indexes.resize(kMostNamedValues);
    std::sort(indexes.begin(), indexes.end());
  }
  for (const uint32_t index : indexes) {
    const std::string number = std::to_string(index);
    text.Add({{"map", report.name}, {"index", number}}, uint64_t{report.users[index - 1]});
  }
}

}  // namespace

void CollectTotals::Add(const LiveCollector::Report& report, double now_seconds,
                        double took_seconds) {
  ++passes;
  pass_seconds = took_seconds;
  if (report.complete) {
    last_complete_seconds = now_seconds;
  } else {
    ++incomplete;
  }
  for (const LiveCollector::MapReport& map : report.maps) {
    freed[map.name] += map.freed;
    came_home[map.name] += map.came_home;
  }
}

std::string CollectMetrics(const std::vector<LiveMap*>& maps, const LiveCollector::Report& report,
                           const CollectTotals& totals, double now_seconds) {
  std::vector<LiveMap::Statistics> counts;
  for (const LiveMap* map : maps) counts.push_back(map->CountValues());
  OpenMetrics text;
  // A family with a sample for each map.
  using Value = std::function<uint64_t(size_t)>;
  const auto add = [&](const char* name, Type type, const char* help, const Value& value,
                       const char* unit = "") {
    text.Begin({.name = name, .type = type, .unit = unit, .help = help});
    for (size_t i = 0; i < maps.size(); ++i) text.Add({{"map", maps[i]->name()}}, value(i));
  };
  add("inlay_map_values", Type::kGauge, "Values that can be found",
      [&](size_t i) { return counts[i].values; });
  add("inlay_map_indexes", Type::kGauge, "Values that the map has room for",
      [&](size_t i) { return maps[i]->most_values(); });
  add("inlay_map_indexes_touched", Type::kGauge, "Indexes that ever were in use",
      [&](size_t i) { return counts[i].indexes_touched; });
  add("inlay_map_sockets", Type::kGauge, "Sockets with a value, at the last census",
      [&](size_t i) { return SocketsOf(report.maps[i]); });
  add("inlay_map_spilled_sockets", Type::kGauge,
      "Sockets with a value of their own, since no index was left, at the last census",
      [&](size_t i) { return report.maps[i].spilled; });
  add("inlay_map_spills", Type::kCounter, "How often a socket got a value of its own",
      [&](size_t i) { return counts[i].spilled; });
  add("inlay_map_interned", Type::kCounter, "How often a value was written",
      [&](size_t i) { return counts[i].interned; });
  const auto total = [&](const std::map<std::string, uint64_t>& by_map, size_t i) {
    const auto found = by_map.find(maps[i]->name());
    return found == by_map.end() ? 0 : found->second;
  };
  add("inlay_map_freed", Type::kCounter, "Indexes that this collector has freed",
      [&](size_t i) { return total(totals.freed, i); });
  add("inlay_map_came_home", Type::kCounter,
      "Sockets with a value of their own to which this collector has given an index",
      [&](size_t i) { return total(totals.came_home, i); });
  add(
      "inlay_map", Type::kGauge,
      "Kernel memory of the map: values, keys, state, and the storages of spilled sockets",
      [&](size_t i) {
        return maps[i]->KernelBytes() + report.maps[i].spilled * StorageBytes(*maps[i]);
      },
      "bytes");
  add(
      "inlay_map_socket_storage", Type::kGauge,
      "Kernel memory of BPF_MAP_TYPE_SK_STORAGE for the same sockets and values",
      [&](size_t i) { return SocketsOf(report.maps[i]) * StorageBytes(*maps[i]); }, "bytes");

  text.Begin({.name = "inlay_value_sockets",
              .type = Type::kGauge,
              .help =
                  "Sockets with this value, by its index, at the last census; of a map, the 1000 "
                  "values with the most"});
  for (const LiveCollector::MapReport& map : report.maps) AddUsers(text, map);

  text.Begin({.name = "inlay_census_complete",
              .type = Type::kGauge,
              .help = "1: the last census met all sockets; 0: it did not, and nothing was freed"});
  text.Add(uint64_t{report.complete});
  text.Begin({.name = "inlay_census_sockets",
              .type = Type::kGauge,
              .help = "Sockets that the last census met"});
  text.Add(uint64_t{report.sockets});
  text.Begin({.name = "inlay_census_pass",
              .type = Type::kGauge,
              .unit = "seconds",
              .help = "How long the last pass took"});
  text.Add(totals.pass_seconds);
  text.Begin({.name = "inlay_census_time",
              .type = Type::kGauge,
              .unit = "seconds",
              .help = "When the last census ended, complete or not, since 1970"});
  text.Add(now_seconds);
  if (totals.last_complete_seconds > 0) {
    text.Begin({.name = "inlay_census_complete_time",
                .type = Type::kGauge,
                .unit = "seconds",
                .help = "When the last complete census ended, since 1970"});
    text.Add(totals.last_complete_seconds);
    text.Begin({.name = "inlay_census_complete_age",
                .type = Type::kGauge,
                .unit = "seconds",
                .help = "How old the last complete census was when this was written"});
    text.Add(now_seconds - totals.last_complete_seconds);
  }
  text.Begin({.name = "inlay_passes", .type = Type::kCounter, .help = "Passes of this collector"});
  text.Add(uint64_t{totals.passes});
  text.Begin({.name = "inlay_passes_incomplete",
              .type = Type::kCounter,
              .help = "Passes of this collector that did not meet all sockets"});
  text.Add(uint64_t{totals.incomplete});
  return std::move(text).Finish();
}

}  // namespace inlay
