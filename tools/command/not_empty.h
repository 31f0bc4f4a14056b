// A check of the text that an option takes.

#ifndef INLAY_TOOLS_COMMAND_NOT_EMPTY_H_
#define INLAY_TOOLS_COMMAND_NOT_EMPTY_H_

#include <CLI/CLI.hpp>
#include <string>

namespace inlay {

// Refuses an empty text: a script whose variable is not set must not be read as if the option had
// been left out. CLI11 puts the option's name before the message.
inline CLI::Validator NotEmpty() {
  return {[](const std::string& text) {
            return text.empty() ? std::string("the text is empty; is a variable not set?")
                                : std::string();
          },
          ""};
}

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_NOT_EMPTY_H_
