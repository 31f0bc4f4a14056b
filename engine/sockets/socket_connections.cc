// SocketTable's connections: listeners, their children and requests, and time-wait sockets.

#include "engine/sockets/socket_table_state.h"
#include "engine/stores/single_pointer_objects.h"
#include "inlay/emulated/tail_space.h"

namespace inlay {

Status SocketTable::Listen(int fd) noexcept {
  ReadSection section;
  Socket* socket = nullptr;
  if (const Status status = Find(fd, &socket); status != Status::kOk) return status;
  if (!socket->common.skc_prot->can_listen) return Status::kInvalid;
  socket->common.skc_state.store(SocketState::kListen, std::memory_order_relaxed);
  return Status::kOk;
}

Status SocketTable::Accept(int listener_fd, int* fd) noexcept {
  ReadSection section;
  Socket* listener = nullptr;
  Status status = Find(listener_fd, &listener);
  if (status != Status::kOk) return status;
  if (listener->common.state() != SocketState::kListen) return Status::kInvalid;
  Socket* const child = NewSocket(listener->common.skc_prot->family);
  if (child == nullptr) return Status::kNoMemory;
  child->common.skc_state.store(SocketState::kEstablished, std::memory_order_relaxed);
  child->sk_mark = listener->sk_mark;
  status = store_->Clone(*listener, *child);
  if (status == Status::kOk) status = tail_space_->CloneOwner(*listener, *child);
  if (status == Status::kOk) status = single_storage_->CloneOwner(*listener, *child);
  // Add the child after it has its values, so that no other thread sees it before. Add it in the
  // same section as the clones: a map that is freed waits for the section, and then finds the child
  // among all sockets.
  if (status == Status::kOk) AddToAll(*child);
  if (status == Status::kOk) status = TakeDescriptor(&child->common, fd);
  if (status != Status::kOk) Put(child->common);
  return status;
}

Status SocketTable::OpenRequest(int listener_fd, SocketCommon** request) noexcept {
  ReadSection section;
  Socket* listener = nullptr;
  if (const Status status = Find(listener_fd, &listener); status != Status::kOk) return status;
  if (listener->common.state() != SocketState::kListen) return Status::kInvalid;
  SocketCommon* const made = NewMiniSocket(listener->common, SocketState::kNewSynRecv);
  if (made == nullptr) return Status::kNoMemory;
  made->skc_listener = &listener->common;
  *request = made;
  return Status::kOk;
}

Status SocketTable::EnterTimeWait(int fd, SocketCommon** timewait) noexcept {
  ReadSection section;
  Socket* socket = nullptr;
  if (const Status status = Find(fd, &socket); status != Status::kOk) return status;
  if (!socket->common.skc_prot->can_listen) return Status::kInvalid;
  SocketCommon* const made = NewMiniSocket(socket->common, SocketState::kTimeWait);
  if (made == nullptr) return Status::kNoMemory;
  if (const Status status = CloseFile(fd, &socket->common); status != Status::kOk) {
    Put(*made);
    return status;
  }
  *timewait = made;
  return Status::kOk;
}

}  // namespace inlay
