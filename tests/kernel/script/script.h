// The script language: one operation per line, as text and as a type of its own. README.md
// describes the operations. The runner pads values and resolves names.

#ifndef INLAY_TESTS_KERNEL_SCRIPT_SCRIPT_H_
#define INLAY_TESTS_KERNEL_SCRIPT_SCRIPT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "inlay/emulated/socket.h"
#include "tests/kernel/script/hex.h"

namespace inlay::bpf_script {

// A descriptor: a name from the script, or "#N", the number itself.
struct Key {
  std::string name = {};
  std::optional<int> number = {};
};

struct MapShape {
  uint32_t value_bytes = 0;
  bool clone = false;  // BPF_F_CLONE
  bool lock = false;   // a bpf_spin_lock in bytes 0 to 3
};

// clang-format off
struct CreateMap { std::string map; MapShape shape; };
struct OpenSocket { std::string name; SocketFamily family; };
struct OpenFile { std::string name; };
struct Dup { std::string name; Key of; };
struct Clone { std::string name; Key from; };
struct Update { std::string map; Key key; uint64_t flags; Bytes value; };
struct Lookup { std::string map; Key key; uint64_t flags; };
struct SysDelete { std::string map; Key key; };
struct Get { std::string map; Key key; uint64_t flags; std::optional<Bytes> init; };
struct Delete { std::string map; Key key; };
struct Poke { std::string map; Key key; uint32_t offset; Bytes bytes; };
struct Close { std::string name; };
struct FreeMap { std::string map; };
struct Freeze { std::string map; };
struct NextKey { std::string map; std::optional<Key> key; };
struct LookupAndDelete { std::string map; Key key; };
struct Omem { Key key; };
struct SetOptmem { int64_t bytes; };
struct Dump { std::string map; };
struct Diag { Key key; std::vector<std::string> maps; };
// clang-format on

using Operation = std::variant<CreateMap, OpenSocket, OpenFile, Dup, Clone, Update, Lookup,
                               SysDelete, Get, Delete, Poke, Close, FreeMap, Freeze, NextKey,
                               LookupAndDelete, Omem, SetOptmem, Dump, Diag>;

// False for blank lines and comments, which have no answer.
bool HasAnswer(std::string_view line);

// Empty if the line is not an operation.
std::optional<Operation> ParseOperation(std::string_view line);

// The lines of a script, or of its answers.
std::vector<std::string_view> Lines(std::string_view text);

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_SCRIPT_SCRIPT_H_
