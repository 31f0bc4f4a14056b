#include "tests/kernel/script/script_runner.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "inlay/operation.h"

namespace inlay::bpf_script {
namespace {

constexpr int kFirstNumber = 3;  // after the standard streams

std::string ErrorName(int error) {
  if (error == 0) return "OK";
  if (error == kNotSupported) return "ENOTSUPP";
  const char* const name = strerrorname_np(error);
  return name != nullptr ? name : std::to_string(error);
}

// Pads the value to the map's size, if it fits. A map that never existed has no size, and accepts
// any value.
std::optional<Bytes> Padded(const Bytes& value, const MapShape& shape) {
  if (shape.value_bytes == 0) return value;
  if (value.size() > shape.value_bytes) return std::nullopt;
  Bytes padded = value;
  padded.resize(shape.value_bytes);
  return padded;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) {
    if (!joined.empty()) joined += ' ';
    joined += word;
  }
  return joined;
}

}  // namespace

std::string ScriptRunner::Run(std::string_view line) {
  const std::optional<Operation> operation = ParseOperation(line);
  if (!operation.has_value()) return "SCRIPT-ERROR";
  return std::visit([this](const auto& typed) { return Do(typed); }, *operation)
      .value_or("SCRIPT-ERROR");
}

int ScriptRunner::NumberOf(const std::string& name) {
  return numbers_.try_emplace(name, kFirstNumber + static_cast<int>(numbers_.size())).first->second;
}

int ScriptRunner::NumberOf(const Key& key) {
  return key.number.has_value() ? *key.number : NumberOf(key.name);
}

ScriptRunner::Answer ScriptRunner::Opened(const std::string& name, int error) {
  if (error == 0) open_.insert(name);
  return ErrorName(error);
}

ScriptRunner::Map ScriptRunner::MapNamed(const std::string& name) const {
  const auto at = maps_.find(name);
  return at != maps_.end() ? at->second : Map();
}

std::string ScriptRunner::NameOf(MapNumber map) const {
  const auto at =
      std::ranges::find_if(maps_, [map](const auto& entry) { return entry.second.number == map; });
  return at != maps_.end() ? at->first : "?";
}

// --- maps

ScriptRunner::Answer ScriptRunner::Do(const CreateMap& operation) {
  Map& map = maps_[operation.map];
  if (map.number != kNoMap) return std::nullopt;  // the name would hide the first map
  const MapNumber number = next_map_++;
  const int error = backend_.CreateMap(number, operation.shape);
  map = error == 0 ? Map{.number = number, .shape = operation.shape} : Map();
  return ErrorName(error);
}

ScriptRunner::Answer ScriptRunner::Do(const FreeMap& operation) {
  const MapNumber number = MapNamed(operation.map).number;
  if (number != kNoMap) maps_[operation.map].number = kNoMap;
  return ErrorName(backend_.FreeMap(number));
}

ScriptRunner::Answer ScriptRunner::Do(const Freeze& operation) {
  return ErrorName(backend_.Freeze(MapNamed(operation.map).number));
}

ScriptRunner::Answer ScriptRunner::Do(const Dump& operation) {
  std::vector<HeldValue> values;
  const int error = backend_.Dump(MapNamed(operation.map).number, &values);
  if (error != 0) return ErrorName(error);
  std::map<uint64_t, std::string> names;  // the first name of each socket
  for (const std::string& name : open_) {
    uint64_t cookie = 0;
    if (backend_.Cookie(NumberOf(name), &cookie) == 0) names.try_emplace(cookie, name);
  }
  std::vector<std::string> words;
  for (const auto& [cookie, value] : values) {
    const auto name = names.find(cookie);
    if (name != names.end()) words.push_back(name->second + "=" + ToHex(value));
  }
  std::ranges::sort(words);
  return words.empty() ? "EMPTY" : Joined(words);
}

// --- descriptors

ScriptRunner::Answer ScriptRunner::Do(const OpenSocket& operation) {
  return Opened(operation.name, backend_.OpenSocket(NumberOf(operation.name), operation.family));
}

ScriptRunner::Answer ScriptRunner::Do(const OpenFile& operation) {
  return Opened(operation.name, backend_.OpenFile(NumberOf(operation.name)));
}

ScriptRunner::Answer ScriptRunner::Do(const Dup& operation) {
  const int from = NumberOf(operation.of);
  return Opened(operation.name, backend_.Dup(from, NumberOf(operation.name)));
}

ScriptRunner::Answer ScriptRunner::Do(const Clone& operation) {
  const int from = NumberOf(operation.from);
  return Opened(operation.name, backend_.Clone(from, NumberOf(operation.name)));
}

