#include "inlay/mark_users.h"

#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <optional>

#include "engine/live_kernel/file_descriptor.h"

namespace inlay {
namespace {

using live_kernel::FileDescriptor;

// A rule of routing policy.
struct PolicyRule {
  uint32_t priority = 0;
  uint32_t mark = 0;
  uint32_t mask = 0;  // 0: it does not look at the mark
};

std::string Hexadecimal(uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%x", number);
  return text;
}

// What lies `bytes` behind a header of a message, which are aligned: RTA_NEXT() and NLMSG_NEXT()
// without a cast of which clang warns.
template <typename Header>
const Header* Behind(const Header* at, size_t bytes) {
  const void* const behind = reinterpret_cast<const char*>(at) + bytes;
  return static_cast<const Header*>(behind);
}

PolicyRule ReadRule(const nlmsghdr* message) {
  PolicyRule rule;
  std::optional<uint32_t> mask;
  const auto* const head = static_cast<const fib_rule_hdr*>(NLMSG_DATA(message));
  auto left = static_cast<int>(message->nlmsg_len - NLMSG_LENGTH(sizeof(*head)));
  const void* const attributes = Behind(head, NLMSG_ALIGN(sizeof(*head)));
  for (const auto* at = static_cast<const rtattr*>(attributes); RTA_OK(at, left);
       left -= static_cast<int>(RTA_ALIGN(at->rta_len)), at = Behind(at, RTA_ALIGN(at->rta_len))) {
    uint32_t number = 0;
    if (RTA_PAYLOAD(at) != sizeof(number)) continue;
    std::memcpy(&number, RTA_DATA(at), sizeof(number));
    if (at->rta_type == FRA_PRIORITY) rule.priority = number;
    if (at->rta_type == FRA_FWMARK) rule.mark = number;
    if (at->rta_type == FRA_FWMASK) mask = number;
  }
  rule.mask = mask.value_or(rule.mark == 0 ? 0 : ~0u);
  return rule;
}

// Calls `found` for each rule of a family. 0, or errno.
int ForEachRule(uint8_t family, const std::function<void(const PolicyRule&)>& found) {
  const FileDescriptor netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!netlink.ok()) return errno;
  struct {
    nlmsghdr head;
    fib_rule_hdr rule;
  } request = {};
  request.head.nlmsg_len = sizeof(request);
  request.head.nlmsg_type = RTM_GETRULE;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.rule.family = family;
  if (send(netlink.get(), &request, sizeof(request), 0) < 0) return errno;
  alignas(nlmsghdr) std::array<char, 32768> reply;
  for (;;) {
    const ssize_t size = recv(netlink.get(), reply.data(), reply.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    auto left = static_cast<unsigned int>(size);
    const void* const first = reply.data();
    for (const auto* at = static_cast<const nlmsghdr*>(first); NLMSG_OK(at, left);
         left -= NLMSG_ALIGN(at->nlmsg_len), at = Behind(at, NLMSG_ALIGN(at->nlmsg_len))) {
      if (at->nlmsg_type == NLMSG_DONE) return 0;
      if (at->nlmsg_type == NLMSG_ERROR) {
        return -static_cast<const nlmsgerr*>(NLMSG_DATA(at))->error;
      }
      if (at->nlmsg_type == RTM_NEWRULE) found(ReadRule(at));
    }
  }
}

bool IsOn(const char* setting) {
  std::ifstream file(setting);
  int value = 0;
  return file >> value && value != 0;
}

void FindRules(uint8_t family, const char* command, uint32_t bits, std::vector<MarkUser>* found) {
  const int error = ForEachRule(family, [&](const PolicyRule& rule) {
    if ((rule.mask & bits) == 0) return;
    std::string text = std::string(command) + " " + std::to_string(rule.priority) + ": fwmark " +
                       Hexadecimal(rule.mark);
    if (rule.mask == ~0u) {
      text += " compares all 32 bits: give it a mask, /" + Hexadecimal(~bits) + " or less";
    } else {
      text += "/" + Hexadecimal(rule.mask) + " compares the bits " + Hexadecimal(rule.mask & bits) +
              ": give one of both other bits";
    }
    found->push_back({rule.mask, true, text});
  });
  // A kernel without this family, or without rules, has none.
  if (error == 0 || error == EAFNOSUPPORT || error == EOPNOTSUPP) return;
  found->push_back({0, false, std::string(command) + " cannot be read: " + std::strerror(error)});
}

}  // namespace

std::vector<MarkUser> FindMarkUsers(uint32_t bits) {
  std::vector<MarkUser> found;
  if (bits == 0) return found;
  FindRules(AF_INET, "ip rule", bits, &found);
  FindRules(AF_INET6, "ip -6 rule", bits, &found);
  if (IsOn("/proc/sys/net/ipv4/tcp_fwmark_accept")) {
    found.push_back({~0u, true,
                     "net.ipv4.tcp_fwmark_accept=1: an accepted socket may get the mark of a "
                     "packet: set it to 0"});
  }
  if (IsOn("/proc/sys/net/mptcp/enabled")) {
    found.push_back({0, false,
                     "net.mptcp.enabled=1: while an MPTCP connection waits to be accepted, no "
                     "index is freed: set it to 0 if nobody uses MPTCP"});
  }
  return found;
}

}  // namespace inlay
