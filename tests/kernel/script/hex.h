// Bytes, and their text in scripts.

#ifndef INLAY_TESTS_KERNEL_SCRIPT_HEX_H_
#define INLAY_TESTS_KERNEL_SCRIPT_HEX_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace inlay::bpf_script {

using Bytes = std::vector<std::byte>;

// Lower case, two digits per byte.
std::string ToHex(std::span<const std::byte> bytes);

// Empty if `text` is empty, has an odd number of digits, or another character.
std::optional<Bytes> FromHex(std::string_view text);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_SCRIPT_HEX_H_
