#include "inlay/store_report.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>
#include <utility>

#include "engine/metrics/open_metrics.h"

namespace inlay {

IndexForecast ForecastIndexes(const MapReport& before, const MapReport& now,
                              std::chrono::duration<double> between) {
  using Outlook = IndexForecast::Outlook;
  IndexForecast forecast;
  if (now.indexes == 0 || between.count() <= 0) return forecast;
  const double more = static_cast<double>(now.live) - static_cast<double>(before.live);
  forecast.values_a_second = more / between.count();
  const uint32_t room = now.live < now.indexes ? now.indexes - now.live : 0;
  if (room == 0 || now.ladder.spilled_now > 0) {
    forecast.outlook = Outlook::kRunsOut;
  } else if (more <= 0) {
    forecast.outlook = Outlook::kNever;
  } else {
    forecast.outlook = Outlook::kRunsOut;
    forecast.seconds = room / forecast.values_a_second;
  }
  return forecast;
}

namespace {

// --- text

// With a comma after each three digits.
std::string Grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string OneDecimal(double number) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.1f", number);
  return text.data();
}

// Three significant digits: rates are small numbers too.
std::string Rate(double number) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.3g", number);
  return text.data();
}

// In the largest unit of which there is at least one.
std::string Duration(double seconds) {
  constexpr std::array<std::pair<double, std::string_view>, 4> kUnits{
      {{365.25 * 86400, "years"}, {86400, "days"}, {3600, "hours"}, {60, "minutes"}}};
  for (const auto& [length, name] : kUnits) {
    if (seconds >= length) return OneDecimal(seconds / length).append(" ").append(name);
  }
  return OneDecimal(seconds) + " seconds";
}

// What is not printable ASCII, as C would write it.
std::string Printable(std::string_view name) {
  std::string text;
  for (const char each : name) {
    if (each == '\\') {
      text += "\\\\";
    } else if (each >= ' ' && each <= '~') {
      text += each;
    } else {
      std::array<char, 8> octal;  // not hexadecimal, which has no end in C
      std::snprintf(octal.data(), octal.size(), "\\%03o", static_cast<unsigned char>(each));
      text += octal.data();
    }
  }
  return text;
}

std::string UsedOf(const AccountReport& account) {
  std::string text = Grouped(account.used_bytes) + " bytes";
  return account.limit_bytes == Account::kUnlimited ? text + ", no limit"
                                                    : text + " of " + Grouped(account.limit_bytes);
}

std::string ForecastText(const IndexForecast& forecast) {
  using Outlook = IndexForecast::Outlook;
  const std::string rate = "at " + Rate(forecast.values_a_second) + " more live values a second";
  switch (forecast.outlook) {
    case Outlook::kUnknown:
      return "unknown";
    case Outlook::kNever:
      return "never, " + rate;
    case Outlook::kRunsOut:
      return forecast.seconds > 0 ? "in " + Duration(forecast.seconds) + ", " + rate : "now";
  }
  return "unknown";
}

void AppendMap(const MapReport& map, std::string* text) {
  *text += "map " + std::to_string(map.number);
  if (!map.name.empty()) *text += " '" + Printable(map.name) + "'";
  *text += ": values of " + Grouped(map.value_bytes) + " bytes, ";
  *text += map.is_interned ? "an index of " + std::to_string(map.width_bits) + " bits"
                           : "fallen back to the pointer layout";
  const MemoryUsage& memory = map.memory;
  *text += "\n  memory    " + Grouped(memory.total_bytes()) + " bytes: inline " +
           Grouped(memory.inline_bytes) + ", private " + Grouped(memory.private_bytes) +
           ", table " + Grouped(memory.table_bytes) + ", index " + Grouped(memory.index_bytes) +
           ", slack " + Grouped(memory.slack_bytes) + "\n";
  if (!map.is_interned) return;
  const OverflowCounters& ladder = map.ladder;
  *text += "  values    " + Grouped(map.distinct()) + " distinct, " + Grouped(map.live) +
           " of them live; " + Grouped(map.added) + " added so far\n";
  *text += "  indexes   " + Grouped(map.indexes) + ": " + Grouped(map.distinct()) + " in use, " +
           Grouped(map.retired) + " retired, " + Grouped(map.free) + " free; " +
           OneDecimal(map.fill_percent()) + " % live\n";
  *text += "  run out   " + ForecastText(map.forecast) + "\n";
  *text += "  spilled   " + Grouped(ladder.spilled_now) + " owners; " + Grouped(map.pending_bytes) +
           " bytes wait for readers\n";
  *text += "  so far    reclaimed " + Grouped(ladder.reclaimed) + ", no index " +
           Grouped(ladder.no_indexes) + ", at the account's limit " +
           Grouped(ladder.account_limit) + ", spilled " + Grouped(ladder.spilled) + ", came home " +
           Grouped(ladder.brought_home) + ", failed " + Grouped(ladder.no_memory) +
           " (at the spill limit " + Grouped(ladder.spill_limit) + ", at the pending limit " +
           Grouped(ladder.pending_limit) + ", at the account's limit " +
           Grouped(ladder.failed_account_limit) + ", without an index " +
           Grouped(ladder.failed_no_indexes) + ", otherwise " + Grouped(ladder.failed_otherwise()) +
           ")\n";
}

