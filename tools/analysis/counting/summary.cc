#include "tools/analysis/counting/summary.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/in_parallel.h"
#include "tools/analysis/counting/values_difference.h"
#include "tools/analysis/grammar/delimited_row.h"
#include "tools/analysis/readers/delimited_records.h"
#include "tools/analysis/values/record_limits.h"

namespace inlay::analysis {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kVersion = 1;
constexpr size_t kFixedBytes = kSummaryMagic.size() + sizeof(uint32_t) + sizeof(uint64_t);
constexpr size_t kChecksumBytes = sizeof(uint64_t);

// --- writing

void PutFixed(uint64_t number, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) out->push_back(static_cast<char>(number >> (8 * i)));
}

void PutNumber(uint64_t number, std::string* out) {
  for (; number >= 128; number >>= 7) out->push_back(static_cast<char>(number | 128));
  out->push_back(static_cast<char>(number));
}

size_t NumberBytes(uint64_t number) {
  size_t bytes = 1;
  for (; number >= 128; number >>= 7) ++bytes;
  return bytes;
}

std::string_view AsText(const CountedValue& value) {
  return {reinterpret_cast<const char*>(value.data), value.length};
}

// A value in an order by bytes. Most differ in their first eight bytes, which are compared as
// one number, without reading the value.
struct Ordered {
  uint64_t start = 0;
  const CountedValue* value = nullptr;

  explicit Ordered(const CountedValue* counted) : value(counted) {
    for (size_t i = 0; i < std::min<size_t>(counted->length, sizeof(start)); ++i) {
      start |= uint64_t{counted->data[i]} << (8 * (sizeof(start) - 1 - i));
    }
  }
  bool operator<(const Ordered& other) const {
    return start != other.start ? start < other.start : AsText(*value) < AsText(*other.value);
  }
};

// Sorts with as many threads as there are, where that pays.
void Sort(std::span<Ordered> values) {
  constexpr size_t kLeastPart = size_t{1} << 15;
  const size_t parts = std::clamp<size_t>(values.size() / kLeastPart, 1, DefaultThreads());
  std::vector<size_t> begins = {0};
  for (size_t part = 1; part < parts; ++part) {
    begins.push_back(values.size() * part / parts);
    const auto at = [&](size_t place) {
      return values.begin() + static_cast<std::ptrdiff_t>(place);
    };
    std::nth_element(at(begins[part - 1]), at(begins[part]), values.end());
  }
  begins.push_back(values.size());
  InParallel(parts, [&](size_t part) {
    const std::span<Ordered> own = values.subspan(begins[part], begins[part + 1] - begins[part]);
    std::sort(own.begin(), own.end());
  });
}

void PutValues(const CountedValues& values, std::string* out) {
  constexpr size_t kMostNumberBytes = 10;
  std::vector<Ordered> sorted;
  sorted.reserve(values.size());
  size_t bytes = kMostNumberBytes;
  for (const CountedValue& value : values) {
    sorted.emplace_back(&value);
    bytes += value.length + NumberBytes(value.count) + NumberBytes(value.length);
  }
  Sort(sorted);
  // Growing as it goes, the text would be there twice.
  out->reserve(out->size() + bytes);
  PutNumber(sorted.size(), out);
  for (const Ordered& ordered : sorted) {
    PutNumber(ordered.value->count, out);
    PutNumber(ordered.value->length, out);
    out->append(AsText(*ordered.value));
  }
}

Json SchemaAsJson(const RecordSchema& schema) {
  Json json;
  json["kind"] = schema.kind == RecordSchema::Kind::kRaw ? "raw" : "text";
  json["value_bytes"] = schema.value_bytes;
  json["delimiter"] = static_cast<int>(static_cast<unsigned char>(schema.dialect.delimiter));
  json["quoted"] = schema.dialect.quoted;
  json["zeek"] = schema.is_zeek_log;
  json["format"] = schema.format_name;
  if (schema.binary_bytes.has_value()) json["binary_bytes"] = *schema.binary_bytes;
  if (schema.has_bytes_column) json["bytes_column"] = true;
  json["file_columns"] = schema.file_columns;
  json["columns"] = schema.columns;
  json["fields"] = Json::array();
  for (const ValueField& field : schema.fields) {
    Json entry = {{"name", field.name},
                  {"kind", static_cast<int>(field.kind)},
                  {"size_bits", field.size_bits},
                  {"type", field.type_name},
                  {"big_endian", field.big_endian}};
    if (field.offset_bits.has_value()) entry["offset_bits"] = *field.offset_bits;
    if (field.enum_names != nullptr) {
      for (const auto& [number, name] : *field.enum_names) {
        entry["enum"].push_back({number, name});
      }
    }
    json["fields"].push_back(std::move(entry));
  }
  return json;
}

