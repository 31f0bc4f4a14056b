#include "tools/analysis/readers/open_records.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/capture_file/capture_format.h"
#include "tools/analysis/capture_file/capture_records.h"
#include "tools/analysis/dumps/dump_records.h"
#include "tools/analysis/grammar/blank_columns.h"
#include "tools/analysis/grammar/column_selection.h"
#include "tools/analysis/readers/delimited_records.h"
#include "tools/analysis/readers/foreign_files.h"
#include "tools/analysis/readers/format_detection.h"
#include "tools/analysis/readers/json_records.h"
#include "tools/analysis/readers/noted_records.h"
#include "tools/analysis/readers/raw_records.h"
#include "tools/analysis/readers/text_doubts.h"
#include "tools/analysis/values/btf_schema.h"
#include "tools/analysis/values/field_list.h"

namespace inlay::analysis {
namespace {

constexpr char kZeekOptions[] =
    "--header, --no-header and --delimiter are for CSV and TSV; a Zeek log states these itself";

// The first bytes of the first file, which decide its format. Valid until the file is read.
absl::StatusOr<std::string_view> Prefix(InputFile* file) {
  absl::StatusOr<std::span<const uint8_t>> prefix = file->Peek(kDetectionBytes);
  if (!prefix.ok()) return prefix.status();
  if (prefix->empty()) {
    return absl::InvalidArgumentError(absl::StrCat(file->name(), ": is empty"));
  }
  return std::string_view(reinterpret_cast<const char*>(prefix->data()), prefix->size());
}

// Whether an option is set that only applies to tables of text.
bool HasTableOption(const RecordOptions& options) {
  return options.header.has_value() || options.delimiter.has_value() || options.blank_runs ||
         options.no_quotes;
}

// The doubts about reading a file with this `prefix` as raw records without --format raw. Small
// numbers look like UTF-16, and short magics occur by chance.
std::vector<InputNote> DoubtsAboutRaw(const std::string& name, std::string_view prefix,
                                      const std::string& path) {
  std::string kind;
  const std::optional<ForeignFile> foreign = RecognizeForeign(prefix);
  if (foreign.has_value() && foreign->is_long) {
    kind = foreign->kind;
  } else if (!foreign.has_value()) {
    const Detection detection = DetectFormat(prefix, path);
    const bool is_table = detection.format == DetectedFormat::kCsv ||
                          detection.format == DetectedFormat::kTsv ||
                          detection.format == DetectedFormat::kBlank;
    const bool is_lines = prefix.find('\n') + 1 < prefix.size() && prefix.find('\n') != 0;
    if (detection.format != DetectedFormat::kBinary &&
        detection.format != DetectedFormat::kCapture && (!is_table || is_lines)) {
      kind = is_table ? "lines of text" : KindName(detection);
    }
  }
  if (kind.empty()) return {};
  return {Doubt(absl::StrCat(name, ": looks like ", kind,
                             ", and is read as raw records because --value-bytes, --fields or ",
                             "--btf is given; if that is right, use --format raw."))};
}

std::unique_ptr<RecordSource> WithNotes(std::unique_ptr<RecordSource> source,
                                        std::vector<InputNote> notes) {
  if (notes.empty()) return source;
  return std::make_unique<NotedRecords>(std::move(source), std::move(notes));
}

bool NamesFields(const RecordOptions& options) {
  return !options.fields.empty() || !options.btf_path.empty() || !options.type.empty();
}

// The struct that the options describe; without fields if they have only its size.
absl::StatusOr<StructFields> FindStruct(const RecordOptions& options) {
  if (!NamesFields(options)) {
    if (!options.value_bytes.has_value()) {
      return absl::InvalidArgumentError("raw records need their size: give --value-bytes N");
    }
    return StructFields{{}, *options.value_bytes};
  }
  const bool from_btf = options.fields.empty();
  if (!from_btf && !(options.btf_path.empty() && options.type.empty())) {
    return absl::InvalidArgumentError("--fields and --btf both describe the values: give only one");
  }
  if (from_btf && options.btf_path.empty()) {
    return absl::InvalidArgumentError(
        "--type names a type of a file with BTF: give the file with --btf FILE");
  }
  if (from_btf && options.type.empty()) {
    return absl::InvalidArgumentError("--btf needs the name of the value's type: --type NAME");
  }
  absl::StatusOr<StructFields> found =
      from_btf ? ReadBtfType(options.btf_path, options.type) : ParseFieldList(options.fields);
  if (found.ok() && options.value_bytes.value_or(found->value_bytes) != found->value_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        from_btf ? absl::StrCat("--type: '", options.type, "' has ") : "--fields: have ",
        found->value_bytes, found->value_bytes == 1 ? " byte" : " bytes",
        ", and --value-bytes says ", *options.value_bytes));
  }
  return found;
}

