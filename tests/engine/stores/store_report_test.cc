#include "inlay/store_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include "inlay/index_map.h"
#include "inlay/keyed_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/engine/stores/owner_kinds.h"
#include "tests/failing_allocations.h"
#include "tests/numbered_value.h"

namespace inlay {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using Outlook = IndexForecast::Outlook;

class StoreReportTest : public testing::Test {
 protected:
  using Owner = PlainOwner<64>;
  static constexpr uint32_t kBytes = 8;

  explicit StoreReportTest(const StoreOptions& options = {.reserved_bits = 64}) {
    EXPECT_EQ(Store::Create(options, &store_), Status::kOk);
  }
  ~StoreReportTest() override {
    for (Owner& owner : owners_) store_->Close(owner);
  }

  std::unique_ptr<IndexMap> MakeMap(const std::string& name, uint32_t width_bits) {
    MapOptions options;
    options.name = name;
    options.value_bytes = kBytes;
    options.width_bits = width_bits;
    options.background = false;
    std::unique_ptr<IndexMap> map;
    EXPECT_EQ(IndexMap::Create(*store_, options, &map), Status::kOk);
    return map;
  }
  // `count` more owners, with values from `first` on.
  void Fill(IndexMap& map, uint64_t first, size_t count) {
    for (size_t i = 0; i < count; ++i) Put(map, owners_.emplace_back(), first + i);
  }
  static void Put(IndexMap& map, Owner& owner, uint64_t value) {
    EXPECT_EQ(map.Update(owner, NumberedValue(value, kBytes), UpdateFlag::kAny), Status::kOk);
  }

