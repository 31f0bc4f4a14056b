// Random scripts on all layouts against each other, and on the live kernel against the pointer
// layout. If two answer differently, it shrinks the script and prints it with both answers.
//
//   differential_test [--seed S] [--operations N] [--on-kernel]
//
// Only --on-kernel needs the kernel: exit code 77, with the reason, if this machine cannot run it.
// Answers that depend on charges are compared between the kernel and the pointer layout only.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/live_kernel/scratch_network.h"
#include "tests/kernel/on_inlay/inlay_backend.h"
#include "tests/kernel/on_kernel/kernel_backend.h"
#include "tests/kernel/script/random_script.h"
#include "tests/kernel/script/script_runner.h"
#include "tests/kernel/script/shrunk_script.h"

namespace inlay::bpf_script {
namespace {

constexpr int kDifferent = 1;
constexpr int kUsage = 2;
constexpr int kSkipped = 77;
constexpr size_t kOperationsPerScript = 500;

using Script = std::vector<std::string>;

std::string Text(const Script& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

bool ParseNumber(std::string_view text, auto* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

// Where a script runs: a layout, or "kernel".
class Place {
 public:
  explicit Place(std::string_view name, KernelAccess* kernel = nullptr)
      : name_(name), kernel_(kernel) {}

  std::string_view name() const { return name_; }
  bool is_kernel() const { return kernel_ != nullptr; }

  // The answers to the lines, and one more if an invariant is broken that no answer reveals.
  std::vector<std::string> Answers(const Script& lines) const {
    const std::unique_ptr<Backend> backend =
        is_kernel() ? kernel_->NewBackend() : NewInlayBackend(name_);
    std::vector<std::string> answers = RunScript(*backend, Text(lines));
    std::string reason;
    if (!backend->CheckInvariants(&reason)) answers.push_back("BROKEN: " + reason);
    return answers;
  }

 private:
  std::string name_;
  KernelAccess* kernel_;
};

// The index of the first answer that differs, if any. `charges`: compare answers to `omem` too.
std::optional<size_t> FirstDifference(const Script& lines, const std::vector<std::string>& left,
                                      const std::vector<std::string>& right, bool charges) {
  for (size_t at = 0; at < std::max(left.size(), right.size()); ++at) {
    if (at >= left.size() || at >= right.size()) return at;
    if (left[at] == right[at]) continue;
    if (charges || !lines[at].starts_with("omem ")) return at;
  }
  return std::nullopt;
}

class Comparison {
 public:
  Comparison(Place expected, Place compared, RandomLimits limits)
      : expected_(std::move(expected)), compared_(std::move(compared)) {
    charges_ = expected_.is_kernel();
    // Under a limit the layouts answer differently; check only their invariants.
    answers_ = charges_ || limits == RandomLimits::kNone;
  }

  // `expected`: the expected answers.
  bool Differ(const Script& lines, const std::vector<std::string>& expected) const {
    return FindDifference(lines, expected, compared_.Answers(lines)).has_value();
  }
  bool Differ(const Script& lines) const { return Differ(lines, expected_.Answers(lines)); }

  void Print(const Script& lines) const {
    const std::vector<std::string> expected = expected_.Answers(lines);
    const std::vector<std::string> compared = compared_.Answers(lines);
    std::printf("%s and %s differ after %zu lines:\n", std::string(expected_.name()).c_str(),
                std::string(compared_.name()).c_str(), lines.size());
    for (size_t at = 0; at < std::max(expected.size(), compared.size()); ++at) {
      const auto one = [at](const auto& of) { return at < of.size() ? of[at].c_str() : "-"; };
      const std::string_view left = one(expected);
      const std::string_view right = one(compared);
      std::printf("  %-50.200s %.200s", one(lines), left.data());
      if (left != right) std::printf("   | %.200s", right.data());
      std::printf("\n");
    }
    std::fflush(stdout);
  }

 private:
  std::optional<size_t> FindDifference(const Script& lines, const std::vector<std::string>& left,
                                       const std::vector<std::string>& right) const {
    if (answers_) return FirstDifference(lines, left, right, charges_);
    if (right.size() > lines.size()) return lines.size();
    return std::nullopt;
  }

  Place expected_;
  Place compared_;
  bool charges_ = false;
  bool answers_ = false;
};

struct Options {
  uint64_t seed = std::random_device()();
  size_t operations = 200000;
  bool on_kernel = false;
};

// Sets an option with a value; false if the option or the value is unknown.
bool SetOption(std::string_view option, std::string_view value, Options* options) {
  if (option == "--seed") return ParseNumber(value, &options->seed);
  return option == "--operations" && ParseNumber(value, &options->operations);
}

std::optional<Options> Parse(std::span<char* const> arguments) {
  Options options;
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (std::string_view(arguments[i]) == "--on-kernel") {
      options.on_kernel = true;
      continue;
    }
    if (i + 1 == arguments.size()) return std::nullopt;
    if (!SetOption(arguments[i], arguments[i + 1], &options)) return std::nullopt;
    ++i;
  }
  return options;
}

class Run {
 public:
  Run(const Options& options, KernelAccess* kernel)
      : options_(options),
        kernel_(kernel),
        sets_limits_(kernel == nullptr || kernel->optmem_limit().adjustable) {}

  // True if nothing differed.
  bool AllScripts() {
    const size_t scripts = std::max<size_t>(options_.operations / kOperationsPerScript, 1);
    const auto work = [this, scripts] {
      for (size_t n = next_++; n < scripts && !failed_; n = next_++) OneScript(n);
    };
    if (kernel_ != nullptr) {
      work();
    } else {
      constexpr size_t kThreads = 16;  // they mostly wait for grace periods
      std::vector<std::jthread> workers;
      for (size_t i = 0; i < kThreads; ++i) workers.emplace_back(work);
    }
    if (failed_) return false;
    std::printf("%zu scripts, %zu operations: no difference\n", scripts, operations_.load());
    return true;
  }

 private:
  void OneScript(size_t number) {
    const RandomLimits limits =
        sets_limits_ && number % 3 == 2 ? RandomLimits::kOptmem : RandomLimits::kNone;
    const Script lines = RandomScript(options_.seed + number, kOperationsPerScript, limits);
    operations_ += lines.size();
    if (kernel_ != nullptr) {
      const Comparison comparison(Place("kernel", kernel_), Place(kernel_->same_layout()), limits);
      if (comparison.Differ(lines)) return Report(comparison, lines);
    }
    const Place pointer("pointer");
    const std::vector<std::string> expected = pointer.Answers(lines);
    for (const std::string_view layout : FuzzedLayoutNames()) {
      const Comparison comparison(pointer, Place(layout), limits);
      if (comparison.Differ(lines, expected)) return Report(comparison, lines);
    }
  }

  void Report(const Comparison& comparison, const Script& lines) {
    const std::lock_guard lock(report_mutex_);
    if (failed_.exchange(true)) return;
    std::printf("found a difference; shrinking the script\n");
    std::fflush(stdout);
    comparison.Print(
        ShrunkScript(lines, [&](const Script& less) { return comparison.Differ(less); }));
  }

  const Options options_;
  KernelAccess* const kernel_;
  const bool sets_limits_;
  std::atomic<size_t> next_{0};
  std::atomic<size_t> operations_{0};
  std::atomic<bool> failed_{false};
  std::mutex report_mutex_;
};

int Main(std::span<char* const> arguments) {
  const std::optional<Options> options = Parse(arguments);
  if (!options.has_value()) {
    std::printf("usage: differential_test [--seed S] [--operations N] [--on-kernel]\n");
    return kUsage;
  }
  std::unique_ptr<KernelAccess> kernel;
  if (options->on_kernel) {
    close_range(STDERR_FILENO + 1, ~0U, 0);
    std::string reason;
    kernel = OpenKernel(&reason);
    if (kernel == nullptr) {
      std::printf("skipped: cannot run on the kernel here: %s\n", reason.c_str());
      return kSkipped;
    }
    if (kernel->same_layout().empty()) {
      std::printf("skipped: this kernel answers neither as Linux 6.18 nor as 6.1\n");
      return kSkipped;
    }
    std::printf("compared with %s\n", std::string(kernel->same_layout()).c_str());
    const live_kernel::OptmemLimit limit = kernel->optmem_limit();
    if (!limit.adjustable) {
      std::printf("note: this kernel has one net.core.optmem_max for the machine: no limits\n");
      if (limit.bytes < live_kernel::kScratchOptmemBytes) {
        std::printf("skipped: net.core.optmem_max is %lld, and the scripts need %lld\n",
                    static_cast<long long>(limit.bytes),
                    static_cast<long long>(live_kernel::kScratchOptmemBytes));
        return kSkipped;
      }
    }
  }
  std::printf("differential_test --seed %llu --operations %zu%s\n",
              static_cast<unsigned long long>(options->seed), options->operations,
              options->on_kernel ? " --on-kernel" : "");
  std::fflush(stdout);
  return Run(*options, kernel.get()).AllScripts() ? 0 : kDifferent;
}

}  // namespace
}  // namespace inlay::bpf_script

int main(int argc, char** argv) {
  try {
    return inlay::bpf_script::Main({argv, static_cast<size_t>(argc)});
  } catch (const std::exception& failed) {
    std::printf("differential_test: %s\n", failed.what());
    return 1;
  }
}