absl::StatusOr<std::unique_ptr<RecordSource>> OpenDump(Inputs inputs, const RecordOptions& options,
                                                       DumpOptions::Tool tool) {
  if (HasTableOption(options)) {
    return absl::InvalidArgumentError(
        "--header, --no-header and --delimiter are for CSV and TSV, not for dumps");
  }
  if (options.map_id.has_value() && tool != DumpOptions::Tool::kSs) {
    return absl::InvalidArgumentError("--map-id is for the output of ss");
  }
  return OpenDumpRecords(std::move(inputs),
                         {tool, options.columns, options.map_id, options.dump_budget_bytes});
}

absl::StatusOr<bool> StartsAsCapture(InputFile* file) {
  absl::StatusOr<std::span<const uint8_t>> prefix = file->Peek(kCaptureMagic.size());
  if (!prefix.ok()) return prefix.status();
  return std::string_view(reinterpret_cast<const char*>(prefix->data()), prefix->size()) ==
         kCaptureMagic;
}

absl::StatusOr<std::unique_ptr<RecordSource>> OpenCapture(Inputs inputs,
                                                          const RecordOptions& options) {
  if (!options.columns.empty() || HasTableOption(options) || options.map_id.has_value()) {
    return absl::InvalidArgumentError(
        "--columns, --header, --delimiter and --map-id are for text, not for a capture");
  }
  std::optional<StructFields> named;
  if (options.value_bytes.has_value() || NamesFields(options)) {
    absl::StatusOr<StructFields> found = FindStruct(options);
    if (!found.ok()) return found.status();
    named = *std::move(found);
  }
  return OpenCaptureRecords(std::move(inputs), std::move(named), options.counted);
}

