// TailSpace: which map has which bytes of the tail that a SocketTable reserves in its sockets, and
// what happens to the places of all maps when a socket is cloned or closed.
//
// A map has one place, at the same offset in every socket. The place of a freed map is emptied in
// all sockets and zeroed before another map can have it.
//
// Thread-safety: all functions may run concurrently, except the destructor.

#ifndef INLAY_TAIL_SPACE_H_
#define INLAY_TAIL_SPACE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "inlay/memory_usage.h"
#include "inlay/status.h"

namespace inlay {

struct Socket;
class SocketTable;
class SizeClasses;

// A map that has a place in the tail, as the tail's keeper sees it.
class TailMap {
 public:
  // Empties the socket's place and releases the value. May be called by two threads at once for one
  // socket, and for a place that is empty. `unread`: nobody reads the place any more: leave zeroes.
  virtual void ReleaseValue(Socket& socket, bool unread) noexcept = 0;
  // Gives the child the parent's value if the map has the clone flag.
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
  TailSpace(SocketTable& table, uint32_t bytes);
  // REQUIRES: no map is left.
  // Reader section: REQUIRES none (waits for retired memory).
  ~TailSpace();
  TailSpace(const TailSpace&) = delete;
  TailSpace& operator=(const TailSpace&) = delete;

  // Gives `map` a place of `bytes`, a multiple of kGrainBytes, the first that is large enough;
  // *offset_bytes counts from the start of the socket and is set before the map is called.
  // kNoMemory: there is none.
  // Reader section: not needed.
  Status Register(TailMap* map, uint32_t bytes, uint32_t* offset_bytes) noexcept;
  // Empties the map's place in all sockets, zeroes it and takes it back; the map is not called any
  // more.
  // REQUIRES: nobody else uses the map; sockets may be closed and accepted meanwhile.
  // Reader section: REQUIRES none (waits for two grace periods).
  void Unregister(TailMap* map) noexcept;

  // Releases the values of all maps in a socket that is going away.
  // Reader section: not needed.
  // REQUIRES: nobody creates a value in it any more.
  void CloseOwner(Socket& socket) noexcept;
  // Gives `child` the parent's values in all maps with the clone flag. kNoMemory: it may have some
  // of them, and must be closed.
  // REQUIRES: the child is new, nobody else sees it.
  Status CloneOwner(Socket& parent, Socket& child) noexcept;

  // What a place of `bytes` amounts to over all sockets: maps share the reserved bytes, used or
  // not, in proportion to their places.
  size_t InlineBytes(uint32_t bytes) const;

  // Where the maps of the tail keep what has no room in it.
  SizeClasses& elsewhere() { return *elsewhere_; }
  MemoryUsage memory_usage() const;

 private:
  struct State;
  struct Entry;

  SocketTable& table_;
  const uint32_t bytes_;
  std::unique_ptr<State> state_;
  std::unique_ptr<SizeClasses> elsewhere_;
};

}  // namespace inlay

#endif  // INLAY_TAIL_SPACE_H_
