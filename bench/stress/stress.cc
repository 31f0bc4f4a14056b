// stress: does everything to the values of every layout at once, for a number of steps or a
// time, with values that carry their own proof. Never a wrong value; nothing left at the end.
//
// Exit codes: 0 nothing wrong; 1 something wrong; 2 bad arguments.

#include <getopt.h>

#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

#include "bench/stress/findings.h"
#include "bench/stress/stress_run.h"

namespace inlay {
namespace {

constexpr char kUsage[] =
    "usage: stress [--seconds S | --steps N] [--threads T] [--layout NAME|all] [--seed N]\n"
    "              [--forks]\n"
    "  --seconds S      of each layout (default 1)\n"
    "  --steps N   of each thread and layout, instead of a time\n"
    "  --threads T      1 to 64 (default 3)\n"
    "  --layout NAME    pointer, inline, single_pointer, shared_pointer, index4, index9, index12,\n"
    "                   index16, or all (default)\n"
    "  --seed N         repeats the choices of a run (default: random, printed)\n"
    "  --forks          forks now and then; the child reads\n";

struct StressedLayout {
  const char* name;
  uint32_t width_bits;
  void (*run)(const StressOptions& options, uint32_t width_bits, Findings* findings);
};

template <typename Map>
void RunLayout(const StressOptions& options, uint32_t width_bits, Findings* findings) {
  StressRun<Map>(options, width_bits, findings).Run();
}

// Four bits name 14 values, so that index4 spills all the time; index16 hardly ever does.
constexpr StressedLayout kLayouts[] = {
    {"pointer", 16, RunLayout<PointerMap>},
    {"inline", 16, RunLayout<InlineMap>},
    {"single_pointer", 16, RunLayout<SinglePointerMap>},
    {"shared_pointer", 16, RunLayout<SharedPointerMap>},
    {"index4", 4, RunLayout<IndexMap>},
    {"index9", 9, RunLayout<IndexMap>},
    {"index12", 12, RunLayout<IndexMap>},
    {"index16", 16, RunLayout<IndexMap>},
};

template <typename Number>
bool Parse(const char* text, Number* number) {
  const char* const end = text + std::strlen(text);
  const std::from_chars_result result = std::from_chars(text, end, *number);
  return result.ec == std::errc() && result.ptr == end;
}

[[noreturn]] void RefuseArguments(const std::string& what) {
  std::fprintf(stderr, "stress: %s\n%s", what.c_str(), kUsage);
  std::exit(2);
}

struct Arguments {
  StressOptions options;
  std::string layout = "all";
};

Arguments ParseArguments(int argc, char** argv) {
  Arguments arguments;
  StressOptions& options = arguments.options;
  options.seed = std::random_device()();
  enum : int { kSeconds = 1, kSteps, kThreads, kLayout, kSeed, kForks, kHelp };
  static constexpr option kOptions[] = {{"seconds", required_argument, nullptr, kSeconds},
                                        {"steps", required_argument, nullptr, kSteps},
                                        {"threads", required_argument, nullptr, kThreads},
                                        {"layout", required_argument, nullptr, kLayout},
                                        {"seed", required_argument, nullptr, kSeed},
                                        {"forks", no_argument, nullptr, kForks},
                                        {"help", no_argument, nullptr, kHelp},
                                        {nullptr, 0, nullptr, 0}};
  opterr = 0;
  for (int option = 0; (option = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    switch (option) {
      case kSeconds:
        if (!Parse(optarg, &options.seconds) || !(options.seconds > 0)) {
          RefuseArguments("--seconds is not a positive number: " + std::string(optarg));
        }
        break;
      case kSteps:
        if (!Parse(optarg, &options.steps) || options.steps == 0) {
          RefuseArguments("--steps is not a positive number: " + std::string(optarg));
        }
        break;
      case kThreads:
        if (!Parse(optarg, &options.threads) || options.threads < 1 || options.threads > 64) {
          RefuseArguments("--threads is not a number from 1 to 64: " + std::string(optarg));
        }
        break;
      case kLayout:
        arguments.layout = optarg;
        break;
      case kSeed:
        if (!Parse(optarg, &options.seed)) {
          RefuseArguments("--seed is not a number: " + std::string(optarg));
        }
        break;
      case kForks:
        options.forks = true;
        break;
      case kHelp:
        std::fputs(kUsage, stdout);
        std::exit(0);
      default:
        RefuseArguments("no such option, or no value for it: " + std::string(argv[optind - 1]));
    }
  }
  if (optind != argc) RefuseArguments("not an option: " + std::string(argv[optind]));
  if (options.seconds > 0 && options.steps > 0) {
    RefuseArguments("--seconds and --steps exclude each other");
  }
  if (options.steps == 0 && options.seconds <= 0) options.seconds = 1;
  return arguments;
}

// Runs one layout and prints a line. Returns whether it found no fault.
bool RunAndReport(const StressedLayout& layout, const StressOptions& options) {
  Findings findings;
  const auto begin = std::chrono::steady_clock::now();
  layout.run(options, layout.width_bits, &findings);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  std::printf("%-15s %12" PRIu64 " operations in %7.1f s, ages %" PRIu64 " %" PRIu64 " %" PRIu64
              ", wrong %" PRIu64 "\n",
              layout.name, findings.operations(), taken.count(), findings.ages(Age::kCurrent),
              findings.ages(Age::kReplaced), findings.ages(Age::kTooOld), findings.wrong());
  std::fflush(stdout);
  return findings.wrong() == 0;
}

int Main(int argc, char** argv) {
  const Arguments arguments = ParseArguments(argc, argv);
  std::printf("seed %" PRIu64 ", %u threads; ages: current, replaced, too old\n",
              arguments.options.seed, arguments.options.threads);
  bool found = false;
  bool right = true;
  for (const StressedLayout& layout : kLayouts) {
    if (arguments.layout != "all" && arguments.layout != layout.name) continue;
    found = true;
    right = RunAndReport(layout, arguments.options) && right;
  }
  if (!found) RefuseArguments("--layout: there is no layout " + arguments.layout);
  return right ? 0 : 1;
}

}  // namespace
}  // namespace inlay

int main(int argc, char** argv) { return inlay::Main(argc, argv); }
