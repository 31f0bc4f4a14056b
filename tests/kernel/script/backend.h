// Backend: where a script's operations run. One function per operation; the runner has resolved the
// script's names to descriptor numbers and maps, and padded the values.

#ifndef INLAY_TESTS_KERNEL_SCRIPT_BACKEND_H_
#define INLAY_TESTS_KERNEL_SCRIPT_BACKEND_H_

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "inlay/emulated/socket.h"
#include "tests/kernel/script/hex.h"
#include "tests/kernel/script/script.h"

namespace inlay::bpf_script {

// A map by the number that the runner gave it at its creation; numbers are not used again.
using MapNumber = int;

// A map that does not exist, since it was freed or could not be made. Equal to a closed descriptor
// of a map.
inline constexpr MapNumber kNoMap = -1;

// The kernel's internal ENOTSUPP, which it returns for operations that a map does not support.
inline constexpr int kNotSupported = 524;

// A socket's cookie and its value.
using HeldValue = std::pair<uint64_t, Bytes>;

struct DiagReply {
  bool listed = true;  // false: not a socket that sock_diag knows with values, e.g. AF_UNIX
  std::vector<std::pair<MapNumber, Bytes>> values = {};  // in the order of the reply
};

// Every function returns 0 or a positive errno. Values have the map's size; an empty value means no
// value. `fd` may be any number, open or not. A function that makes a descriptor puts it at the
// given number, and closes the previous one.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  virtual int CreateMap(MapNumber map, const MapShape& shape) = 0;
  // Returns when no open socket is charged for the map's values any more.
  virtual int FreeMap(MapNumber map) = 0;

  virtual int OpenSocket(int fd, SocketFamily family) = 0;
  virtual int OpenFile(int fd) = 0;
  virtual int Dup(int from, int fd) = 0;
  virtual int Clone(int listener, int fd) = 0;
  virtual int Close(int fd) = 0;

  virtual int Update(MapNumber map, int fd, const Bytes& value, uint64_t flags) = 0;
  virtual int Lookup(MapNumber map, int fd, uint64_t flags, Bytes* value) = 0;
  virtual int SysDelete(MapNumber map, int fd) = 0;
  virtual int Freeze(MapNumber map) = 0;
  // `fd`: null for the first key.
  virtual int NextKey(MapNumber map, const int* fd) = 0;
  virtual int LookupAndDelete(MapNumber map, int fd) = 0;

  // In a program. *value stays empty if the helper returns null. `init` may be null.
  virtual int Get(MapNumber map, int fd, uint64_t flags, const Bytes* init, Bytes* value) = 0;
  virtual int Delete(MapNumber map, int fd) = 0;
  // *present: whether there was a value to store into.
  virtual int Poke(MapNumber map, int fd, uint32_t offset, const Bytes& bytes, bool* present) = 0;

  virtual int Omem(int fd, int64_t* bytes) = 0;
  virtual int SetOptmem(int64_t bytes) = 0;
  virtual int Cookie(int fd, uint64_t* cookie) = 0;
  // In any order; may include sockets without a descriptor.
  virtual int Dump(MapNumber map, std::vector<HeldValue>* values) = 0;
  // `maps`: empty for all.
  virtual int Diag(int fd, std::span<const MapNumber> maps, DiagReply* reply) = 0;

  // Checks invariants that no answer reveals; *reason names a broken one.
  virtual bool CheckInvariants(std::string* /*reason*/) { return true; }
};

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_SCRIPT_BACKEND_H_
