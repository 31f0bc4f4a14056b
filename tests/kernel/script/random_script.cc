#include "tests/kernel/script/random_script.h"

#include <algorithm>
#include <array>
#include <random>
#include <span>
#include <string_view>
#include <utility>

#include "inlay/operation.h"
#include "tests/kernel/script/hex.h"

namespace inlay::bpf_script {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 9> kFamilies = {
    "tcp", "tcp6", "udp", "udp6", "unix", "unixdgram", "raw", "netlink", "packet"};
constexpr std::array<std::string_view, 6> kOddFlags = {
    "3", "8", "0x4000", "0x100000000", "NOEXIST|0x8000000000000000", "-1"};
constexpr std::array<std::string_view, 7> kUpdateFlags = {
    "ANY", "NOEXIST", "EXIST", "LOCK", "LOCK|NOEXIST", "LOCK|EXIST", "NOEXIST|EXIST"};
constexpr std::array<std::string_view, 4> kNumbers = {"#-1", "#500", "#2147483647", "#19990"};
constexpr std::array<std::string_view, 8> kLimits = {"0",   "200", "349",    "521",
                                                     "700", "900", "131072", "-1"};

// All values together must fit under the default limit in every layout, even while one value
// replaces another: then no answer depends on charges.
constexpr uint32_t kRoomBytes = 120000;
constexpr uint32_t kOverheadBytes = 256;  // more than any layout has per value

class Writer {
 public:
  Writer(uint64_t seed, RandomLimits limits) : random_(seed), limits_(limits) {
    const size_t maps = 1 + Below(6);
    const size_t sockets = 1 + Below(9);
    for (size_t i = 0; i < maps; ++i) maps_.push_back({.name = "m" + std::to_string(i)});
    for (size_t i = 0; i < sockets; ++i) sockets_.push_back({.name = "s" + std::to_string(i)});
    has_locks_ = OneIn(2);
    has_connections_ = !OneIn(4);
    frees_maps_ = 1 + Below(3);
  }

  std::vector<std::string> Write(size_t operations) {
    for (Map& map : maps_) CreateMap(map);
    for (Socket& socket : sockets_) OpenSocket(socket);
    while (lines_.size() < operations + maps_.size() + sockets_.size()) WriteOne();
    return std::move(lines_);
  }

 private:
  struct Map {
    std::string name;
    uint32_t value_bytes = 0;
    bool lock = false;
    bool open = false;
  };
  struct Socket {
    std::string name;
    bool open = false;
  };

