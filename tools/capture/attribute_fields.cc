#include "tools/capture/attribute_fields.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "tools/capture/walk/socket_attributes.h"

namespace inlay::capture {
namespace {

using analysis::FieldKind;
using analysis::ValueField;
using Names = std::map<int64_t, std::string>;

template <typename Member>
ValueField Field(const char* name, size_t offset_bytes) {
  ValueField field;
  field.name = name;
  field.offset_bits = 8 * offset_bytes;
  field.size_bits = 8 * sizeof(Member);
  if constexpr (std::is_array_v<Member>) {
    field.kind = FieldKind::kText;
    field.type_name = "char[" + std::to_string(sizeof(Member)) + "]";
  } else {
    field.kind = std::is_signed_v<Member> ? FieldKind::kSigned : FieldKind::kUnsigned;
    field.type_name = (std::is_signed_v<Member> ? "__s" : "__u") + std::to_string(field.size_bits);
  }
  return field;
}

ValueField Named(ValueField field, Names names) {
  field.kind = FieldKind::kEnum;
  field.enum_names = std::make_shared<const Names>(std::move(names));
  return field;
}

// Names for common values; analyze prints others as numbers.
Names Families() {
  return {{1, "AF_UNIX"},    {2, "AF_INET"}, {10, "AF_INET6"}, {16, "AF_NETLINK"},
          {17, "AF_PACKET"}, {38, "AF_ALG"}, {40, "AF_VSOCK"}, {44, "AF_XDP"}};
}

Names Types() {
  return {{1, "SOCK_STREAM"}, {2, "SOCK_DGRAM"}, {3, "SOCK_RAW"}, {5, "SOCK_SEQPACKET"}};
}

// UDP and UNIX sockets use them too.
Names States() {
  return {{1, "TCP_ESTABLISHED"}, {2, "TCP_SYN_SENT"}, {3, "TCP_SYN_RECV"},   {4, "TCP_FIN_WAIT1"},
          {5, "TCP_FIN_WAIT2"},   {7, "TCP_CLOSE"},    {8, "TCP_CLOSE_WAIT"}, {9, "TCP_LAST_ACK"},
          {10, "TCP_LISTEN"},     {11, "TCP_CLOSING"}};
}

}  // namespace

std::vector<ValueField> AttributeFields() {
#define INLAY_FIELD(member) \
  Field<decltype(SocketAttributes::member)>(#member, offsetof(SocketAttributes, member))
  return {
      INLAY_FIELD(netns_cookie),
      INLAY_FIELD(cgroup_id),
      INLAY_FIELD(max_pacing_rate),
      INLAY_FIELD(mark),
      INLAY_FIELD(priority),
      INLAY_FIELD(uid),
      INLAY_FIELD(bound_device),
      INLAY_FIELD(rcvbuf),
      INLAY_FIELD(sndbuf),
      INLAY_FIELD(rcvlowat),
      INLAY_FIELD(flags),
      INLAY_FIELD(max_ack_backlog),
      INLAY_FIELD(classid),
      INLAY_FIELD(timestamp_flags),
      INLAY_FIELD(mss),
      INLAY_FIELD(window_clamp),
      INLAY_FIELD(keepalive_time),
      INLAY_FIELD(keepalive_interval),
      INLAY_FIELD(user_timeout),
      INLAY_FIELD(notsent_lowat),
      INLAY_FIELD(pacing_status),
      INLAY_FIELD(advmss),
      Named(INLAY_FIELD(family), Families()),
      Named(INLAY_FIELD(type), Types()),
      INLAY_FIELD(protocol),
      Named(INLAY_FIELD(state), States()),
      INLAY_FIELD(reuse),
      INLAY_FIELD(reuseport),
      INLAY_FIELD(ipv6only),
      INLAY_FIELD(userlocks),
      INLAY_FIELD(tos),
      INLAY_FIELD(ttl),
      INLAY_FIELD(multicast_ttl),
      INLAY_FIELD(mtu_discovery),
      INLAY_FIELD(min_ttl),
      INLAY_FIELD(shutdown),
      INLAY_FIELD(ecn_flags),
      INLAY_FIELD(nodelay),
      INLAY_FIELD(keepalive_probes),
      INLAY_FIELD(syn_retries),
      INLAY_FIELD(congestion_control),
      INLAY_FIELD(upper_protocol),
  };
#undef INLAY_FIELD
}

}  // namespace inlay::capture
