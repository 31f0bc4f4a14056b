#include "inlay/live_map.h"

#include <bpf/bpf.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/live_maps/kernel_maps.h"
#include "engine/live_maps/map_lock.h"
#include "engine/live_maps/map_objects.h"

namespace inlay {
namespace {

// A lookup that finds another key's element, or a value that is being replaced, is repeated.
constexpr int kAttempts = 16;

// Whatever it finds, the value behind the index decides.
bool Lookup(int codes, const std::byte* value, uint32_t* index) {
  return bpf_map_lookup_elem(codes, value, index) == 0;
}

Status ReadMark(int fd, uint32_t* mark) {
  socklen_t bytes = sizeof(*mark);
  return getsockopt(fd, SOL_SOCKET, SO_MARK, mark, &bytes) == 0 ? Status::kOk
                                                                : StatusOfErrno(errno);
}

// While a process changes a mark and a storage, no program brings sockets of the map home.
class Changing {
 public:
  explicit Changing(std::atomic_ref<uint32_t> count) : count_(count) { count_.fetch_add(1); }
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;
  ~Changing() { count_.fetch_sub(1); }

 private:
  const std::atomic_ref<uint32_t> count_;
};

// Waits for a program that brings this socket home and has not seen us: it has the socket locked,
// and SO_MARK locks it (Linux 6.1 and 6.18, sk_setsockopt()). REQUIRES: a Changing.
Status WaitForHome(int fd) {
  uint32_t mark = 0;
  const Status read = ReadMark(fd, &mark);
  if (read != Status::kOk) return read;
  // If a program has given the socket an index meanwhile, this takes it away again; the storage
  // that had the value is still there.
  return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0 ? Status::kOk
                                                                       : StatusOfErrno(errno);
}

bool IsListener(int fd) {
  int listens = 0;
  socklen_t bytes = sizeof(listens);
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &bytes) == 0 && listens != 0;
}

}  // namespace

LiveMap::LiveMap(std::unique_ptr<Maps> maps) : maps_(std::move(maps)) {}
LiveMap::~LiveMap() = default;

const std::string& LiveMap::name() const { return maps_->name; }
uint32_t LiveMap::value_bytes() const { return maps_->value_bytes; }
uint32_t LiveMap::most_values() const { return maps_->most_values; }
const MarkField& LiveMap::field() const { return maps_->field; }

Status LiveMap::WriteValue(uint32_t index, std::span<const std::byte> value) {
  if (maps_->values_writable) {
    std::memcpy(maps_->value(index), value.data(), value.size());
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return Status::kOk;
  }
  const std::lock_guard lock(maps_->writing_values);
  std::vector<std::byte> all(maps_->values.data(), maps_->values.data() + maps_->values.bytes());
  std::memcpy(all.data() + size_t{index - 1} * value.size(), value.data(), value.size());
  const uint32_t only = 0;
  return bpf_map_update_elem(maps_->fd(Part::kValues), &only, all.data(), BPF_ANY) == 0
             ? Status::kOk
             : StatusOfErrno(errno);
}

Status LiveMap::Intern(std::span<const std::byte> value, uint32_t* index) {
  if (value.size() != value_bytes()) return Status::kInvalid;
  const int codes = maps_->fd(Part::kCodes);
  std::atomic_ref<__u64> next(maps_->head().next);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    uint32_t found = 0;
    if (Lookup(codes, value.data(), &found)) {
      if (!IsIndex(found)) continue;
      // Who reclaims removes the value from `codes` first and looks at the holders afterwards, so
      // an index that is held and can still be found stays.
      maps_->held(found).fetch_add(1);
      uint32_t again = 0;
      if (std::equal(value.begin(), value.end(), maps_->value(found)) &&
          Lookup(codes, value.data(), &again) && again == found) {
        maps_->hint(found).store(INLAY_HINT_SET);
        *index = found;
        return Status::kOk;
      }
      maps_->held(found).fetch_sub(1);
      continue;
    }
    uint32_t taken = 0;
    if (bpf_map_lookup_and_delete_elem(maps_->fd(Part::kFree), nullptr, &taken) != 0) {
      // Held before it is taken: who reclaims indexes might take it for one that was forgotten.
      __u64 used = next.load();
      if (used >= most_values()) return Status::kNoMemory;
      taken = static_cast<uint32_t>(used) + 1;
      maps_->held(taken).fetch_add(1);
      if (!next.compare_exchange_strong(used, used + 1)) {
        maps_->held(taken).fetch_sub(1);
        continue;
      }
    } else if (IsIndex(taken)) {
      maps_->held(taken).fetch_add(1);
    } else {
      continue;
    }
    maps_->hint(taken).store(INLAY_HINT_SET);
    const Status written = WriteValue(taken, value);
    std::atomic_ref<__u64>(maps_->head().interned).fetch_add(1);
    int error = ToErrno(written);
    if (error == 0) {
      if (bpf_map_update_elem(codes, value.data(), &taken, BPF_NOEXIST) == 0) {
        *index = taken;
        return Status::kOk;
      }
      error = errno;
    }
    // Nobody has seen the index, so it is free at once.
    maps_->held(taken).fetch_sub(1);
    maps_->Free(taken);
    if (error != EEXIST) return StatusOfErrno(error);
  }
  return Status::kNoMemory;
}

