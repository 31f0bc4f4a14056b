// TailSpace: hands out places in the tail that a SocketTable reserves in its sockets, and closes
// and clones a socket's places for all maps.
//
// A map has one place, at the same offset in every socket. When a map is freed, TailSpace empties
// and zeroes its place in all sockets before it gives the place to another map.
//
// Thread-safety: all functions may run concurrently, except the destructor.

#ifndef INLAY_EMULATED_TAIL_SPACE_H_
#define INLAY_EMULATED_TAIL_SPACE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "inlay/export.h"
#include "inlay/memory_usage.h"
#include "inlay/status.h"

namespace inlay {

struct Socket;
class SocketTable;
class SizeClasses;

// A map with a place in the tail, as TailSpace sees it.
class TailMap {
 public:
  // Empties the socket's place and releases the value. Two threads may call it for one socket at
  // once, and it may be called for an empty place. `unread`: no reader is left; leave zeroes in the
  // place.
  virtual void ReleaseValue(Socket& socket, bool unread) noexcept = 0;
  // Gives `child` the value of `parent` if the map has the clone flag.
  virtual Status CloneValue(Socket& parent, Socket& child) noexcept = 0;

 protected:
  ~TailMap() = default;
};

class TailSpace {
 public:
  static constexpr uint32_t kMaxBytes = 65536;
  static constexpr uint32_t kGrainBytes = 8;

  // Throws std::bad_alloc.
  // REQUIRES: bytes is a multiple of kGrainBytes, at most kMaxBytes.
  INLAY_API TailSpace(SocketTable& table, uint32_t bytes);
  // REQUIRES: all maps are destroyed.
  // Aborts, in every build, and says so on standard error, if a map is left.
  // Reader section: REQUIRES none (waits for retired memory).
  INLAY_API ~TailSpace();
  TailSpace(const TailSpace&) = delete;
  TailSpace& operator=(const TailSpace&) = delete;

  // Gives `map` the first free place of `bytes`, a multiple of kGrainBytes. Sets *offset_bytes,
  // which counts from the start of the socket, before it calls the map. kNoMemory: no place is
  // large enough.
  // Reader section: not needed.
  INLAY_API Status Register(TailMap* map, uint32_t bytes, uint32_t* offset_bytes) noexcept;
  // Empties and zeroes the map's place in all sockets and takes it back. Does not call the map
  // afterwards.
  // REQUIRES: no concurrent use of the map. Other threads may close and accept sockets meanwhile.
  // Reader section: REQUIRES none (waits for two grace periods).
  INLAY_API void Unregister(TailMap* map) noexcept;

  // Releases the values of all maps in a socket that will be freed.
  // Reader section: not needed.
  // REQUIRES: no thread creates a value in it any more.
  INLAY_API void CloseOwner(Socket& socket) noexcept;
  // Gives `child` the values of `parent` in all maps with the clone flag. kNoMemory: the child may
  // have some of the values, and the caller must close it.
  // REQUIRES: the child is new and no other thread sees it.
  INLAY_API Status CloneOwner(Socket& parent, Socket& child) noexcept;

  // The share of a place of `bytes` in the reserved bytes of all sockets. Maps share all reserved
  // bytes in proportion to the sizes of their places.
  INLAY_API size_t InlineBytes(uint32_t bytes) const;

  // Maps allocate objects here that do not fit into the tail.
  SizeClasses& elsewhere() { return *elsewhere_; }
  INLAY_API MemoryUsage memory_usage() const;

 private:
  struct State;
  struct Entry;

  SocketTable& table_;
  const uint32_t bytes_;
  std::unique_ptr<State> state_;
  std::unique_ptr<SizeClasses> elsewhere_;
};

}  // namespace inlay

#endif  // INLAY_EMULATED_TAIL_SPACE_H_
