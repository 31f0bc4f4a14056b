// Runs every recorded script on the live kernel and compares the answers.
//
//   live_kernel_test FOLDER              the folder of the recordings
//   live_kernel_test FOLDER --differs    prints the answers that differ from those of the recording
//                                        kernel, as "@differs SCRIPT NUMBER<tab>ANSWER"
//
// Exit code 77, with the reason: this machine cannot run scripts on the kernel, or the recordings
// do not cover its version and it answers differently.

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/live_kernel/scratch_network.h"
#include "tests/kernel/on_kernel/kernel_backend.h"
#include "tests/kernel/script/recorded_scripts.h"
#include "tests/kernel/script/script_runner.h"

namespace inlay::bpf_script {
namespace {

constexpr int kSkipped = 77;

std::string Release() {
  utsname name = {};
  uname(&name);
  return name.release;
}

// "6.18" of "6.18.44-1".
std::string Version() {
  const std::string release = Release();
  return release.substr(0, release.find_first_not_of("0123456789", release.find('.') + 1));
}

// Whether all answers are the recorded ones; prints those that are not, a few at most.
bool SameAnswers(const RecordedScript& script, const Differences& of_this_version,
                 const std::vector<std::string>& answers) {
  constexpr size_t kMostPrinted = 20;
  size_t different = 0;
  for (size_t at = 0; at < script.answers.size(); ++at) {
    const auto known = of_this_version.find(at);
    const std::string& recorded =
        known != of_this_version.end() ? known->second : script.answers[at];
    if (answers[at] == recorded) continue;
    if (++different > kMostPrinted) continue;
    std::printf("%s, answer %zu: %.100s\n  recorded: %.200s\n  now:      %.200s\n",
                script.name.c_str(), at + 1, script.operations[at].c_str(), recorded.c_str(),
                answers[at].c_str());
  }
  if (different > kMostPrinted) std::printf("  and %zu more\n", different - kMostPrinted);
  return different == 0;
}

void PrintDifferences(const RecordedScript& script, const std::vector<std::string>& answers) {
  for (size_t at = 0; at < script.answers.size(); ++at) {
    if (answers[at] == script.answers[at]) continue;
    std::printf("@differs %s %zu\t%s\n", script.name.c_str(), at + 1, answers[at].c_str());
  }
}

bool CanRun(const RecordedScript& script, const live_kernel::OptmemLimit& limit) {
  if (limit.adjustable) return true;
  if (script.SetsLimit()) return false;
  return !script.NeedsDefaultLimit() || limit.bytes == live_kernel::kScratchOptmemBytes;
}

int Main(const std::filesystem::path& folder, bool print_differences) {
  // Inherited descriptors would take the script's numbers.
  close_range(STDERR_FILENO + 1, ~0U, 0);
  const std::vector<RecordedScript> scripts = ReadRecordedScripts(folder);
  std::string reason;
  const std::unique_ptr<KernelAccess> kernel = OpenKernel(&reason);
  if (kernel == nullptr) {
    std::printf("skipped: cannot run on the kernel here: %s\n", reason.c_str());
    return kSkipped;
  }
  size_t different = 0;
  size_t answers = 0;
  size_t left_out = 0;
  const std::string version = Version();
  const live_kernel::OptmemLimit limit = kernel->optmem_limit();
  for (const RecordedScript& script : scripts) {
    if (!CanRun(script, limit)) {
      ++left_out;
      continue;
    }
    const std::unique_ptr<Backend> backend = kernel->NewBackend();
    const std::vector<std::string> now = RunScript(*backend, script.text);
    if (print_differences) {
      PrintDifferences(script, now);
      continue;
    }
    const Differences of_this_version = ReadDifferences(folder, "linux-" + version, script.name);
    if (!SameAnswers(script, of_this_version, now)) ++different;
    answers += script.answers.size();
  }
  if (left_out != 0) {
    std::printf(
        "note: %zu scripts did not run, since they need a net.core.optmem_max of their own: this "
        "kernel has one for the machine, which is %lld\n",
        left_out, static_cast<long long>(limit.bytes));
  }
  std::printf("Linux %s: %zu scripts, %zu answers, %zu scripts differ\n", Release().c_str(),
              scripts.size() - left_out, answers, different);
  if (different == 0) return 0;
  if (HasVersion(folder, version)) return 1;
  std::printf("skipped: the recordings do not cover Linux %s\n", version.c_str());
  return kSkipped;
}

}  // namespace
}  // namespace inlay::bpf_script

int main(int argc, char** argv) {
  const bool print_differences = argc == 3 && std::string_view(argv[2]) == "--differs";
  if (argc != 2 && !print_differences) {
    std::fprintf(stderr, "usage: live_kernel_test FOLDER [--differs]\n");
    return 2;
  }
  try {
    return inlay::bpf_script::Main(argv[1], print_differences);
  } catch (const std::exception& failed) {
    std::printf("live_kernel_test: %s\n", failed.what());
    return 1;
  }
}
