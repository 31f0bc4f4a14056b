// Recording: all records of some files in memory. It has each distinct value once, and the number
// of its value for each record.

#ifndef INLAY_TOOLS_REPLAY_RECORDING_H_
#define INLAY_TOOLS_REPLAY_RECORDING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/values/record_source.h"

namespace inlay::replay {

class Recording {
 public:
  // Reads the stream to its end, or to `max_records`. Text values are padded with zeroes to the
  // longest. Fails if the source fails, and for values longer than a map can hold.
  static absl::StatusOr<Recording> Read(analysis::RecordSource& source, size_t max_records);

  size_t records() const { return value_of_record_.size(); }
  size_t distinct() const { return value_bytes_ == 0 ? 0 : bytes_.size() / value_bytes_; }
  uint32_t value_bytes() const { return value_bytes_; }
  // Whether max_records cut records off.
  bool truncated() const { return truncated_; }

  std::span<const std::byte> value_of(size_t record) const {
    return {bytes_.data() + size_t{value_of_record_[record]} * value_bytes_, value_bytes_};
  }

 private:
  uint32_t value_bytes_ = 0;
  bool truncated_ = false;
  std::vector<std::byte> bytes_;  // distinct values, in the order of their first record
  std::vector<uint32_t> value_of_record_;
};

}  // namespace inlay::replay

#endif  // INLAY_TOOLS_REPLAY_RECORDING_H_
