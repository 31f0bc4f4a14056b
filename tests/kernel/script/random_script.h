// RandomScript: a script over the whole language, the same for the same seed.

#ifndef INLAY_TESTS_KERNEL_SCRIPT_RANDOM_SCRIPT_H_
#define INLAY_TESTS_KERNEL_SCRIPT_RANDOM_SCRIPT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace inlay::bpf_script {

enum class RandomLimits : uint8_t {
  kNone,    // only answers to `omem` depend on charges
  kOptmem,  // changes net.core.optmem_max all the time, so that values are refused
};

// `operations` lines after those that make the first maps and sockets.
std::vector<std::string> RandomScript(uint64_t seed, size_t operations, RandomLimits limits);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_SCRIPT_RANDOM_SCRIPT_H_
