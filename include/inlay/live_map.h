// LiveMap: a map of inlay/inlay.bpf.h in the running kernel, for the process that loads its
// programs, and for processes that open it by its pins. docs/bpf.md explains it.
//
// All functions may be called by any thread. They need the capabilities of the system calls that
// they make: CAP_BPF to open, CAP_NET_ADMIN to set the mark of a socket. A function that fails has
// changed nothing unless it says so; kernel errors without a twin in Status are kUnsupported.

#ifndef INLAY_LIVE_MAP_H_
#define INLAY_LIVE_MAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "inlay/status.h"

struct bpf_object;

namespace inlay {

// The field of a map in the mark of a socket: `width` bits from bit `shift` on.
struct MarkField {
  uint32_t shift = 0;
  uint32_t width = 0;

  uint32_t most_code() const { return width >= 32 ? ~0u : (1u << width) - 1; }
  uint32_t bits() const { return most_code() << shift; }
  uint32_t CodeIn(uint32_t mark) const { return (mark >> shift) & most_code(); }
  uint32_t Put(uint32_t mark, uint32_t code) const { return (mark & ~bits()) | code << shift; }
};

class MapLock;

class LiveMap {
 public:
  struct PrepareOptions {
    uint32_t allowed_bits = ~0u;    // of the mark, for maps of INLAY_MAP_ALLOTTED()
    uint32_t taken_bits = 0;        // by maps of other objects, or by others
    bool read_only_values = false;  // programs cannot write to values; only processes intern
    // Go on although others in this network namespace disturb the maps' bits (mark_users.h).
    bool ignore_mark_users = false;
    // Gets the texts of all that were found, also those that only disturb the collector. The
    // caller's.
    std::vector<std::string>* mark_users = nullptr;
  };

  struct Statistics {
    uint32_t values = 0;           // that can be found by their bytes
    uint32_t indexes_touched = 0;  // that ever were in use
    uint64_t interned = 0;         // values that were written
    uint64_t spilled = 0;          // sockets that got a value of their own; never counts down
  };

  // For all maps of an object that is open and not yet loaded: allots bits to those that have none,
  // lowest first, and checks that no field overlaps another one, `taken_bits`, or what others use
  // in this network namespace. kExists: fields overlap. kNoMemory: no bits are left. kInvalid: a
  // map's description is not one of this version.
  static Status Prepare(bpf_object* object, const PrepareOptions& options);
  // The names of the maps of an object, or of those pinned in a folder, in order.
  static std::vector<std::string> NamesIn(const bpf_object* object);
  static std::vector<std::string> NamesIn(const std::string& folder);

  // A map of an object that is loaded. It may be closed meanwhile. kNotFound: no such map.
  static Status Open(const bpf_object* object, const std::string& name,
                     std::unique_ptr<LiveMap>* opened);
  // A map that is pinned in this folder.
  static Status Open(const std::string& folder, const std::string& name,
                     std::unique_ptr<LiveMap>* opened);
  ~LiveMap();
  LiveMap(const LiveMap&) = delete;
  LiveMap& operator=(const LiveMap&) = delete;

  // Makes an object that is not loaded yet use this map in place of its own of the same name.
  // kInvalid: its map is another one, by its type, size or field.
  Status ShareWith(bpf_object* object) const;
  // Pins the five maps of the kernel in a folder of a BPF file system, which must be there, as
  // NAME_storage, NAME_codes, NAME_free, NAME_values and NAME_state; and the programs of
  // INLAY_BRING_HOME(), if the object has them, as NAME_home and NAME_home_end. A failure leaves no
  // pin.
  Status Pin(const std::string& folder) const;
  static Status Unpin(const std::string& folder, const std::string& name);

  const std::string& name() const;
  uint32_t value_bytes() const;
  uint32_t most_values() const;
  const MarkField& field() const;

  // --- values; every span has value_bytes() bytes, or the answer is kInvalid ---

  // The index of a value, which is written if it is new. The caller holds it: until Release(), by
  // any process, the index stays that value's. A process that ends without it leaves it held.
  // kNoMemory: no index is left.
  Status Intern(std::span<const std::byte> value, uint32_t* index);
  Status Release(uint32_t index);
  // The index of a value, not held. kNotFound: the value has none.
  Status Find(std::span<const std::byte> value, uint32_t* index) const;
  // The value of an index that the caller holds.
  Status Read(uint32_t index, std::span<std::byte> value) const;
  // Gives an index that the caller holds another value, and so all its sockets; but not the copies
  // that listeners of a map of INLAY_MAP_CLONED() keep for their children: Set() these. A program
  // that reads meanwhile may see a mixture of both. kExists: another index has the new value.
  // Waits for another Replace() in the map, also of another process. After one whose process was
  // killed, the next pass of a collector gives the index the former or the new value as a whole.
  Status Replace(uint32_t index, std::span<const std::byte> value);

  // --- sockets, by descriptor ---

  // A process that ends in the midst of Set() or Delete() leaves the map's counter of changes up.
  // Until the map is loaded anew, no socket of it comes home (inlay_programs.bpf.h), and its
  // collector leaves the storages of those of other maps, after waiting for a second.

  // Gives a socket a value; if no index is left, in the socket's own storage. Reads and writes the
  // mark in two system calls: nobody else may change the mark of this socket meanwhile.
  // kUnsupported: a program of INLAY_KEEP_BITS() keeps the bits, and this process is not exempt;
  // then Get() finds no value either. kNoMemory: or a listener of INLAY_MAP_CLONED() has the value,
  // but no memory for its copy; its children get the value of their SYN.
  Status Set(int fd, std::span<const std::byte> value);
  // The value of a socket. kNotFound: it has none.
  Status Get(int fd, std::span<std::byte> value) const;
  // Takes a socket's value away. kNotFound: it has none.
  Status Delete(int fd);

  Statistics CountValues() const;
  // The kernel's memory for the map's values, keys and state, as it counts it; without the storages
  // of spilled values.
  uint64_t KernelBytes() const;

 private:
  friend class LiveCollector;
  struct Maps;

  explicit LiveMap(std::unique_ptr<Maps> maps);
  static Status Finish(std::unique_ptr<Maps> maps, std::unique_ptr<LiveMap>* opened);
  Status SetCode(int fd, uint32_t code);
  // Whether a socket's storage has a copy of its value, for its children.
  bool KeepsCopy(int fd) const;
  Status WriteValue(uint32_t index, std::span<const std::byte> value);
  // For a collector, which has its lock; both do nothing while a process replaces a value.
  // Removes keys that lead to an index of another value. If an index has the value of none of its
  // keys, its write was cut off: it gets the value of one of them.
  Status RepairKeys();
  // Makes the values of these indexes known again that no key leads to.
  Status RestoreKeys(const std::vector<uint32_t>& used) const;
  Status LockForRepair(std::unique_ptr<MapLock>* lock) const;
  bool IsIndex(uint32_t code) const { return code >= 1 && code <= most_values(); }

  const std::unique_ptr<Maps> maps_;
};

}  // namespace inlay

#endif  // INLAY_LIVE_MAP_H_
