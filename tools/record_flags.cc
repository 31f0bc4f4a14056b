#include "tools/record_flags.h"

#include <cstdio>
#include <limits>

#include "tools/analysis/raw_records.h"

namespace inlay {
namespace {

char ParseDelimiter(const std::string& text) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() == 1) return text[0];
  throw CLI::ValidationError("--delimiter", "'" + text + "' is neither one byte nor 'tab'");
}

}  // namespace

void AddRecordFlags(CLI::App& command, std::vector<std::string>* paths,
                    analysis::RecordOptions* options) {
  command.add_option("FILE", *paths, "Files to read as one data set; '-' is standard input")
      ->type_name("")
      ->required();
  command
      .add_option_function<std::string>(
          "--format",
          [options](const std::string& name) {
            options->format = name == "raw"       ? analysis::RecordFormat::kRaw
                              : name == "csv"     ? analysis::RecordFormat::kCsv
                              : name == "tsv"     ? analysis::RecordFormat::kTsv
                              : name == "bpftool" ? analysis::RecordFormat::kBpftool
                                                  : analysis::RecordFormat::kSs;
          },
          "raw, csv, tsv, or the dump of a map: bpftool, ss; without it, the content decides")
      ->type_name("NAME")
      ->check(CLI::IsMember({"raw", "csv", "tsv", "bpftool", "ss"}).description(""));
  command
      .add_option("--value-bytes", options->value_bytes,
                  "Raw records: the size of one, 1 to " + std::to_string(analysis::kMaxValueBytes) +
                      " bytes")
      ->type_name("N")
      ->check(InRange(1, static_cast<int64_t>(analysis::kMaxValueBytes)));
  command
      .add_option("--columns", options->columns,
                  "The columns or fields that form the value, as in 3-5,9 or country,asn")
      ->type_name("LIST");
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
          "--delimiter",
          [options](const std::string& text) { options->delimiter = ParseDelimiter(text); },
          "Text: what separates cells, one byte or 'tab'")
      ->type_name("C");
  command
      .add_option("--map-id", options->map_id,
                  "Output of ss: the map whose values to read, if it shows several")
      ->type_name("N")
      ->check(InRange(0, std::numeric_limits<uint32_t>::max()));
}

CLI::Validator InRange(int64_t smallest, int64_t largest) {
  return CLI::Range(smallest, largest).description("");
}

bool WriteToStdout(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

}  // namespace inlay