// Adds the facts that may differ between parts of one data set, except the schema.
void AddFacts(const Summary& summary, Json* json) {
  if (summary.schema.first_row_looks_like_header) (*json)["header_hint"] = true;
  if (!summary.distinct.exact() && summary.schema.kind == RecordSchema::Kind::kText) {
    (*json)["left_out_bytes"] = summary.distinct.counter.longest_left_out_bytes();
  }
  for (const InputNote& note : summary.notes.notes()) {
    (*json)[note.doubt ? "doubts" : "notes"].push_back(note.text);
  }
  if (summary.notes.more()) (*json)["more_notes"] = true;
}

// --- reading

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}

  // False if the bytes end early, and for a number that is too large.
  bool Number(uint64_t* number) {
    *number = 0;
    for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      if (shift == 63 && byte > 1) return false;
      *number |= uint64_t{byte & 127U} << shift;
      if (byte < 128) return true;
    }
    return false;
  }
  bool Bytes(uint64_t count, std::string_view* taken) {
    if (count > bytes_.size()) return false;
    *taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return true;
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

uint64_t Fixed(std::string_view bytes, size_t at, size_t count) {
  uint64_t number = 0;
  for (size_t i = 0; i < count; ++i) {
    number |= uint64_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  }
  return number;
}

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

RecordSchema SchemaFromJson(const Json& json) {
  RecordSchema schema;
  schema.kind = json.at("kind") == "raw" ? RecordSchema::Kind::kRaw : RecordSchema::Kind::kText;
  schema.value_bytes = json.at("value_bytes").get<uint64_t>();
  schema.dialect.delimiter = static_cast<char>(json.at("delimiter").get<int>());
  schema.dialect.quoted = json.at("quoted").get<bool>();
  schema.is_zeek_log = json.at("zeek").get<bool>();
  schema.format_name = json.at("format").get<std::string>();
  if (json.contains("binary_bytes")) schema.binary_bytes = json["binary_bytes"].get<uint64_t>();
  schema.has_bytes_column = json.value("bytes_column", false);
  schema.file_columns = json.at("file_columns").get<uint64_t>();
  schema.columns = json.at("columns").get<std::vector<size_t>>();
  for (const Json& entry : json.at("fields")) {
    ValueField field;
    field.name = entry.at("name").get<std::string>();
    field.kind = static_cast<FieldKind>(entry.at("kind").get<uint8_t>());
    field.size_bits = entry.at("size_bits").get<uint64_t>();
    field.type_name = entry.at("type").get<std::string>();
    field.big_endian = entry.at("big_endian").get<bool>();
    if (entry.contains("offset_bits")) field.offset_bits = entry["offset_bits"].get<uint64_t>();
    if (entry.contains("enum")) {
      std::map<int64_t, std::string> names;
      for (const Json& pair : entry["enum"]) {
        names[pair.at(0).get<int64_t>()] = pair.at(1).get<std::string>();
      }
      field.enum_names = std::make_shared<const std::map<int64_t, std::string>>(std::move(names));
    }
    schema.fields.push_back(std::move(field));
  }
  return schema;
}

// Whether rows of text may have the columns of `schema`.
bool IsSoundText(const RecordSchema& schema) {
  const char delimiter = schema.dialect.delimiter;
  if (delimiter == '\n' || delimiter == '\r' || (delimiter == '"' && schema.dialect.quoted)) {
    return false;
  }
  // A row of n bytes has at most n + 1 columns.
  return schema.value_bytes == 0 && schema.fields.size() > (schema.has_bytes_column ? 1 : 0) &&
         schema.columns.size() == schema.fields.size() &&
         schema.columns.size() <= kMaxRowBytes + 1 && schema.file_columns <= kMaxRowBytes + 1 &&
         std::all_of(schema.columns.begin(), schema.columns.end(),
                     [&](size_t column) { return column < schema.file_columns; });
}

// Whether reading values by `schema` stays within their bytes.
bool IsSound(const RecordSchema& schema) {
  const bool raw = schema.kind == RecordSchema::Kind::kRaw;
  if (schema.binary_bytes.has_value() &&
      (raw || *schema.binary_bytes == 0 || *schema.binary_bytes > kMaxRecordBytes)) {
    return false;
  }
  for (const ValueField& field : schema.fields) {
    if (field.kind > FieldKind::kPadding || field.offset_bits.has_value() != raw) return false;
    if (!raw) continue;
    const uint64_t bits = 8 * schema.value_bytes;
    const bool is_number = field.kind != FieldKind::kText && field.kind != FieldKind::kBytes &&
                           field.kind != FieldKind::kPadding;
    if (is_number && field.size_bits > 64) return false;
    if (field.size_bits == 0 || field.size_bits > bits ||
        *field.offset_bits > bits - field.size_bits ||
        (field.is_bitfield() && field.size_bits > 64)) {
      return false;
    }
  }
  return raw ? schema.value_bytes > 0 && schema.value_bytes <= kMaxRecordBytes &&
                   schema.columns.empty()
             : IsSoundText(schema);
}

// Stores the content of the JSON in *summary; false if WriteSummary() does not write such JSON.
bool ParseJson(std::string_view text, Summary* summary) {
  try {
    const Json json = Json::parse(text);
    summary->schema = SchemaFromJson(json);
    summary->schema.first_row_looks_like_header = json.value("header_hint", false);
    const auto left_out_bytes = json.value("left_out_bytes", uint64_t{0});
    if (left_out_bytes > kMaxRowBytes) return false;
    summary->distinct.counter.RaiseLongestLeftOut(left_out_bytes);
    for (const bool doubt : {true, false}) {
      const char* const name = doubt ? "doubts" : "notes";
      if (!json.contains(name)) continue;
      for (const Json& note : json[name]) summary->notes.Add({note.get<std::string>(), doubt});
    }
    if (json.value("more_notes", false)) summary->notes.SetMore();
    return IsSound(summary->schema);
  } catch (const Json::exception&) {
    return false;
  }
}

// Checks values against the schema.
class ValueCheck {
 public:
  explicit ValueCheck(const RecordSchema& schema) : schema_(schema) {}

  bool operator()(std::string_view value) {
    if (schema_.kind == RecordSchema::Kind::kRaw) return value.size() == schema_.value_bytes;
    return SplitRow(value, schema_.dialect, &cells_) == RowError::kNone &&
           cells_.size() == schema_.fields.size();
  }

 private:
  const RecordSchema& schema_;
  std::vector<RawCell> cells_;
};

// The fault of a part of the body; null: none.
using Fault = const char*;

// Reads a list of values that are, or are not, those of the sample at `level`. Calls add(value,
// count) for each, and takes the counts off *records.
template <typename Add>
Fault ReadValues(Input* input, const RecordSchema& schema, uint32_t level, bool sampled,
                 uint64_t* records, Add add) {
  ValueCheck is_value(schema);
  uint64_t values = 0;
  if (!input->Number(&values)) return "it ends before its values";
  if (sampled && values > (uint64_t{1} << 62) >> level) return "its level allows fewer values";
  std::string_view before;
  for (uint64_t i = 0; i < values; ++i) {
    uint64_t count = 0;
    uint64_t length = 0;
    std::string_view value;
    if (!input->Number(&count) || !input->Number(&length) || !input->Bytes(length, &value)) {
      return "it ends inside its values";
    }
    if (length > UINT32_MAX || !is_value(value)) return "a value does not match its schema";
    if (i > 0 && value == before) return "a value occurs twice";
    if (i > 0 && value < before) return "its values are not in the order of their bytes";
    if (count == 0) return "a value has a count of 0";
    if (count > *records) return "the counts add up to more than the records";
    const std::span<const uint8_t> bytes = AsBytes(value);
    if (BoundedCounter::IsKept(ValueCounter::HashOf(bytes), level) != sampled) {
      return "a value does not belong to a sample of its level";
    }
    *records -= count;
    before = value;
    add(bytes, count);
  }
  return nullptr;
}

// Reads the part behind the schema.
Fault ReadCounts(Input* input, Summary* summary) {
  BoundedCounter& counter = summary->distinct.counter;
  uint64_t level = 0;
  uint64_t error = 0;
  if (!input->Number(&summary->distinct.records) || !input->Number(&level)) {
    return "it ends before its values";
  }
  if (summary->distinct.records == 0) return "it has no record";
  if (level >= 64) return "its level is above 63";
  if (summary->schema.kind == RecordSchema::Kind::kText) {
    counter.MeasureText(summary->schema.dialect);
  }
  const auto sampled_at = static_cast<uint32_t>(level);
  counter.RaiseLevel(sampled_at);
  uint64_t uncounted = summary->distinct.records;
  Fault fault = ReadValues(
      input, summary->schema, sampled_at, true, &uncounted,
      [&](std::span<const uint8_t> value, uint64_t count) { counter.AddCounted(value, count); });
  if (fault != nullptr) return fault;
  if (level == 0 && uncounted != 0) return "the counts do not add up to the records";
  if (counter.sample().values().empty()) return "it has no value";
  if (!input->Number(&error)) return "it ends before its values";
  if (error > summary->distinct.records) return "the error of its counts is above the records";
  fault = ReadValues(input, summary->schema, sampled_at, false, &uncounted,
                     [&](std::span<const uint8_t> value, uint64_t count) {
                       counter.frequent().Add(value, ValueCounter::HashOf(value), count);
                     });
  if (fault != nullptr) return fault;
  if (level == 0 && error != 0) return "its counts are marked exact but have an error";
  if (!input->at_end()) return "data follows its values";
  counter.frequent().AddError(error);
  return nullptr;
}

}  // namespace

