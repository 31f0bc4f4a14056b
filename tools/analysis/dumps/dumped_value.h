// DumpedValue: one value as a tool prints it. DumpReader: reads a file of them, value by value.

#ifndef INLAY_TOOLS_ANALYSIS_DUMPS_DUMPED_VALUE_H_
#define INLAY_TOOLS_ANALYSIS_DUMPS_DUMPED_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/dumps/repeated_keys.h"

namespace inlay::analysis {

// The most fields that a value may have.
inline constexpr size_t kMaxDumpedFields = 4096;

// A field by its path in the value, "in.port" or "hist[2]", and its text.
struct DumpedField {
  std::string name;
  std::string text;
};

class DumpedValue {
 public:
  // Makes it the value of line `line`, without fields and bytes. Keeps the memory of its
  // strings, so that a file of any length allocates for its largest value.
  void Clear(uint64_t line) {
    line_ = line;
    size_ = 0;
    bytes.reset();
    typed = false;
    cut = false;
  }

  // Appends a field. REQUIRES: fields().size() < kMaxDumpedFields.
  void AddField(std::string_view name, std::string_view text) {
    if (size_ == fields_.size()) fields_.emplace_back();
    fields_[size_].name.assign(name);
    fields_[size_].text.assign(text);
    ++size_;
  }

  std::span<const DumpedField> fields() const { return {fields_.data(), size_}; }
  uint64_t line() const { return line_; }

  bool typed = false;  // the tool knew the fields
  bool cut = false;    // the tool gave up inside the value
  std::optional<std::vector<uint8_t>> bytes;

 private:
  std::vector<DumpedField> fields_;
  size_t size_ = 0;  // the ones in use
  uint64_t line_ = 0;
};

// Counts of dump readers for the notes of the report, besides the values.
struct DumpCounts {
  explicit DumpCounts(size_t budget_bytes) : repeated_keys(budget_bytes) {}

  // Counts an entry with an error in place of the value, by the text of the error.
  void AddError(std::string_view error) {
    const bool is_gone = error.starts_with("<no entry>") || error == "No such file or directory";
    ++(is_gone ? gone : unreadable);
    if (!is_gone && first_error.empty()) first_error = error.substr(0, kMaxErrorBytes);
  }

  static constexpr size_t kMaxErrorBytes = 100;

  uint64_t keys = 0;             // entries of per-CPU maps
  uint64_t per_cpu = 0;          // values of per-CPU maps
  uint64_t unformatted = 0;      // of these, with bytes but without fields, unlike others
  uint64_t gone = 0;             // entries that were deleted before bpftool read their value
  uint64_t unreadable = 0;       // entries with another error in place of the value
  std::string first_error = {};  // of these; empty: none
  RepeatedKeys repeated_keys;
  bool as_printed = false;    // the last dump has the layout in which bpftool prints its plain form
  uint64_t short_arrays = 0;  // values with an array that has fewer elements than its type says
};

// Values of one file, in order. Not thread-safe.
class DumpReader {
 public:
  virtual ~DumpReader() = default;
  DumpReader(const DumpReader&) = delete;
  DumpReader& operator=(const DumpReader&) = delete;

  // Stores the next value; false at the end of the file. Errors name the file and the line.
  virtual absl::StatusOr<bool> Next(DumpedValue* value) = 0;

 protected:
  DumpReader() = default;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_DUMPS_DUMPED_VALUE_H_
