#include "tools/record_flags.h"

#include <cstdio>

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
            options->format = name == "raw"   ? analysis::RecordFormat::kRaw
                              : name == "csv" ? analysis::RecordFormat::kCsv
                                              : analysis::RecordFormat::kTsv;
          },
          "raw, csv or tsv; without it, the content decides")
      ->type_name("NAME")
      ->check(CLI::IsMember({"raw", "csv", "tsv"}).description(""));
  command
      .add_option("--value-bytes", options->value_bytes,
                  "Raw records: the size of one, 1 to " + std::to_string(analysis::kMaxValueBytes) +
                      " bytes")
      ->type_name("N")
      ->check(InRange(1, static_cast<int64_t>(analysis::kMaxValueBytes)));
  command
      .add_option("--fields", options->fields,
                  "Raw records: the members of the struct, as in mss:u16,cc:char[16],sack:u8:1")
      ->type_name("LIST");
  command
      .add_option(
          "--btf", options->btf_path,
          "Raw records: a file with BTF that describes the struct: an ELF object, or raw BTF")
      ->type_name("PATH");
  command.add_option("--type", options->type, "Raw records: the name of the struct in --btf")
      ->type_name("NAME");
  command
      .add_option("--columns", options->columns,
                  "Text: the columns that form the value, as in 3-5,9 or country,asn")
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
}

CLI::Validator InRange(int64_t smallest, int64_t largest) {
  return CLI::Range(smallest, largest).description("");
}

bool WriteToStdout(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

}  // namespace inlay