bool SameValues(const RecordSchema& a, const RecordSchema& b) {
  return SchemaAsJson(a) == SchemaAsJson(b);
}

void SummaryNotes::Add(InputNote note) {
  notes_.insert(std::move(note));
  if (notes_.size() > kMost) {
    notes_.erase(std::prev(notes_.end()));
    more_ = true;
  }
}

void SummaryNotes::Add(const SummaryNotes& other) {
  for (const InputNote& note : other.notes_) Add(note);
  more_ = more_ || other.more_;
}

std::string WriteSummary(const Summary& summary) {
  const DistinctValues& distinct = summary.distinct;
  std::string out(kSummaryMagic);
  PutFixed(kVersion, sizeof(uint32_t), &out);
  PutFixed(0, sizeof(uint64_t), &out);  // the bytes of the body, once they are known
  Json described = SchemaAsJson(summary.schema);
  AddFacts(summary, &described);
  const std::string json = described.dump(-1, ' ', false, Json::error_handler_t::replace);
  PutNumber(json.size(), &out);
  out += json;
  PutNumber(distinct.records, &out);
  PutNumber(distinct.counter.level(), &out);
  PutValues(distinct.values(), &out);
  PutNumber(distinct.counter.frequent().error(), &out);
  PutValues(distinct.counter.frequent().values(), &out);

  std::string body_bytes;
  PutFixed(out.size() - kFixedBytes, sizeof(uint64_t), &body_bytes);
  out.replace(kFixedBytes - sizeof(uint64_t), sizeof(uint64_t), body_bytes);
  PutFixed(XXH3_64bits(out.data(), out.size()), kChecksumBytes, &out);
  return out;
}

