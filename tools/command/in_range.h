// A check of the whole number that an option takes.

#ifndef INLAY_TOOLS_COMMAND_IN_RANGE_H_
#define INLAY_TOOLS_COMMAND_IN_RANGE_H_

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/pages/numbers/printable.h"

namespace inlay {

// Accepts decimal digits only: CLI11 would read 010 as 8, saturate what has too many digits, and
// turn -1 into the largest unsigned number. Leaves the help alone, where the description says what
// is allowed.
inline CLI::Validator InRange(int64_t smallest, int64_t largest) {
  const auto fault = [smallest, largest](const std::string& text) -> std::string {
    int64_t number = 0;
    const char* const text_end = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), text_end, number);
    const bool has_zeros = text.size() > 1 && text[0] == '0';
    if (error == std::errc() && end == text_end && !has_zeros && number >= smallest &&
        number <= largest) {
      return "";
    }
    const std::string bounds = largest == std::numeric_limits<int64_t>::max()
                                   ? absl::StrCat("of ", smallest, " or more")
                                   : absl::StrCat("from ", smallest, " to ", largest);
    constexpr size_t kShownBytes = 60;
    return absl::StrCat("invalid number '", numbers::Printable(text, kShownBytes),
                        "': expected a whole number ", bounds);
  };
  return {fault, ""};
}

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_IN_RANGE_H_
