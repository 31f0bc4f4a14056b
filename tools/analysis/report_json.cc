#include "tools/analysis/report_json.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace inlay::analysis {
namespace {

// Keeps the keys in the order in which docs/analyze.md lists them.
using Json = nlohmann::ordered_json;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}

Json SplitJson(const SplitAdvice& split) {
  Json json;
  json["shared"] = Json::array();
  for (const SharedGroup& group : split.shared) {
    json["shared"].push_back({{"fields", group.names.fields},
                              {"distinct", group.distinct},
                              {"index_bits", group.index_bits},
                              {"struct_bytes", group.struct_bytes},
                              {"table_bytes", group.table_bytes}});
  }
  json["private"] = split.private_rest.fields;
  json["constants"] = split.constants.fields;
  json["private_bytes"] = split.private_bytes;
  json["index_bytes"] = split.index_bytes;
  json["bytes_per_socket"] = split.bytes_per_socket;
  json["all_shared_bytes_per_socket"] = OrNull(split.all_shared_bytes);
  json["all_private_bytes_per_socket"] = split.all_private_bytes;
  json["method"] = split.exact ? "exact" : "greedy";
  json["structs"] = split.c_structs;
  return json;
}

}  // namespace

std::string FormatJson(const Report& report) {
  Json json;
  json["records"] = report.records;
  json["value_bytes"] = report.value_bytes;
  json["distinct"] = report.distinct;
  json["dedup_ratio"] = report.dedup_ratio;
  json["singletons"] = report.singletons;
  json["entropy_bits"] = report.entropy_bits;
  json["index_bits"] = OrNull(report.index_bits);
  json["top"] = Json::array();
  for (const TopValue& value : report.top) {
    json["top"].push_back({{"count", value.count}, {"share", value.share}, {"value", value.text}});
  }
  json["copies_histogram"] = Json::array();
  for (const CopiesBucket& bucket : report.copies_histogram) {
    json["copies_histogram"].push_back({{"copies_from", bucket.copies_from},
                                        {"copies_to", bucket.copies_to},
                                        {"values", bucket.values},
                                        {"records", bucket.records}});
  }
  json["fields"] = Json::array();
  for (const FieldStatistics& field : report.fields) {
    json["fields"].push_back({{"name", field.name},
                              {"offset", OrNull(field.offset)},
                              {"bytes", OrNull(field.bytes)},
                              {"distinct", field.distinct}});
  }
  json["layouts"] = Json::array();
  for (const LayoutCost& layout : report.layouts) {
    json["layouts"].push_back({{"name", std::string(layout.name)},
                               {"bytes_per_socket", layout.bytes_per_socket},
                               {"total_bytes", layout.total_bytes}});
  }
  json["split"] = report.split.has_value() ? SplitJson(*report.split) : Json(nullptr);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace inlay::analysis
