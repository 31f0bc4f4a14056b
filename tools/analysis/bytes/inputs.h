// Inputs: the files of one command, each opened once, in their order, and of one kind.
//
// One file is open at a time, besides the one that was taken last: any number of files needs no
// more descriptors, threads or buffers than one. Not thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_BYTES_INPUTS_H_
#define INLAY_TOOLS_ANALYSIS_BYTES_INPUTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/input_file.h"

namespace inlay::analysis {

class Inputs {
 public:
  // Opens the first of `paths`; "-" is standard input. Fails if there is no path, if two are "-",
  // and for what InputFile::Open() fails for.
  static absl::StatusOr<Inputs> Open(std::vector<std::string> paths);

  // Whether the inputs are summaries. They all are, or none is.
  bool are_summaries() const { return are_summaries_; }

  // The first path, and what messages call that file.
  const std::string& first_path() const { return paths_[0]; }
  const std::string& first_name() const { return first_name_; }
  size_t size() const { return paths_.size(); }
  // The sum of the sizes of all files, or 0 if one of them does not know its size.
  uint64_t total_bytes() const { return TotalBytes(paths_); }

  // The file that Take() returns next, to peek at. REQUIRES: none has been taken.
  InputFile& first() { return *open_; }

  // Whether Take() returns nothing from now on.
  bool at_end() const { return !open_.has_value() && next_path_ == paths_.size(); }

  // The next file; nothing after the last one. Fails for what InputFile::Open() fails for, and
  // for a summary among other files, or the other way round.
  absl::StatusOr<std::optional<InputFile>> Take();

  // The next file as inputs of its own, for those who read each file apart.
  absl::StatusOr<std::optional<Inputs>> TakeAlone();

 private:
  Inputs() = default;

  // Opens the next file, if there is one that is not open yet.
  absl::Status OpenNext();

  std::vector<std::string> paths_;
  std::string first_name_;
  size_t next_path_ = 0;           // the one to open next
  std::optional<InputFile> open_;  // and not taken
  bool are_summaries_ = false;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BYTES_INPUTS_H_