// --- OpenMetrics

using Label = OpenMetrics::Label;
using Labels = std::vector<Label>;

Labels With(Labels labels, Label more) {
  labels.push_back(more);
  return labels;
}

Labels LabelsOf(const StoreReport& report) {
  return report.name.empty() ? Labels() : Labels{{"store", report.name}};
}

// A map with the labels of its samples, which refer to the report and to `number`.
struct LabelledMap {
  LabelledMap(const StoreReport& report, const MapReport& of)
      : map(of), number(std::to_string(of.number)), labels(LabelsOf(report)) {
    labels.insert(labels.end(), {{"map", map.name}, {"number", number}});
  }
  LabelledMap(const LabelledMap&) = delete;
  LabelledMap& operator=(const LabelledMap&) = delete;

  const MapReport& map;
  const std::string number;
  Labels labels;
};

// One family, with the samples that `add` adds for each map.
template <typename AddMap>
void AddMaps(std::span<const StoreReport> reports, const OpenMetrics::Family& family,
             OpenMetrics* metrics, AddMap add) {
  metrics->Begin(family);
  for (const StoreReport& report : reports) {
    for (const MapReport& map : report.maps) add(LabelledMap(report, map));
  }
}

void AddStores(std::span<const StoreReport> reports, OpenMetrics* metrics) {
  constexpr std::array<std::pair<std::string_view, AccountReport StoreReport::*>, 3> kAccounts{
      {{"table", &StoreReport::tables},
       {"spill", &StoreReport::spilled},
       {"pending", &StoreReport::pending}}};
  metrics->Begin({.name = "inlay_account_used",
                  .unit = "bytes",
                  .help = "Tables of interned values, private values of spilled owners in side "
                          "tables, and what waits for readers."});
  for (const StoreReport& report : reports) {
    for (const auto& [name, account] : kAccounts) {
      metrics->Add(With(LabelsOf(report), {"account", name}),
                   uint64_t{(report.*account).used_bytes});
    }
  }
  metrics->Begin({.name = "inlay_account_limit",
                  .unit = "bytes",
                  .help = "The most that the account may use; +Inf: no limit."});
  for (const StoreReport& report : reports) {
    for (const auto& [name, account] : kAccounts) {
      const size_t limit = (report.*account).limit_bytes;
      const Labels labels = With(LabelsOf(report), {"account", name});
      if (limit == Account::kUnlimited) {
        metrics->Add(labels, std::numeric_limits<double>::infinity());
      } else {
        metrics->Add(labels, uint64_t{limit});
      }
    }
  }
  metrics->Begin({.name = "inlay_owner_reserved",
                  .unit = "bits",
                  .help = "Bits that each owner reserves for all maps."});
  for (const StoreReport& report : reports) {
    metrics->Add(LabelsOf(report), uint64_t{report.reserved_bits});
  }
  metrics->Begin(
      {.name = "inlay_owner_free", .unit = "bits", .help = "Of these, those that no map has."});
  for (const StoreReport& report : reports) {
    metrics->Add(LabelsOf(report), uint64_t{report.free_bits});
  }
  metrics->Begin({.name = "inlay_owners", .help = "Owners, of stores that can enumerate them."});
  for (const StoreReport& report : reports) {
    if (report.owners.has_value()) metrics->Add(LabelsOf(report), *report.owners);
  }
}

