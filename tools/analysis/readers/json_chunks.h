// JsonChunks: cuts files of JSON into runs of whole objects, which threads can parse by themselves.
//
// Not thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_READERS_JSON_CHUNKS_H_
#define INLAY_TOOLS_ANALYSIS_READERS_JSON_CHUNKS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/analysis/bytes/input_file.h"
#include "tools/analysis/bytes/inputs.h"

namespace inlay::analysis {

struct JsonChunk {
  struct Place {
    size_t begin = 0;
    size_t end = 0;
    uint64_t line = 1;  // of its first byte in the file
  };

  std::string text;
  std::vector<Place> objects;  // in `text`
  std::string file_name;
};

class JsonChunks {
 public:
  // Adds what it reads to `bytes_read`, which must outlive it.
  JsonChunks(Inputs inputs, std::atomic<uint64_t>* bytes_read);

  // Fills `chunk` with at least one object and at most `most_objects`; false at the end of the last
  // file. Errors name the file and the line; no call may follow one.
  absl::StatusOr<bool> Take(size_t most_objects, JsonChunk* chunk);

  // Whether the last object is taken; may be false until a Take() meets the end.
  bool AtEnd() const { return !file_.has_value() && inputs_.at_end(); }
  // Whether there was an array.
  bool has_array() const { return has_array_; }

 private:
  // Opens the next file; false if there is none.
  absl::StatusOr<bool> OpenNext();
  // Appends bytes of the file to the buffer; false at the end of the file.
  absl::StatusOr<bool> Fill();
  // Skips the text before the next object, which then starts at at_; false if the buffer has no
  // object.
  absl::StatusOr<bool> FindObject();
  // The end of the object at at_; npos if it is not in the buffer.
  size_t ObjectEnd() const;
  absl::Status EndFile();
  void Advance(size_t to);
  absl::Status Error(std::string_view what) const;

  Inputs inputs_;
  std::atomic<uint64_t>* const bytes_read_;
  std::optional<InputFile> file_;
  std::string name_;    // of file_, or the file before
  std::string buffer_;  // of file_; not taken from at_ on
  size_t at_ = 0;
  uint64_t line_ = 1;  // of at_
  bool in_array_ = false;
  bool after_element_ = false;  // a ',' or ']' must follow
  bool after_comma_ = false;    // an element must follow
  bool has_array_ = false;
  bool has_object_ = false;  // the file has one
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_READERS_JSON_CHUNKS_H_