ScriptRunner::Answer ScriptRunner::Do(const Close& operation) {
  open_.erase(operation.name);
  return ErrorName(backend_.Close(NumberOf(operation.name)));
}

ScriptRunner::Answer ScriptRunner::Do(const Omem& operation) {
  int64_t bytes = 0;
  const int error = backend_.Omem(NumberOf(operation.key), &bytes);
  return error == 0 ? std::to_string(bytes) : ErrorName(error);
}

ScriptRunner::Answer ScriptRunner::Do(const SetOptmem& operation) {
  return ErrorName(backend_.SetOptmem(operation.bytes));
}

ScriptRunner::Answer ScriptRunner::Do(const Diag& operation) {
  std::vector<MapNumber> maps;
  for (const std::string& map : operation.maps) maps.push_back(MapNamed(map).number);
  DiagReply reply;
  const int error = backend_.Diag(NumberOf(operation.key), maps, &reply);
  if (error != 0) return ErrorName(error);
  if (!reply.listed) return "NOTLISTED";
  std::vector<std::string> words;
  for (const auto& [map, value] : reply.values) words.push_back(NameOf(map) + "=" + ToHex(value));
  return words.empty() ? "NONE" : Joined(words);
}

// --- the system call

ScriptRunner::Answer ScriptRunner::Do(const Update& operation) {
  const Map map = MapNamed(operation.map);
  const std::optional<Bytes> value = Padded(operation.value, map.shape);
  if (!value.has_value()) return std::nullopt;
  return ErrorName(backend_.Update(map.number, NumberOf(operation.key), *value, operation.flags));
}

ScriptRunner::Answer ScriptRunner::Do(const Lookup& operation) {
  Bytes value;
  const int error = backend_.Lookup(MapNamed(operation.map).number, NumberOf(operation.key),
                                    operation.flags, &value);
  return error == 0 ? ToHex(value) : ErrorName(error);
}

ScriptRunner::Answer ScriptRunner::Do(const SysDelete& operation) {
  return ErrorName(backend_.SysDelete(MapNamed(operation.map).number, NumberOf(operation.key)));
}

ScriptRunner::Answer ScriptRunner::Do(const NextKey& operation) {
  int fd = -1;
  if (operation.key.has_value()) fd = NumberOf(*operation.key);
  return ErrorName(
      backend_.NextKey(MapNamed(operation.map).number, operation.key.has_value() ? &fd : nullptr));
}

ScriptRunner::Answer ScriptRunner::Do(const LookupAndDelete& operation) {
  return ErrorName(
      backend_.LookupAndDelete(MapNamed(operation.map).number, NumberOf(operation.key)));
}

// --- programs

ScriptRunner::Answer ScriptRunner::Do(const Get& operation) {
  const Map map = MapNamed(operation.map);
  std::optional<Bytes> init;
  if (operation.init.has_value()) {
    init = Padded(*operation.init, map.shape);
    if (!init.has_value()) return std::nullopt;
  }
  Bytes value;
  const int error = backend_.Get(map.number, NumberOf(operation.key), operation.flags,
                                 init.has_value() ? &*init : nullptr, &value);
  if (error != 0) return ErrorName(error);
  return value.empty() ? "NULL" : ToHex(value);
}

ScriptRunner::Answer ScriptRunner::Do(const Delete& operation) {
  return ErrorName(backend_.Delete(MapNamed(operation.map).number, NumberOf(operation.key)));
}

ScriptRunner::Answer ScriptRunner::Do(const Poke& operation) {
  const Map map = MapNamed(operation.map);
  // The verifier refuses stores outside of the value or into the lock.
  const uint32_t first = map.shape.lock ? kSpinLockBytes : 0;
  const size_t end = operation.offset + operation.bytes.size();
  if (map.number != kNoMap && (operation.offset < first || end > map.shape.value_bytes)) {
    return std::nullopt;
  }
  bool present = false;
  const int error = backend_.Poke(map.number, NumberOf(operation.key), operation.offset,
                                  operation.bytes, &present);
  if (error != 0) return ErrorName(error);
  return present ? "OK" : "NULL";
}

std::vector<std::string> RunScript(Backend& backend, std::string_view script) {
  ScriptRunner runner(backend);
  std::vector<std::string> answers;
  for (const std::string_view line : Lines(script)) {
    if (HasAnswer(line)) answers.push_back(runner.Run(line));
  }
  return answers;
}

}  // namespace inlay::bpf_script
