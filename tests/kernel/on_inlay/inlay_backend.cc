#include "tests/kernel/on_inlay/inlay_backend.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "inlay/emulated/bpf.h"
#include "inlay/rcu.h"
#include "tests/kernel/on_inlay/layouts.h"
#include "tests/kernel/on_inlay/value_order.h"

namespace inlay::bpf_script {
namespace {

// The size of an iterator's buffer, which holds a socket's cookie and value.
constexpr size_t kWalkBytes = 32768;
constexpr size_t kCookieBytes = 8;

// The number of values that a reader of a sock_diag reply sees: the kernel sends all of them, but
// their total length has 16 bits.
size_t VisibleInDiag(const std::vector<std::pair<MapNumber, Bytes>>& values) {
  constexpr size_t kHeader = 4;  // of an attribute; the map's id takes one and 4 bytes
  const auto attribute = [](const Bytes& value) {
    return 2 * kHeader + 4 + kHeader + (value.size() + 3) / 4 * 4;
  };
  size_t bytes = kHeader;
  for (const auto& [map, value] : values) bytes += attribute(value);
  size_t left = bytes % 65536;
  left -= std::min(left, kHeader);
  size_t visible = 0;
  while (visible < values.size() && attribute(values[visible].second) <= left) {
    left -= attribute(values[visible++].second);
  }
  return visible;
}

template <typename Layout>
class InlayBackend final : public Backend {
 public:
  InlayBackend() {
    if (SocketTable::Create(Layout::kSockets, &table_) != Status::kOk) {
      throw std::runtime_error("cannot make sockets");
    }
    for (int stream = 0; stream < 3; ++stream) {
      int fd = -1;
      if (table_->OpenFile(&fd) != Status::kOk) throw std::runtime_error("cannot open a file");
    }
  }

  // --- maps

  int CreateMap(MapNumber map, const MapShape& shape) override {
    MapOptions options;
    options.value_bytes = shape.value_bytes;
    options.width_bits = Layout::kWidthBits;
    options.clone = shape.clone;
    options.spin_lock = shape.lock;
    std::unique_ptr<Storage> made;
    const int error = -bpf::map_create(*table_, options, &made);
    if (error == 0) maps_.emplace(map, std::move(made));
    return error;
  }
  int FreeMap(MapNumber map) override {
    if (maps_.erase(map) == 0) return EBADF;
    order_.Free(map);
    return 0;
  }
  int Freeze(MapNumber map) override {
    Storage* const storage = Find(map);
    return storage != nullptr ? -bpf::map_freeze(*storage) : EBADF;
  }

  // --- descriptors

  int OpenSocket(int fd, SocketFamily family) override {
    int opened = -1;
    if (const Status status = table_->Open(family, &opened); status != Status::kOk) {
      return ToErrno(status);
    }
    return Place(opened, fd);
  }
  int OpenFile(int fd) override {
    int opened = -1;
    if (const Status status = table_->OpenFile(&opened); status != Status::kOk) {
      return ToErrno(status);
    }
    return Place(opened, fd);
  }
  int Dup(int from, int fd) override {
    const Status status = table_->DupTo(from, fd);
    if (status == Status::kOk) ResetConnection(fd);
    return ToErrno(status);
  }
  int Close(int fd) override {
    ResetConnection(fd);
    return ToErrno(table_->Close(fd));
  }
  int Clone(int listener_fd, int fd) override {
    int child_fd = -1;
    const int error = OnSocket(listener_fd, [&](Socket& listener) {
      if (const int refused = Listen(listener_fd, listener); refused != 0) return refused;
      return Accept(listener_fd, listener, &child_fd);
    });
    if (error != 0) return error;
    Place(child_fd, fd);
    connected_[fd] = CookieOf(fd);
    bound_.insert(connected_[fd]);
    return 0;
  }
  int Omem(int fd, int64_t* bytes) override {
    return OnSocket(fd, [&](const Socket& socket) {
      *bytes = socket.sk_omem_alloc.load();
      return 0;
    });
  }
  int SetOptmem(int64_t bytes) override {
    if (bytes < 0 || bytes > std::numeric_limits<int32_t>::max()) return EINVAL;
    table_->set_optmem_max_bytes(static_cast<int32_t>(bytes));
    return 0;
  }
  int Cookie(int fd, uint64_t* cookie) override {
    return OnSocket(fd, [&](const Socket& socket) {
      *cookie = socket.common.skc_cookie;
      return 0;
    });
  }

