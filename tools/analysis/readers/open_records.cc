#include "tools/analysis/readers/open_records.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/inputs.h"
#include "tools/analysis/capture_file/capture_format.h"
#include "tools/analysis/capture_file/capture_records.h"
#include "tools/analysis/readers/delimited_records.h"
#include "tools/analysis/readers/dump_records.h"
#include "tools/analysis/readers/format_detection.h"
#include "tools/analysis/readers/raw_records.h"
#include "tools/analysis/values/btf_schema.h"
#include "tools/analysis/values/field_list.h"

namespace inlay::analysis {
namespace {

constexpr char kZeekOptions[] =
    "--header, --no-header and --delimiter are for CSV and TSV; a Zeek log says itself what they "
    "say";

// Decides what `options` leaves open from the first bytes of the first file.
absl::StatusOr<Detection> Detect(const std::string& path, InputFile* file) {
  absl::StatusOr<std::span<const uint8_t>> prefix = file->Peek(kDetectionBytes);
  if (!prefix.ok()) return prefix.status();
  if (prefix->empty()) {
    return absl::InvalidArgumentError(absl::StrCat(file->name(), ": is empty"));
  }
  const std::string_view text(reinterpret_cast<const char*>(prefix->data()), prefix->size());
  return DetectFormat(text, path);
}

bool NamesFields(const RecordOptions& options) {
  return !options.fields.empty() || !options.btf_path.empty() || !options.type.empty();
}

// The struct that the options describe: of its size alone if nothing more is known.
absl::StatusOr<StructFields> FindStruct(const RecordOptions& options) {
  if (!NamesFields(options)) {
    if (!options.value_bytes.has_value()) {
      return absl::InvalidArgumentError("raw records need their size: give --value-bytes N");
    }
    return StructFields{{}, *options.value_bytes};
  }
  const bool from_btf = options.fields.empty();
  if (!from_btf && !(options.btf_path.empty() && options.type.empty())) {
    return absl::InvalidArgumentError("--fields and --btf both say what a value is: give one");
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
  if (options.header.has_value() || options.delimiter.has_value()) {
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
  if (!options.columns.empty() || options.header.has_value() || options.delimiter.has_value() ||
      options.map_id.has_value()) {
    return absl::InvalidArgumentError(
        "--columns, --header, --delimiter and --map-id are for text, not for a capture");
  }
  std::optional<StructFields> named;
  if (options.value_bytes.has_value() || NamesFields(options)) {
    absl::StatusOr<StructFields> found = FindStruct(options);
    if (!found.ok()) return found.status();
    named = *std::move(found);
  }
  return OpenCaptureRecords(std::move(inputs), std::move(named));
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
  const bool has_text_option =
      !options.columns.empty() || options.header.has_value() || options.delimiter.has_value();
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
    return OpenRawRecords(std::move(inputs), found->value_bytes, std::move(found->fields));
  }
  if (format == RecordFormat::kTsv && options.delimiter.value_or('\t') != '\t') {
    return absl::InvalidArgumentError("the delimiter of TSV is the tab; use --format csv");
  }
  const bool has_own_header = options.header.has_value() || options.delimiter.has_value();
  if (format == RecordFormat::kZeek && has_own_header) {
    return absl::InvalidArgumentError(kZeekOptions);
  }
  if (format == RecordFormat::kBpftool || format == RecordFormat::kSs) {
    return OpenDump(
        std::move(inputs), options,
        format == RecordFormat::kSs ? DumpOptions::Tool::kSs : DumpOptions::Tool::kBpftool);
  }
  Dialect dialect = kCsvDialect;
  if (format == RecordFormat::kTsv) dialect = kTsvDialect;
  if (format == RecordFormat::kDetect) {
    absl::StatusOr<Detection> detected = Detect(inputs.first_path(), &inputs.first());
    if (!detected.ok()) return detected.status();
    switch (detected->format) {
      case DetectedFormat::kGzip:
      case DetectedFormat::kZstd:
        return absl::InvalidArgumentError(
            absl::StrCat(inputs.first_name(), ": is compressed more than once; only one ",
                         "compression is undone, so undo the others first"));
      case DetectedFormat::kJson:
        return absl::InvalidArgumentError(absl::StrCat(
            inputs.first_name(), ": looks like JSON, which is not read; of Zeek logs, give ",
            "the TSV form (LogAscii::use_json=F), or say --format csv or tsv"));
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
                         ": looks like raw records; give their size with --value-bytes N, or say ",
                         "--format csv or tsv"));
      case DetectedFormat::kCapture:
        return OpenCapture(std::move(inputs), options);
      case DetectedFormat::kBpftool:
        return OpenDump(std::move(inputs), options, DumpOptions::Tool::kBpftool);
      case DetectedFormat::kSs:
        return OpenDump(std::move(inputs), options, DumpOptions::Tool::kSs);
      case DetectedFormat::kCsv:
      case DetectedFormat::kTsv:
        if (options.map_id.has_value()) {
          return absl::InvalidArgumentError("--map-id is for the output of ss");
        }
        dialect = detected->dialect;
        break;
    }
  }
  if (options.delimiter.has_value()) {
    // A tab alone means TSV, as most programs write it, unless CSV with tabs is asked for.
    dialect.delimiter = *options.delimiter;
    dialect.quoted = format == RecordFormat::kCsv ||
                     (format == RecordFormat::kDetect && *options.delimiter != '\t');
  }
  DelimitedOptions delimited = {dialect, options.columns, options.header};
  delimited.zeek_log = format == RecordFormat::kZeek;
  if (options.names_columns && !delimited.zeek_log && !delimited.header.has_value()) {
    delimited.header = true;
  }
  delimited.detected = options.format == RecordFormat::kDetect && !options.delimiter.has_value();
  return OpenDelimitedRecords(std::move(inputs), std::move(delimited));
}

}  // namespace inlay::analysis
