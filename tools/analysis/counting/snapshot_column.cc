#include "tools/analysis/counting/snapshot_column.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/grammar/column_selection.h"
#include "tools/analysis/grammar/delimited_row.h"

namespace inlay::analysis {
namespace {

std::string_view AsText(std::span<const uint8_t> value) {
  return {reinterpret_cast<const char*>(value.data()), value.size()};
}

std::string CellText(std::string_view cell, const Dialect& dialect) {
  std::string text;
  AppendCellText(cell, dialect, &text);
  return text;
}

}  // namespace

// The rows of a source, with the cell that names the snapshot before the cells of the value, for
// any order of columns.
class SnapshotColumn::LabelledRecords final : public RecordSource {
 public:
  LabelledRecords(std::unique_ptr<RecordSource> rows, size_t label, std::vector<size_t> chosen)
      : rows_(std::move(rows)), label_(label), chosen_(std::move(chosen)) {
    schema_ = rows_->schema();
    std::vector<ValueField> fields;
    std::vector<size_t> columns;
    for (const size_t column : chosen_) {
      fields.push_back(schema_.fields[column]);
      columns.push_back(schema_.columns.empty() ? column : schema_.columns[column]);
    }
    if (chosen_.size() < schema_.fields.size()) schema_.binary_bytes.reset();
    schema_.has_bytes_column = false;
    schema_.fields = std::move(fields);
    schema_.columns = std::move(columns);
  }

  absl::StatusOr<bool> Next(RecordBlock& block) override {
    std::unique_ptr<RecordBlock> whole = TakeSpare();
    absl::StatusOr<bool> more = rows_->Next(*whole);
    block.ClearRecords();
    block.set_sequence(whole->sequence());
    bytes_read_.store(rows_->bytes_read(), std::memory_order_relaxed);
    if (more.ok() && *more) {
      const absl::Status status = Rearrange(*whole, &block);
      if (!status.ok()) more = status;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    spare_.push_back(std::move(whole));
    return more;
  }

  std::vector<InputNote> Notes(uint64_t distinct) const override { return rows_->Notes(distinct); }

  // By first appearance. REQUIRES: the source is read to its end.
  std::vector<std::string> Labels() const {
    std::vector<std::pair<Place, std::string>> order;
    for (const auto& [label, place] : labels_) order.emplace_back(place, label);
    std::sort(order.begin(), order.end());
    std::vector<std::string> labels;
    for (auto& [place, label] : order) labels.push_back(std::move(label));
    return labels;
  }

 private:
  using Place = std::pair<uint64_t, size_t>;  // block and record

  std::unique_ptr<RecordBlock> TakeSpare() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (spare_.empty()) return std::make_unique<RecordBlock>();
    std::unique_ptr<RecordBlock> block = std::move(spare_.back());
    spare_.pop_back();
    return block;
  }

  absl::Status Rearrange(const RecordBlock& whole, RecordBlock* block) {
    std::vector<uint8_t>& bytes = block->buffer();
    bytes.clear();
    std::vector<RawCell> cells;
    std::string_view last_label;
    for (size_t i = 0; i < whole.size(); ++i) {
      const std::string_view row = AsText(whole[i]);
      SplitRow(row, schema_.dialect, &cells);
      const auto text_of = [&](size_t column) {
        return row.substr(cells[column].begin, cells[column].end - cells[column].begin);
      };
      const std::string_view label = text_of(label_);
      if (i == 0 || label != last_label) {
        const absl::Status met = Meet(label, {whole.sequence(), i});
        if (!met.ok()) return met;
        last_label = label;
      }
      const size_t begin = bytes.size();
      bytes.insert(bytes.end(), label.begin(), label.end());
      for (const size_t column : chosen_) {
        bytes.push_back(static_cast<uint8_t>(schema_.dialect.delimiter));
        const std::string_view cell = text_of(column);
        bytes.insert(bytes.end(), cell.begin(), cell.end());
      }
      block->AddRecord(begin, bytes.size() - begin);
    }
    return absl::OkStatus();
  }

  absl::Status Meet(std::string_view label, Place place) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto [entry, is_new] = labels_.emplace(CellText(label, schema_.dialect), place);
    if (!is_new) entry->second = std::min(entry->second, place);
    if (labels_.size() <= kMostSnapshots) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("--snapshot-column: holds more than ", kMostSnapshots,
                     " different texts; each would be a snapshot of its own"));
  }

  const std::unique_ptr<RecordSource> rows_;
  const size_t label_;
  const std::vector<size_t> chosen_;

  std::mutex mutex_;  // guards everything below
  std::vector<std::unique_ptr<RecordBlock>> spare_;
  std::map<std::string, Place> labels_;
};

