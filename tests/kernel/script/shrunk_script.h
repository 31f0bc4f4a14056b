// ShrunkScript: the shortest part of a script for which something still happens (delta debugging).

#ifndef INLAY_TESTS_KERNEL_SCRIPT_SHRUNK_SCRIPT_H_
#define INLAY_TESTS_KERNEL_SCRIPT_SHRUNK_SCRIPT_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace inlay::bpf_script {

// REQUIRES: happens(lines). Calls it for ever smaller parts of `lines`. Without any single line of
// the result, it is false.
template <typename Happens>
std::vector<std::string> ShrunkScript(std::vector<std::string> lines, Happens&& happens) {
  for (size_t chunk = std::max<size_t>(lines.size() / 2, 1);;) {
    bool shrunk = false;
    for (size_t at = 0; at < lines.size();) {
      const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end = begin + static_cast<std::ptrdiff_t>(std::min(chunk, lines.size() - at));
      std::vector<std::string> rest(lines.begin(), begin);
      rest.insert(rest.end(), end, lines.end());
      if (happens(rest)) {
        lines = std::move(rest);
        shrunk = true;
      } else {
        at += chunk;
      }
    }
    if (chunk == 1 && !shrunk) return lines;
    chunk = std::max<size_t>(chunk / 2, 1);
  }
}

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_SCRIPT_SHRUNK_SCRIPT_H_