absl::StatusOr<std::unique_ptr<RecordSource>> OpenJson(Inputs inputs,
                                                       const RecordOptions& options) {
  if (HasTableOption(options) || options.map_id.has_value()) {
    return absl::InvalidArgumentError(
        "--header, --no-header, --delimiter, --no-quotes and --map-id are not for JSON, whose "
        "members have names");
  }
  return OpenJsonRecords(std::move(inputs),
                         {options.columns, options.format == RecordFormat::kDetect});
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSource>> OpenRecords(const std::vector<std::string>& paths,
                                                          const RecordOptions& options) {
  absl::StatusOr<Inputs> inputs = Inputs::Open(paths);
  if (!inputs.ok()) return inputs.status();
  return OpenRecords(*std::move(inputs), options);
}

absl::StatusOr<std::unique_ptr<RecordSource>> OpenRecords(Inputs inputs,
                                                          const RecordOptions& options) {
  const bool has_text_option = !options.columns.empty() || HasTableOption(options);
  RecordFormat format = options.format;
  if (format == RecordFormat::kCapture) return OpenCapture(std::move(inputs), options);
  if (options.value_bytes.has_value() || NamesFields(options)) {
    if ((format != RecordFormat::kDetect && format != RecordFormat::kRaw) || has_text_option) {
      return absl::InvalidArgumentError(
          absl::StrCat(options.value_bytes.has_value() ? "--value-bytes is"
                       : !options.fields.empty()       ? "--fields is"
                                                       : "--btf and --type are",
                       " for raw records, not together with the options of text"));
    }
    format = RecordFormat::kRaw;
  }
  if (options.map_id.has_value() && format != RecordFormat::kSs &&
      format != RecordFormat::kDetect) {
    return absl::InvalidArgumentError("--map-id is for the output of ss");
  }
  if (format == RecordFormat::kRaw) {
    if (has_text_option) {
      return absl::InvalidArgumentError(
          "--columns, --header and --delimiter are for text, not for raw records");
    }
    absl::StatusOr<StructFields> found = FindStruct(options);
    if (!found.ok()) return found.status();
    if (options.format == RecordFormat::kDetect) {
      absl::StatusOr<bool> is_capture = StartsAsCapture(&inputs.first());
      if (!is_capture.ok()) return is_capture.status();
      if (*is_capture) return OpenCapture(std::move(inputs), options);
    }
    std::vector<InputNote> doubts;
    if (options.format == RecordFormat::kDetect) {
      if (const absl::StatusOr<std::string_view> prefix = Prefix(&inputs.first()); prefix.ok()) {
        doubts = DoubtsAboutRaw(inputs.first_name(), *prefix, inputs.first_path());
      }
    }
    absl::StatusOr<std::unique_ptr<RecordSource>> source =
        OpenRawRecords(std::move(inputs), found->value_bytes, std::move(found->fields));
    if (!source.ok()) return source.status();
    return WithNotes(*std::move(source), std::move(doubts));
  }
  if (format == RecordFormat::kTsv && options.delimiter.value_or('\t') != '\t') {
    return absl::InvalidArgumentError("the delimiter of TSV is the tab; use --format csv");
  }
  const bool has_own_header = HasTableOption(options);
  if (options.blank_runs && (options.delimiter.has_value() || format == RecordFormat::kCsv ||
                             format == RecordFormat::kTsv)) {
    return absl::InvalidArgumentError(
        "--delimiter blank is a format of its own: leave out --format");
  }
  if (format == RecordFormat::kZeek && has_own_header) {
    return absl::InvalidArgumentError(kZeekOptions);
  }
  if (format == RecordFormat::kBpftool || format == RecordFormat::kSs) {
    return OpenDump(
        std::move(inputs), options,
        format == RecordFormat::kSs ? DumpOptions::Tool::kSs : DumpOptions::Tool::kBpftool);
  }
  if (format == RecordFormat::kJson) return OpenJson(std::move(inputs), options);
  const absl::StatusOr<std::string_view> prefix = Prefix(&inputs.first());
  if (!prefix.ok()) return prefix.status();
  if (const auto foreign = RecognizeForeign(*prefix);
      foreign.has_value() && (format == RecordFormat::kDetect || !foreign->is_text)) {
    return ForeignError(inputs.first_name(), *foreign);
  }
  if (prefix->size() < kDetectionBytes && IsBlank(*prefix, options.blank_runs)) {
    return absl::InvalidArgumentError(
        absl::StrCat(inputs.first_name(), ": has nothing but blanks and line ends"));
  }
  Dialect dialect = kCsvDialect;
  std::vector<InputNote> doubts;
  bool blank_runs = options.blank_runs;
  if (format == RecordFormat::kTsv) dialect = kTsvDialect;
  if (format == RecordFormat::kDetect) {
    const Detection detection = DetectFormat(*prefix, inputs.first_path());
    const Detection* const detected = &detection;
    switch (detected->format) {
      case DetectedFormat::kGzip:
      case DetectedFormat::kZstd:
        return absl::InvalidArgumentError(
            absl::StrCat(inputs.first_name(), ": is compressed more than once; only one ",
                         "compression is undone, so undo the others first"));
      case DetectedFormat::kJson:
        if (options.delimiter.has_value() || blank_runs) break;  // the option means text
        return OpenJson(std::move(inputs), options);
      case DetectedFormat::kZeek:
        if (has_own_header) {
          return absl::InvalidArgumentError(
              absl::StrCat(inputs.first_name(), ": is a Zeek log: ", kZeekOptions));
        }
        format = RecordFormat::kZeek;
        break;
      case DetectedFormat::kBinary:
        return absl::InvalidArgumentError(
            absl::StrCat(inputs.first_name(),
                         ": looks like raw records; give their size with --value-bytes N, or use ",
                         "--format csv or tsv"));
      case DetectedFormat::kCapture:
        return OpenCapture(std::move(inputs), options);
      case DetectedFormat::kBpftool:
        return OpenDump(std::move(inputs), options, DumpOptions::Tool::kBpftool);
      case DetectedFormat::kSs:
        return OpenDump(std::move(inputs), options, DumpOptions::Tool::kSs);
      case DetectedFormat::kCsv:
      case DetectedFormat::kTsv:
      case DetectedFormat::kBlank:
        if (options.map_id.has_value()) {
          return absl::InvalidArgumentError("--map-id is for the output of ss");
        }
        dialect = detected->dialect;
        if (options.delimiter.has_value() || blank_runs) break;
        absl::StatusOr<std::vector<InputNote>> found =
            DoubtsAboutText({*prefix, inputs.first_path(), inputs.first_name(), detection});
        if (!found.ok()) return found.status();
        blank_runs = detection.format == DetectedFormat::kBlank;
        // A header with these names confirms the guess; opening fails without it.
        if (!NeedsHeader(options.columns)) doubts = *std::move(found);
        break;
    }
  }
  if (options.delimiter.has_value()) {
    // A tab alone means TSV, as most programs write it, unless CSV with tabs is asked for.
    dialect.delimiter = *options.delimiter;
    dialect.quoted = format == RecordFormat::kCsv ||
                     (format == RecordFormat::kDetect && *options.delimiter != '\t');
  }
  if (options.no_quotes) dialect.quoted = false;
  if (blank_runs) dialect = kBlankDialect;
  DelimitedOptions delimited = {dialect, options.columns, options.header};
  delimited.blank_runs = blank_runs;
  delimited.zeek_log = format == RecordFormat::kZeek;
  if (options.names_columns && !delimited.zeek_log && !delimited.header.has_value()) {
    delimited.header = true;
  }
  delimited.detected = options.format == RecordFormat::kDetect && !options.delimiter.has_value() &&
                       !options.blank_runs;
  absl::StatusOr<std::unique_ptr<RecordSource>> source =
      OpenDelimitedRecords(std::move(inputs), std::move(delimited));
  if (!source.ok()) return source.status();
  return WithNotes(*std::move(source), std::move(doubts));
}

}  // namespace inlay::analysis
