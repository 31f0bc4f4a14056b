// SocketTable's descriptors: numbers, and what each of them names.

#include <cassert>
#include <optional>

#include "engine/sockets/socket_table_state.h"

namespace inlay {

Status SocketTable::TakeDescriptor(SocketCommon* file, int* fd) noexcept {
  MutexLock lock(&state_->descriptor_mutex);
  const std::optional<uint32_t> number = state_->descriptors.TakeLowest();
  if (!number.has_value()) return Status::kTooManyOpen;
  if (!state_->PutFile(*number, file)) {
    state_->descriptors.Return(*number);
    return Status::kNoMemory;
  }
  *fd = static_cast<int>(*number);
  return Status::kOk;
}

Status SocketTable::DupTo(int fd, int new_fd) noexcept {
  if (fd == new_fd) return Status::kInvalid;
  if (new_fd < 0 || static_cast<uint32_t>(new_fd) >= options_.max_descriptors) {
    return Status::kBadDescriptor;
  }
  const auto number = static_cast<uint32_t>(new_fd);
  ReadSection section;
  Socket* socket = nullptr;
  const Status found = Find(fd, &socket);
  if (found == Status::kBadDescriptor) return found;
  SocketCommon* const file = found == Status::kOk ? &socket->common : &not_a_socket;
  if (file != &not_a_socket && !TryHold(*file)) return Status::kBadDescriptor;
  SocketCommon* closed = nullptr;
  bool placed = false;
  {
    MutexLock lock(&state_->descriptor_mutex);
    if (number < state_->files_in_use.load(std::memory_order_relaxed)) {
      closed = state_->file(number).load(std::memory_order_relaxed);
    }
    placed = state_->PutFile(number, file);
    if (placed) state_->descriptors.Take(number);
  }
  SocketCommon* const dropped = placed ? closed : file;
  if (dropped != nullptr && dropped != &not_a_socket) Put(*dropped);
  return placed ? Status::kOk : Status::kNoMemory;
}

Status SocketTable::Open(SocketFamily family, int* fd) noexcept {
  Socket* const socket = NewSocket(family);
  if (socket == nullptr) return Status::kNoMemory;
  AddToAll(*socket);
  const Status status = TakeDescriptor(&socket->common, fd);
  if (status != Status::kOk) Put(socket->common);
  return status;
}

Status SocketTable::OpenFile(int* fd) noexcept { return TakeDescriptor(&not_a_socket, fd); }

Status SocketTable::Dup(int fd, int* new_fd) noexcept {
  ReadSection section;
  Socket* socket = nullptr;
  Status status = Find(fd, &socket);
  if (status == Status::kNotSocket) return OpenFile(new_fd);
  if (status != Status::kOk) return status;
  if (!TryHold(socket->common)) return Status::kBadDescriptor;
  status = TakeDescriptor(&socket->common, new_fd);
  if (status != Status::kOk) Put(socket->common);
  return status;
}

Status SocketTable::Close(int fd) noexcept { return CloseFile(fd, nullptr); }

// Closes the descriptor if it names `expected`, or in any case if that is null.
Status SocketTable::CloseFile(int fd, const SocketCommon* expected) noexcept {
  if (fd < 0 || static_cast<uint32_t>(fd) >= state_->files_in_use.load(std::memory_order_acquire)) {
    return Status::kBadDescriptor;
  }
  State::File& slot = state_->file(static_cast<uint32_t>(fd));
  SocketCommon* file = nullptr;
  {
    // Both under the lock, so that a number is free exactly if its entry is null.
    MutexLock lock(&state_->descriptor_mutex);
    file = slot.load(std::memory_order_relaxed);
    if (file == nullptr || (expected != nullptr && file != expected)) return Status::kBadDescriptor;
    slot.store(nullptr, std::memory_order_release);
    state_->descriptors.Return(static_cast<uint32_t>(fd));
  }
  if (file != &not_a_socket) Put(*file);
  return Status::kOk;
}

Status SocketTable::Find(int fd, Socket** socket) const noexcept {
  assert(InReadSection());
  if (fd < 0 || static_cast<uint32_t>(fd) >= state_->files_in_use.load(std::memory_order_acquire)) {
    return Status::kBadDescriptor;
  }
  SocketCommon* const file =
      state_->file(static_cast<uint32_t>(fd)).load(std::memory_order_acquire);
  if (file == nullptr) return Status::kBadDescriptor;
  if (file == &not_a_socket) return Status::kNotSocket;
  *socket = FullSocket(file);
  return Status::kOk;
}

}  // namespace inlay
