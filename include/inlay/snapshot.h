// Snapshots: the values of a map's owners in a file, so that the next process begins with them.
//
//   inlay::SaveSnapshot(*policies, "/var/lib/proxy/policies", {.schema = 3},
//                       [&](inlay::SnapshotSaver& save) {
//                         for (Connection& each : connections) save(each.id, each);
//                       }, &error);
//   ...
//   inlay::LoadSnapshot(*policies, "/var/lib/proxy/policies", {.schema = 3},
//                       [&](inlay::OwnerKey id) -> Connection* { return Find(id); },
//                       &result, &error);
//
// The file holds each distinct value once, and for each owner that has a value its key and the
// number of the value. A key is what the program knows an owner by: an identifier, or its place in
// an order. Keys that follow each other take no room.
//
// A save is atomic: the file is written and synced under another name, `path` + ".saving", and then
// renamed, and the folder is synced. Whenever the process or the machine stops, `path` is the whole
// old file or the whole new one, and after kOk it is the new one. What a killed save leaves behind
// under the other name, the next save of that path uses again.
//
// A load checks first, and changes nothing unless the whole file is sound: its size, its checksums,
// that name, value size and schema fit the map, and that every value can be migrated.
//
// Thread-safety: all functions may run concurrently with each other and with the map's operations,
// which go on meanwhile. A save has of each owner the value of some moment during the call.
// No function throws, but the caller's functions must not throw either.

#ifndef INLAY_SNAPSHOT_H_
#define INLAY_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "inlay/export.h"
#include "inlay/function_ref.h"
#include "inlay/index_map.h"
#include "inlay/inline_words.h"
#include "inlay/shared_map.h"
#include "inlay/status.h"
#include "inlay/store.h"

namespace inlay {

class SnapshotWriter;

// What a program knows an owner by, from one process to the next.
using OwnerKey = uint64_t;

// What the head of a snapshot says.
struct SnapshotHeader {
  std::string name;  // MapOptions::name of the map
  uint64_t schema = 0;
  uint32_t value_bytes = 0;
  uint32_t width_bits = 0;  // of the map that was saved; 0 if it had fallen back
  uint64_t values = 0;      // distinct ones
  uint64_t owners = 0;      // that have a value
};

// --- saving

struct SaveOptions {
  // The version of the value's layout and meaning, as the program counts it.
  uint64_t schema = 0;
};

// What SaveSnapshot() hands to the function that names the owners.
class SnapshotSaver {
 public:
  // Saves the owner's value; nothing if it has none. The keys of a snapshot should be different.
  // REQUIRES: the owner exists during the call.
  template <InlineOwner O>
  void operator()(OwnerKey key, O& owner) noexcept {
    Add(key, OwnerRef(owner));
  }
  INLAY_API void Add(OwnerKey key, const OwnerRef& owner) noexcept;

 private:
  friend class SnapshotWriter;
  explicit SnapshotSaver(SnapshotWriter* writer) : writer_(*writer) {}
  SnapshotWriter& writer_;
};

// Writes the values of the owners that `each_owner` names to the file `path`. kNoMemory.
// kNotFound, kNotPermitted, kIo: the system refused; *error, if given, then names the file and says
// why. kIo: also if `path`, or `path`.saving, exists and is no regular file, such as a link, a FIFO
// or a folder. kInvalid: the map's name has more than 4,096 bytes. On failure `path` is what it was
// before.
// The file is for its user alone (mode 0600).
// Reader section: not needed, allowed, but the call waits for the disk.
INLAY_API Status SaveSnapshot(IndexMap& map, const std::string& path, const SaveOptions& options,
                              FunctionRef<void(SnapshotSaver& save)> each_owner, std::string* error,
                              SnapshotHeader* saved = nullptr) noexcept;
template <typename T, InlineField kField>
Status SaveSnapshot(SharedMap<T, kField>& map, const std::string& path, const SaveOptions& options,
                    FunctionRef<void(SnapshotSaver& save)> each_owner, std::string* error,
                    SnapshotHeader* saved = nullptr) noexcept {
  return SaveSnapshot(map.bytes(), path, options, each_owner, error, saved);
}

// --- loading

// Makes a value of the map from one of another schema or size. `value` is zeroes at first. False if
// it cannot. Called once for each distinct value, however many owners have it.
using MigrateFn = std::function<bool(const SnapshotHeader& from, std::span<const std::byte> old,
                                     std::span<std::byte> value)>;

struct LoadOptions {
  uint64_t schema = 0;
  // If set, a snapshot of another schema or value size is loaded through it; else it is refused.
  MigrateFn migrate = {};
  // Whether a snapshot of a map of another name is loaded.
  bool any_name = false;
  // The owners are new: they have no values, and no other thread uses them during the load, be it
  // for another map. Then an owner costs a plain store instead of a compare-and-swap, unless the
  // store records owners or marks closed ones (StoreOptions::record_owners, mark_closed).
  bool owners_are_new = false;
};

struct LoadResult {
  SnapshotHeader header;
  uint64_t owners = 0;    // that have their value now
  uint64_t spilled = 0;   // of these, with a private value, since the map has no index for it
  uint64_t unknown = 0;   // keys for which the program had no owner
  uint64_t unfit = 0;     // owners that are dying or closed, or embed words without the map's field
  uint64_t failed = 0;    // owners for whose private value there was no memory
  uint64_t migrated = 0;  // distinct values that went through `migrate`
};

// Reads and checks a file, but for the values of owners. Fails as LoadSnapshot().
INLAY_API Status ReadSnapshotHeader(const std::string& path, SnapshotHeader* header,
                                    std::string* error) noexcept;

// The steps of a load, for LoadSnapshot().
class SnapshotLoad {
 public:
  // Fails as LoadSnapshot(). Otherwise the table holds the values, with a reference for each owner.
  INLAY_API static Status Begin(IndexMap& map, const std::string& path, const LoadOptions& options,
                                std::unique_ptr<SnapshotLoad>* load, std::string* error) noexcept;
  // Gives the references back that no owner took.
  INLAY_API ~SnapshotLoad();
  SnapshotLoad(const SnapshotLoad&) = delete;
  SnapshotLoad& operator=(const SnapshotLoad&) = delete;

