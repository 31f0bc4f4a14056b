#include "tools/analysis/readers/delimited_records.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/byte_scan.h"
#include "tools/analysis/grammar/blank_columns.h"
#include "tools/analysis/grammar/column_selection.h"
#include "tools/analysis/grammar/utf8.h"
#include "tools/analysis/grammar/zeek_log.h"
#include "tools/analysis/readers/foreign_files.h"
#include "tools/analysis/readers/format_detection.h"
#include "tools/analysis/readers/long_cells.h"
#include "tools/analysis/readers/row_errors.h"
#include "tools/analysis/readers/text_doubts.h"
#include "tools/analysis/readers/zeek_join.h"

namespace inlay::analysis {
namespace {

// The bytes that one block reads: large enough to make the lock and the system call free per row,
// small enough that the bytes are still in a core's second-level cache during parsing.
constexpr size_t kChunkBytes = size_t{256} << 10;

// The positions of the chosen columns in a file.
struct Layout {
  size_t file_columns = 0;
  std::vector<size_t> columns;
  bool is_run = true;  // they are neighbours in the order of the file
  ZeekHeader zeek;     // if the file is a Zeek log
};

// Whole records of one file, in the buffer of a block.
struct Region {
  uint64_t sequence = 0;  // of its block
  size_t begin = 0;
  size_t end = 0;
  std::string file_name;
  uint64_t first_line = 1;
  std::shared_ptr<const Layout> layout;  // of the file
};

void EnsureSize(std::vector<uint8_t>* buffer, size_t bytes) {
  // Never shrinks, so that the buffer is zero-filled once and not for every block.
  if (buffer->size() < bytes) buffer->resize(std::max(bytes, buffer->size() * 2));
}

std::string_view TextOf(const std::vector<uint8_t>& buffer, size_t begin, size_t end) {
  return {reinterpret_cast<const char*>(buffer.data()) + begin, end - begin};
}

class DelimitedRecords final : public RecordSource {
 public:
  DelimitedRecords(Inputs inputs, DelimitedOptions options)
      : first_name_(inputs.first_name()), options_(std::move(options)), inputs_(std::move(inputs)) {
    schema_.kind = RecordSchema::Kind::kText;
    schema_.dialect = options_.zeek_log ? kTsvDialect : options_.dialect;
    schema_.is_zeek_log = options_.zeek_log;
  }

  // Reads the first region, which determines the columns.
  absl::Status Start() {
    absl::StatusOr<bool> taken = TakeRegion(pending_block_, &pending_region_);
    has_pending_ = taken.ok() && *taken;
    return taken.status();
  }

  absl::StatusOr<bool> Next(RecordBlock& block) override {
    block.ClearRecords();
    Region region;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      region.sequence = sequence_;
      block.set_sequence(sequence_++);
      if (finished_) return false;
      if (has_pending_) {
        has_pending_ = false;
        std::swap(block.buffer(), pending_block_.buffer());
        pending_region_.sequence = region.sequence;
        region = std::move(pending_region_);
      } else {
        absl::StatusOr<bool> taken = TakeRegion(block, &region);
        if (!taken.ok() || !*taken) {
          finished_ = true;
          return taken;
        }
      }
    }
    absl::Status status = ParseRegion(region, &block);
    if (!status.ok()) {
      std::lock_guard<std::mutex> lock(mutex_);
      finished_ = true;
      return status;
    }
    return true;
  }

  std::vector<InputNote> Notes(uint64_t /*distinct*/) const override {
    std::vector<InputNote> notes;
    if (marks_ != 0) {
      notes.push_back(Doubt(absl::StrCat(
          Counted(marks_, "row"), marks_ == 1 ? " starts" : " start",
          " with a byte order mark, which is part of the first cell there: files were joined that "
          "had one each. Without: sed 's/^\\xEF\\xBB\\xBF//'")));
    }
    for (const std::string& row : cut_rows_) {
      notes.push_back(Doubt(absl::StrCat(
          row, ": the file was written to while it was read, and ends inside this row")));
    }
    long_cells_.AddNotes(&notes);
    return notes;
  }

