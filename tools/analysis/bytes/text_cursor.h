// TextCursor: walks a text file byte by byte through a buffer, and knows the line it is on.
//
// Not thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_BYTES_TEXT_CURSOR_H_
#define INLAY_TOOLS_ANALYSIS_BYTES_TEXT_CURSOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "tools/analysis/bytes/input_file.h"

namespace inlay::analysis {

class TextCursor {
 public:
  static constexpr int kEnd = -1;

  // Adds what it reads to `bytes_read`, which must outlive it. Skips a UTF-8 byte order mark.
  TextCursor(InputFile file, std::atomic<uint64_t>* bytes_read);

  // The next byte, 0 to 255, without taking it; kEnd at the end of the file and after a failed
  // read.
  int Peek() {
    if (at_ == end_ && !Fill()) return kEnd;
    return buffer_[at_];
  }

  // Takes the byte that Peek() returned. REQUIRES: Peek() was called and was not kEnd.
  void Advance() { line_ += buffer_[at_++] == '\n' ? 1 : 0; }

  // Takes spaces, tabs and line ends; returns the byte after them.
  int SkipSpace();

  // The line of the next byte, counted from 1.
  uint64_t line() const { return line_; }

  // The name of the file.
  const std::string& name() const { return file_.name(); }

  // The reason why reading failed, or OK.
  const absl::Status& status() const { return status_; }

  // An error at `line` of the file, or status() if reading failed.
  absl::Status ErrorAt(uint64_t line, std::string_view what) const;
  absl::Status Error(std::string_view what) const { return ErrorAt(line_, what); }

 private:
  // Reads the next bytes; false when there are none.
  bool Fill();

  InputFile file_;
  std::atomic<uint64_t>* bytes_read_;
  std::vector<uint8_t> buffer_;
  size_t at_ = 0;
  size_t end_ = 0;
  uint64_t line_ = 1;
  absl::Status status_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_BYTES_TEXT_CURSOR_H_
