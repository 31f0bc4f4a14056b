// Checks of the number that an option takes.

#ifndef INLAY_TOOLS_COMMAND_IN_RANGE_H_
#define INLAY_TOOLS_COMMAND_IN_RANGE_H_

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "tools/pages/numbers/printable.h"

namespace inlay {

// InRange() and NumberInRange() accept decimal notation only: CLI11 would read 010 as 8 and 0x10 as
// 16, saturate a number of too many digits, turn -1 into the largest unsigned number, and find nan
// in every range. They leave the help alone, where the description says what is allowed.
template <typename Number>
CLI::Validator InDecimalRange(Number smallest, Number largest, std::string_view kind) {
  const auto fault = [=](const std::string& text) -> std::string {
    Number number = 0;
    const char* const text_end = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), text_end, number);
    const bool has_zeros = text.size() > 1 && text[0] == '0' && text[1] != '.';
    // Every comparison with nan is false.
    if (error == std::errc() && end == text_end && !has_zeros && number >= smallest &&
        number <= largest) {
      return "";
    }
    const std::string bounds = largest == std::numeric_limits<Number>::max()
                                   ? absl::StrCat(" of ", smallest, " or more")
                                   : absl::StrCat(" from ", smallest, " to ", largest);
    constexpr size_t kShownBytes = 60;
    return absl::StrCat("invalid number '", numbers::Printable(text, kShownBytes), "': expected ",
                        std::string(kind), bounds);
  };
  return {fault, ""};
}

inline CLI::Validator InRange(int64_t smallest, int64_t largest) {
  return InDecimalRange(smallest, largest, "a whole number");
}

inline CLI::Validator NumberInRange(double smallest, double largest) {
  return InDecimalRange(smallest, largest, "a number");
}

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_IN_RANGE_H_
