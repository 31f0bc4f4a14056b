#include "tools/command/one_of.h"

#include "absl/strings/str_cat.h"
#include "tools/command/usage_error.h"

namespace inlay {

CLI::Validator OneOf(const std::set<std::string>& names) {
  const auto fault = [names](const std::string& name) -> std::string {
    if (names.find(name) != names.end()) return "";
    return absl::StrCat("there is no ", WithCloseNames(name, names), " Choose from ", Joined(names),
                        ".");
  };
  return {fault, ""};
}

}  // namespace inlay
