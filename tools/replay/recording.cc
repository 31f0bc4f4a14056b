#include "tools/replay/recording.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "inlay/operation.h"
#include "tools/analysis/values/bytes_column.h"
#include "tools/analysis/values/record_block.h"

namespace inlay::replay {

absl::StatusOr<Recording> Recording::Read(analysis::RecordSource& source, size_t max_records) {
  const analysis::RecordSchema& schema = source.schema();
  Recording recording;
  absl::flat_hash_map<std::string, uint32_t> numbers;
  size_t longest = 0;
  analysis::RecordBlock block;
  while (!recording.truncated_) {
    const absl::StatusOr<bool> more = source.Next(block);
    if (!more.ok()) return more.status();
    if (!*more) break;
    for (size_t i = 0; i < block.size(); ++i) {
      if (recording.records() == max_records) {
        recording.truncated_ = true;
        break;
      }
      std::span<const uint8_t> value = block[i];
      std::vector<uint8_t> of_cell;
      if (schema.has_bytes_column) {
        const std::string_view row(reinterpret_cast<const char*>(value.data()), value.size());
        of_cell = analysis::BytesOfCell(row, schema.dialect.delimiter);
        value = of_cell;
      }
      if (value.size() > kMaxValueBytes) {
        return absl::InvalidArgumentError(
            absl::StrFormat("record %d is %d bytes long; a map's value has at most %d",
                            recording.records() + 1, value.size(), kMaxValueBytes));
      }
      longest = std::max(longest, value.size());
      const absl::string_view bytes(reinterpret_cast<const char*>(value.data()), value.size());
      const auto [found, added] = numbers.try_emplace(bytes, static_cast<uint32_t>(numbers.size()));
      recording.value_of_record_.push_back(found->second);
    }
  }
  // A row of one empty cell is a value too, but a map's values have at least one byte.
  recording.value_bytes_ = static_cast<uint32_t>(std::max<size_t>(longest, 1));
  recording.bytes_.resize(numbers.size() * recording.value_bytes_);
  for (const auto& [bytes, number] : numbers) {
    std::memcpy(recording.bytes_.data() + size_t{number} * recording.value_bytes_, bytes.data(),
                bytes.size());
  }
  return recording;
}

}  // namespace inlay::replay
