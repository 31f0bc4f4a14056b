#include "bench/program/run_context.h"

#include <fstream>
#include <string>
#include <string_view>

#include "bench/program/commit.h"  // written by commit.cmake

namespace inlay::bench {
namespace {

std::string FirstValueInFile(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) return line;
    const size_t start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "unknown";
}

// "Linux version 6.18.44-1 (builder@...) ...": the third word identifies the kernel.
std::string KernelRelease() {
  std::ifstream file("/proc/version");
  std::string system, version, release;
  file >> system >> version >> release;
  return release.empty() ? "unknown" : system + " " + release;
}

// Reconstructed from the arguments.
std::string CommandLine(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) line += (i > 0 ? " " : "") + std::string(argv[i]);
  return line;
}

}  // namespace

RunContext ContextOfRun(int argc, char** argv) {
  const std::string_view path = argv[0];
  return {
      {"program", std::string(path.substr(path.rfind('/') + 1))},
      {"command", CommandLine(argc, argv)},
      {"commit", INLAY_COMMIT},
      {"compiler", INLAY_COMPILER},
      {"build_type", INLAY_BUILD_TYPE},
      {"cpu", FirstValueInFile("/proc/cpuinfo", "model name")},
      {"kernel", KernelRelease()},
      {"transparent_hugepage", FirstValueInFile("/sys/kernel/mm/transparent_hugepage/enabled", "")},
  };
}

}  // namespace inlay::bench
