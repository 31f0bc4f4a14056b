// InputNote: a sentence about the input, for people who rely on the figures.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_INPUT_NOTE_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_INPUT_NOTE_H_

#include <compare>
#include <string>
#include <utility>
#include <vector>

namespace inlay::analysis {

// A reader makes it; the summary and the report carry it on.
struct InputNote {
  std::string text = {};
  // The figures may be wrong because of it: part of the input is missing, damaged, or can be read
  // in two ways. The command prints such notes on standard error too, and then judges no limits.
  bool doubt = false;

  bool operator==(const InputNote&) const = default;
  // Doubts come first.
  std::strong_ordering operator<=>(const InputNote& other) const {
    if (doubt != other.doubt)
      return doubt ? std::strong_ordering::less : std::strong_ordering::greater;
    return text <=> other.text;
  }
};

inline InputNote Doubt(std::string text) { return {std::move(text), true}; }

// The sentences alone, in the same order.
inline std::vector<std::string> NoteTexts(const std::vector<InputNote>& notes) {
  std::vector<std::string> texts;
  texts.reserve(notes.size());
  for (const InputNote& note : notes) texts.push_back(note.text);
  return texts;
}

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_INPUT_NOTE_H_
