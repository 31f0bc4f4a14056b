// RecordedScript: a script of vectors/ with the kernel's recorded answers, and the answers in which
// a layout may differ.

#ifndef INLAY_TESTS_KERNEL_SCRIPT_RECORDED_SCRIPTS_H_
#define INLAY_TESTS_KERNEL_SCRIPT_RECORDED_SCRIPTS_H_

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace inlay::bpf_script {

// The version of the recording kernel.
inline constexpr std::string_view kRecordedOn = "6.18";

struct RecordedScript {
  std::string name;  // "02_update_flags"
  std::string text;
  std::vector<std::string> operations;  // the lines that have an answer
  std::vector<std::string> answers;     // one for each

  // Whether the answer to an operation may depend on charges, which differ between layouts: answers
  // to `omem`, and everything under a limit.
  bool MayDependOnCharge(size_t operation) const;
  // Whether it sets net.core.optmem_max.
  bool SetsLimit() const;
  // Whether it fills sockets up to the default limit, kScratchOptmemBytes.
  bool NeedsDefaultLimit() const;
};

// All scripts, sorted by name. Throws std::runtime_error if there are none, or if one has too few
// or too many answers.
std::vector<RecordedScript> ReadRecordedScripts(const std::filesystem::path& folder);

// The answers that differ from the recorded ones, by index: of a layout, or of a kernel of another
// version ("linux-6.1").
using Differences = std::map<size_t, std::string>;
Differences ReadDifferences(const std::filesystem::path& folder, std::string_view who,
                            std::string_view script);

// Whether the recordings have the answers of this kernel version ("6.1").
bool HasVersion(const std::filesystem::path& folder, std::string_view version);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_SCRIPT_RECORDED_SCRIPTS_H_
