#include "engine/sync/broken_rule.h"

#include <cstdio>
#include <cstdlib>

namespace inlay {

void BrokenRule(const char* kind, const char* name, const char* rule) noexcept {
  if (*name != '\0') {
    std::fprintf(stderr, "inlay: %s \"%s\" %s\n", kind, name, rule);
  } else {
    std::fprintf(stderr, "inlay: a %s %s\n", kind, rule);
  }
  std::abort();
}

}  // namespace inlay