  // Gives each owner its value, or passes over it if `find` returns null for its key.
  template <typename Find>
  void GiveAll(Find& find) noexcept {
    const auto give = [&](const auto* numbers) {
      const OwnerKey* const keys = owners_.keys;
      const OwnerKey first_key = owners_.first_key;
      if (keys != nullptr) {
        GiveEach(find, numbers, [keys](uint64_t place) { return keys[place]; });
      } else {
        GiveEach(find, numbers, [first_key](uint64_t place) { return first_key + place; });
      }
    };
    owners_.wide_numbers != nullptr ? give(owners_.wide_numbers) : give(owners_.numbers);
  }
  // kNoMemory and its reasons: why the first owner failed.
  INLAY_API Status End(LoadResult* result) noexcept;

 private:
  struct State;
  // The owners of the file, and the numbers of their values in one of two sizes.
  struct Owners {
    uint64_t count = 0;
    const OwnerKey* keys = nullptr;  // null: they follow each other
    OwnerKey first_key = 0;
    const uint16_t* numbers = nullptr;
    const uint32_t* wide_numbers = nullptr;
  };
  explicit SnapshotLoad(std::unique_ptr<State> state);

  template <typename Find, typename Number, typename KeyOf>
  void GiveEach(Find& find, const Number* numbers, const KeyOf& key_of) noexcept {
    using Words = std::remove_cvref_t<decltype(find(OwnerKey{})->inline_words())>;
    const bool fits =
        field_.word < Words::kWords && field_.shift + field_.width_bits <= Words::kWordBits;
    // Copies, which stay in registers: a store to an owner might change the members.
    const uint32_t* const stored = fits ? stored_ : no_indexes_;
    const InlineField field = field_;
    const uint64_t count = owners_.count;
    for (uint64_t place = 0; place < count; ++place) {
      const uint32_t number = numbers[place];
      auto* const owner = find(key_of(place));
      if (owner == nullptr) {
        Skip(number);
        continue;
      }
      const uint32_t index = stored[number];
      if (index == kNoIndex || !InlineWordsRef(owner->inline_words()).StoreInNewOwner(field, index))
          [[unlikely]] {
        GiveOwner(OwnerRef(*owner), number);
      }
    }
  }
  INLAY_API void GiveOwner(const OwnerRef& owner, uint32_t number) noexcept;
  INLAY_API void Skip(uint32_t number) noexcept;

  // What GiveAll() reads.
  Owners owners_;
  InlineField field_;
  // By number: the index of the value that a plain store gives to an owner. kNoIndex: the owner
  // may be in use, or the table has no room for the value.
  const uint32_t* stored_ = nullptr;
  const uint32_t* no_indexes_ = nullptr;  // all kNoIndex
  std::unique_ptr<State> state_;
};

// Gives owners the values that a snapshot has for them: `find(key)` returns a pointer to the owner,
// or null to pass over it. Owners that the snapshot does not name keep what they have; others get
// its value in place of theirs. Works for maps of any width: the values that most owners have get
// indexes first, and owners of the others spill.
//
// kNotFound, kNotPermitted, kIo: the file cannot be read. kDamaged: it is no snapshot, or damaged;
// or no file, but a FIFO, a device or a folder.
// kIncompatible: it has another name, schema or value size, and nothing migrates its values.
// kNoMemory. In all these cases nothing changed, and *error, if given, names the file and says what
// is wrong. If some owners found no memory for a private value, the others have theirs:
// result->failed counts them, and the status says why (IsNoMemory()).
//
// REQUIRES: an owner exists from when `find` returned it until the next call of `find`, or the end.
// Reader section: not needed, allowed.
template <typename Find>
Status LoadSnapshot(IndexMap& map, const std::string& path, const LoadOptions& options, Find&& find,
                    LoadResult* result, std::string* error) noexcept {
  std::unique_ptr<SnapshotLoad> load;
  const Status status = SnapshotLoad::Begin(map, path, options, &load, error);
  if (status != Status::kOk) return status;
  load->GiveAll(find);
  return load->End(result);
}
template <typename T, InlineField kField, typename Find>
Status LoadSnapshot(SharedMap<T, kField>& map, const std::string& path, const LoadOptions& options,
                    Find&& find, LoadResult* result, std::string* error) noexcept {
  return LoadSnapshot(map.bytes(), path, options, std::forward<Find>(find), result, error);
}

}  // namespace inlay

#endif  // INLAY_SNAPSHOT_H_
