#include "tests/kernel/on_kernel/storage_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <type_traits>

#include "engine/live_kernel/hidden_fd.h"

namespace inlay::bpf_script {
namespace {

// The types of include/uapi/linux/sock_diag.h that nest the values.
constexpr uint16_t kStorage = SK_DIAG_BPF_STORAGE;
constexpr uint16_t kMapId = SK_DIAG_BPF_STORAGE_MAP_ID;
constexpr uint16_t kMapValue = SK_DIAG_BPF_STORAGE_MAP_VALUE;

template <typename T>
void Append(Bytes& message, const T& part) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto* const bytes = reinterpret_cast<const std::byte*>(&part);
  message.insert(message.end(), bytes, bytes + sizeof(part));
}

void AppendHeader(Bytes& message, uint16_t type, size_t content_bytes) {
  Append(message, nlattr{static_cast<uint16_t>(NLA_HDRLEN + content_bytes), type});
}

Bytes Request(int family, int protocol, std::span<const int> map_fds) {
  inet_diag_req_v2 wanted = {};
  wanted.sdiag_family = static_cast<uint8_t>(family);
  wanted.sdiag_protocol = static_cast<uint8_t>(protocol);
  wanted.idiag_states = ~0U;
  const size_t maps_bytes = map_fds.size() * (NLA_HDRLEN + sizeof(int));
  nlmsghdr header = {};
  header.nlmsg_len = static_cast<uint32_t>(NLMSG_HDRLEN + sizeof(wanted) + NLA_HDRLEN + maps_bytes);
  header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  Bytes request;
  Append(request, header);
  Append(request, wanted);
  AppendHeader(request, INET_DIAG_REQ_SK_BPF_STORAGES | NLA_F_NESTED, maps_bytes);
  for (const int fd : map_fds) {
    AppendHeader(request, SK_DIAG_BPF_STORAGE_REQ_MAP_FD, sizeof(fd));
    Append(request, fd);
  }
  return request;
}

// Calls visit(type, content) for each attribute up to the first truncated one.
template <typename Visit>
void ForEachAttribute(std::span<const std::byte> attributes, Visit&& visit) {
  while (attributes.size() >= NLA_HDRLEN) {
    nlattr header = {};
    std::memcpy(&header, attributes.data(), sizeof(header));
    if (header.nla_len < NLA_HDRLEN || header.nla_len > attributes.size()) return;
    visit(static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK),
          attributes.subspan(NLA_HDRLEN, header.nla_len - size_t{NLA_HDRLEN}));
    const size_t aligned = NLA_ALIGN(size_t{header.nla_len});
    attributes = attributes.subspan(aligned < attributes.size() ? aligned : attributes.size());
  }
}

void ReadStorages(std::span<const std::byte> storages, DiagValues* values) {
  ForEachAttribute(storages, [&](uint16_t type, std::span<const std::byte> storage) {
    if (type != kStorage) return;
    uint32_t map_id = 0;
    Bytes value;
    ForEachAttribute(storage, [&](uint16_t part, std::span<const std::byte> content) {
      if (part == kMapId && content.size() == sizeof(map_id)) {
        std::memcpy(&map_id, content.data(), sizeof(map_id));
      } else if (part == kMapValue) {
        value.assign(content.begin(), content.end());
      }
    });
    values->emplace_back(map_id, std::move(value));
  });
}

uint64_t CookieOf(const inet_diag_msg& message) {
  return message.id.idiag_cookie[0] | uint64_t{message.id.idiag_cookie[1]} << 32;
}

// Reads the socket's values from one message of a dump. The nest of values has a length of 16 bits,
// so bytes behind it may look like attributes: the first nest counts.
void ReadSocket(std::span<const std::byte> payload, uint64_t cookie, DiagValues* values) {
  inet_diag_msg socket = {};
  if (payload.size() < sizeof(socket)) return;
  std::memcpy(&socket, payload.data(), sizeof(socket));
  if (CookieOf(socket) != cookie) return;
  bool seen = false;
  ForEachAttribute(payload.subspan(sizeof(socket)),
                   [&](uint16_t type, std::span<const std::byte> content) {
                     if (type != INET_DIAG_SK_BPF_STORAGES || std::exchange(seen, true)) return;
                     ReadStorages(content, values);
                   });
}

}  // namespace

int ReadStorageDiag(int family, int protocol, uint64_t cookie, std::span<const int> map_fds,
                    DiagValues* values) {
  const live_kernel::HiddenFd diag(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG),
                                   "cannot open sock_diag");
  const Bytes request = Request(family, protocol, map_fds);
  if (send(diag.get(), request.data(), request.size(), 0) < 0) return errno;
  Bytes reply;
  for (;;) {
    const ssize_t waiting = recv(diag.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC);
    if (waiting < 0) return errno;
    reply.resize(static_cast<size_t>(waiting));
    const ssize_t received = recv(diag.get(), reply.data(), reply.size(), 0);
    if (received < 0) return errno;
    std::span<const std::byte> rest(reply.data(), static_cast<size_t>(received));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header = {};
      std::memcpy(&header, rest.data(), sizeof(header));
      if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > rest.size()) return EBADMSG;
      const auto payload = rest.subspan(NLMSG_HDRLEN, header.nlmsg_len - size_t{NLMSG_HDRLEN});
      if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
        int error = 0;
        if (payload.size() >= sizeof(error)) std::memcpy(&error, payload.data(), sizeof(error));
        return -error;
      }
      ReadSocket(payload, cookie, values);
      const size_t aligned = NLMSG_ALIGN(size_t{header.nlmsg_len});
      rest = rest.subspan(aligned < rest.size() ? aligned : rest.size());
    }
  }
}

}  // namespace inlay::bpf_script