absl::StatusOr<Summary> ReadSummary(const std::string& name, std::string_view* bytes,
                                    size_t budget_bytes) {
  const auto wrong = [&name](const auto&... why) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", why...));
  };
  if (bytes->substr(0, kSummaryMagic.size()) != kSummaryMagic.substr(0, bytes->size())) {
    return wrong("is not a summary of inlay analyze --summary");
  }
  if (bytes->size() < kFixedBytes)
    return wrong("is cut off: ", bytes->size(), " bytes of a summary");
  const uint64_t version = Fixed(*bytes, kSummaryMagic.size(), sizeof(uint32_t));
  if (version != kVersion) {
    return wrong("is a summary of version ", version, "; this program reads version ", kVersion);
  }
  const uint64_t body_bytes = Fixed(*bytes, kFixedBytes - sizeof(uint64_t), sizeof(uint64_t));
  const uint64_t left = bytes->size() - kFixedBytes;
  if (left < kChecksumBytes || left - kChecksumBytes < body_bytes) {
    return wrong("is cut off: ", bytes->size(), " bytes of a summary of ",
                 body_bytes > UINT64_MAX - kFixedBytes - kChecksumBytes
                     ? body_bytes
                     : body_bytes + kFixedBytes + kChecksumBytes);
  }
  const size_t checked = kFixedBytes + static_cast<size_t>(body_bytes);
  if (XXH3_64bits(bytes->data(), checked) != Fixed(*bytes, checked, kChecksumBytes)) {
    return wrong("is damaged: the checksum does not match");
  }

  Input input(bytes->substr(kFixedBytes, body_bytes));
  uint64_t json_bytes = 0;
  std::string_view json;
  Summary summary{.schema = {}, .distinct = {.counter = BoundedCounter(budget_bytes)}};
  Fault fault = nullptr;
  if (!input.Number(&json_bytes) || !input.Bytes(json_bytes, &json) || !ParseJson(json, &summary)) {
    fault = "its schema is invalid";
  } else {
    fault = ReadCounts(&input, &summary);
  }
  if (fault != nullptr) return wrong("is an invalid summary, but its checksum matches: ", fault);
  bytes->remove_prefix(checked + kChecksumBytes);
  return summary;
}

absl::Status AddSummary(const std::string& name, Summary&& other, Summary* summary) {
  if (!SameValues(summary->schema, other.schema)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": its values are not those of the summaries before it: ",
                     ValuesDifference(other.schema, summary->schema)));
  }
  if (other.distinct.records > UINT64_MAX - summary->distinct.records) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": with the summaries before it, more than 2^64 - 1 records"));
  }
  summary->distinct.records += other.distinct.records;
  summary->schema.first_row_looks_like_header |= other.schema.first_row_looks_like_header;
  summary->notes.Add(other.notes);
  other.distinct.counter.GiveUpBudget();  // the sum keeps its own budget, however many it adds
  summary->distinct.counter.Absorb(std::move(other.distinct.counter));
  return absl::OkStatus();
}

}  // namespace inlay::analysis
