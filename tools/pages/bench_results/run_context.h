// RunContext: the machine, the build and the method of a measurement. Figures need all of it.

#ifndef INLAY_TOOLS_PAGES_BENCH_RESULTS_RUN_CONTEXT_H_
#define INLAY_TOOLS_PAGES_BENCH_RESULTS_RUN_CONTEXT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"

namespace inlay::bench_page {

struct RunContext {
  std::string cpu;
  std::string compiler;
  std::string build_type;
  std::string kernel;
  std::string transparent_hugepage;  // as in /sys: the setting is the word in brackets
  std::string commit;
  std::string command;
  std::string program;
  std::string date;
  int64_t num_cpus = 0;
  double mhz_per_cpu = 0;           // 0: unknown
  std::vector<std::string> caches;  // "L1 data 32 KiB", ...; may be empty
  std::vector<std::string> bars;    // in the form of bench/program/bar.h
};

// Reads the "context" object of a result. A failure names `path`, and the key that is missing,
// empty or of the wrong type.
absl::StatusOr<RunContext> ReadRunContext(const std::string& path, const nlohmann::json& context);

// One report is about one machine and one build: fails, naming the file and the key, if two results
// differ in cpu, num_cpus, kernel, compiler, build_type or commit.
absl::Status CheckAgreement(const std::string& path, const RunContext& context,
                            const std::string& other_path, const RunContext& other);

// The setting of transparent huge pages: "madvise" of "always [madvise] never".
std::string HugePageSetting(const RunContext& context);

}  // namespace inlay::bench_page

#endif  // INLAY_TOOLS_PAGES_BENCH_RESULTS_RUN_CONTEXT_H_