 private:
  // Fills `block` with the next bytes that hold whole records. Holds mutex_ or is alone.
  absl::StatusOr<bool> TakeRegion(RecordBlock& block, Region* region) {
    for (;;) {
      if (!file_.has_value()) {
        absl::StatusOr<std::optional<InputFile>> next = inputs_.Take();
        if (!next.ok()) return next.status();
        if (!next->has_value()) return false;
        file_ = *std::move(next);
        at_file_start_ = true;
        line_ = 1;
      }
      std::vector<uint8_t>& buffer = block.buffer();
      EnsureSize(&buffer, carry_.size());
      std::copy(carry_.begin(), carry_.end(), buffer.begin());
      size_t used = carry_.size();
      carry_.clear();
      size_t begin = 0;
      size_t whole = 0;
      bool at_end = false;
      do {
        // The scanner reads whole units of kScanBytes, past the end of the text.
        EnsureSize(&buffer, used + kChunkBytes + kScanBytes);
        absl::StatusOr<size_t> got = file_->Read(std::span(buffer).subspan(used, kChunkBytes));
        if (!got.ok()) return got.status();
        bytes_read_.fetch_add(file_->TakeUsedBytes(), std::memory_order_relaxed);
        used += *got;
        at_end = *got < kChunkBytes;
        if (at_file_start_ && TextOf(buffer, 0, used).starts_with(kByteOrderMark)) {
          begin = kByteOrderMark.size();
        }
        whole = at_end ? used : begin + WholeRecordBytes(TextOf(buffer, begin, used), dialect());
      } while (!at_end && whole == begin && used - begin <= kMaxRowBytes + 2);
      if (whole == begin && !at_end) {
        const bool in_quotes =
            dialect().quoted && TextOf(buffer, begin, used).find('"') != std::string_view::npos;
        return LineError(file_->name(), line_, TooLong(in_quotes));
      }
      carry_.assign(buffer.begin() + static_cast<std::ptrdiff_t>(whole),
                    buffer.begin() + static_cast<std::ptrdiff_t>(used));
      if (at_file_start_) {
        const auto foreign = RecognizeForeign(TextOf(buffer, 0, used));
        if (foreign.has_value() && !foreign->is_text) return ForeignError(file_->name(), *foreign);
      }
      if (options_.blank_runs) {
        whole = begin + CollapseBlanks(std::span(buffer).subspan(begin, whole - begin));
      }
      if (at_file_start_) {
        at_file_start_ = false;
        if (begin == whole) {
          return absl::InvalidArgumentError(absl::StrCat(file_->name(), ": is empty"));
        }
        const std::string_view text = TextOf(buffer, begin, whole);
        absl::StatusOr<size_t> header_bytes =
            options_.zeek_log ? ReadZeekStart(text) : ReadFirstRow(text);
        if (!header_bytes.ok()) return header_bytes.status();
        line_ += CountByte(std::span(buffer).subspan(begin, *header_bytes), '\n');
        begin += *header_bytes;
      }
      region->begin = begin;
      region->end = whole;
      region->file_name = file_->name();
      region->first_line = line_;
      region->layout = layout_;
      line_ += CountByte(std::span(buffer).subspan(begin, whole - begin), '\n');
      if (at_end && used != 0 && buffer[used - 1] != '\n' && file_->HasGrown()) {
        cut_rows_.push_back(absl::StrCat(file_->name(), ":", line_));
      }
      if (at_end) file_.reset();
      if (begin != whole) return true;
    }
  }

  // Checks the first row of a file: that of the first file determines the columns, those of the
  // others must agree. Returns the bytes of the header, 0 without one.
  absl::StatusOr<size_t> ReadFirstRow(std::string_view text) {
    const size_t record_bytes = std::min(FindRecordEnd(text, 0, dialect()), text.size());
    const std::string_view row = WithoutLineEnd(text.substr(0, record_bytes));
    if (row.size() > kMaxRowBytes) return LineError(file_->name(), 1, TooLong(false));
    std::vector<RawCell> cells;
    const RowError error = SplitRow(row, dialect(), &cells);
    if (error != RowError::kNone) return LineError(file_->name(), 1, RowErrorText(error));
    const bool has_header = options_.header.value_or(NeedsHeader(options_.columns));
    std::vector<std::string> names;
    if (has_header) {
      for (const RawCell& cell : cells) {
        AppendCellText(row.substr(cell.begin, cell.end - cell.begin), dialect(),
                       &names.emplace_back());
      }
    }
    if (schema_.file_columns == 0) {
      absl::StatusOr<std::vector<size_t>> chosen =
          SelectColumns(options_.columns, names, cells.size());
      if (!chosen.ok()) {
        return LineError(file_->name(), 1, std::string(chosen.status().message()));
      }
      SetColumns(*std::move(chosen), cells.size(), {});
      header_ = names;
      for (const size_t column : schema_.columns) {
        schema_.fields.push_back(
            {.name = has_header ? names[column] : absl::StrCat("c", column + 1),
             .kind = FieldKind::kText});
      }
      schema_.first_row_looks_like_header =
          !has_header && !options_.header.has_value() && FirstRowLooksLikeHeader(text, dialect());
    } else if (const std::string other = OtherKind(text, cells.size()); !other.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(file_->name(), ": ", other));
    } else if (has_header && names != header_) {
      return LineError(file_->name(), 1,
                       absl::StrCat("the header differs from that of ", first_name_));
    }
    return has_header ? record_bytes : 0;
  }

