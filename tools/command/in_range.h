// A check of the number that an option takes.

#ifndef INLAY_TOOLS_COMMAND_IN_RANGE_H_
#define INLAY_TOOLS_COMMAND_IN_RANGE_H_

#include <CLI/CLI.hpp>
#include <cstdint>

namespace inlay {

// Leaves the help alone, where the description says what is allowed. Signed, because CLI11 would
// turn
// -1 into the largest unsigned number.
inline CLI::Validator InRange(int64_t smallest, int64_t largest) {
  return CLI::Range(smallest, largest).description("");
}

}  // namespace inlay

#endif  // INLAY_TOOLS_COMMAND_IN_RANGE_H_