Status LiveMap::Release(uint32_t index) {
  if (!IsIndex(index)) return Status::kInvalid;
  std::atomic_ref<uint32_t> held = maps_->held(index);
  uint32_t holders = held.load();
  do {
    if (holders == 0) return Status::kInvalid;
  } while (!held.compare_exchange_weak(holders, holders - 1));
  return Status::kOk;
}

Status LiveMap::Find(std::span<const std::byte> value, uint32_t* index) const {
  if (value.size() != value_bytes()) return Status::kInvalid;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    uint32_t found = 0;
    if (!Lookup(maps_->fd(Part::kCodes), value.data(), &found)) return StatusOfErrno(errno);
    if (!IsIndex(found) || !std::equal(value.begin(), value.end(), maps_->value(found))) continue;
    *index = found;
    return Status::kOk;
  }
  return Status::kNotFound;
}

Status LiveMap::Read(uint32_t index, std::span<std::byte> value) const {
  if (!IsIndex(index) || value.size() != value_bytes()) return Status::kInvalid;
  std::memcpy(value.data(), maps_->value(index), value.size());
  return Status::kOk;
}

Status LiveMap::Replace(uint32_t index, std::span<const std::byte> value) {
  if (!IsIndex(index) || value.size() != value_bytes()) return Status::kInvalid;
  // Who collects repairs what a process has left that was killed at any step (repair_keys.h), and
  // must not take the steps of a living one for that.
  std::unique_ptr<MapLock> replacing;
  const Status locked =
      MapLock::Take(maps_->fd(Part::kState), MapLock::Of::kReplacing, true, &replacing);
  if (locked != Status::kOk) return locked;
  if (std::equal(value.begin(), value.end(), maps_->value(index))) return Status::kOk;
  const std::vector<std::byte> former(maps_->value(index), maps_->value(index) + value.size());
  const int codes = maps_->fd(Part::kCodes);
  // The table has room for as many keys as there are indexes: if all are in use, the former key has
  // to go first, and who interns it meanwhile finds no index.
  bool is_gone = false;
  while (bpf_map_update_elem(codes, value.data(), &index, BPF_NOEXIST) != 0) {
    const int error = errno;
    if (error != E2BIG || is_gone) {
      if (is_gone) bpf_map_update_elem(codes, former.data(), &index, BPF_NOEXIST);
      return StatusOfErrno(error);
    }
    is_gone = bpf_map_delete_elem(codes, former.data()) == 0;
    if (!is_gone) return StatusOfErrno(error);
  }
  const Status written = WriteValue(index, value);
  if (written != Status::kOk) {
    bpf_map_delete_elem(codes, value.data());
    if (is_gone) bpf_map_update_elem(codes, former.data(), &index, BPF_NOEXIST);
    return written;
  }
  if (!is_gone) bpf_map_delete_elem(codes, former.data());
  return Status::kOk;
}

Status LiveMap::SetCode(int fd, uint32_t code) {
  uint32_t mark = 0;
  const Status read = ReadMark(fd, &mark);
  if (read != Status::kOk) return read;
  const uint32_t former = field().CodeIn(mark);
  const uint32_t changed = field().Put(mark, code);
  if (changed != mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &changed, sizeof(changed)) != 0) {
    return StatusOfErrno(errno);
  }
  // A program may have kept the bits, for an application (inlay_programs.bpf.h). Those of another
  // map may be others by now: then the socket has come home there.
  uint32_t kept = 0;
  if (changed != mark && ReadMark(fd, &kept) == Status::kOk && field().CodeIn(kept) != code) {
    return Status::kUnsupported;
  }
  // A listener's children may still need a storage that it had (inlay.bpf.h).
  const bool had_storage = former == field().most_code() || (maps_->flags & INLAY_ANY_STORAGE) != 0;
  if (had_storage && code != field().most_code() && !IsListener(fd)) {
    bpf_map_delete_elem(maps_->fd(Part::kStorage), &fd);
  }
  return Status::kOk;
}