  // The same for a Zeek log, whose further files may have other fields.
  absl::StatusOr<size_t> ReadZeekStart(std::string_view text) {
    const bool is_first = schema_.file_columns == 0;
    if (!is_first && !IsZeekLog(text) && !IsJsonLines(text)) {
      return absl::InvalidArgumentError(absl::StrCat(file_->name(), ": is not a Zeek log, but ",
                                                     first_name_, " is; ", kOneKindOnly));
    }
    ZeekHeader header;
    size_t header_bytes = 0;
    ZeekError error;
    if (!ReadZeekHeader(text, &header, &header_bytes, &error)) {
      return LineError(file_->name(), error.line, error.what);
    }
    if (!is_first) return JoinByName(text, std::move(header), header_bytes);
    absl::StatusOr<std::vector<size_t>> chosen =
        SelectColumns(options_.columns, header.fields, header.fields.size());
    if (!chosen.ok()) return LineError(file_->name(), 1, std::string(chosen.status().message()));
    schema_.dialect.delimiter = header.separator;
    const size_t file_columns = header.fields.size();
    for (const size_t column : *chosen) {
      schema_.fields.push_back(
          {.name = header.fields[column],
           .kind = FieldKind::kText,
           .type_name = header.types.empty() ? std::string() : header.types[column]});
    }
    SetColumns(*std::move(chosen), file_columns, std::move(header));
    return header_bytes;
  }

  // Finds the chosen fields in the `header` of a further Zeek log, which `text` starts with.
  absl::StatusOr<size_t> JoinByName(std::string_view text, ZeekHeader header, size_t header_bytes) {
    const auto fault = ZeekFieldsFault(first_zeek_, header, schema_.fields,
                                       NamesColumns(options_.columns), first_name_);
    if (fault.has_value()) {
      return LineError(file_->name(), ZeekLineOf(text, fault->directive), fault->what);
    }
    Layout layout{.file_columns = header.fields.size(),
                  .columns = ZeekColumnsOf(header, schema_.fields),
                  .zeek = {}};
    layout.zeek = std::move(header);
    if (layout.zeek.fields == first_zeek_.fields) layout.columns = schema_.columns;
    layout.is_run = AreNeighbours(layout.columns);
    layout_ = std::make_shared<const Layout>(std::move(layout));
    return header_bytes;
  }

  void SetColumns(std::vector<size_t> chosen, size_t file_columns, ZeekHeader zeek) {
    first_zeek_ = zeek;
    layout_ = std::make_shared<const Layout>(Layout{.file_columns = file_columns,
                                                    .columns = chosen,
                                                    .is_run = AreNeighbours(chosen),
                                                    .zeek = std::move(zeek)});
    schema_.columns = std::move(chosen);
    schema_.file_columns = file_columns;
  }

  // OtherKindOfText() of a file after the first, whose first row would have `cells` cells.
  std::string OtherKind(std::string_view text, size_t cells) const {
    if (!options_.detected) return "";
    return OtherKindOfText(text, file_->name(), cells == schema_.file_columns, dialect(),
                           first_name_);
  }

  absl::Status ParseRegion(const Region& region, RecordBlock* block) {
    const std::string_view text = TextOf(block->buffer(), region.begin, region.end);
    marks_.fetch_add(MarkedLines(text), std::memory_order_relaxed);
    if (dialect().quoted && text.find('"') != std::string_view::npos) {
      return ParseQuoted(region, block);
    }
    const Layout& layout = *region.layout;
    const bool every_column = layout.is_run && layout.columns.size() == layout.file_columns;
    return every_column ? ParsePlain<false>(region, block) : ParsePlain<true>(region, block);
  }