void AddGauges(std::span<const StoreReport> reports, OpenMetrics* metrics) {
  AddMaps(reports,
          {.name = "inlay_map", .type = OpenMetrics::Type::kInfo, .help = "What does not change."},
          metrics, [&](const LabelledMap& of) {
            const std::string width = std::to_string(of.map.width_bits);
            const std::string bytes = std::to_string(of.map.value_bytes);
            Labels labels = With(of.labels, {"layout", of.map.is_interned ? "index" : "pointer"});
            labels.insert(labels.end(), {{"width_bits", width}, {"value_bytes", bytes}});
            metrics->Add(labels, uint64_t{1});
          });
  AddMaps(reports, {.name = "inlay_map_memory", .unit = "bytes", .help = "Memory by its use."},
          metrics, [&](const LabelledMap& of) {
            const MemoryUsage& memory = of.map.memory;
            for (const auto& [part, bytes] : {std::pair{"inline", memory.inline_bytes},
                                              {"private", memory.private_bytes},
                                              {"table", memory.table_bytes},
                                              {"index", memory.index_bytes},
                                              {"slack", memory.slack_bytes}}) {
              metrics->Add(With(of.labels, {"part", part}), uint64_t{bytes});
            }
          });
  AddMaps(reports,
          {.name = "inlay_map_indexes",
           .help = "Indexes by state. Live and unreferenced ones have a value."},
          metrics, [&](const LabelledMap& of) {
            if (!of.map.is_interned) return;
            for (const auto& [state, indexes] : {std::pair{"live", of.map.live},
                                                 {"unreferenced", of.map.unreferenced},
                                                 {"retired", of.map.retired},
                                                 {"free", of.map.free}}) {
              metrics->Add(With(of.labels, {"state", state}), uint64_t{indexes});
            }
          });
  const auto gauge = [&](const OpenMetrics::Family& family, auto value) {
    AddMaps(reports, family, metrics, [&](const LabelledMap& of) {
      if (of.map.is_interned) metrics->Add(of.labels, value(of.map));
    });
  };
  gauge({.name = "inlay_map_fill", .unit = "ratio", .help = "Of the indexes, the live ones."},
        [](const MapReport& map) { return map.fill_percent() / 100; });
  gauge({.name = "inlay_map_spilled_owners", .help = "Owners that have a private value."},
        [](const MapReport& map) { return map.ladder.spilled_now; });
  gauge({.name = "inlay_map_pending",
         .unit = "bytes",
         .help = "Private values in side tables that wait for readers."},
        [](const MapReport& map) { return uint64_t{map.pending_bytes}; });
  AddMaps(reports,
          {.name = "inlay_map_indexes_run_out",
           .unit = "seconds",
           .help = "When live values have all indexes, if they become more as they did."},
          metrics, [&](const LabelledMap& of) {
            const IndexForecast& forecast = of.map.forecast;
            if (forecast.outlook == IndexForecast::Outlook::kUnknown) return;
            metrics->Add(of.labels, forecast.outlook == IndexForecast::Outlook::kNever
                                        ? std::numeric_limits<double>::infinity()
                                        : forecast.seconds);
          });
}

void AddCounters(std::span<const StoreReport> reports, OpenMetrics* metrics) {
  const auto counter = [&](std::string_view name, std::string_view help, auto value) {
    AddMaps(reports, {.name = name, .type = OpenMetrics::Type::kCounter, .help = help}, metrics,
            [&](const LabelledMap& of) {
              if (of.map.is_interned) metrics->Add(of.labels, value(of.map));
            });
  };
  counter("inlay_map_added_values", "Values that were new to the table.",
          [](const MapReport& map) { return map.added; });
  constexpr struct {
    std::string_view name;
    uint64_t OverflowCounters::*counter;
    std::string_view help;
  } kRungs[] = {
      {"inlay_map_reclaimed_values", &OverflowCounters::reclaimed,
       "Values that gave up their index."},
      {"inlay_map_no_indexes", &OverflowCounters::no_indexes,
       "Operations whose value got no index: all were in use."},
      {"inlay_map_account_limit", &OverflowCounters::account_limit,
       "Operations whose value got no index: the account allowed no more memory."},
      {"inlay_map_spills", &OverflowCounters::spilled, "Updates that made a private value."},
      {"inlay_map_brought_home", &OverflowCounters::brought_home,
       "Owners that came home to the table without a write."},
      {"inlay_map_no_memory", &OverflowCounters::no_memory,
       "Operations that failed for want of memory."},
      {"inlay_map_spill_limit", &OverflowCounters::spill_limit, "Of these, at the spill limit."},
      {"inlay_map_pending_limit", &OverflowCounters::pending_limit,
       "Of these, at the pending limit."},
      {"inlay_map_failed_account_limit", &OverflowCounters::failed_account_limit,
       "Of these, at the account's limit."},
      {"inlay_map_failed_no_indexes", &OverflowCounters::failed_no_indexes,
       "Of these, without an index, in a map that does not spill."},
  };
  for (const auto& rung : kRungs) {
    counter(rung.name, rung.help, [&](const MapReport& map) { return map.ladder.*rung.counter; });
  }
}

}  // namespace

std::string ToText(const StoreReport& report) {
  std::string text = "store";
  if (!report.name.empty()) text += " '" + Printable(report.name) + "'";
  text += ": " + Grouped(report.reserved_bits) + " bits in each owner, " +
          Grouped(report.free_bits) + " free";
  if (report.owners.has_value()) text += "; " + Grouped(*report.owners) + " owners";
  text += "\n  tables    " + UsedOf(report.tables) + "\n  spilled   " + UsedOf(report.spilled) +
          "\n  pending   " + UsedOf(report.pending) + "\n";
  for (const MapReport& map : report.maps) AppendMap(map, &text);
  return text;
}

std::string ToOpenMetrics(std::span<const StoreReport> reports) {
  OpenMetrics metrics;
  AddStores(reports, &metrics);
  AddGauges(reports, &metrics);
  AddCounters(reports, &metrics);
  return std::move(metrics).Finish();
}

std::string ToOpenMetrics(const StoreReport& report) {
  return ToOpenMetrics(std::span(&report, 1));
}

}  // namespace inlay
