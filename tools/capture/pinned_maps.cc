#include "tools/capture/pinned_maps.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "tools/capture/kernel_map.h"

namespace inlay::capture {
namespace {

// The kernel escapes characters in octal: "\040" is a blank.
std::string Unescaped(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::vector<std::string> BpfMounts() {
  std::vector<std::string> found;
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device;
    std::string path;
    std::string type;
    words >> device >> path >> type;
    if (type == "bpf") found.push_back(Unescaped(path));
  }
  return found;
}

}  // namespace

std::map<uint32_t, std::vector<std::string>> FindPinnedMaps() {
  namespace fs = std::filesystem;
  std::map<uint32_t, std::vector<std::string>> paths;
  for (const std::string& mount : BpfMounts()) {
    std::error_code error;
    fs::recursive_directory_iterator at(mount, fs::directory_options::skip_permission_denied,
                                        error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      std::error_code unreadable;
      if (!at->is_regular_file(unreadable)) continue;
      // Programs and links are pinned there too: skip them.
      const absl::StatusOr<KernelMap> map = OpenPinnedMap(at->path());
      if (map.ok()) paths[map->id].push_back(at->path());
    }
  }
  for (auto& [id, of_map] : paths) std::sort(of_map.begin(), of_map.end());
  return paths;
}

}  // namespace inlay::capture
