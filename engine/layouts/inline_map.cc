#include "inlay/emulated/inline_map.h"

#include <cassert>
#include <cstring>
#include <new>

#include "engine/layouts/get_or_make.h"
#include "engine/memory/allocate.h"
#include "engine/memory/size_classes.h"
#include "engine/memory/value_bytes.h"
#include "engine/sync/owner_locks.h"
#include "engine/sync/test_point.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

constexpr uint64_t kClean = 0;
constexpr uint64_t kTagMask = 3;
constexpr uint64_t kDirtyTag = 2;
// Absent, before DirtyFromNow(): the number of a grace period that never elapses.
constexpr uint64_t kUnpublished = ~uint64_t{0} << 2 | kDirtyTag;

bool IsCopy(uint64_t word) { return word != kClean && (word & kTagMask) == 0; }
bool IsPresent(uint64_t word) { return word != kClean && (word & kTagMask) != kDirtyTag; }

// The word of a place whose value has just been removed.
uint64_t DirtyFromNow() { return GracePeriod::Start().number() << 2 | kDirtyTag; }

// Whether a writer may write into the place: no reader is in it.
bool IsClean(uint64_t word) {
  return word == kClean ||
         ((word & kTagMask) == kDirtyTag && GracePeriod::FromNumber(word >> 2).Elapsed());
}

// The value's bytes in a place.
std::byte* ValueBehind(std::atomic<uint64_t>& word) {
  return reinterpret_cast<std::byte*>(&word + 1);
}

}  // namespace

struct InlineMap::State {
  OwnerLocks locks;  // guard all changes of a place
  std::atomic<size_t> copies{0};
  bool has_place = false;
};

// A value that waits to move into its place.
struct InlineMap::Copy {
  RcuHead rcu_head;
  InlineMap* map;
  Slab* slab;
  Socket* socket;                       // may be freed once `is_current` is false
  std::atomic<bool> is_current{false};  // the socket's value; set under the place's lock

  std::byte* value() { return reinterpret_cast<std::byte*>(this + 1); }
  static Copy* FromWord(uint64_t word) { return reinterpret_cast<Copy*>(word); }
};

Status InlineMap::Create(SocketTable& table, const MapOptions& options,
                         std::unique_ptr<InlineMap>* map) noexcept {
  if (const Status status = CheckMapOptions(options); status != Status::kOk) return status;
  std::unique_ptr<State> state = TryNew<State>();
  if (state == nullptr || !AllocationAllowed()) return Status::kNoMemory;
  std::unique_ptr<InlineMap> made;
  try {
    made.reset(new InlineMap(table, options, std::move(state)));
  } catch (const std::bad_alloc&) {
    return Status::kNoMemory;
  }
  InlineMap& self = *made;
  if (table.tail_space().Register(&self, self.PlaceBytes(), &self.offset_bytes_) == Status::kOk) {
    self.state_->has_place = true;
  } else {
    const Status status = PointerMap::Create(table, options, &self.pointer_);
    if (status != Status::kOk) return status;
  }
  *map = std::move(made);
  return Status::kOk;
}

InlineMap::InlineMap(SocketTable& table, const MapOptions& options, std::unique_ptr<State> state)
    : table_(table), options_(options), state_(std::move(state)) {}

InlineMap::~InlineMap() {
  if (!state_->has_place) return;
  table_.tail_space().Unregister(this);
  // No socket has a copy any more, but copies wait to be freed by two callbacks.
  while (copies() > 0) RetireBarrier();
}

// --- places

uint32_t InlineMap::PlaceBytes() const {
  constexpr uint32_t kGrain = TailSpace::kGrainBytes;
  const uint32_t grains = (options_.value_bytes + kGrain - 1) / kGrain;
  return static_cast<uint32_t>(sizeof(uint64_t)) + grains * kGrain;
}

size_t InlineMap::CopyBytes() const { return sizeof(Copy) + options_.value_bytes; }

