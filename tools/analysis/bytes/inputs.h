// Inputs: the files of one command, each opened once, in their order, and of one kind.
//
// Besides the file that was taken last, at most one file is open at a time, so the number of files
// does not raise the number of descriptors, threads or buffers. Not thread-safe.

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
  // and when InputFile::Open() fails.
  static absl::StatusOr<Inputs> Open(std::vector<std::string> paths);

  // Whether the inputs are summaries: all of them, or none.
  bool are_summaries() const { return are_summaries_; }

  // The first path, and the name of that file in messages.
  const std::string& first_path() const { return paths_[0]; }
  const std::string& first_name() const { return first_name_; }
  size_t size() const { return paths_.size(); }
  // The sum of the sizes of all files, or 0 if one of them does not know its size.
  uint64_t total_bytes() const { return TotalBytes(paths_); }

  // The file that Take() returns next, for peeking. REQUIRES: none has been taken.
  InputFile& first() { return *open_; }

  // Whether Take() returns nothing from now on.
  bool at_end() const { return !open_.has_value() && next_path_ == paths_.size(); }

  // The next file; nothing after the last one. Fails when InputFile::Open() fails, and if summaries
  // and other files are mixed.
  absl::StatusOr<std::optional<InputFile>> Take();

  // The next file as inputs of its own, for callers that read each file separately.
  absl::StatusOr<std::optional<Inputs>> TakeAlone();

 private:
  Inputs() = default;

  // Opens the next file, if there is one that is not open yet.
  absl::Status OpenNext();

  std::vector<std::string> paths_;
  std::string first_name_;
  size_t next_path_ = 0;           // the one to open next
  std::optional<InputFile> open_;  // but not taken
  bool are_summaries_ = false;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BYTES_INPUTS_H_