  // Parses rows without any quote: finds newlines and delimiters 64 bytes at a time. Without
  // kCollect it only counts the delimiters, because the value is the row itself.
  template <bool kCollect>
  absl::Status ParsePlain(const Region& region, RecordBlock* block) const {
    const auto delimiter = static_cast<uint8_t>(dialect().delimiter);
    std::vector<size_t> delimiters;  // offsets of those in the current row
    uint64_t count = 0;
    size_t row_begin = region.begin;
    size_t spare = region.end + kScanBytes;  // the place for joined cells
    for (size_t at = region.begin; at < region.end; at += kScanBytes) {
      const size_t rest = region.end - at;
      const uint64_t valid = rest >= kScanBytes ? ~uint64_t{0} : (uint64_t{1} << rest) - 1;
      const uint8_t* bytes = block->buffer().data() + at;
      uint64_t newlines = MatchMask(bytes, '\n') & valid;
      uint64_t cells = MatchMask(bytes, delimiter) & valid;
      for (; newlines != 0; newlines &= newlines - 1) {
        const uint64_t below = (newlines & (~newlines + 1)) - 1;
        CountCells<kCollect>(at, cells & below, &count, &delimiters);
        cells &= ~below;
        const size_t row_end = at + static_cast<size_t>(std::countr_zero(newlines));
        absl::Status status =
            EndPlainRow(region, {row_begin, row_end}, count, delimiters, &spare, block);
        if (!status.ok()) return status;
        row_begin = row_end + 1;
        count = 0;
        delimiters.clear();
      }
      CountCells<kCollect>(at, cells, &count, &delimiters);
    }
    if (row_begin == region.end) return absl::OkStatus();
    return EndPlainRow(region, {row_begin, region.end}, count, delimiters, &spare, block);
  }

  template <bool kCollect>
  static void CountCells(size_t base, uint64_t mask, uint64_t* count,
                         std::vector<size_t>* delimiters) {
    *count += static_cast<uint64_t>(std::popcount(mask));
    if constexpr (kCollect) {
      for (; mask != 0; mask &= mask - 1) {
        delimiters->push_back(base + static_cast<size_t>(std::countr_zero(mask)));
      }
    }
  }

  // Checks a row and adds its value to the block. `delimiters` is empty when the value is the row.
  absl::Status EndPlainRow(const Region& region, RawCell row, uint64_t delimiter_count,
                           const std::vector<size_t>& delimiters, size_t* spare,
                           RecordBlock* block) const {
    const Layout& layout = *region.layout;
    row.end = row.begin + WithoutLineEnd(TextOf(block->buffer(), row.begin, row.end)).size();
    if (options_.zeek_log && row.begin != row.end &&
        block->buffer()[row.begin] == static_cast<uint8_t>(kZeekDirective)) {
      const std::string fault =
          ZeekDirectiveFault(TextOf(block->buffer(), row.begin, row.end), layout.zeek);
      return fault.empty() ? absl::OkStatus() : RowFault(region, row, *block, fault);
    }
    if (row.end - row.begin > kMaxRowBytes) return RowFault(region, row, *block, TooLong(false));
    if (delimiter_count + 1 != layout.file_columns) {
      return Ragged(region, row, *block, delimiter_count + 1);
    }
    const auto cell_of = [&](size_t column) {
      return RawCell{column == 0 ? row.begin : delimiters[column - 1] + 1,
                     column == delimiters.size() ? row.end : delimiters[column]};
    };
    if (layout.is_run) {
      if (layout.columns.size() != layout.file_columns) {
        row = {cell_of(layout.columns.front()).begin, cell_of(layout.columns.back()).end};
      }
      block->AddRecord(row.begin, row.end - row.begin);
      return absl::OkStatus();
    }
    // Joins cells that are not adjacent behind the text, in the same buffer.
    const size_t value_begin = *spare;
    EnsureSize(&block->buffer(), value_begin + row.end - row.begin + layout.columns.size());
    uint8_t* const bytes = block->buffer().data();
    for (size_t i = 0; i < layout.columns.size(); ++i) {
      if (i != 0) bytes[(*spare)++] = static_cast<uint8_t>(dialect().delimiter);
      const RawCell cell = cell_of(layout.columns[i]);
      std::memcpy(bytes + *spare, bytes + cell.begin, cell.end - cell.begin);
      *spare += cell.end - cell.begin;
    }
    block->AddRecord(value_begin, *spare - value_begin);
    return absl::OkStatus();
  }