  // --- the system call

  int Update(MapNumber map, int fd, const Bytes& value, uint64_t flags) override {
    Storage* const storage = Find(map);
    if (storage == nullptr) return EBADF;
    const uint64_t socket = CookieOf(fd);
    const int error = -bpf::map_update_elem(*storage, *table_, fd, value.data(), flags);
    const bool in_place = (flags & bpf::BPF_F_LOCK) != 0 && order_.Has(socket, map);
    if (error == 0 && !in_place) order_.Insert(socket, map);
    return error;
  }
  int Lookup(MapNumber map, int fd, uint64_t flags, Bytes* value) override {
    Storage* const storage = Find(map);
    if (storage == nullptr) return (flags & ~bpf::BPF_F_LOCK) != 0 ? EINVAL : EBADF;
    value->resize(storage->value_bytes());
    return -bpf::map_lookup_elem(*storage, *table_, fd, value->data(), flags);
  }
  int SysDelete(MapNumber map, int fd) override {
    Storage* const storage = Find(map);
    if (storage == nullptr) return EBADF;
    const int error = -bpf::map_delete_elem(*storage, *table_, fd);
    if (error == 0) order_.Remove(CookieOf(fd), map);
    return error;
  }
  int NextKey(MapNumber map, const int* /*fd*/) override {
    const Storage* const storage = Find(map);
    return storage != nullptr ? -bpf::map_get_next_key(*storage) : EBADF;
  }
  int LookupAndDelete(MapNumber map, int /*fd*/) override {
    const Storage* const storage = Find(map);
    return storage != nullptr ? -bpf::map_lookup_and_delete_elem(*storage) : EBADF;
  }

  // --- programs

  int Get(MapNumber map, int fd, uint64_t flags, const Bytes* init, Bytes* value) override {
    Storage* const storage = Find(map);
    if (storage == nullptr) return EBADF;
    return OnSocket(fd, [&](Socket& socket) {
      const void* const found = bpf::sk_storage_get(
          *storage, &socket.common, init != nullptr ? init->data() : nullptr, flags);
      if (found == nullptr) return 0;
      const auto* const bytes = static_cast<const std::byte*>(found);
      value->assign(bytes, bytes + storage->value_bytes());
      const uint64_t cookie = socket.common.skc_cookie;
      if (!order_.Has(cookie, map)) order_.Insert(cookie, map);
      return 0;
    });
  }
  int Delete(MapNumber map, int fd) override {
    Storage* const storage = Find(map);
    if (storage == nullptr) return EBADF;
    return OnSocket(fd, [&](Socket& socket) {
      const auto error = static_cast<int>(-bpf::sk_storage_delete(*storage, &socket.common));
      if (error == 0) order_.Remove(socket.common.skc_cookie, map);
      return error;
    });
  }
  int Poke(MapNumber map, int fd, uint32_t offset, const Bytes& bytes, bool* present) override {
    Storage* const storage = Find(map);
    if (storage == nullptr) return EBADF;
    return OnSocket(fd, [&](Socket& socket) {
      const auto error = static_cast<int>(-bpf::sk_storage_modify(
          *storage, &socket.common,
          [&](std::span<std::byte> value) { std::ranges::copy(bytes, value.begin() + offset); }));
      *present = error == 0;
      return error == ENOENT ? 0 : error;
    });
  }

