// ScriptRunner: runs a script's operations on a backend, and formats each answer as in the
// recordings.

#ifndef INLAY_TESTS_KERNEL_SCRIPT_SCRIPT_RUNNER_H_
#define INLAY_TESTS_KERNEL_SCRIPT_SCRIPT_RUNNER_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/kernel/script/backend.h"
#include "tests/kernel/script/script.h"

namespace inlay::bpf_script {

// Descriptor numbers are those of a process that has only its standard streams open: a name gets
// the next number at its first use, and keeps it.
class ScriptRunner {
 public:
  explicit ScriptRunner(Backend& backend) : backend_(backend) {}

  // REQUIRES: HasAnswer(line).
  std::string Run(std::string_view line);

 private:
  struct Map {
    MapNumber number = kNoMap;  // kNoMap: freed, or never made
    MapShape shape;             // of the last map of this name
  };

  // One function per operation. Returns the answer; empty if the script is wrong.
  using Answer = std::optional<std::string>;
  Answer Do(const CreateMap& operation);
  Answer Do(const OpenSocket& operation);
  Answer Do(const OpenFile& operation);
  Answer Do(const Dup& operation);
  Answer Do(const Clone& operation);
  Answer Do(const Update& operation);
  Answer Do(const Lookup& operation);
  Answer Do(const SysDelete& operation);
  Answer Do(const Get& operation);
  Answer Do(const Delete& operation);
  Answer Do(const Poke& operation);
  Answer Do(const Close& operation);
  Answer Do(const FreeMap& operation);
  Answer Do(const Freeze& operation);
  Answer Do(const NextKey& operation);
  Answer Do(const LookupAndDelete& operation);
  Answer Do(const Omem& operation);
  Answer Do(const SetOptmem& operation);
  Answer Do(const Dump& operation);
  Answer Do(const Diag& operation);

  int NumberOf(const std::string& name);
  int NumberOf(const Key& key);
  // Notes the name's descriptor as open if `error` is 0. Returns the answer.
  Answer Opened(const std::string& name, int error);
  Map MapNamed(const std::string& name) const;
  std::string NameOf(MapNumber map) const;

  Backend& backend_;
  std::map<std::string, int> numbers_;  // of descriptors, open or not
  std::set<std::string> open_;
  std::map<std::string, Map> maps_;
  MapNumber next_map_ = 0;
};

// The answers to a whole script, one per line that has one.
std::vector<std::string> RunScript(Backend& backend, std::string_view script);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_SCRIPT_SCRIPT_RUNNER_H_
