// Runs every recorded script on the live kernel and compares the answers.
//
// Exit code 77, with the reason: this machine cannot run scripts on the kernel, or its kernel is of
// another version than the recordings and answers differently.

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

// Whether all answers are the recorded ones; prints the first difference.
bool SameAnswers(const RecordedScript& script, const std::vector<std::string>& answers) {
  for (size_t at = 0; at < script.answers.size(); ++at) {
    if (answers[at] == script.answers[at]) continue;
    std::printf("%s, answer %zu: %.100s\n  recorded: %.200s\n  now:      %.200s\n",
                script.name.c_str(), at + 1, script.operations[at].c_str(),
                script.answers[at].c_str(), answers[at].c_str());
    return false;
  }
  return true;
}

int Main() {
  // Inherited descriptors would take the script's numbers.
  close_range(STDERR_FILENO + 1, ~0U, 0);
  const std::vector<RecordedScript> scripts = ReadRecordedScripts(INLAY_KERNEL_VECTORS);
  std::string reason;
  const std::unique_ptr<KernelAccess> kernel = OpenKernel(&reason);
  if (kernel == nullptr) {
    std::printf("skipped: cannot run on the kernel here: %s\n", reason.c_str());
    return kSkipped;
  }
  size_t different = 0;
  size_t answers = 0;
  for (const RecordedScript& script : scripts) {
    const std::unique_ptr<Backend> backend = kernel->NewBackend();
    if (!SameAnswers(script, RunScript(*backend, script.text))) ++different;
    answers += script.answers.size();
  }
  std::printf("Linux %s: %zu scripts, %zu answers, %zu scripts differ\n", Release().c_str(),
              scripts.size(), answers, different);
  if (different == 0) return 0;
  if (Release().starts_with(kRecordedOn)) return 1;
  std::printf("skipped: recorded on Linux %s, and this is another\n",
              std::string(kRecordedOn).c_str());
  return kSkipped;
}

}  // namespace
}  // namespace inlay::bpf_script

int main() {
  try {
    return inlay::bpf_script::Main();
  } catch (const std::exception& failed) {
    std::printf("live_kernel_test: %s\n", failed.what());
    return 1;
  }
}