  // --- walks

  int Dump(MapNumber map, std::vector<HeldValue>* values) override {
    Storage* const storage = Find(map);
    if (storage == nullptr) return EBADF;
    table_->ForEach([&](Socket& socket) {
      const std::byte* const found = storage->map().Get(socket);
      if (found == nullptr) return;
      values->emplace_back(socket.common.skc_cookie, Bytes(found, found + storage->value_bytes()));
    });
    const bool too_big = kCookieBytes + storage->value_bytes() >= kWalkBytes;
    return !values->empty() && too_big ? E2BIG : 0;
  }
  int Diag(int fd, std::span<const MapNumber> maps, DiagReply* reply) override {
    return OnSocket(fd, [&](Socket& socket) {
      const SocketFamily family = socket.common.skc_prot->family;
      reply->listed = IsTcp(family) || IsUdp(family) || family == SocketFamily::kRaw;
      if (!reply->listed) return 0;
      for (size_t i = 0; i < maps.size(); ++i) {
        if (Find(maps[i]) == nullptr) return EBADF;
        if (std::ranges::find(maps.first(i), maps[i]) != maps.begin() + static_cast<ptrdiff_t>(i)) {
          return EEXIST;
        }
      }
      if (family == SocketFamily::kRaw)
        return ENOENT;  // no sock_diag module for raw sockets is loaded
      // sock_diag lists listening and connected TCP sockets only.
      if (!IsTcp(family) || socket.common.state() == SocketState::kClose) return 0;
      const std::vector<MapNumber> present = order_.Of(socket.common.skc_cookie);
      for (const MapNumber map : maps.empty() ? std::span(present) : maps) {
        Storage* const storage = Find(map);
        const std::byte* const found = storage->map().Get(socket);
        if (found == nullptr) continue;
        reply->values.emplace_back(map, Bytes(found, found + storage->value_bytes()));
      }
      reply->values.resize(VisibleInDiag(reply->values));
      return 0;
    });
  }

  bool CheckInvariants(std::string* reason) override {
    for (const auto& [number, storage] : maps_) {
      if (!storage->map().CheckInvariants(reason)) return false;
    }
    if (!table_->store().CheckInvariants(reason)) return false;
    bool same = true;
    table_->ForEach([&](Socket& socket) {
      const uint64_t cookie = socket.common.skc_cookie;
      for (const auto& [number, storage] : maps_) {
        const bool present = storage->map().Get(socket) != nullptr;
        if (present == order_.Has(cookie, number)) continue;
        *reason = "socket " + std::to_string(cookie) + " and map " + std::to_string(number) +
                  (present ? " have a value" : " have lost a value");
        same = false;
      }
      const int32_t charged = socket.sk_omem_alloc.load();
      if (order_.Of(cookie).empty() && charged != table_->reserved_bytes()) {
        *reason = "socket " + std::to_string(cookie) + " has no value, and is charged for " +
                  std::to_string(charged);
        same = false;
      }
    });
    return same;
  }

 private:
  using Storage = bpf::SkStorage<typename Layout::Map>;

  static bool IsTcp(SocketFamily family) {
    return family == SocketFamily::kTcp || family == SocketFamily::kTcp6;
  }
  static bool IsUdp(SocketFamily family) {
    return family == SocketFamily::kUdp || family == SocketFamily::kUdp6;
  }

  Storage* Find(MapNumber map) const {
    const auto at = maps_.find(map);
    return at != maps_.end() ? at->second.get() : nullptr;
  }

  // Calls `operate(socket)` inside a reader section, or returns the errno for a descriptor without
  // a socket.
  template <typename Operate>
  int OnSocket(int fd, Operate&& operate) {
    ReadSection section;
    Socket* socket = nullptr;
    const Status status = table_->Find(fd, &socket);
    return status == Status::kOk ? operate(*socket) : ToErrno(status);
  }

