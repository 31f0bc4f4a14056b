// FindMarkUsers(): who else uses bits of sockets' marks, as far as a process can read it.

#ifndef INLAY_MARK_USERS_H_
#define INLAY_MARK_USERS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace inlay {

struct MarkUser {
  uint32_t bits = 0;  // of the mark that it uses; all ones without a mask
  // It and a map with these bits disturb each other: the map's codes change, or its sockets are
  // routed otherwise. False: only the collector suffers.
  bool disturbs = false;
  std::string text = {};  // names the rule or the setting, and says what to do
};

// In the network namespace of this thread, those that use one of `bits`:
//
// - rules of routing policy (`ip rule`), for IPv4 and IPv6, with fwmark; without a mask a rule
//   compares all bits;
// - net.ipv4.tcp_fwmark_accept=1, with which a packet's mark becomes the mark of a TCP socket;
// - net.mptcp.enabled=1: while an MPTCP connection waits to be accepted, no census is complete.
//
// It does not see rules of nftables and iptables, filters of tc, and programs that set or compare
// marks. What cannot be read is a user of no bits, whose text says so. Any thread may call it; it
// needs no capability.
std::vector<MarkUser> FindMarkUsers(uint32_t bits);

}  // namespace inlay

#endif  // INLAY_MARK_USERS_H_