std::atomic<uint64_t>& InlineMap::WordOf(Socket& socket) const noexcept {
  return *reinterpret_cast<std::atomic<uint64_t>*>(reinterpret_cast<std::byte*>(&socket) +
                                                   offset_bytes_);
}

const std::byte* InlineMap::GetInline(const Socket& socket) const noexcept {
  return GetAt(socket, offset_bytes_);
}

const std::byte* InlineMap::GetElsewhere(uint64_t word) noexcept {
  return IsCopy(word) ? Copy::FromWord(word)->value() : nullptr;
}

InlineMap::Copy* InlineMap::NewCopy() noexcept {
  Slab* const slab = table_.tail_space().elsewhere().For(CopyBytes());
  void* const room = slab->Allocate();
  if (room == nullptr) return nullptr;
  state_->copies.fetch_add(1, std::memory_order_relaxed);
  Copy* const copy = new (room) Copy{};
  copy->map = this;
  copy->slab = slab;
  return copy;
}

void InlineMap::FreeCopy(Copy* copy) noexcept {
  std::atomic<size_t>& copies = state_->copies;
  copy->slab->Free(copy);
  copies.fetch_sub(1, std::memory_order_release);  // last: the map may be freed after it
}

// Makes `copy` the value. After a grace period it moves into the place, which has no readers then.
void InlineMap::PublishCopy(Socket& socket, Copy* copy) noexcept {
  copy->socket = &socket;
  copy->is_current.store(true, std::memory_order_relaxed);
  Empty(socket, reinterpret_cast<uint64_t>(copy));
  Retire<MoveIntoPlace>(&copy->rcu_head);
}

void InlineMap::MoveIntoPlace(RcuHead* head) {
  Copy* const copy = reinterpret_cast<Copy*>(head);
  InlineMap& map = *copy->map;
  // A copy that is not current stays so: check without the lock first. When a value changes all the
  // time, nearly all copies are outdated by now, and waiting for the lock would let them pile up.
  if (copy->is_current.load(std::memory_order_relaxed)) {
    MutexLock lock(&map.state_->locks.Of(copy->socket));
    if (copy->is_current.load(std::memory_order_relaxed)) {
      std::atomic<uint64_t>& word = map.WordOf(*copy->socket);
      assert(Copy::FromWord(word.load(std::memory_order_relaxed)) == copy);
      std::memcpy(ValueBehind(word), copy->value(), map.value_bytes());
      word.store(kHere, std::memory_order_release);
      copy->is_current.store(false, std::memory_order_relaxed);
    }
  }
  Retire<ReclaimCopy>(&copy->rcu_head);  // readers may still be in it
}

void InlineMap::ReclaimCopy(RcuHead* head) {
  Copy* const copy = reinterpret_cast<Copy*>(head);
  copy->map->FreeCopy(copy);
}

// Stores `value` as the socket's value and returns its address. Null without memory.
const std::byte* InlineMap::Put(Socket& socket, std::span<const std::byte> value) noexcept {
  std::atomic<uint64_t>& word = WordOf(socket);
  if (IsClean(word.load(std::memory_order_relaxed))) {
    std::byte* const place = ValueBehind(word);
    CopyValue(place, value, options_);
    word.store(kHere, std::memory_order_release);
    return place;
  }
  Copy* const copy = NewCopy();
  if (copy == nullptr) return nullptr;
  CopyValue(copy->value(), value, options_);
  PublishCopy(socket, copy);
  return copy->value();
}

// Removes the value, in the place or in a copy, and stores `word_after`.
void InlineMap::Empty(Socket& socket, uint64_t word_after) noexcept {
  std::atomic<uint64_t>& word = WordOf(socket);
  const uint64_t before = word.load(std::memory_order_relaxed);
  word.store(word_after, std::memory_order_release);
  // MoveIntoPlace() frees the copy, since it is not current.
  if (IsCopy(before)) Copy::FromWord(before)->is_current.store(false, std::memory_order_relaxed);
}

// --- operations

