#include "tools/analysis/report/report_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <variant>

#include "tools/analysis/report/growth_json.h"

namespace inlay::analysis {
namespace {

// Keeps the keys in the order in which docs/analyze.md lists them.
using Json = nlohmann::ordered_json;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}

Json Decoded(const std::vector<DecodedField>& fields) {
  Json object = Json::object();
  for (const DecodedField& field : fields) {
    std::visit([&](const auto& value) { object[field.name] = value; }, field.value);
    // JSON has no NaN and no infinity.
    const Json& written = object[field.name];
    if (written.is_number_float() && !std::isfinite(written.get<double>())) {
      const auto number = written.get<double>();
      object[field.name] = std::isnan(number) ? "nan" : number < 0 ? "-inf" : "inf";
    }
  }
  return object;
}

Json SpoilerCurve(const Report& report) {
  Json curve = Json::array();
  Json left_out = Json::array();
  for (const SpoilerStep& step : report.spoilers.steps) {
    left_out.push_back(report.fields[step.field].name);
    curve.push_back({{"fields", left_out}, {"distinct", step.distinct}});
  }
  return curve;
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
  json["distinct_by_fields"] = OrNull(report.distinct_by_fields);
  json["dedup_ratio"] = report.dedup_ratio;
  json["singletons"] = report.singletons;
  json["entropy_bits"] = report.entropy_bits;
  json["exact"] = report.exact;
  json["errors"] = report.exact ? Json(nullptr)
                                : Json{{"distinct", report.distinct_error},
                                       {"singletons", report.singletons_error},
                                       {"entropy_bits", report.entropy_bits_error}};
  json["index_bits"] = OrNull(report.index_bits);
  json["rollout"] = {{"distinct", report.rollout_distinct},
                     {"index_bits", OrNull(report.rollout_index_bits)}};
  json["top"] = Json::array();
  for (const TopValue& value : report.top) {
    json["top"].push_back({{"count", value.count},
                           {"count_error", value.count_error},
                           {"share", value.share},
                           {"value", value.text}});
    if (report.distinct_by_fields.has_value()) json["top"].back()["fields"] = Decoded(value.fields);
  }
  json["copies_histogram"] = Json::array();
  for (const CopiesBucket& bucket : report.copies_histogram) {
    json["copies_histogram"].push_back({{"copies_from", bucket.copies_from},
                                        {"copies_to", bucket.copies_to},
                                        {"values", bucket.values},
                                        {"records", bucket.records}});
  }
  json["fields_exact"] = report.fields_exact;
  json["fields"] = Json::array();
  for (size_t i = 0; i < report.fields.size(); ++i) {
    const FieldStatistics& field = report.fields[i];
    const ValueField& described = report.codes.fields[i].field;
    json["fields"].push_back(
        {{"name", field.name},
         {"offset", OrNull(field.offset)},
         {"bytes", OrNull(field.bytes)},
         {"distinct", field.distinct},
         {"entropy_bits", field.entropy_bits},
         {"distinct_without", field.distinct_without},
         {"kind", std::string(FieldKindName(described.kind))},
         {"type", described.type_name.empty() ? Json(nullptr) : Json(described.type_name)},
         {"offset_bits", OrNull(described.offset_bits)},
         {"size_bits",
          described.offset_bits.has_value() ? Json(described.size_bits) : Json(nullptr)}});
  }
  json["layouts"] = Json::array();
  for (const LayoutCost& layout : report.layouts) {
    json["layouts"].push_back({{"name", std::string(layout.name)},
                               {"bytes_per_socket", layout.bytes_per_socket},
                               {"total_bytes", layout.total_bytes}});
  }
  json["spoilers"] = SpoilerCurve(report);
  json["spoiled_by"] = Json::array();
  for (size_t step = 0; step < report.joint_spoilers; ++step) {
    json["spoiled_by"].push_back(report.fields[report.spoilers.steps[step].field].name);
  }
  json["split"] = report.split.has_value() ? SplitJson(*report.split) : Json(nullptr);
  json["growth"] = GrowthJson(report.growth);
  json["notes"] = NoteTexts(report.notes);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace inlay::analysis