Status LiveMap::Set(int fd, std::span<const std::byte> value) {
  uint32_t index = 0;
  const Status interned = Intern(value, &index);
  const Changing changing(maps_->changing());
  if (interned == Status::kOk) {
    Status set = SetCode(fd, index);
    const int storage = maps_->fd(Part::kStorage);
    if (set == Status::kOk && KeepsCopy(fd) &&
        bpf_map_update_elem(storage, &fd, value.data(), BPF_ANY) != 0) {
      set = StatusOfErrno(errno);
      bpf_map_delete_elem(storage, &fd);
    }
    const Status released = Release(index);
    return set != Status::kOk ? set : released;
  }
  if (interned != Status::kNoMemory) return interned;
  if (const Status waited = WaitForHome(fd); waited != Status::kOk) return waited;
  if (bpf_map_update_elem(maps_->fd(Part::kStorage), &fd, value.data(), BPF_ANY) != 0) {
    return StatusOfErrno(errno);
  }
  std::atomic_ref<__u64>(maps_->head().spilled).fetch_add(1);
  return SetCode(fd, field().most_code());
}

Status LiveMap::Get(int fd, std::span<std::byte> value) const {
  if (value.size() != value_bytes()) return Status::kInvalid;
  for (;;) {
    uint32_t mark = 0;
    const Status read = ReadMark(fd, &mark);
    if (read != Status::kOk) return read;
    const uint32_t code = field().CodeIn(mark);
    if (!IsIndex(code)) {
      if (code != field().most_code() && (maps_->flags & INLAY_ANY_STORAGE) == 0) {
        return Status::kNotFound;
      }
      if (bpf_map_lookup_elem(maps_->fd(Part::kStorage), &fd, value.data()) == 0) {
        return Status::kOk;
      }
      const Status missing = StatusOfErrno(errno);
      // Or it came home meanwhile.
      uint32_t again = 0;
      if (ReadMark(fd, &again) == Status::kOk && field().CodeIn(again) != code) continue;
      return missing;
    }
    // Held first, and the socket looked at again: so the index is the socket's while it is held.
    maps_->held(code).fetch_add(1);
    uint32_t again = 0;
    const Status read_again = ReadMark(fd, &again);
    std::memcpy(value.data(), maps_->value(code), value.size());
    maps_->held(code).fetch_sub(1);
    if (read_again != Status::kOk) return read_again;
    if (field().CodeIn(again) == code) return Status::kOk;
  }
}

Status LiveMap::Delete(int fd) {
  const Changing changing(maps_->changing());
  if ((maps_->flags & INLAY_ANY_STORAGE) != 0) {
    if (const Status waited = WaitForHome(fd); waited != Status::kOk) return waited;
  }
  uint32_t mark = 0;
  const Status read = ReadMark(fd, &mark);
  if (read != Status::kOk) return read;
  if (field().CodeIn(mark) == 0) {
    if ((maps_->flags & INLAY_ANY_STORAGE) == 0) return Status::kNotFound;
    return bpf_map_delete_elem(maps_->fd(Part::kStorage), &fd) == 0 ? Status::kOk
                                                                    : StatusOfErrno(errno);
  }
  const Status deleted = SetCode(fd, 0);
  if (deleted == Status::kOk && KeepsCopy(fd)) {
    bpf_map_delete_elem(maps_->fd(Part::kStorage), &fd);
  }
  return deleted;
}

bool LiveMap::KeepsCopy(int fd) const {
  return (maps_->flags & INLAY_CLONED) != 0 && IsListener(fd);
}

LiveMap::Statistics LiveMap::CountValues() const {
  Statistics counts;
  const inlay_map_state& head = maps_->head();
  counts.indexes_touched = static_cast<uint32_t>(std::min<uint64_t>(head.next, maps_->most_values));
  counts.interned = head.interned;
  counts.spilled = head.spilled;
  std::vector<std::byte> key(value_bytes());
  const void* at = nullptr;
  // Deletions meanwhile may send the walk back to the beginning, so it is bounded.
  while (counts.values < most_values() &&
         bpf_map_get_next_key(maps_->fd(Part::kCodes), at, key.data()) == 0) {
    ++counts.values;
    at = key.data();
  }
  return counts;
}

uint64_t LiveMap::KernelBytes() const {
  uint64_t bytes = 0;
  for (const Part part : kParts) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(maps_->fd(part)));
    for (std::string word; info >> word;) {
      uint64_t locked = 0;
      if (word == "memlock:" && info >> locked) bytes += locked;
    }
  }
  return bytes;
}

}  // namespace inlay
