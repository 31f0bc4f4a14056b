// Guesses from the first bytes of a file its format, and whether its first row is a header. The
// user can overrule every guess.
//
// Thread-safe: functions without state.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_FORMAT_DETECTION_H_
#define INLAY_TOOLS_ANALYSIS_READERS_FORMAT_DETECTION_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "tools/analysis/grammar/delimited_row.h"

namespace inlay::analysis {

// The bytes of a file that a guess needs.
inline constexpr size_t kDetectionBytes = size_t{64} << 10;

// The end of messages about a file that does not match those before it.
inline constexpr char kOneKindOnly[] = "the files of one data set must be of one kind";

enum class DetectedFormat {
  kBinary,
  kCapture,  // .inlay
  kGzip,
  kZstd,
  kZeek,
  kJson,  // objects, one after the other or in an array
  kCsv,
  kTsv,
  kBlank,    // columns between runs of blanks
  kBpftool,  // a dump of a map
  kSs,       // sockets, with or without values of maps
};

struct Detection {
  DetectedFormat format = DetectedFormat::kBinary;
  Dialect dialect;  // kCsv, kTsv and kBlank only
};

// The format of the file that starts with `prefix`, decompressed, and has the name `path`, in which
// ".gz" or ".zst" at the end does not count. A capture starts with the magic of capture_format.h,
// or its name ends in .inlay. A Zeek log starts with #separator; dumps of BPF maps have a typical
// start, or a value of a map among the lines of ss. Other text is TSV if its rows agree on a number
// of tabs or its name ends in .tsv, and otherwise CSV with the first of ',' ';' '|' on whose number
// the rows agree.
Detection DetectFormat(std::string_view prefix, std::string_view path);

// "CSV", "CSV with ';'", "TSV", "a Zeek log" and so on, for people.
std::string KindName(const Detection& detection);

// The way in which the file `name`, which starts with `text`, differs in kind from the text in
// `first_path`, whose dialect `first` was guessed; empty if it does not. `fits` tells whether its
// first row has as many cells.
std::string OtherKindOfText(std::string_view text, const std::string& name, bool fits,
                            const Dialect& first, const std::string& first_path);

// Whether the first row of `text` has only distinct, non-empty, non-numeric cells while some column
// has only numbers in the rows below it.
bool FirstRowLooksLikeHeader(std::string_view text, const Dialect& dialect);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_FORMAT_DETECTION_H_
