#include "tools/analysis/report/growth_json.h"

#include <optional>
#include <string>

namespace inlay::analysis {
namespace {

using Json = nlohmann::ordered_json;

std::string OrderName(Growth::Order order) {
  switch (order) {
    case Growth::Order::kRandom:
      return "random";
    case Growth::Order::kInput:
      return "input";
    case Growth::Order::kSnapshots:
      return "snapshots";
  }
  return "random";
}

Json OrNull(const std::optional<int>& bits) {
  return bits.has_value() ? Json(*bits) : Json(nullptr);
}

Json Points(const std::vector<GrowthPoint>& points) {
  Json array = Json::array();
  for (const GrowthPoint& point : points) {
    array.push_back({{"records", point.records}, {"distinct", point.distinct}});
  }
  return array;
}

Json ForecastJson(const GrowthForecast& forecast) {
  Json json;
  json["times"] = forecast.times;
  json["records"] = forecast.records;
  json["distinct"] = forecast.distinct;
  json["distinct_low"] = forecast.distinct_low;
  json["distinct_high"] = forecast.distinct_high;
  json["index_bits"] = OrNull(forecast.index_bits);
  json["index_bits_high"] = OrNull(forecast.index_bits_high);
  json["overflow"] = Json::array();
  for (const WidthOverflow& overflow : forecast.overflow) {
    json["overflow"].push_back(
        {{"index_bits", overflow.index_bits}, {"probability", overflow.probability}});
  }
  return json;
}

}  // namespace

Json GrowthJson(const Growth& growth) {
  Json json;
  json["order"] = OrderName(growth.order);
  json["points"] = Points(growth.points);
  json["random_order"] = Points(growth.random_order);
  json["law"] = nullptr;
  if (growth.law.has_value()) {
    json["law"] = {{"fixed_values", growth.law->fixed_values},
                   {"factor", growth.law->factor},
                   {"exponent", growth.law->exponent}};
  }
  json["within_last_snapshot"] = growth.within_last_snapshot;
  json["forecasts"] = Json::array();
  for (const GrowthForecast& forecast : growth.forecasts) {
    json["forecasts"].push_back(ForecastJson(forecast));
  }
  json["snapshots"] = Json::array();
  for (const Snapshot& snapshot : growth.snapshots) {
    json["snapshots"].push_back({{"name", snapshot.name},
                                 {"records", snapshot.records},
                                 {"distinct", snapshot.distinct},
                                 {"appeared", snapshot.appeared},
                                 {"disappeared", snapshot.disappeared},
                                 {"distinct_so_far", snapshot.distinct_so_far}});
  }
  return json;
}

}  // namespace inlay::analysis
