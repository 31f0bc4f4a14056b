#include "inlay/emulated/shared_pointer_map.h"

#include <cstring>
#include <new>
#include <vector>

#include "engine/layouts/get_or_make.h"
#include "engine/memory/allocate.h"
#include "engine/memory/size_classes.h"
#include "engine/memory/value_bytes.h"
#include "engine/sync/owner_locks.h"
#include "engine/sync/test_point.h"

namespace inlay {

struct SharedPointerMap::PrivateValue {
  RcuHead rcu_head;
  Slab* slab;
  uint64_t unused = 0;  // aligns values to 16

  std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
  static PrivateValue* Of(const std::byte* value) {
    return reinterpret_cast<PrivateValue*>(const_cast<std::byte*>(value)) - 1;
  }
};

// --- set-up and teardown

Status SharedPointerMap::Create(SocketTable& table, const MapOptions& options,
                                std::unique_ptr<SharedPointerMap>* map) noexcept {
  if (const Status status = CheckMapOptions(options); status != Status::kOk) return status;
  if (!AllocationAllowed()) return Status::kNoMemory;
  std::unique_ptr<SharedPointerMap> made;
  try {
    made.reset(new SharedPointerMap(table, options));
  } catch (const std::bad_alloc&) {
    return Status::kNoMemory;
  }
  SharedPointerMap& self = *made;
  if (!options.spin_lock) {
    self.has_place_ =
        table.tail_space().Register(&self, sizeof(Place), &self.offset_bytes_) == Status::kOk;
  }
  const Status status =
      self.has_place_ ? self.MakeTable() : PointerMap::Create(table, options, &self.pointer_);
  if (status != Status::kOk) return status;
  *map = std::move(made);
  return Status::kOk;
}

Status SharedPointerMap::MakeTable() noexcept {
  ValueTableOptions table_options;
  table_options.value_bytes = options_.value_bytes;
  table_options.alignment = options_.alignment;
  Account* const own = options_.account;
  table_options.account = own != nullptr ? own : &socket_table_.store().account();
  table_options.pending = own != nullptr ? own : &socket_table_.store().pending_account();
  const Status status = ValueTable::Create(table_options, &values_);
  if (status != Status::kOk) return status;
  locks_ = TryNew<OwnerLocks>();
  return locks_ != nullptr ? Status::kOk : Status::kNoMemory;
}

SharedPointerMap::SharedPointerMap(SocketTable& table, const MapOptions& options)
    : socket_table_(table), options_(options) {}

SharedPointerMap::~SharedPointerMap() {
  if (has_place_) socket_table_.tail_space().Unregister(this);
}

// --- values

ValueIndex SharedPointerMap::IndexOf(const std::byte* value) const noexcept {
  const std::byte* const end =
      values_->base() + (size_t{values_->max_values()} + 1) * values_->stride_bytes();
  if (value < values_->base() || value >= end) return kNoIndex;
  return static_cast<ValueIndex>(static_cast<size_t>(value - values_->base()) /
                                 values_->stride_bytes());
}

bool SharedPointerMap::IsPrivate(const std::byte* value) const noexcept {
  return value != nullptr && IndexOf(value) == kNoIndex;
}

size_t SharedPointerMap::PrivateBytes() const {
  return sizeof(PrivateValue) + options_.value_bytes;
}

Status SharedPointerMap::NewPrivate(Socket& socket, std::span<const std::byte> value, bool charged,
                                    const std::byte** made_bytes) noexcept {
  const auto bytes = static_cast<uint32_t>(PrivateBytes());
  if (!charged && !socket_table_.ChargeOmem(socket, bytes)) return Status::kOwnerLimit;
  Slab* const slab = socket_table_.tail_space().elsewhere().For(bytes);
  void* const room = slab->Allocate();
  if (room == nullptr) {
    if (!charged) socket_table_.UnchargeOmem(socket, bytes);
    return Status::kNoMemory;
  }
  auto* const made = new (room) PrivateValue{};
  made->slab = slab;
  CopyValue(made->bytes(), value, options_);
  private_values_.fetch_add(1, std::memory_order_relaxed);
  *made_bytes = made->bytes();
  return Status::kOk;
}

void SharedPointerMap::ReclaimPrivate(RcuHead* head) {
  auto* const value = reinterpret_cast<PrivateValue*>(head);
  value->slab->Free(value);
}

// Stores `after`, which may be null, and releases the previous value. The caller has referenced or
// charged `after`; a private value inherits the charge of a private predecessor.
void SharedPointerMap::Replace(Socket& socket, const std::byte* after) noexcept {
  Place& place = PlaceOf(socket);
  const std::byte* const before = place.load(std::memory_order_relaxed);
  place.store(after, std::memory_order_release);
  if (before == nullptr) return;
  if (!IsPrivate(before)) {
    values_->Release(IndexOf(before));
    return;
  }
  if (!IsPrivate(after)) {
    socket_table_.UnchargeOmem(socket, static_cast<uint32_t>(PrivateBytes()));
  }
  private_values_.fetch_sub(1, std::memory_order_relaxed);
  Retire<ReclaimPrivate>(&PrivateValue::Of(before)->rcu_head);
}

// Stores `value` as the socket's value. kOwnerLimit. kNoMemory.
Status SharedPointerMap::Put(Socket& socket, std::span<const std::byte> value) noexcept {
  ValueIndex index = kNoIndex;
  const std::byte* after = nullptr;
  if (values_->Intern(value, &index) == Status::kOk) {
    after = values_->At(index);
  } else {
    const bool charged = IsPrivate(PlaceOf(socket).load(std::memory_order_relaxed));
    const Status status = NewPrivate(socket, value, charged, &after);
    if (status != Status::kOk) return status;
  }
  Replace(socket, after);
  return Status::kOk;
}

// --- operations

const std::byte* SharedPointerMap::GetOrCreate(Socket& socket, std::span<const std::byte> init,
                                               Status* status) noexcept {
  if (!is_shared()) return pointer_->GetOrCreate(socket, init, status);
  return GetOrMake(*this, socket, init, status, [&](Status* result) {
    const ValueBuffer zeroes(init.empty() ? value_bytes() : 0);
    const std::span<const std::byte> bytes = init.empty() ? zeroes.bytes() : init;
    MutexLock lock(&locks_->Of(&socket));
    if (Get(socket) == nullptr) *result = bytes.empty() ? Status::kNoMemory : Put(socket, bytes);
    return Get(socket);
  });
}

Status SharedPointerMap::Update(Socket& socket, std::span<const std::byte> value,
                                UpdateFlag flag) noexcept {
  if (!is_shared()) return pointer_->Update(socket, value, flag);
  if (value.size() != value_bytes()) return Status::kInvalid;
  if (socket.is_dying()) return Status::kNotFound;
  MutexLock lock(&locks_->Of(&socket));
  const Status status = CheckUpdateFlag(flag, Get(socket) != nullptr);
  if (status != Status::kOk) return status;
  return Put(socket, value);
}

Status SharedPointerMap::Modify(Socket& socket, ModifyFn modify) noexcept {
  if (!is_shared()) return pointer_->Modify(socket, modify);
  const ValueBuffer buffer(value_bytes());
  if (buffer.bytes().empty()) return Status::kNoMemory;
  for (;; INLAY_TEST_POINT("modify.retries")) {
    ReadSection section;  // one for each attempt
    const std::byte* const found = Get(socket);
    if (found == nullptr) return Status::kNotFound;
    std::memcpy(buffer.bytes().data(), found, value_bytes());
    modify(buffer.bytes());
    MutexLock lock(&locks_->Of(&socket));
    // In this section neither an index (V2) nor the memory of a private value is reused, so the
    // same address means the same bytes.
    if (Get(socket) != found) continue;
    return Put(socket, buffer.bytes());
  }
}

Status SharedPointerMap::Delete(Socket& socket) noexcept {
  if (!is_shared()) return pointer_->Delete(socket);
  MutexLock lock(&locks_->Of(&socket));
  if (Get(socket) == nullptr) return Status::kNotFound;
  Replace(socket, nullptr);
  return Status::kOk;
}

Status SharedPointerMap::Clone(Socket& parent, Socket& child) noexcept {
  return is_shared() ? CloneValue(parent, child) : pointer_->Clone(parent, child);
}

// --- closing and cloning sockets

void SharedPointerMap::ReleaseValue(Socket& socket, bool /*unread*/) noexcept {
  if (PlaceOf(socket).load(std::memory_order_relaxed) == nullptr)
    return;  // locks_ may not exist yet
  MutexLock lock(&locks_->Of(&socket));
  Replace(socket, nullptr);
}

Status SharedPointerMap::CloneValue(Socket& parent, Socket& child) noexcept {
  if (!options_.clone) return Status::kOk;
  ReadSection section;
  const std::byte* const value = Get(parent);
  if (value == nullptr) return Status::kOk;
  MutexLock lock(&locks_->Of(&child));
  // TryRef() fails if the parent's value has changed and was reclaimed, or if the count is at its
  // limit. The bytes stay readable in this section either way.
  if (!IsPrivate(value) && values_->TryRef(IndexOf(value))) {
    Replace(child, value);
    return Status::kOk;
  }
  return Put(child, {value, value_bytes()});
}

// --- inspection

uint32_t SharedPointerMap::Reclaim() noexcept {
  return is_shared() ? values_->ReclaimAndWait() : 0;
}

size_t SharedPointerMap::Trim() noexcept { return is_shared() ? values_->Trim() : 0; }

MemoryUsage SharedPointerMap::memory_usage() const {
  if (!is_shared()) return pointer_->memory_usage();
  MemoryUsage usage = values_->memory_usage();
  usage.inline_bytes += socket_table_.tail_space().InlineBytes(sizeof(Place));
  usage.private_bytes += private_values() * KmallocBytes(PrivateBytes());
  return usage;
}

bool SharedPointerMap::CheckInvariants(std::string* reason) const {
  if (!is_shared()) return pointer_->CheckInvariants(reason);
  if (!values_->CheckInvariants(reason)) return false;
  std::vector<uint64_t> counted(size_t{values_->max_values()} + 1);
  size_t counted_private = 0;
  socket_table_.ForEach([&](Socket& socket) {
    const std::byte* const value = Get(socket);
    if (value == nullptr) return;
    if (IsPrivate(value)) {
      ++counted_private;
    } else {
      ++counted[IndexOf(value)];
    }
  });
  if (!values_->CheckReferences(counted, reason)) return false;
  if (counted_private != private_values()) {
    *reason = "V3: " + std::to_string(counted_private) + " sockets have a private value and " +
              std::to_string(private_values()) + " are counted";
    return false;
  }
  return true;
}

}  // namespace inlay
