// StoreReport: what a Store and its maps hold at a moment, and how long the indexes last; as text
// for people, and as OpenMetrics for a monitoring system.
//
//   const inlay::StoreReport now = store->Report(&earlier);
//   std::fputs(inlay::ToText(now).c_str(), stderr);
//   answer_of_metrics_port = inlay::ToOpenMetrics(now);
//
// Store::Report() reads counters only, so a program may call it as often as it likes. Each figure
// was true at some moment during the call, but not all at the same one.
//
// Thread-safety: a report is a plain object. The functions may run concurrently.

#ifndef INLAY_STORE_REPORT_H_
#define INLAY_STORE_REPORT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "inlay/account.h"
#include "inlay/export.h"
#include "inlay/memory_usage.h"

namespace inlay {

// The rungs of a map's overflow ladder (index_map.h), since the map was made.
struct OverflowCounters {
  uint64_t reclaimed = 0;      // values that gave up their index
  uint64_t no_indexes = 0;     // operations whose value got no index: all were in use
  uint64_t account_limit = 0;  // the same, since the account allowed no more memory for the table
  uint64_t spilled = 0;        // updates that made a private value
  uint64_t no_memory = 0;      // operations that failed with IsNoMemory()
  uint64_t spill_limit = 0;    // of these, with kSpillLimit
  uint64_t pending_limit = 0;  // of these, with kPendingLimit
  uint64_t failed_account_limit = 0;  // of these, with kAccountLimit, also for a private value
  uint64_t failed_no_indexes = 0;     // of these, with kNoIndexes: of what may not spill
  uint64_t spilled_now = 0;           // owners that have a private value
  uint64_t brought_home = 0;          // owners that came home without a write

  // The rest of no_memory: the system had no memory, or the owner's own limit was reached.
  uint64_t failed_otherwise() const {
    return no_memory - spill_limit - pending_limit - failed_account_limit - failed_no_indexes;
  }
};

// When a map's live values will have taken all of its indexes, if they go on to become more as they
// did between two reports. Unreferenced and retired values count as room, since new values get
// their indexes, if not at once. So a burst of values that come and go within a grace period may
// spill although there is no end in sight.
struct IndexForecast {
  enum class Outlook : uint8_t {
    kUnknown,  // no earlier report of this map, no time between them, or the map has no indexes
    kNever,    // the live values did not become more
    kRunsOut,  // in `seconds`; 0: no index is left, or owners have spilled
  };
  Outlook outlook = Outlook::kUnknown;
  double seconds = 0;          // of kRunsOut
  double values_a_second = 0;  // by which live values became more, or, below 0, fewer; not kUnknown
};

struct MapReport {
  uint64_t number = 0;       // 1 for the first map of a store, and so on; never used again
  std::string name;          // MapOptions::name
  bool is_interned = false;  // if not, all below `memory` is zero
  uint32_t value_bytes = 0;
  MemoryUsage memory;

  uint32_t width_bits = 0;
  uint32_t indexes = 0;       // 2^width_bits - 2. Each is in one of these four states:
  uint32_t live = 0;          // has a value with references
  uint32_t unreferenced = 0;  // has a value without one, which gives it up when room is needed
  uint32_t retired = 0;       // waits for readers
  uint32_t free = 0;          // can be used now
  uint64_t added = 0;         // values that were new to the table, since the map was made
  size_t pending_bytes = 0;   // private values in side tables that wait for readers
  OverflowCounters ladder;
  IndexForecast forecast;

  // Different values that can be found, and so the indexes in use.
  uint32_t distinct() const { return live + unreferenced; }
  // Of the indexes, those that live values have. 0 without indexes.
  double fill_percent() const { return indexes == 0 ? 0 : 100.0 * live / indexes; }
};

struct AccountReport {
  size_t used_bytes = 0;
  size_t limit_bytes = Account::kUnlimited;
};

struct StoreReport {
  // For ToText() and ToOpenMetrics(); the caller may set it.
  std::string name;
  std::chrono::steady_clock::time_point taken;
  AccountReport tables;            // StoreOptions::table_limit_bytes
  AccountReport spilled;           // spill_limit_bytes
  AccountReport pending;           // pending_limit_bytes
  uint32_t reserved_bits = 0;      // in each owner
  uint32_t free_bits = 0;          // of these. Bits of a freed map are not, while owners have codes
  std::optional<uint64_t> owners;  // of a store with a population
  std::vector<MapReport> maps;     // in the order in which they were made

  const MapReport* Find(uint64_t number) const {
    for (const MapReport& map : maps) {
      if (map.number == number) return &map;
    }
    return nullptr;
  }
};

// The forecast of a map from its reports `before` and `now`, with `between` them.
INLAY_API IndexForecast ForecastIndexes(const MapReport& before, const MapReport& now,
                                        std::chrono::duration<double> between);

// A few lines for each map. For people: the text may change in any version. Bytes of names that are
// not printable ASCII are escaped as in C. Throws std::bad_alloc.
INLAY_API std::string ToText(const StoreReport& report);

// All figures in the text format OpenMetrics 1.0, with `# EOF`. The names of families begin with
// `inlay_`; units are suffixes. A map has the labels `map` (its name), `number`, and `store` (the
// report's name) unless that is empty. Bytes of names that are not UTF-8 become U+FFFD. A forecast
// is the gauge inlay_map_indexes_run_out_seconds: +Inf for never, and absent if unknown. Of several
// stores: REQUIRES that the reports have different names. Throws std::bad_alloc.
INLAY_API std::string ToOpenMetrics(const StoreReport& report);
INLAY_API std::string ToOpenMetrics(std::span<const StoreReport> reports);

}  // namespace inlay

#endif  // INLAY_STORE_REPORT_H_