  uint64_t CookieOf(int fd) {
    uint64_t cookie = 0;
    Cookie(fd, &cookie);
    return cookie;
  }

  // Moves a descriptor to its number in the script.
  int Place(int opened, int fd) {
    if (opened != fd) {
      const Status status = table_->DupTo(opened, fd);
      static_cast<void>(table_->Close(opened));
      if (status != Status::kOk) return ToErrno(status);
    }
    ResetConnection(fd);
    return 0;
  }

  // As bind() and listen() do: only the second looks at whether the family has connections.
  int Listen(int fd, Socket& socket) {
    const SocketFamily family = socket.common.skc_prot->family;
    if (socket.common.state() == SocketState::kListen) return 0;
    const bool binds_once = IsTcp(family) || IsUdp(family) || family == SocketFamily::kUnix;
    if (binds_once && !bound_.insert(socket.common.skc_cookie).second) return EINVAL;
    if (IsTcp(family)) return ToErrno(table_->Listen(fd));
    if (family != SocketFamily::kUnix) return EOPNOTSUPP;
    socket.common.skc_state.store(SocketState::kListen);  // Inlay's layouts have nothing to inherit
    return 0;
  }

  int Accept(int listener_fd, Socket& listener, int* child_fd) {
    if (!IsTcp(listener.common.skc_prot->family)) {
      if (const Status status = table_->Open(listener.common.skc_prot->family, child_fd);
          status != Status::kOk) {
        return ToErrno(status);
      }
      return OnSocket(*child_fd, [](Socket& child) {
        child.common.skc_state.store(SocketState::kEstablished);
        return 0;
      });
    }
    const Status status = table_->Accept(listener_fd, child_fd);
    if (IsNoMemory(status)) return ETIMEDOUT;  // the kernel makes no child, and reports no error
    if (status != Status::kOk) return ToErrno(status);
    order_.Clone(listener.common.skc_cookie, CookieOf(*child_fd),
                 [this](MapNumber map) { return Find(map)->map().options().clone; });
    return 0;
  }

  // The other end of a connection goes when its number is closed or taken by something else; a TCP
  // socket that is still open by another number is closed then.
  void ResetConnection(int fd) {
    const auto connected = connected_.find(fd);
    if (connected == connected_.end()) return;
    table_->ForEach([&](Socket& socket) {
      const bool reset = socket.common.skc_cookie == connected->second;
      if (reset && IsTcp(socket.common.skc_prot->family)) {
        socket.common.skc_state.store(SocketState::kClose);
      }
    });
    connected_.erase(connected);
  }

  std::unique_ptr<SocketTable> table_;
  std::unordered_map<MapNumber, std::unique_ptr<Storage>> maps_;
  ValueOrder order_;
  std::unordered_map<int, uint64_t> connected_;  // accepted sockets' cookies by their numbers
  std::set<uint64_t> bound_;                     // cookies of sockets with an address, for ever
};

}  // namespace

std::unique_ptr<Backend> NewInlayBackend(std::string_view layout) {
  std::unique_ptr<Backend> backend;
  const auto make = [&]<typename L>() {
    if (L::kName == layout) backend = std::make_unique<InlayBackend<L>>();
  };
  ForEachLayout<Layouts>(make);
  ForEachLayout<SmallLayouts>(make);
  ForEachLayout<OlderKernels>(make);
  return backend;
}

std::vector<std::string_view> LayoutNames() {
  std::vector<std::string_view> names;
  ForEachLayout<Layouts>([&]<typename L>() { names.push_back(L::kName); });
  return names;
}

std::vector<std::string_view> FuzzedLayoutNames() {
  std::vector<std::string_view> names = LayoutNames();
  ForEachLayout<SmallLayouts>([&]<typename L>() { names.push_back(L::kName); });
  return names;
}

}  // namespace inlay::bpf_script
