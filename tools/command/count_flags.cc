#include "tools/command/count_flags.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>

namespace inlay {

void AddMemoryFlag(CLI::App& command, size_t* memory_bytes) {
  constexpr size_t kLeastBytes = size_t{16} << 20;
  command
      .add_option_function<std::string>(
          "--memory",
          [memory_bytes](const std::string& text) {
            size_t digits = 0;
            uint64_t number = 0;
            try {
              if (!text.empty() && text[0] >= '1' && text[0] <= '9')
                number = std::stoull(text, &digits);
            } catch (const std::exception&) {
            }
            const std::string unit = text.substr(std::min(digits, text.size()));
            const int shift = unit.empty()  ? 0
                              : unit == "K" ? 10
                              : unit == "M" ? 20
                              : unit == "G" ? 30
                                            : -1;
            if (digits == 0 || shift < 0 || number > (SIZE_MAX >> std::max(shift, 0)) ||
                (number << shift) < kLeastBytes) {
              throw CLI::ValidationError(
                  "--memory",
                  "invalid size '" + text + "': expected at least 16M, for example 512M");
            }
            *memory_bytes = static_cast<size_t>(number) << shift;
          },
          "Limit memory to about this much, as in 512M or 2G; if the distinct values do not fit, "
          "sample them and give the error of the figures")
      ->type_name("BYTES");
}

CLI::Option* AddLineFlag(CLI::App& command, bool* as_line) {
  return command.add_flag(
      "--as-line", *as_line,
      "Write the summary as one line of text (base64), for engines that pass lines on");
}

}  // namespace inlay