const std::byte* InlineMap::GetOrCreate(Socket& socket, std::span<const std::byte> init,
                                        Status* status) noexcept {
  if (!is_inline()) return pointer_->GetOrCreate(socket, init, status);
  return GetOrMake(*this, socket, init, status, [&](Status* result) {
    MutexLock lock(&state_->locks.Of(&socket));
    const std::byte* value = GetInline(socket);
    if (value == nullptr) value = Put(socket, init);
    if (value == nullptr) *result = Status::kNoMemory;
    return value;
  });
}

Status InlineMap::Update(Socket& socket, std::span<const std::byte> value,
                         UpdateFlag flag) noexcept {
  if (!is_inline()) return pointer_->Update(socket, value, flag);
  if (value.size() != value_bytes()) return Status::kInvalid;
  if (socket.is_dying()) return Status::kNotFound;
  MutexLock lock(&state_->locks.Of(&socket));
  const Status status =
      CheckUpdateFlag(flag, IsPresent(WordOf(socket).load(std::memory_order_relaxed)));
  if (status != Status::kOk) return status;
  return Put(socket, value) != nullptr ? Status::kOk : Status::kNoMemory;
}

Status InlineMap::Modify(Socket& socket, ModifyFn modify) noexcept {
  if (!is_inline()) return pointer_->Modify(socket, modify);
  for (;; INLAY_TEST_POINT("modify.retries")) {
    ReadSection section;  // one for each attempt
    const std::byte* const found = GetInline(socket);
    if (found == nullptr) return Status::kNotFound;
    Copy* const copy = NewCopy();
    if (copy == nullptr) return Status::kNoMemory;
    CopyValue(copy->value(), {found, value_bytes()}, options_);
    modify({copy->value(), value_bytes()});
    ClearLock(copy->value(), options_);
    {
      MutexLock lock(&state_->locks.Of(&socket));
      // The bytes at an address that was found in this section do not change until its end.
      if (GetInline(socket) == found) {
        PublishCopy(socket, copy);
        return Status::kOk;
      }
    }
    FreeCopy(copy);
  }
}

Status InlineMap::Delete(Socket& socket) noexcept {
  if (!is_inline()) return pointer_->Delete(socket);
  MutexLock lock(&state_->locks.Of(&socket));
  if (!IsPresent(WordOf(socket).load(std::memory_order_relaxed))) return Status::kNotFound;
  // Store absent before the grace period begins: it must begin after the last reader that finds the
  // value.
  Empty(socket, kUnpublished);
  WordOf(socket).store(DirtyFromNow(), std::memory_order_relaxed);
  return Status::kOk;
}

Status InlineMap::Clone(Socket& parent, Socket& child) noexcept {
  return is_inline() ? CloneValue(parent, child) : pointer_->Clone(parent, child);
}

// --- closing and cloning sockets

void InlineMap::ReleaseValue(Socket& socket, bool unread) noexcept {
  MutexLock lock(&state_->locks.Of(&socket));
  std::atomic<uint64_t>& word = WordOf(socket);
  if (word.load(std::memory_order_relaxed) == kClean) return;
  Empty(socket, kClean);
  if (unread) std::memset(ValueBehind(word), 0, PlaceBytes() - sizeof(word));
}

Status InlineMap::CloneValue(Socket& parent, Socket& child) noexcept {
  if (!options_.clone) return Status::kOk;
  ReadSection section;
  const std::byte* const value = GetInline(parent);
  if (value == nullptr) return Status::kOk;
  MutexLock lock(&state_->locks.Of(&child));
  return Put(child, {value, value_bytes()}) != nullptr ? Status::kOk : Status::kNoMemory;
}

// --- inspection

size_t InlineMap::copies() const noexcept { return state_->copies.load(std::memory_order_acquire); }

MemoryUsage InlineMap::memory_usage() const {
  if (!is_inline()) return pointer_->memory_usage();
  MemoryUsage usage;
  usage.inline_bytes = table_.tail_space().InlineBytes(PlaceBytes());
  usage.private_bytes = copies() * KmallocBytes(CopyBytes());
  return usage;
}

bool InlineMap::CheckInvariants(std::string* /*reason*/) const { return true; }

}  // namespace inlay
