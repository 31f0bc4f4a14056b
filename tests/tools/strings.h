// Strings: the values that most readers return and most tests compare.

#ifndef INLAY_TESTS_TOOLS_STRINGS_H_
#define INLAY_TESTS_TOOLS_STRINGS_H_

#include <string>
#include <vector>

namespace inlay {

using Strings = std::vector<std::string>;

}  // namespace inlay

#endif  // INLAY_TESTS_TOOLS_STRINGS_H_
