// Reads captures made from arbitrary bytes: the bytes themselves; blocks with correct checksums, to
// reach the code behind these; and the writer's output with damage.
//
// The first byte of the input chooses the kind.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/run_on_bytes.h"
#include "tools/analysis/capture_file/capture_format.h"
#include "tools/analysis/capture_file/capture_records.h"
#include "tools/analysis/capture_file/capture_writer.h"
#include "tools/analysis/counting/distinct_values.h"
#include "tools/analysis/report/report.h"
#include "tools/pages/analyze_page/analyze_page.h"
#include "tools/pages/document/terminal.h"

namespace inlay {
namespace {

using analysis::CaptureBlockType;

// The input, read from the front; zeroes at the end.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return left_.empty(); }
  uint32_t Byte() {
    if (left_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(left_[0]);
    left_.remove_prefix(1);
    return byte;
  }
  uint32_t TwoBytes() {
    const uint32_t high = Byte();
    return high << 8 | Byte();
  }
  std::string Bytes(size_t count) {
    std::string bytes(left_.substr(0, count));
    left_.remove_prefix(bytes.size());
    bytes.resize(count);
    return bytes;
  }
  std::string Rest() { return Bytes(left_.size()); }

 private:
  std::string_view left_;
};

using Counts = std::map<std::string, uint64_t>;

// The values and their counts; nothing if the reader refuses the input. `counted` as in
// OpenCaptureRecords().
std::optional<Counts> ReadCounts(const std::string& path, size_t threads, bool report,
                                 bool counted = false) {
  auto inputs = analysis::Inputs::Open({path});
  Check(inputs.ok(), "a file that is there is opened");
  auto source = analysis::OpenCaptureRecords(*std::move(inputs), std::nullopt, counted);
  if (!source.ok()) {
    Check(!source.status().message().empty(), "an error has a message");
    return std::nullopt;
  }
  Counts counts;
  for (;;) {
    const analysis::RecordSchema& schema = (*source)->schema();
    const bool is_series = !(*source)->SnapshotName().empty();
    auto distinct = analysis::CountDistinct(**source, threads);
    if (!distinct.ok()) {
      Check(!is_series || distinct.status().message() != "the input has no record",
            "a snapshot that has a name has records");
      return std::nullopt;
    }
    for (const analysis::CountedValue& value : distinct->values()) {
      Check(value.length == schema.value_bytes, "values have the size that the capture says");
      counts[{reinterpret_cast<const char*>(value.data), value.length}] += value.count;
    }
    if (report && distinct->values().size() < 50 && schema.fields.size() < 50) {
      const analysis::Report built = analysis::BuildReport(schema, *distinct, 3, 1);
      Check(!page::FormatTerminal(analyze_page::BuildFull(built), {}).empty(),
            "the report has text");
    }
    const auto more = (*source)->NextSnapshot();
    Check(more.ok() || !more.status().message().empty(), "an error has a message");
    if (!more.ok() || !*more) break;
  }
  for (const analysis::InputNote& note : (*source)->Notes(counts.size())) {
    Check(!note.text.empty() && note.text.find('\n') == std::string::npos, "a message is a line");
  }
  return counts;
}

// A few bytes may stand for very many records, but reading them costs no more than their own size
// for each snapshot: the reader returns every value of a dictionary once for each.
void CheckCost(const std::string& path, size_t file_bytes) {
  auto inputs = analysis::Inputs::Open({path});
  Check(inputs.ok(), "a file that is there is opened");
  auto source = analysis::OpenCaptureRecords(*std::move(inputs), std::nullopt, /*counted=*/true);
  if (!source.ok()) return;
  for (;;) {
    uint64_t bytes = 0;
    analysis::RecordBlock block;
    for (absl::StatusOr<bool> more = true;;) {
      more = (*source)->Next(block);
      if (!more.ok()) return;
      if (!*more) break;
      for (size_t i = 0; i < block.size(); ++i) {
        Check(block.copies(i) != 0, "a value that is given out occurs");
        bytes += block[i].size();
      }
      Check(bytes <= file_bytes, "the values of a snapshot are no more than the file has");
    }
    const auto next = (*source)->NextSnapshot();
    if (!next.ok() || !*next) return;
  }
}

constexpr const char* kDescriptions[] = {
    R"({"value_bytes":2})",
    R"({"value_bytes":1,"series":true})",
    R"({"value_bytes":5,"series":true,"fields":[)"
    R"({"name":"a","kind":"unsigned","offset_bits":0,"size_bits":32,"type":"__u32"},)"
    R"({"name":"b","kind":"enum","offset_bits":33,"size_bits":3,"enum":[[0,"IDLE"],[1,"BUSY"]]}]})",
};

// Makes the blocks that the input describes. Adds every value in them to `values`.
std::string MadeOfBlocks(Input input, std::set<std::string>* values) {
  std::string bytes;
  uint32_t number = 0;
  uint32_t id = 7;
  size_t value_bytes = 2;
  const auto add = [&](CaptureBlockType type, const std::string& payload) {
    AppendCaptureBlock(type, number++, id, payload, &bytes);
    if (type != CaptureBlockType::kDictionary || payload.size() < 8) return;
    for (const size_t size : {size_t{1}, size_t{2}, size_t{5}, value_bytes}) {
      for (size_t at = 8; at + size <= payload.size(); at += size) {
        values->insert(payload.substr(at, size));
      }
    }
  };
  while (!input.empty()) {
    switch (const uint32_t op = input.Byte() % 10) {
      case 0:
      case 1: {
        const uint32_t which = input.Byte() % std::size(kDescriptions);
        value_bytes = which == 0 ? 2 : which == 1 ? 1 : 5;
        add(CaptureBlockType::kHeader, kDescriptions[which]);
        break;
      }
      case 2:
        add(CaptureBlockType::kSnapshot,
            analysis::CaptureSnapshotStart{input.Byte() % 4, input.TwoBytes()}.Encode());
        break;
      case 3:
      case 4: {
        const analysis::CaptureDictionaryPart part = {input.Byte() % 3, input.Byte()};
        add(CaptureBlockType::kDictionary,
            part.Encode() + input.Bytes(value_bytes * (input.Byte() % 8)));
        break;
      }
      case 5:
      case 6: {
        const analysis::CaptureRecordsPart part = {input.Byte() % 4, input.Byte() % 3, input.Byte(),
                                                   input.Byte(),
                                                   static_cast<uint8_t>(input.Byte() % 22)};
        const size_t packed = (size_t{part.count} * part.index_bits + 7) / 8;
        add(CaptureBlockType::kRecords, part.Encode() + input.Bytes(packed));
        break;
      }
      case 7:
        add(CaptureBlockType::kSnapshotEnd,
            analysis::CaptureSnapshotEnd{input.Byte() % 4, input.Byte() % 2 == 0, input.TwoBytes(),
                                         input.Bytes(input.Byte() % 8)}
                .Encode());
        break;
      case 8:
        add(CaptureBlockType::kEnd, analysis::CaptureEnd{input.Byte() % 4}.Encode());
        if (input.Byte() % 2 == 0) {
          number = 0;
          ++id;
        }
        break;
      default: {
        const auto type = static_cast<CaptureBlockType>(input.Byte() % 8);
        const std::string payload = input.Bytes(input.TwoBytes() % 600);
        if (op == 9 && type != CaptureBlockType::kHeader) add(type, payload);
        if (type == CaptureBlockType::kHeader) add(type, payload);
        break;
      }
    }
    if (input.Byte() % 16 == 0) number += input.Byte();
  }
  return bytes;
}

// Damages some bytes of the writer's output. Counts the values in `written`.
std::string MadeByTheWriter(Input input, Counts* written, bool* damaged) {
  const MemoryFile file;
  analysis::CaptureHeader header;
  header.schema.value_bytes = 1 + input.Byte() % 4;
  header.series = true;
  auto writer = analysis::CaptureWriter::Create(file.fd(), "memory", header, 7);
  Check(writer.ok(), "the description is good");
  const uint32_t snapshots = 1 + input.Byte() % 3;
  for (uint32_t snapshot = 0; snapshot < snapshots; ++snapshot) {
    Check((*writer)->BeginSnapshot(input.TwoBytes()).ok(), "begins");
    for (uint32_t left = input.Byte() % 32; left > 0; --left) {
      const std::string value = input.Bytes(header.schema.value_bytes);
      const uint32_t copies = input.Byte() % 5;
      Check((*writer)
                ->Add({reinterpret_cast<const uint8_t*>(value.data()), value.size()}, copies)
                .ok(),
            "adds");
      if (copies != 0) (*written)[value] += copies;
    }
    Check((*writer)->EndSnapshot(true).ok(), "ends");
  }
  Check((*writer)->Finish().ok(), "finishes");
  std::string bytes = file.Content();
  while (!input.empty()) {
    *damaged = true;
    const size_t at = input.TwoBytes() % (bytes.size() + 1);
    switch (input.Byte() % 4) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes.erase(at, input.Byte());
        break;
      case 2:
        bytes.insert(at, input.Bytes(input.Byte() % 16));
        break;
      default:
        if (at < bytes.size()) bytes[at] = static_cast<char>(input.Byte());
        break;
    }
    if (bytes.empty()) break;
  }
  return bytes;
}

}  // namespace

