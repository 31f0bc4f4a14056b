// Checks the text of an option.

#ifndef INLAY_TOOLS_COMMAND_NOT_EMPTY_H_
#define INLAY_TOOLS_COMMAND_NOT_EMPTY_H_

#include <CLI/CLI.hpp>
#include <string>

namespace inlay {

// Rejects an empty text: an unset variable in a script must not act as a missing option. CLI11 puts
// the option's name before the message.
inline CLI::Validator NotEmpty() {
  return {[](const std::string& text) {
            return text.empty() ? std::string("the text is empty; is a variable not set?")
                                : std::string();
          },
          ""};
}

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_NOT_EMPTY_H_
