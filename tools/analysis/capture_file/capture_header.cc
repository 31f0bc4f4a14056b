#include "tools/analysis/capture_file/capture_header.h"

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/analysis/values/record_limits.h"

namespace inlay::analysis {
namespace {

using Json = nlohmann::ordered_json;
// Input may have any number of keys, and ordered_json is quadratic in them.
using ReadJson = nlohmann::json;

constexpr FieldKind kKinds[] = {FieldKind::kText,  FieldKind::kUnsigned, FieldKind::kSigned,
                                FieldKind::kBool,  FieldKind::kFloat,    FieldKind::kEnum,
                                FieldKind::kBytes, FieldKind::kPadding};

std::string Shown(const std::string& text) {
  return absl::StrCat("'", absl::CHexEscape(text.substr(0, 100)), "'");
}

bool IsNumber(FieldKind kind) {
  return kind != FieldKind::kText && kind != FieldKind::kBytes && kind != FieldKind::kPadding;
}

// Whether the size and place of the field are possible by themselves.
bool IsPossible(const ValueField& field) {
  if (field.size_bits > 64 && (IsNumber(field.kind) || field.is_bitfield())) return false;
  if (!field.is_bitfield()) {
    return field.kind != FieldKind::kFloat || field.size_bits == 32 || field.size_bits == 64;
  }
  return !field.big_endian && field.kind != FieldKind::kFloat && field.kind != FieldKind::kText &&
         field.kind != FieldKind::kBytes;
}

Json FieldAsJson(const ValueField& field) {
  Json json = {{"name", field.name},
               {"kind", std::string(FieldKindName(field.kind))},
               {"offset_bits", *field.offset_bits},
               {"size_bits", field.size_bits}};
  if (!field.type_name.empty()) json["type"] = field.type_name;
  if (field.big_endian) json["big_endian"] = true;
  if (field.enum_names != nullptr) {
    json["enum"] = Json::array();
    for (const auto& [number, name] : *field.enum_names) {
      json["enum"].push_back(Json::array({number, name}));
    }
  }
  return json;
}

Json FieldsAsJson(const std::vector<ValueField>& fields) {
  Json json = Json::array();
  for (const ValueField& field : fields) json.push_back(FieldAsJson(field));
  return json;
}

// These throw the exceptions of ReadJson.

ValueField FieldFromJson(const ReadJson& json) {
  ValueField field;
  field.name = json.at("name").get<std::string>();
  // An unknown kind, from a later version, becomes plain bytes.
  const std::string kind = json.at("kind").get<std::string>();
  const auto* const known = std::find_if(std::begin(kKinds), std::end(kKinds),
                                         [&](FieldKind k) { return FieldKindName(k) == kind; });
  if (known != std::end(kKinds)) field.kind = *known;
  field.offset_bits = json.at("offset_bits").get<uint64_t>();
  field.size_bits = json.at("size_bits").get<uint64_t>();
  field.type_name = json.value("type", std::string());
  field.big_endian = json.value("big_endian", false);
  if (json.contains("enum")) {
    std::map<int64_t, std::string> names;
    for (const ReadJson& entry : json.at("enum")) {
      names.emplace(entry.at(0).get<int64_t>(), entry.at(1).get<std::string>());
    }
    field.enum_names = std::make_shared<const std::map<int64_t, std::string>>(std::move(names));
  }
  return field;
}

// The text members, by their keys.
struct TextMember {
  const char* key;
  std::string CaptureProvenance::*member;
};
constexpr TextMember kTexts[] = {
    {"tool_version", &CaptureProvenance::tool_version},
    {"host", &CaptureProvenance::host},
    {"kernel_release", &CaptureProvenance::kernel_release},
    {"source", &CaptureProvenance::source},
    {"map_name", &CaptureProvenance::map_name},
    {"map_type", &CaptureProvenance::map_type},
    {"value_type", &CaptureProvenance::value_type},
    {"method", &CaptureProvenance::method},
};

Json ProvenanceAsJson(const CaptureProvenance& provenance) {
  Json json = Json::object();
  for (const TextMember& text : kTexts) {
    if (!(provenance.*text.member).empty()) json[text.key] = provenance.*text.member;
  }
  if (provenance.map_id.has_value()) json["map_id"] = *provenance.map_id;
  for (const auto& [key, value] : provenance.more) json["more"][key] = value;
  return json;
}

CaptureProvenance ProvenanceFromJson(const ReadJson& json) {
  CaptureProvenance provenance;
  for (const TextMember& text : kTexts) provenance.*text.member = json.value(text.key, "");
  if (json.contains("map_id")) provenance.map_id = json.at("map_id").get<uint32_t>();
  if (json.contains("more")) {
    for (const auto& [key, value] : json.at("more").items()) {
      provenance.more.emplace_back(key, value.get<std::string>());
    }
  }
  return provenance;
}

CaptureHeader HeaderFromJson(const ReadJson& json) {
  CaptureHeader header;
  header.series = json.value("series", false);
  header.schema.value_bytes = json.at("value_bytes").get<uint64_t>();
  if (json.contains("fields")) {
    for (const ReadJson& field : json.at("fields")) {
      header.schema.fields.push_back(FieldFromJson(field));
    }
  }
  if (json.contains("provenance")) header.provenance = ProvenanceFromJson(json.at("provenance"));
  return header;
}

}  // namespace

absl::Status CheckCaptureSchema(const RecordSchema& schema) {
  if (schema.kind != RecordSchema::Kind::kRaw) {
    return absl::InvalidArgumentError("a capture holds raw records, not text");
  }
  if (schema.value_bytes == 0 || schema.value_bytes > kMaxRecordBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a value of ", schema.value_bytes,
                                                   " bytes is not possible: the limits are 1 and ",
                                                   kMaxRecordBytes, " bytes"));
  }
  const uint64_t value_bits = 8 * schema.value_bytes;
  uint64_t end = 0;  // of the field before
  for (const ValueField& field : schema.fields) {
    const auto wrong = [&](const auto&... what) {
      return absl::InvalidArgumentError(absl::StrCat("field ", Shown(field.name), what...));
    };
    if (!field.offset_bits.has_value()) return wrong(" has no offset");
    if (*field.offset_bits < end) return wrong(" begins before the end of the one before it");
    if (field.size_bits == 0 || field.size_bits > value_bits ||
        *field.offset_bits > value_bits - field.size_bits) {
      return wrong(" does not lie within the value: ", field.size_bits, " bits from bit ",
                   *field.offset_bits, " on in ", value_bits);
    }
    if (!IsPossible(field)) {
      return wrong(" cannot be ", std::string(FieldKindName(field.kind)), " of ", field.size_bits,
                   " bits from bit ", *field.offset_bits, " on");
    }
    end = *field.offset_bits + field.size_bits;
  }
  return absl::OkStatus();
}

bool SameCaptureValues(const RecordSchema& a, const RecordSchema& b) {
  return a.value_bytes == b.value_bytes && FieldsAsJson(a.fields) == FieldsAsJson(b.fields);
}

std::string CaptureHeaderAsJson(const CaptureHeader& header) {
  Json json;
  json["value_bytes"] = header.schema.value_bytes;
  json["series"] = header.series;
  json["provenance"] = ProvenanceAsJson(header.provenance);
  json["fields"] = FieldsAsJson(header.schema.fields);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<CaptureHeader> ParseCaptureHeader(std::string_view json) {
  absl::StatusOr<CaptureHeader> header;
  try {
    header = HeaderFromJson(ReadJson::parse(json));
  } catch (const ReadJson::exception& error) {
    return absl::InvalidArgumentError(absl::CHexEscape(error.what()));
  }
  absl::Status status = CheckCaptureSchema(header->schema);
  if (!status.ok()) return status;
  return header;
}

}  // namespace inlay::analysis
