// Reads arbitrary bytes as JSON, and compares the result with another parser, line by line.
//
// The first byte of the input chooses between lines, an array and all columns or some; the rest is
// the file.

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/run_on_bytes.h"
#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/grammar/delimited_row.h"
#include "tools/analysis/grammar/json_object.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay {
namespace {

using analysis::CountedValue;
using nlohmann::json;

using Counts = std::map<std::string, uint64_t>;

struct Outcome {
  Counts counts;  // by the text of each value
  std::string error;
};

Outcome Read(const std::string& path, const std::string& columns, size_t threads) {
  analysis::RecordOptions options;
  options.format = analysis::RecordFormat::kJson;
  options.columns = columns;
  auto source = analysis::OpenRecords({path}, options);
  if (!source.ok()) return {.counts = {}, .error = std::string(source.status().message())};
  auto distinct = analysis::CountDistinct(**source, threads);
  if (!distinct.ok()) return {.counts = {}, .error = std::string(distinct.status().message())};
  Outcome outcome;
  const analysis::RecordSchema& schema = (*source)->schema();
  std::vector<analysis::RawCell> cells;
  for (const CountedValue& value : distinct->values()) {
    const std::string row(reinterpret_cast<const char*>(value.data), value.length);
    Check(analysis::SplitRow(row, schema.dialect, &cells) == analysis::RowError::kNone,
          "a row in canonical form");
    Check(cells.size() == schema.fields.size(), "a cell for each field");
    outcome.counts[row] += value.count;
  }
  Check(outcome.counts.size() == distinct->values().size(), "values differ");
  return outcome;
}

// Whether the other parser tells values apart exactly as the reader does. It does not where it
// loses the text of numbers, where names are joined by dots already, or where a member is repeated.
class PlainObject : public json::json_sax_t {
 public:
  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t value) override { return Keep(value != 0); }  // -0
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override {
    return Keep(false);
  }
  bool string(string_t& /*text*/) override { return true; }
  bool binary(binary_t& /*bytes*/) override { return true; }
  bool start_object(size_t /*members*/) override {
    names_.emplace_back();
    return Nest();
  }
  bool key(string_t& name) override {
    const bool is_new =
        std::find(names_.back().begin(), names_.back().end(), name) == names_.back().end();
    names_.back().push_back(name);
    return Keep(is_new && name.find('.') == std::string::npos);
  }
  bool end_object() override {
    names_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(size_t /*elements*/) override { return Nest(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return Keep(false);
  }

  bool plain() const { return plain_; }

 private:
  bool Keep(bool plain) {
    plain_ = plain_ && plain;
    return true;
  }
  bool Nest() { return Keep(++depth_ < analysis::JsonObject::kMaxDepth); }

  std::vector<std::vector<std::string>> names_;
  int depth_ = 0;
  bool plain_ = true;
};

bool IsPlain(const std::string& line) {
  PlainObject plain;
  return json::sax_parse(line, &plain) && plain.plain();
}

// The members of the lines of `text`, counted by the other parser; empty unless every line is an
// object that it reads as the reader does.
std::optional<std::vector<json>> PlainLines(std::string_view text) {
  std::vector<json> objects;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string line(text.substr(0, end));
    text.remove_prefix(end);
    json object = json::parse(line, nullptr, false);
    if (!object.is_object() || object.empty() || !IsPlain(line)) return std::nullopt;
    objects.push_back(std::move(object));
  }
  if (objects.empty()) return std::nullopt;
  return objects;
}

// How often each object is among `objects`. An empty object within another is a member as any.
std::vector<uint64_t> SortedCounts(const std::vector<json>& objects) {
  Counts counts;
  for (const json& object : objects) ++counts[object.dump()];
  std::vector<uint64_t> sorted;
  for (const auto& [text, count] : counts) sorted.push_back(count);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

std::vector<uint64_t> SortedCounts(const Counts& counts) {
  std::vector<uint64_t> sorted;
  for (const auto& [text, count] : counts) sorted.push_back(count);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

std::string AsArray(const std::vector<json>& objects) {
  std::string text = "[";
  for (const json& object : objects) text += (text.size() == 1 ? "\n" : " ,") + object.dump();
  return text + "]\n";
}

}  // namespace

void RunOnBytes(const uint8_t* data, size_t size) {
  if (size < 1) return;
  const uint8_t choice = data[0];
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  // Repeated, a few inputs reach across the reader's blocks without being large themselves.
  if (choice >= 0xF8 && !text.empty()) {
    const std::string once = text + "\n";
    while (text.size() < (size_t{1200} << 10)) text += once;
  }
  const std::string columns = choice % 4 == 1 ? "a" : choice % 4 == 2 ? "b.c,a" : "";
  const MemoryFile file(text);
  const Outcome one = Read(file.path(), columns, 1);
  const Outcome three = Read(file.path(), columns, 3);
  Check(one.counts == three.counts, "threads do not change the counts");
  Check(one.error.empty() == three.error.empty(), "nor whether there is an error");
  Check(one.error.empty() || one.counts.empty(), "an error counts nothing");
  Check(!one.error.empty() || !one.counts.empty(), "no error without records");

  const std::optional<std::vector<json>> objects = PlainLines(text);
  if (!objects.has_value() || !columns.empty()) return;
  Check(one.error.empty(), "objects that are valid are read");
  Check(SortedCounts(one.counts) == SortedCounts(*objects), "the same values are equal");
  const MemoryFile array(AsArray(*objects));
  Check(SortedCounts(Read(array.path(), "", 1).counts) == SortedCounts(*objects),
        "an array has the same records");
}

}  // namespace inlay