  uint64_t Below(uint64_t end) { return random_() % end; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  template <typename T>
  auto& Of(T&& items) {
    return items[Below(std::size(items))];
  }
  void Line(std::string_view operation, const std::vector<std::string>& words) {
    std::string line(operation);
    for (const std::string& word : words) {
      if (!word.empty()) line += " " + word;
    }
    lines_.push_back(std::move(line));
  }

  // Values repeat, so that layouts can share them.
  std::string Value(const Map& map) {
    const uint32_t bytes = std::max(map.value_bytes, 1U);
    if (OneIn(3)) return ToHex(Bytes(1 + Below(std::min(bytes, 4U)), std::byte(Below(4))));
    Bytes value(1 + Below(std::min(bytes, 200U)));
    std::mt19937_64 known(Below(12));
    for (std::byte& byte : value) byte = static_cast<std::byte>(known());
    return ToHex(value);
  }
  std::string AKey() {
    if (OneIn(40)) return std::string(Of(kNumbers));
    if (OneIn(60)) return "f";
    const Socket* found = &Of(sockets_);
    for (int tries = 0; tries < 3 && !found->open; ++tries) found = &Of(sockets_);
    return found->name;
  }

  uint32_t Size() {
    if (OneIn(12))
      return static_cast<uint32_t>(1 + Below(limits_ == RandomLimits::kNone ? 50000 : 3000));
    if (OneIn(4)) return 100;
    return static_cast<uint32_t>(1 + Below(40));
  }

  void CreateMap(Map& map) {
    if (OneIn(30)) {  // the kernel refuses these
      Line("map", {map.name, OneIn(2) ? "size=0" : "size=65408", OneIn(2) ? "lock=1" : ""});
      map.open = false;
      return;
    }
    map.value_bytes = Size();
    uint32_t taken = 0;
    uint32_t largest = 0;
    for (const Map& other : maps_) {
      taken += other.value_bytes + kOverheadBytes;
      largest = std::max(largest, other.value_bytes);
    }
    if (taken + largest > kRoomBytes) map.value_bytes = 8;
    map.lock = has_locks_ && OneIn(3);
    map.open = !map.lock || map.value_bytes >= kSpinLockBytes;
    Line("map", {map.name, "size=" + std::to_string(map.value_bytes), OneIn(2) ? "clone=1" : "",
                 map.lock ? "lock=1" : ""});
  }

  void OpenSocket(Socket& socket) {
    // Mostly families that can have children.
    const std::string_view family =
        has_connections_ && !OneIn(4) ? kFamilies[Below(2)] : Of(kFamilies);
    Line("sock", {socket.name, std::string(family)});
    socket.open = true;
  }

  void Update() {
    const Map& map = Of(maps_);
    const size_t likely = map.lock || OneIn(10) ? kUpdateFlags.size() : 3;
    const std::string_view flags = OneIn(20) ? Of(kOddFlags) : kUpdateFlags[Below(likely)];
    Line("update", {map.name, AKey(), std::string(flags), Value(map)});
  }
  void Lookup() {
    const Map& map = Of(maps_);
    std::string_view flags;
    if (OneIn(6)) flags = OneIn(3) ? Of(kOddFlags) : Of(kUpdateFlags);
    Line("lookup", {map.name, AKey(), std::string(flags)});
  }
  void Get() {
    const Map& map = Of(maps_);
    std::string_view flags = OneIn(3) ? "NONE" : "CREATE";
    if (OneIn(20)) flags = Of(kOddFlags);
    std::string init = OneIn(3) ? "" : Value(map);
    if (init.empty() && OneIn(2)) init = "NULL";
    Line("get", {map.name, AKey(), std::string(flags), init});
  }
  void Poke() {
    const Map& map = Of(maps_);
    const uint32_t first = map.lock ? kSpinLockBytes : 0;
    if (map.value_bytes <= first) return;
    const uint32_t offset = first + static_cast<uint32_t>(Below(map.value_bytes - first));
    Bytes bytes(1 + Below(std::min(map.value_bytes - offset, 6U)));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(Below(3));
    Line("poke", {map.name, AKey(), std::to_string(offset), ToHex(bytes)});
  }
  void FreeOrMake() {
    Map& map = Of(maps_);
    if (map.open || OneIn(10)) {
      Line("free", {map.name});
      map.open = false;
    }
    if (!OneIn(8)) CreateMap(map);
  }
  void Diag() {
    std::vector<std::string> words = {AKey()};
    if (OneIn(3)) {
      for (size_t i = Below(4); i > 0; --i) words.push_back(Of(maps_).name);
    }
    Line("diag", words);
  }
  void CloseOrOpen() {
    Socket& socket = Of(sockets_);
    if (socket.open && !OneIn(20)) {
      Line("close", {socket.name});
      socket.open = false;
    }
    if (!OneIn(5)) OpenSocket(socket);
  }
  void DupOne() {
    Socket& to = Of(sockets_);
    const std::string from = AKey();
    if (from == to.name && !OneIn(10)) return;
    Line("dup", {to.name, "of", from});
    const auto named = std::ranges::find(sockets_, from, &Socket::name);
    to.open = to.open || (named != sockets_.end() && named->open) || from == "f";
  }
  void CloneOne() {
    Socket& child = Of(sockets_);
    const std::string from = AKey();
    Line("clone", {child.name, "from", from});
    child.open = true;  // or not: then what follows answers EBADF
  }
  void Rare() {
    const Map& map = Of(maps_);
    switch (Below(8)) {
      case 0:
        return Line("nextkey", {map.name, OneIn(2) ? "NULL" : AKey()});
      case 1:
      case 2:
        return Line("lookdel", {map.name, AKey()});
      case 3:
        return Line("file", {OneIn(8) ? Of(sockets_).name : "f"});
      case 4:
        return Line("close", {OneIn(2) ? "f" : "never"});
      case 5:
        if (OneIn(3)) Line("freeze", {map.name});
        return;
      case 6:
        return Line("update", {map.name, AKey(), "ANY"});  // not an operation
      default:
        return Line("lookup", {"nomap", AKey(), OneIn(2) ? "EXIST" : ""});
    }
  }

  void WriteOne() {
    const uint64_t kind = Below(1000);
    if (kind < 270) return Update();
    if (kind < 400) return Lookup();
    if (kind < 540) return Get();
    if (kind < 600) return Poke();
    if (kind < 650) return Line("delete", {Of(maps_).name, AKey()});
    if (kind < 690) return Line("sysdelete", {Of(maps_).name, AKey()});
    if (kind < 740) return Line("omem", {AKey()});
    if (kind < 775) return Line("dump", {Of(maps_).name});
    if (kind < 820) return Diag();
    if (kind < 880) return CloseOrOpen();
    if (kind < 900) return DupOne();
    // A refused child costs half a second.
    const bool may_clone = has_connections_ && (limits_ == RandomLimits::kNone || OneIn(4));
    if (kind < 950) return may_clone ? CloneOne() : Update();
    if (kind < 950 + 3 * frees_maps_) return FreeOrMake();
    if (kind < 975) return Rare();
    if (limits_ == RandomLimits::kOptmem) Line("optmem", {std::string(Of(kLimits))});
  }

  std::mt19937_64 random_;
  const RandomLimits limits_;
  std::vector<Map> maps_;
  std::vector<Socket> sockets_;
  bool has_locks_ = false;
  bool has_connections_ = false;
  uint64_t frees_maps_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> RandomScript(uint64_t seed, size_t operations, RandomLimits limits) {
  return Writer(seed, limits).Write(operations);
}

}  // namespace inlay::bpf_script
