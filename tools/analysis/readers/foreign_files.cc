#include "tools/analysis/readers/foreign_files.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace inlay::analysis {
namespace {

using std::string_view_literals::operator""sv;

struct Magic {
  size_t offset;
  std::string_view bytes;
  std::string_view kind;
  std::string_view command;
};

constexpr std::string_view kCsvOfParquet =
    "duckdb -csv -c \"FROM read_parquet('FILE')\" | inlay analyze --header -";
constexpr std::string_view kFieldsOfPackets =
    "tshark -r FILE -T fields -e ip.src -e tcp.dstport | inlay analyze --format tsv -";
constexpr std::string_view kMembersOfElf =
    "inlay analyze --btf FILE --type NAME VALUES, where VALUES is the file of records";

constexpr Magic kMagics[] = {
    {0, "PAR1"sv, "a Parquet file", kCsvOfParquet},
    {0, "\xD4\xC3\xB2\xA1"sv, "a capture of packets (pcap)", kFieldsOfPackets},
    {0, "\xA1\xB2\xC3\xD4"sv, "a capture of packets (pcap)", kFieldsOfPackets},
    {0, "\x4D\x3C\xB2\xA1"sv, "a capture of packets (pcap)", kFieldsOfPackets},
    {0, "\xA1\xB2\x3C\x4D"sv, "a capture of packets (pcap)", kFieldsOfPackets},
    {0, "\x0A\x0D\x0D\x0A"sv, "a capture of packets (pcapng)", kFieldsOfPackets},
    {0,
     "\xFD"
     "7zXZ\0"sv,
     "compressed with xz", "xz -dc FILE | inlay analyze -"},
    {0, "BZh"sv, "compressed with bzip2", "bzip2 -dc FILE | inlay analyze -"},
    {0, "\x04\x22\x4D\x18"sv, "compressed with lz4", "lz4 -dc FILE | inlay analyze -"},
    {0, "\x1F\x9D"sv, "compressed with compress", "zcat FILE | inlay analyze -"},
    {0, "LZIP\x01"sv, "compressed with lzip", "lzip -dc FILE | inlay analyze -"},
    {0, "PK\x03\x04"sv, "a zip archive (as xlsx and ods are)", "unzip -p FILE | inlay analyze -"},
    {0, "PK\x05\x06"sv, "a zip archive without a file in it", ""},
    {0, "7z\xBC\xAF\x27\x1C"sv, "a 7z archive", "7z x -so FILE | inlay analyze -"},
    {0, "Rar!\x1A\x07"sv, "a rar archive", "unrar p -inul FILE | inlay analyze -"},
    {257, "ustar"sv, "a tar archive", "tar -xOf FILE | inlay analyze -"},
    {0, "!<arch>\n"sv, "an archive of ar", "ar p FILE | inlay analyze -"},
    {0, "SQLite format 3\0"sv, "an SQLite database",
     "sqlite3 -csv FILE 'SELECT ...' | inlay analyze -"},
    {0, "ARROW1\0"sv, "an Arrow file", ""},
    {0, "Obj\x01"sv, "an Avro file", ""},
    {0, "ORC"sv, "an ORC file", ""},
    {0, "\x89HDF\r\n\x1A\n"sv, "an HDF5 file", ""},
    {0, "\x93NUMPY"sv, "an array of NumPy", ""},
    {0, "LPKSHHRH"sv, "a journal of systemd",
     "journalctl --file FILE -o json | inlay analyze --columns NAMES -"},
    {0, "PERFILE2"sv, "a recording of perf", "perf script -i FILE"},
    {0, "%PDF-"sv, "a PDF document", ""},
    {0, "\x89PNG\r\n\x1A\n"sv, "a PNG image", ""},
    {0, "\xFF\xD8\xFF"sv, "a JPEG image", ""},
    {0, "GIF8"sv, "a GIF image", ""},
    {0, "REDIS0"sv, "a dump of Redis", ""},
    {0, "INLAYSUM"sv, "a summary of inlay analyze --summary, which has counts and no records",
     "inlay merge FILE"},
    {0, "SU5MQVlTVU"sv, "a summary of inlay analyze --summary, which has counts and no records",
     "inlay merge FILE"},
    {0, "\x9F\xEB\x01\0"sv, "type information (BTF)", kMembersOfElf},
};

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Whether the format's next bytes follow a short magic, so that a table with the same first letters
// does not match.
bool GoesOn(const Magic& magic, std::string_view prefix) {
  const std::string_view rest = prefix.substr(magic.bytes.size());
  if (magic.bytes == "BZh"sv) {
    return rest.size() >= 7 && rest[0] >= '1' && rest[0] <= '9' &&
           (rest.substr(1).starts_with("1AY&SY") ||
            rest.substr(1).starts_with("\x17\x72\x45\x38\x50\x90"));
  }
  if (magic.bytes == "ORC"sv || magic.bytes == "GIF8"sv) {
    return !IsPrintable(prefix.substr(0, std::min<size_t>(prefix.size(), 64)));
  }
  return true;
}

std::string_view ElfKind(std::string_view prefix) {
  constexpr size_t kTypeOffset = 16;
  constexpr char kCore = 4;
  const bool is_core = prefix.size() > kTypeOffset + 1 &&
                       (prefix[kTypeOffset] == kCore || prefix[kTypeOffset + 1] == kCore);
  return is_core ? "a core dump of a process" : "an ELF file (a program or an object)";
}

// Whether every other byte of the start is zero, as in UTF-16 text of western languages. Those are
// the bytes at odd offsets if it is little-endian.
bool AlternatesWithZero(std::string_view prefix, bool little_endian) {
  const std::string_view start = prefix.substr(0, 256);
  if (start.size() < 8) return false;
  for (size_t i = 0; i + 1 < start.size(); i += 2) {
    const char zero = start[little_endian ? i + 1 : i];
    const char letter = start[little_endian ? i : i + 1];
    const bool is_text = (letter >= ' ' && letter <= '~') || (letter >= '\t' && letter <= '\r');
    if (zero != '\0' || !is_text) return false;
  }
  return true;
}

std::optional<ForeignFile> RecognizeEncoding(std::string_view prefix) {
  const auto text = [](std::string_view encoding) {
    return ForeignFile{.kind = absl::StrCat("text in ", std::string(encoding)),
                       .command = absl::StrCat("iconv -f ", std::string(encoding),
                                               " -t UTF-8 FILE | inlay analyze -"),
                       .is_long = false};
  };
  if (prefix.starts_with("\xFF\xFE\0\0"sv) || prefix.starts_with("\0\0\xFE\xFF"sv)) {
    return text("UTF-32");
  }
  if (prefix.starts_with("\xFF\xFE"sv) || prefix.starts_with("\xFE\xFF"sv)) return text("UTF-16");
  if (AlternatesWithZero(prefix, true)) return text("UTF-16LE");
  if (AlternatesWithZero(prefix, false)) return text("UTF-16BE");
  return std::nullopt;
}

// A name as one word of a shell.
std::string Quoted(const std::string& name) {
  if (name == "standard input") return "-";
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '.' || c == '_' || c == '-' || c == '+' || c == ',' || c == ':';
  });
  return plain ? name : std::string("FILE");
}

}  // namespace