  std::deque<Owner> owners_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreReportTest, AStoreWithoutMaps) {
  const StoreReport report = store_->Report();
  EXPECT_EQ(report.reserved_bits, 64U);
  EXPECT_EQ(report.free_bits, 64U);
  EXPECT_FALSE(report.owners.has_value());
  EXPECT_TRUE(report.maps.empty());
  EXPECT_EQ(report.tables.used_bytes, 0U);
  EXPECT_EQ(report.tables.limit_bytes, Account::kUnlimited);
}

TEST_F(StoreReportTest, SaysOfAMapWhatItsStatsAndMemoryUsageSay) {
  const auto map = MakeMap("policy", 10);
  Fill(*map, 0, 20);
  Fill(*map, 0, 20);
  for (size_t i = 0; i < 5; ++i) Put(*map, owners_[i], 100);
  for (size_t i = 20; i < 25; ++i) Put(*map, owners_[i], 100);
  const StoreReport report = store_->Report();
  ASSERT_EQ(report.maps.size(), 1U);
  const MapReport& of = report.maps[0];
  EXPECT_EQ(of.name, "policy");
  EXPECT_EQ(of.number, 1U);
  EXPECT_TRUE(of.is_interned);
  EXPECT_EQ(of.value_bytes, kBytes);
  EXPECT_EQ(of.width_bits, 10U);
  EXPECT_EQ(of.indexes, 1022U);
  EXPECT_EQ(of.live, 16U);
  EXPECT_EQ(of.unreferenced, 5U);
  EXPECT_EQ(of.distinct(), 21U);
  EXPECT_EQ(of.retired, 0U);
  EXPECT_EQ(of.free, 1022U - 21U);
  EXPECT_EQ(of.added, 21U);
  EXPECT_DOUBLE_EQ(of.fill_percent(), 100.0 * 16 / 1022);
  EXPECT_EQ(of.memory.total_bytes(), map->memory_usage().total_bytes());
  EXPECT_EQ(of.memory.table_bytes, map->memory_usage().table_bytes);
  EXPECT_EQ(of.forecast.outlook, Outlook::kUnknown);
  EXPECT_EQ(report.tables.used_bytes, store_->account().used_bytes());
  EXPECT_EQ(report.free_bits, 54U);
}

TEST_F(StoreReportTest, ReclaimedValuesGiveTheirIndexesBackAndCountAsAdded) {
  const auto map = MakeMap("", 4);
  Fill(*map, 0, 10);
  for (Owner& owner : owners_) Put(*map, owner, 50);
  EXPECT_EQ(map->Reclaim(), 10U);
  const MapReport of = store_->Report().maps.at(0);
  EXPECT_EQ(of.live, 1U);
  EXPECT_EQ(of.unreferenced, 0U);
  EXPECT_EQ(of.free, 13U);
  EXPECT_EQ(of.added, 11U);
  EXPECT_EQ(of.ladder.reclaimed, 10U);
}

TEST_F(StoreReportTest, RetiredIndexesWaitForReaders) {
  const auto map = MakeMap("", 2);
  Fill(*map, 0, 2);
  const ReadSection section;
  Put(*map, owners_[0], 1);  // value 0 is unreferenced
  Put(*map, owners_[1], 2);  // retires it, finds no index, and spills
  const MapReport of = store_->Report().maps.at(0);
  EXPECT_EQ(of.live, 1U);
  EXPECT_EQ(of.retired, 1U);
  EXPECT_EQ(of.free, 0U);
  EXPECT_EQ(of.ladder.spilled_now, 1U);
  EXPECT_EQ(of.ladder.spilled, 1U);
  EXPECT_EQ(of.ladder.no_indexes, 1U);
  EXPECT_EQ(store_->Report().spilled.used_bytes, of.memory.private_bytes);
}

TEST_F(StoreReportTest, PendingBytesAreOfTheMapThatHasThem) {
  const auto quiet = MakeMap("quiet", 2);
  const auto busy = MakeMap("busy", 2);
  Fill(*quiet, 0, 3);
  Fill(*busy, 0, 3);  // the third one spills
  RetireBarrier();
  EXPECT_EQ(store_->Report().pending.used_bytes, 0U);
  {
    const ReadSection section;
    for (uint64_t i = 0; i < 10; ++i) Put(*busy, owners_[5], 10 + i);
    const StoreReport report = store_->Report();
    EXPECT_EQ(report.maps.at(0).pending_bytes, 0U);
    EXPECT_GE(report.maps.at(1).pending_bytes, 10 * kBytes);
    EXPECT_EQ(report.maps.at(1).pending_bytes, report.pending.used_bytes);
  }
  RetireBarrier();
  EXPECT_EQ(store_->Report().maps.at(1).pending_bytes, 0U);
}

TEST_F(StoreReportTest, WhatAFreedMapLeavesPendingIsTheStores) {
  auto map = MakeMap("", 2);
  Fill(*map, 0, 3);
  map.reset();  // with a spilled owner's value
  EXPECT_TRUE(store_->Report().maps.empty());
  RetireBarrier();
  EXPECT_EQ(store_->Report().pending.used_bytes, 0U);
  EXPECT_EQ(store_->Report().spilled.used_bytes, 0U);
}

TEST_F(StoreReportTest, MapsAreInTheOrderInWhichTheyWereMadeAndNumbersStay) {
  auto first = MakeMap("same", 4);
  const auto second = MakeMap("same", 4);
  first.reset();
  const auto third = MakeMap("other", 4);
  const StoreReport report = store_->Report();
  ASSERT_EQ(report.maps.size(), 2U);
  EXPECT_EQ(report.maps[0].number, 2U);
  EXPECT_EQ(report.maps[1].number, 3U);
  EXPECT_EQ(report.maps[1].name, "other");
  EXPECT_EQ(report.Find(3), &report.maps[1]);
  EXPECT_EQ(report.Find(1), nullptr);
}

TEST_F(StoreReportTest, AMapThatCannotBeMadeIsNotReported) {
  MapOptions options;
  options.value_bytes = kBytes;
  options.background = false;
  std::unique_ptr<IndexMap> map;
  FailEachAllocation([&] { return IndexMap::Create(*store_, options, &map); },
                     [&] { EXPECT_TRUE(store_->Report().maps.empty()); });
  EXPECT_EQ(store_->Report().maps.size(), 1U);
}

TEST(StoreReportOfSocketsTest, AMapThatHasFallenBackIsReported) {
  std::unique_ptr<SocketTable> table;
  ASSERT_EQ(SocketTable::Create({.inline_bits = 0}, &table), Status::kOk);
  std::unique_ptr<IndexMap> map;
  ASSERT_EQ(IndexMap::Create(table->store(), {.name = "m", .value_bytes = 8}, &map), Status::kOk);
  const StoreReport report = table->store().Report();
  ASSERT_EQ(report.maps.size(), 1U);
  EXPECT_FALSE(report.maps[0].is_interned);
  EXPECT_EQ(report.maps[0].indexes, 0U);
  EXPECT_EQ(report.maps[0].fill_percent(), 0);
  EXPECT_EQ(report.owners, 0U);
  EXPECT_THAT(ToText(report), HasSubstr("fallen back to the pointer layout"));
  EXPECT_THAT(ToOpenMetrics(report), HasSubstr("layout=\"pointer\""));
  EXPECT_THAT(ToOpenMetrics(report), Not(HasSubstr("state=\"live\"")));
}

TEST_F(StoreReportTest, OfAKeyedMapTheKeysHaveTheIndexes) {
  std::unique_ptr<KeyedMap<uint32_t, uint64_t>> map;
  ASSERT_EQ((KeyedMap<uint32_t, uint64_t>::Create(*store_, {.name = "t", .width_bits = 4}, &map)),
            Status::kOk);
  for (uint32_t key = 0; key < 3; ++key) ASSERT_EQ(map->Set(key, 1), Status::kOk);
  const StoreReport report = store_->Report();
  ASSERT_EQ(report.maps.size(), 1U);
  EXPECT_EQ(report.maps[0].name, "t");
  EXPECT_EQ(report.maps[0].live, 3U);
  EXPECT_EQ(report.maps[0].free, 11U);
  EXPECT_EQ(report.maps[0].memory.total_bytes(), map->bytes().memory_usage().total_bytes());
  map.reset();
  EXPECT_TRUE(store_->Report().maps.empty());
}

// --- forecast

TEST_F(StoreReportTest, ForecastsFromAnEarlierReport) {
  const auto map = MakeMap("", 8);
  Fill(*map, 0, 100);
  StoreReport earlier = store_->Report();
  Fill(*map, 100, 54);  // 154 of 254
  StoreReport now = store_->Report(&earlier);
  EXPECT_EQ(now.maps[0].forecast.outlook, Outlook::kRunsOut);
  // The rate is that of the reports' moments.
  earlier.taken = now.taken - seconds(27);
  now.maps[0].forecast = ForecastIndexes(earlier.maps[0], now.maps[0], now.taken - earlier.taken);
  EXPECT_DOUBLE_EQ(now.maps[0].forecast.values_a_second, 2);
  EXPECT_DOUBLE_EQ(now.maps[0].forecast.seconds, 50);
  EXPECT_THAT(ToText(now), HasSubstr("run out   in 50.0 seconds, at 2 more live values a second"));
}

MapReport WithLive(uint32_t live) {
  MapReport report;
  report.is_interned = true;
  report.indexes = 254;
  report.live = live;
  report.free = 254 - live;
  return report;
}

TEST(IndexForecastTest, NeverIfTheLiveValuesDoNotBecomeMore) {
  EXPECT_EQ(ForecastIndexes(WithLive(5), WithLive(5), seconds(1)).outlook, Outlook::kNever);
  const IndexForecast fewer = ForecastIndexes(WithLive(25), WithLive(5), seconds(10));
  EXPECT_EQ(fewer.outlook, Outlook::kNever);
  EXPECT_DOUBLE_EQ(fewer.values_a_second, -2);
}

TEST(IndexForecastTest, ValuesThatComeAndGoDoNotCount) {
  MapReport now = WithLive(5);
  now.added = 1000;
  now.unreferenced = 200;
  EXPECT_EQ(ForecastIndexes(WithLive(5), now, seconds(1)).outlook, Outlook::kNever);
}

TEST(IndexForecastTest, NowIfNoIndexIsLeftOrOwnersHaveSpilled) {
  const IndexForecast full = ForecastIndexes(WithLive(254), WithLive(254), seconds(1));
  EXPECT_EQ(full.outlook, Outlook::kRunsOut);
  EXPECT_EQ(full.seconds, 0);
  MapReport spilled = WithLive(250);
  spilled.ladder.spilled_now = 1;
  const IndexForecast forecast = ForecastIndexes(WithLive(251), spilled, seconds(1));
  EXPECT_EQ(forecast.outlook, Outlook::kRunsOut);
  EXPECT_EQ(forecast.seconds, 0);
}

TEST(IndexForecastTest, UnknownWithoutTimeBetweenOrWithoutIndexes) {
  EXPECT_EQ(ForecastIndexes(WithLive(1), WithLive(2), seconds(0)).outlook, Outlook::kUnknown);
  EXPECT_EQ(ForecastIndexes(WithLive(1), WithLive(2), seconds(-1)).outlook, Outlook::kUnknown);
  EXPECT_EQ(ForecastIndexes(MapReport(), MapReport(), seconds(1)).outlook, Outlook::kUnknown);
}

TEST_F(StoreReportTest, UnknownOfAMapThatIsNewerThanTheEarlierReport) {
  auto gone = MakeMap("policy", 8);
  const StoreReport earlier = store_->Report();
  gone.reset();
  const auto map = MakeMap("policy", 8);
  Fill(*map, 0, 10);
  EXPECT_EQ(store_->Report(&earlier).maps.at(0).forecast.outlook, Outlook::kUnknown);
}

// --- text

TEST(StoreReportTextTest, NamesAreEscaped) {
  StoreReport report;
  report.name = "a\nb";
  report.maps.emplace_back().name = "\xc3\xa9\x1b[2J\\";
  const std::string text = ToText(report);
  EXPECT_THAT(text, HasSubstr("store 'a\\012b'"));
  EXPECT_THAT(text, HasSubstr("map 0 '\\303\\251\\033[2J\\\\'"));
}

TEST(StoreReportTextTest, SaysNeverUnknownAndNow) {
  StoreReport report;
  report.tables = {.used_bytes = 1234567, .limit_bytes = 2000000};
  MapReport& map = report.maps.emplace_back(WithLive(127));
  EXPECT_THAT(ToText(report), HasSubstr("run out   unknown\n"));
  EXPECT_THAT(ToText(report), HasSubstr("tables    1,234,567 bytes of 2,000,000\n"));
  EXPECT_THAT(ToText(report), HasSubstr("spilled   0 bytes, no limit\n"));
  EXPECT_THAT(ToText(report), HasSubstr("50.0 % live"));
  map.forecast = {.outlook = Outlook::kNever, .values_a_second = -0.5};
  EXPECT_THAT(ToText(report), HasSubstr("run out   never, at -0.5 more live values a second\n"));
  map.forecast = {.outlook = Outlook::kRunsOut, .seconds = 0};
  EXPECT_THAT(ToText(report), HasSubstr("run out   now\n"));
  map.forecast = {.outlook = Outlook::kRunsOut, .seconds = 2 * 3600, .values_a_second = 1};
  EXPECT_THAT(ToText(report), HasSubstr("run out   in 2.0 hours, "));
}

// --- OpenMetrics; open_metrics_test.py has it parsed

TEST(StoreReportMetricsTest, AnUnknownForecastHasNoSampleAndNeverIsInfinite) {
  StoreReport report;
  MapReport& map = report.maps.emplace_back(WithLive(127));
  const std::string sample = "inlay_map_indexes_run_out_seconds{map=\"\",number=\"0\"} ";
  EXPECT_THAT(ToOpenMetrics(report), Not(HasSubstr(sample)));
  map.forecast.outlook = Outlook::kNever;
  EXPECT_THAT(ToOpenMetrics(report), HasSubstr(sample + "+Inf\n"));
  map.forecast = {.outlook = Outlook::kRunsOut, .seconds = 2.5};
  EXPECT_THAT(ToOpenMetrics(report), HasSubstr(sample + "2.5\n"));
  EXPECT_THAT(ToOpenMetrics(report),
              HasSubstr("inlay_map_fill_ratio{map=\"\",number=\"0\"} 0.5\n"));
}

TEST(StoreReportMetricsTest, SeveralStoresShareFamilies) {
  StoreReport reports[2];
  reports[0].name = "in";
  reports[1].name = "out";
  reports[1].tables.limit_bytes = 7;
  const std::string text = ToOpenMetrics(reports);
  EXPECT_THAT(text, HasSubstr("inlay_account_limit_bytes{store=\"in\",account=\"table\"} +Inf\n"));
  EXPECT_THAT(text, HasSubstr("inlay_account_limit_bytes{store=\"out\",account=\"table\"} 7\n"));
  EXPECT_EQ(text.find("# TYPE inlay_owners "), text.rfind("# TYPE inlay_owners "));
}

}  // namespace
}  // namespace inlay
