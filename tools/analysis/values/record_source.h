// RecordSource: a stream of records, read in blocks by one or several threads.
//
// It does not depend on the use of the records: counting, replaying, or writing.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_RECORD_SOURCE_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_RECORD_SOURCE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/grammar/delimited_row.h"
#include "tools/analysis/values/input_note.h"
#include "tools/analysis/values/record_block.h"
#include "tools/analysis/values/value_field.h"

namespace inlay::analysis {

// Describes the records of a source. Constant while the source lives.
struct RecordSchema {
  enum class Kind {
    kRaw,   // every value is value_bytes bytes
    kText,  // every value is a row of cells in the canonical form of delimited_row.h
  };

  Kind kind = Kind::kRaw;
  uint64_t value_bytes = 0;      // kRaw only
  std::string format_name = {};  // "Dump of bpftool"; empty: raw records, or text of `dialect`
  // kText: the chosen columns, in the order of cells. kRaw: the fields that the user or the input
  // has named, by offset; empty without names.
  std::vector<ValueField> fields;

  // The map of the running kernel that a capture is from, the first of several; empty: unknown.
  std::string map_name = {};
  std::string map_type = {};    // "sk_storage"
  std::string value_type = {};  // by its BTF: "struct flow"

  // kText only.
  std::optional<uint64_t> binary_bytes = {};  // the size of the value itself, if the input tells
  Dialect dialect;
  bool is_zeek_log = false;
  // The last of `fields` is not a field of the value: it has the bytes of the value
  // (bytes_column.h).
  bool has_bytes_column = false;
  uint64_t file_columns = 0;    // columns of the file, chosen or not
  std::vector<size_t> columns;  // the chosen ones, counted from 0, in the order of cells
  bool first_row_looks_like_header = false;  // it was read as a record
};

class RecordSource {
 public:
  virtual ~RecordSource() = default;
  RecordSource(const RecordSource&) = delete;
  RecordSource& operator=(const RecordSource&) = delete;

  const RecordSchema& schema() const { return schema_; }

  // Fills `block` with the next records; false at the end of the last file. Errors name the file
  // and the line or byte offset; after one, every later call returns false. Thread-safe: each
  // thread passes a block of its own, and blocks are numbered in the order of the input.
  virtual absl::StatusOr<bool> Next(RecordBlock& block) = 0;

  // Sentences about what was read, for people who rely on the numbers; `distinct` is how many
  // distinct values there were. REQUIRES: Next() has returned false, and is not running.
  virtual std::vector<InputNote> Notes(uint64_t /*distinct*/) const { return {}; }

  // The input may be several snapshots of the same sockets: Next() then returns false at the end
  // of each. NextSnapshot() goes on to the next one; false if there is none. REQUIRES: Next()
  // has returned false, and is not running.
  virtual absl::StatusOr<bool> NextSnapshot() { return false; }
  // The name of the snapshot that Next() reads: the file, or the time. Empty if the input has no
  // snapshots.
  virtual std::string SnapshotName() const { return {}; }

  // Bytes taken from the files so far, before decompression. Thread-safe.
  uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }

 protected:
  RecordSource() = default;

  RecordSchema schema_;  // constant after the source is opened
  std::atomic<uint64_t> bytes_read_{0};
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_RECORD_SOURCE_H_