std::optional<ForeignFile> RecognizeForeign(std::string_view prefix) {
  if (prefix.starts_with("\x7F"
                         "ELF")) {
    return ForeignFile{.kind = std::string(ElfKind(prefix)), .command = std::string(kMembersOfElf)};
  }
  for (const Magic& magic : kMagics) {
    if (prefix.size() < magic.offset || !prefix.substr(magic.offset).starts_with(magic.bytes) ||
        !GoesOn(magic, prefix)) {
      continue;
    }
    return ForeignFile{.kind = std::string(magic.kind),
                       .command = std::string(magic.command),
                       .is_text = IsPrintable(magic.bytes) && magic.offset == 0,
                       .is_long = magic.bytes.size() >= 4};
  }
  return RecognizeEncoding(prefix);
}

absl::Status ForeignError(const std::string& name, const ForeignFile& foreign) {
  std::string message = absl::StrCat(name, ": is ", foreign.kind, ", which inlay does not read");
  if (!foreign.command.empty()) {
    absl::StrAppend(&message,
                    "; try: ", absl::StrReplaceAll(foreign.command, {{"FILE", Quoted(name)}}));
  }
  if (foreign.is_text) {
    absl::StrAppend(&message, "; if it is a table that only starts like one, use --format csv");
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace inlay::analysis
