#include "tests/kernel/script/recorded_scripts.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/kernel/script/script.h"

namespace inlay::bpf_script {
namespace {

// These scripts fill sockets up to the default limit.
constexpr std::array<std::string_view, 2> kAtDefaultLimit = {"25_fill_100", "48_fill_large_values"};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

bool IsOptmem(const std::string& operation) { return operation.starts_with("optmem "); }

}  // namespace

bool RecordedScript::MayDependOnCharge(size_t operation) const {
  return operations[operation].starts_with("omem ") || SetsLimit() || NeedsDefaultLimit();
}

bool RecordedScript::SetsLimit() const { return std::ranges::any_of(operations, IsOptmem); }

bool RecordedScript::NeedsDefaultLimit() const {
  return std::ranges::find(kAtDefaultLimit, name) != kAtDefaultLimit.end();
}

std::vector<RecordedScript> ReadRecordedScripts(const std::filesystem::path& folder) {
  std::vector<RecordedScript> scripts;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".txt") continue;
    RecordedScript& script = scripts.emplace_back();
    script.name = entry.path().stem();
    script.text = ReadFile(entry.path());
    for (const std::string_view line : Lines(script.text)) {
      if (HasAnswer(line)) script.operations.emplace_back(line);
    }
    const std::string answers =
        ReadFile(std::filesystem::path(entry.path()).replace_extension(".expected"));
    for (const std::string_view answer : Lines(answers)) script.answers.emplace_back(answer);
    if (script.answers.size() != script.operations.size()) {
      throw std::runtime_error(script.name + " has not one answer for each operation");
    }
  }
  if (scripts.empty()) throw std::runtime_error("no scripts in " + folder.string());
  std::ranges::sort(scripts, {}, &RecordedScript::name);
  return scripts;
}

Differences ReadDifferences(const std::filesystem::path& folder, std::string_view who,
                            std::string_view script) {
  const std::filesystem::path path = folder / who / (std::string(script) + ".differs");
  if (!std::filesystem::exists(path)) return {};
  Differences differences;
  const std::string text = ReadFile(path);
  for (const std::string_view line : Lines(text)) {
    const size_t tab = line.find('\t');
    if (tab == std::string_view::npos) throw std::runtime_error("no tab in " + path.string());
    const size_t number = std::stoul(std::string(line.substr(0, tab)));
    const bool new_number = differences.emplace(number - 1, line.substr(tab + 1)).second;
    if (number == 0 || !new_number) throw std::runtime_error("bad number in " + path.string());
  }
  return differences;
}

bool HasVersion(const std::filesystem::path& folder, std::string_view version) {
  const std::string text = ReadFile(folder / "versions");
  const std::vector<std::string_view> versions = Lines(text);
  return std::ranges::find(versions, version) != versions.end();
}

}  // namespace inlay::bpf_script