SnapshotColumn::SnapshotColumn(std::unique_ptr<LabelledRecords> records)
    : records_(std::move(records)) {}
SnapshotColumn::SnapshotColumn(SnapshotColumn&&) noexcept = default;
SnapshotColumn& SnapshotColumn::operator=(SnapshotColumn&&) noexcept = default;
SnapshotColumn::~SnapshotColumn() = default;

const RecordSource& SnapshotColumn::source() const { return *records_; }

absl::StatusOr<SnapshotColumn> SnapshotColumn::Open(Inputs inputs, RecordOptions options,
                                                    const std::string& column) {
  const std::string first_name = inputs.first_name();
  const std::string columns = std::exchange(options.columns, "");
  options.names_columns = NeedsHeader(column) || NeedsHeader(columns);
  const bool may_be_named = options.names_columns || options.header.value_or(false);
  absl::StatusOr<std::unique_ptr<RecordSource>> rows = OpenRecords(std::move(inputs), options);
  if (!rows.ok()) return rows.status();
  const RecordSchema& schema = (*rows)->schema();
  if (schema.kind != RecordSchema::Kind::kText) {
    return absl::InvalidArgumentError(
        absl::StrCat(first_name, ": --snapshot-column is for input with columns: text, or dumps ",
                     "whose fields are known"));
  }
  // Without a header, the names are invented.
  std::vector<std::string> names;
  if (may_be_named || schema.is_zeek_log || !schema.format_name.empty()) {
    for (const ValueField& field : schema.fields) names.push_back(field.name);
  }
  // Compares snapshots by fields, since the bytes of a value include those of the column.
  const size_t count = schema.fields.size() - (schema.has_bytes_column ? 1 : 0);
  names.resize(std::min(names.size(), count));
  absl::StatusOr<std::vector<size_t>> label = SelectColumns(column, names, count);
  if (label.ok() && label->size() != 1) {
    label = absl::InvalidArgumentError(absl::StrCat("'", column, "' is not one column"));
  }
  if (!label.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(first_name, ": --snapshot-column: ", std::string(label.status().message())));
  }
  absl::StatusOr<std::vector<size_t>> chosen = SelectColumns(columns, names, count);
  if (!chosen.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(first_name, ": ", std::string(chosen.status().message())));
  }
  if (columns.empty()) std::erase(*chosen, label->front());
  if (chosen->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(first_name, ": has no column but that of --snapshot-column"));
  }
  return SnapshotColumn(
      std::make_unique<LabelledRecords>(*std::move(rows), label->front(), *std::move(chosen)));
}

absl::Status SnapshotColumn::AddTo(SnapshotSeries* series, size_t threads, size_t budget_bytes) {
  absl::StatusOr<DistinctValues> labelled = CountDistinct(*records_, threads, budget_bytes);
  if (!labelled.ok()) return labelled.status();
  if (!labelled->exact()) {
    return absl::ResourceExhaustedError(
        "the distinct values of all snapshots do not fit into --memory; they can only be compared "
        "when all are there");
  }
  const RecordSchema& schema = records_->schema();
  const std::vector<std::string> labels = records_->Labels();
  std::unordered_map<std::string, size_t> places;
  std::vector<std::vector<CountedValue>> snapshots(labels.size());  // without the label
  for (size_t i = 0; i < labels.size(); ++i) places[labels[i]] = i;
  std::vector<RawCell> cells;
  for (const CountedValue& value : labelled->values()) {
    const std::string_view row = AsText(value.bytes());
    SplitRow(row, schema.dialect, &cells);
    const std::string label = CellText(row.substr(0, cells[0].end), schema.dialect);
    CountedValue unlabelled = value;
    unlabelled.data += cells[0].end + 1;
    unlabelled.length -= static_cast<uint32_t>(cells[0].end + 1);
    snapshots[places.at(label)].push_back(unlabelled);
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    DistinctValues snapshot;
    for (const CountedValue& value : snapshots[i]) {
      snapshot.counter.AddCounted(value.bytes(), value.count);
      snapshot.records += value.count;
    }
    absl::Status added = series->Add(labels[i], {schema, std::move(snapshot)});
    if (!added.ok()) return added;
  }
  return absl::OkStatus();
}

}  // namespace inlay::analysis
