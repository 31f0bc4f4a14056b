// PrintedText: judges fields that exist only as text that bpftool printed.
//
// Not thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_DUMPS_PRINTED_TEXT_H_
#define INLAY_TOOLS_ANALYSIS_DUMPS_PRINTED_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tools/analysis/values/input_note.h"

namespace inlay::analysis {

class PrintedText {
 public:
  // `names` are the fields of the values, and `columns` the chosen ones. With `has_bytes`, the dump
  // has the bytes of values too, and without the choice of columns they would tell values apart.
  void Start(std::vector<std::string> names, std::vector<size_t> columns, bool has_bytes);

  // Looks at the text of each field of one value. Does nothing before Start().
  void Add(const std::vector<std::string_view>& cells);

  // Appends a note for each doubtful kind of field. With `as_printed`, the text is as bpftool
  // printed it; no other program has changed its numbers.
  void AddNotes(bool as_printed, std::vector<InputNote>* notes) const;

 private:
  struct Field {
    bool unsupported = false;     // bpftool could not print it
    bool has_text = false;        // an array of char was printed as text, or an enumerator
    bool is_rounded = false;      // a number beyond 64 bits, or with an exponent
    bool is_exact = false;        // a number above 2^53 that no double holds
    bool may_be_rounded = false;  // a number above 2^53 that a double holds
  };

  static void Look(std::string_view text, Field* field);
  bool Any(bool Field::*property) const;
  // "'a', 'b' and others": the fields with that property.
  std::string Names(bool Field::*property) const;

  std::vector<std::string> names_;
  std::vector<size_t> columns_;
  std::vector<Field> fields_;  // of columns_
  bool has_bytes_ = false;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_DUMPS_PRINTED_TEXT_H_
