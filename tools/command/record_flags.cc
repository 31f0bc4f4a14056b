#include "tools/command/record_flags.h"

#include <limits>
#include <string>

#include "tools/analysis/values/record_limits.h"
#include "tools/command/in_range.h"
#include "tools/command/not_empty.h"
#include "tools/command/one_of.h"

namespace inlay {
namespace {

void ParseDelimiter(const std::string& text, analysis::RecordOptions* options) {
  options->blank_runs = text == "blank";
  if (options->blank_runs) {
    options->delimiter.reset();
  } else if (text == "tab" || text == "\\t") {
    options->delimiter = '\t';
  } else if (text.size() == 1) {
    options->delimiter = text[0];
  } else {
    throw CLI::ValidationError("--delimiter",
                               "'" + text + "' is neither one byte nor 'tab' nor 'blank'");
  }
}

}  // namespace

void AddRecordFlags(CLI::App& command, std::vector<std::string>* paths,
                    analysis::RecordOptions* options) {
  command
      .add_option("FILE", *paths,
                  "Files to read as one data set, also .gz and .zst; '-' is standard input")
      ->type_name("")
      ->required();
  command
      .add_option_function<std::string>(
          "--format",
          [options](const std::string& name) {
            options->format = name == "raw"       ? analysis::RecordFormat::kRaw
                              : name == "csv"     ? analysis::RecordFormat::kCsv
                              : name == "tsv"     ? analysis::RecordFormat::kTsv
                              : name == "zeek"    ? analysis::RecordFormat::kZeek
                              : name == "bpftool" ? analysis::RecordFormat::kBpftool
                              : name == "inlay"   ? analysis::RecordFormat::kCapture
                              : name == "json"    ? analysis::RecordFormat::kJson
                                                  : analysis::RecordFormat::kSs;
          },
          "raw, csv, tsv, zeek, json, the dump of a map: bpftool, ss, or a capture: inlay; "
          "without it, the content decides")
      ->type_name("NAME")
      ->check(OneOf({"raw", "csv", "tsv", "zeek", "json", "bpftool", "ss", "inlay"}));
  command
      .add_option("--value-bytes", options->value_bytes,
                  "Raw records: the size of one, 1 to " +
                      std::to_string(analysis::kMaxRecordBytes) + " bytes")
      ->type_name("N")
      ->check(InRange(1, static_cast<int64_t>(analysis::kMaxRecordBytes)));
  command
      .add_option("--fields", options->fields,
                  "Raw records: the members of the struct, as in mss:u16,cc:char[16],sack:u8:1")
      ->type_name("LIST")
      ->check(NotEmpty());
  command
      .add_option(
          "--btf", options->btf_path,
          "Raw records: a file with BTF that describes the struct: an ELF object, or raw BTF")
      ->type_name("PATH")
      ->check(NotEmpty());
  command.add_option("--type", options->type, "Raw records: the name of the struct in --btf")
      ->type_name("NAME")
      ->check(NotEmpty());
  command
      .add_option("--columns", options->columns,
                  "The columns or fields that form the value, as in 3-5,9 or country,asn")
      ->type_name("LIST")
      ->check(NotEmpty());
  CLI::Option* header = command.add_flag_callback(
      "--header", [options] { options->header = true; },
      "Text: the first row of every file names the columns");
  command
      .add_flag_callback(
          "--no-header", [options] { options->header = false; },
          "Text: the first row is a record; the default, unless --columns has names")
      ->excludes(header);
  command
      .add_option_function<std::string>(
          "--delimiter", [options](const std::string& text) { ParseDelimiter(text, options); },
          "Text: what separates cells, one byte, 'tab', or 'blank' for any number of blanks")
      ->type_name("C");
  command.add_flag("--no-quotes", options->no_quotes, "CSV: quotes are characters like any other");
  command
      .add_option("--map-id", options->map_id,
                  "Output of ss: the map whose values to read, if it shows several")
      ->type_name("N")
      ->check(InRange(0, std::numeric_limits<uint32_t>::max()));
}

}  // namespace inlay
