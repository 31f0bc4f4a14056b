// RecordedScript: a script of vectors/ with the answers of the kernel that it was recorded on, and
// where a layout may answer differently.

#ifndef INLAY_TESTS_KERNEL_RECORDED_SCRIPTS_H_
#define INLAY_TESTS_KERNEL_RECORDED_SCRIPTS_H_

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace inlay::bpf_script {

// The kernel that the answers are of: uname -r starts with this.
inline constexpr std::string_view kRecordedOn = "6.18.";

struct RecordedScript {
  std::string name;  // "02_update_flags"
  std::string text;
  std::vector<std::string> operations;  // the lines that have an answer
  std::vector<std::string> answers;     // one for each

  // Whether the answer to an operation may depend on what a value is charged for, which is not the
  // same in every layout: what sk_omem_alloc is, and all that runs under a limit.
  bool MayDependOnCharge(size_t operation) const;
};

// All of them, by name. Throws std::runtime_error if there are none, or one is not whole.
std::vector<RecordedScript> ReadRecordedScripts(const std::filesystem::path& folder);

// Answers of a layout that differ from the kernel's, by the answer's index.
using Differences = std::map<size_t, std::string>;
Differences ReadDifferences(const std::filesystem::path& folder, std::string_view layout,
                            std::string_view script);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_RECORDED_SCRIPTS_H_