void RunOnBytes(const uint8_t* data, size_t size) {
  if (size == 0) return;
  Input input(data + 1, size - 1);
  const uint32_t mode = data[0] % 3;
  std::set<std::string> values;
  Counts written;
  bool damaged = false;
  const std::string bytes = mode == 0   ? input.Rest()
                            : mode == 1 ? MadeOfBlocks(input, &values)
                                        : MadeByTheWriter(input, &written, &damaged);
  const MemoryFile file;
  file.Write(bytes);
  const bool report = data[0] >= 240;  // a report costs far more than reading
  const std::optional<Counts> counts = ReadCounts(file.path(), 1, report);
  if (data[0] >= 128) {
    Check(counts == ReadCounts(file.path(), 2, false), "two threads read what one does");
  }
  Check(counts == ReadCounts(file.path(), 1, false, /*counted=*/true),
        "counting equal values together changes nothing");
  if (mode != 0) CheckCost(file.path(), bytes.size());  // else it may be compressed
  if (mode == 2 && !damaged) {
    Check(written.empty() ? !counts.has_value() : counts == written, "what was written is read");
  }
  if (!counts.has_value()) return;
  for (const auto& [value, count] : *counts) {
    if (mode == 1) Check(values.contains(value), "a value was in a block");
    if (mode == 2) Check(written.contains(value), "a value was written");
    if (mode == 2) Check(count <= written[value], "no record is read twice");
  }
}

}  // namespace inlay
