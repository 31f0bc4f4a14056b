// Prints the doubts about the input to standard error.

#ifndef INLAY_TOOLS_COMMAND_OUTPUT_PRINT_DOUBTS_H_
#define INLAY_TOOLS_COMMAND_OUTPUT_PRINT_DOUBTS_H_

#include <cstdio>
#include <vector>

#include "tools/analysis/values/input_note.h"
#include "tools/command/output/message_text.h"

namespace inlay {

// Prints "inlay COMMAND: NOTE" to standard error for each doubt among `notes`. Returns whether
// there is one.
inline bool PrintDoubts(const char* command, const std::vector<analysis::InputNote>& notes) {
  bool any = false;
  for (const analysis::InputNote& note : notes) {
    if (!note.doubt) continue;
    std::fprintf(stderr, "inlay %s: %s\n", command, MessageText(note.text).c_str());
    any = true;
  }
  return any;
}

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_OUTPUT_PRINT_DOUBTS_H_