  // Parses rows some of which hold quotes, one after another.
  absl::Status ParseQuoted(const Region& region, RecordBlock* block) {
    const Layout& layout = *region.layout;
    std::vector<RawCell> cells;
    std::string value;
    std::string cell_text;
    size_t spare = region.end + kScanBytes;
    for (size_t at = region.begin; at < region.end;) {
      const std::string_view text = TextOf(block->buffer(), region.begin, region.end);
      const size_t end = std::min(FindRecordEnd(text, at - region.begin, dialect()), text.size());
      const std::string_view row =
          WithoutLineEnd(text.substr(at - region.begin, region.begin + end - at));
      const RawCell place{at, at + row.size()};
      at = region.begin + end;
      if (row.size() > kMaxRowBytes) return RowFault(region, place, *block, TooLong(true));
      const RowError error = SplitRow(row, dialect(), &cells);
      if (error != RowError::kNone) return RowFault(region, place, *block, RowErrorText(error));
      if (cells.size() != layout.file_columns) return Ragged(region, place, *block, cells.size());
      if (row.find('\n') != std::string_view::npos) {
        long_cells_.Look(row, cells, dialect().delimiter, {region.sequence, place.begin}, [&] {
          return absl::StrCat(region.file_name, ":", LineOf(region, place, *block));
        });
      }
      if (layout.is_run) {
        const RawCell run{cells[layout.columns.front()].begin, cells[layout.columns.back()].end};
        if (row.substr(run.begin, run.end - run.begin).find('"') == std::string_view::npos) {
          block->AddRecord(place.begin + run.begin, run.end - run.begin);
          continue;
        }
      }
      value.clear();
      for (size_t i = 0; i < layout.columns.size(); ++i) {
        if (i != 0) value += dialect().delimiter;
        const RawCell& cell = cells[layout.columns[i]];
        cell_text.clear();
        AppendCellText(row.substr(cell.begin, cell.end - cell.begin), dialect(), &cell_text);
        value += CanonicalCell(cell_text, dialect());
      }
      EnsureSize(&block->buffer(), spare + value.size());
      std::copy(value.begin(), value.end(),
                block->buffer().begin() + static_cast<std::ptrdiff_t>(spare));
      block->AddRecord(spare, value.size());
      spare += value.size();
    }
    return absl::OkStatus();
  }

  static uint64_t LineOf(const Region& region, RawCell row, RecordBlock& block) {
    const auto before = std::span(block.buffer()).subspan(region.begin, row.begin - region.begin);
    return region.first_line + CountByte(before, '\n');
  }

  absl::Status RowFault(const Region& region, RawCell row, RecordBlock& block,
                        std::string_view what) const {
    return LineError(region.file_name, LineOf(region, row, block), what);
  }

  absl::Status Ragged(const Region& region, RawCell row, RecordBlock& block,
                      uint64_t columns) const {
    return RowFault(region, row, block,
                    absl::StrCat(Counted(columns, "column"), " where ",
                                 options_.zeek_log ? "#fields" : "the first row", " has ",
                                 region.layout->file_columns));
  }

  const Dialect& dialect() const { return schema_.dialect; }

  const std::string first_name_;
  const DelimitedOptions options_;

  // Constant after Start().
  std::vector<std::string> header_;  // of the first file, empty without
  ZeekHeader first_zeek_;            // of the first file, if it is a Zeek log

  std::atomic<uint64_t> marks_{0};  // lines behind the first that start with a mark

  LongCells long_cells_;

  std::mutex mutex_;  // guards everything below
  Inputs inputs_;
  std::optional<InputFile> file_;         // the current file; nothing between files
  std::shared_ptr<const Layout> layout_;  // of file_
  bool at_file_start_ = true;
  uint64_t line_ = 1;           // of the first byte that no region holds yet
  std::vector<uint8_t> carry_;  // bytes of a record whose end is not read yet
  uint64_t sequence_ = 0;
  bool finished_ = false;
  std::vector<std::string> cut_rows_;  // "FILE:LINE" of the last rows of files that have grown
  RecordBlock pending_block_;          // the block that Start() read, until the first Next()
  Region pending_region_;
  bool has_pending_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSource>> OpenDelimitedRecords(Inputs inputs,
                                                                   DelimitedOptions options) {
  const char delimiter = options.dialect.delimiter;
  if (delimiter == '\n' || delimiter == '\r' || (delimiter == '"' && options.dialect.quoted)) {
    return absl::InvalidArgumentError("a line end or a quote cannot be the delimiter");
  }
  auto source = std::make_unique<DelimitedRecords>(std::move(inputs), std::move(options));
  absl::Status started = source->Start();
  if (!started.ok()) return started;
  return source;
}

}  // namespace inlay::analysis
