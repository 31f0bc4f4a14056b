// Who else uses the mark: rules of routing policy and settings, in scratch network namespaces.

#include "inlay/mark_users.h"

#include <gtest/gtest.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_network.h"
#include "inlay/live_map.h"
#include "tests/bpf/test_object.h"
#include "tests/print_status.h"

INLAY_EMBED_OBJECT(inlay_marking_object)

namespace inlay::live_maps {
namespace {

// Adds `ip rule add priority PRIORITY fwmark MARK[/MASK] table main` in this network namespace.
void AddRule(uint8_t family, uint32_t priority, uint32_t mark, const uint32_t* mask) {
  struct Attribute {
    rtattr head;
    uint32_t value;
  };
  struct {
    nlmsghdr head;
    fib_rule_hdr rule;
    Attribute attributes[3];
  } request = {};
  size_t attributes = 0;
  const auto add = [&](uint16_t type, uint32_t value) {
    request.attributes[attributes++] = {{sizeof(Attribute), type}, value};
  };
  add(FRA_PRIORITY, priority);
  add(FRA_FWMARK, mark);
  if (mask != nullptr) add(FRA_FWMASK, *mask);
  request.head.nlmsg_len =
      static_cast<uint32_t>(NLMSG_LENGTH(sizeof(fib_rule_hdr)) + attributes * sizeof(Attribute));
  request.head.nlmsg_type = RTM_NEWRULE;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
  request.rule.family = family;
  request.rule.table = RT_TABLE_MAIN;
  request.rule.action = FR_ACT_TO_TBL;
  const live_kernel::FileDescriptor netlink(
      socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  ASSERT_EQ(send(netlink.get(), &request, request.head.nlmsg_len, 0),
            static_cast<ssize_t>(request.head.nlmsg_len));
  struct {
    nlmsghdr head;
    nlmsgerr error;
    char rest[256];
  } reply = {};
  ASSERT_GT(recv(netlink.get(), &reply, sizeof(reply), 0), 0);
  ASSERT_EQ(reply.error.error, 0) << std::strerror(-reply.error.error);
}

void AddMaskedRule(uint8_t family, uint32_t priority, uint32_t mark, uint32_t mask) {
  AddRule(family, priority, mark, &mask);
}

// Whether the setting is there.
bool Set(const std::string& setting, int value) {
  std::ofstream file(setting);
  file << value << std::flush;
  return file.good();
}

class MarkUsersTest : public testing::Test {
 protected:
  MarkUsersTest() {
    live_kernel::EnterScratchNetwork();
    Set("/proc/sys/net/mptcp/enabled", 0);
  }
  // What disturbs a map with these bits, or only the collector.
  static std::string Found(uint32_t bits) {
    std::string all;
    for (const MarkUser& user : FindMarkUsers(bits)) {
      all += (user.disturbs ? "" : "only the collector: ") + user.text + "\n";
    }
    return all;
  }
  Status Prepare(LiveMap::PrepareOptions options = {}) {
    object_ = std::make_unique<TestObject>(inlay_marking_object());
    users_.clear();
    options.mark_users = &users_;
    return LiveMap::Prepare(object_->get(), options);
  }

  std::unique_ptr<TestObject> object_;
  std::vector<std::string> users_;
};

TEST_F(MarkUsersTest, NobodyElseUsesIt) {
  EXPECT_EQ(Found(~0u), "");
  EXPECT_EQ(Prepare(), Status::kOk);
}

TEST_F(MarkUsersTest, ARuleWithAMaskUsesItsBits) {
  AddMaskedRule(AF_INET, 100, 0x100000, 0xf00000);
  EXPECT_EQ(Found(0x0fffff), "");
  EXPECT_EQ(Found(0x300000),
            "ip rule 100: fwmark 0x100000/0xf00000 compares the bits 0x300000: give one of both "
            "other bits\n");
  // The object's `wide` has bits 16 to 18, and `odd` 19 to 21.
  EXPECT_EQ(Prepare(), Status::kExists);
  ASSERT_EQ(users_.size(), 1u);
  EXPECT_NE(users_[0].find("ip rule 100"), std::string::npos) << users_[0];
  EXPECT_EQ(Prepare({.ignore_mark_users = true}), Status::kOk);
  EXPECT_EQ(users_.size(), 1u);
}

TEST_F(MarkUsersTest, ARuleWithoutAMaskUsesAllBits) {
  AddRule(AF_INET6, 200, 0x1337, nullptr);
  EXPECT_EQ(Found(1u << 31),
            "ip -6 rule 200: fwmark 0x1337 compares all 32 bits: give it a mask, /0x7fffffff or "
            "less\n");
  EXPECT_EQ(Prepare(), Status::kExists);
}

// A mark of 0 with a mask: the sockets without a value.
TEST_F(MarkUsersTest, ARuleForTheMark0) {
  AddMaskedRule(AF_INET, 300, 0, 0xff);
  EXPECT_NE(Found(0x1), "");
  EXPECT_EQ(Found(0x100), "");
}

TEST_F(MarkUsersTest, MapsAreAllottedOtherBits) {
  ASSERT_EQ(Prepare({.allowed_bits = 0xff00ff00}), Status::kOk);
  AddMaskedRule(AF_INET, 400, 0x800, 0xf800);
  // `kinds` has three of these bits, and the rule the others.
  EXPECT_EQ(Prepare({.allowed_bits = 0x0000ff00}), Status::kNoMemory);
  ASSERT_EQ(Prepare({.allowed_bits = 0xff00ff00}), Status::kOk);
  ASSERT_EQ(object_->Load(), 0);
  std::unique_ptr<LiveMap> owners;
  ASSERT_EQ(LiveMap::Open(object_->get(), "owners", &owners), Status::kOk);
  EXPECT_EQ(owners->field().bits(), 0x07000000u);
}

TEST_F(MarkUsersTest, MarksOfPacketsWouldBecomeThoseOfSockets) {
  ASSERT_TRUE(Set("/proc/sys/net/ipv4/tcp_fwmark_accept", 1));
  EXPECT_NE(Found(1).find("tcp_fwmark_accept=1"), std::string::npos);
  EXPECT_EQ(Prepare(), Status::kExists);
  EXPECT_EQ(Prepare({.ignore_mark_users = true}), Status::kOk);
}

TEST_F(MarkUsersTest, ConnectionsOfMptcpOnlyKeepTheCollectorFromFreeing) {
  if (!Set("/proc/sys/net/mptcp/enabled", 1)) GTEST_SKIP() << "the kernel has no MPTCP";
  EXPECT_EQ(Found(1).find("only the collector: net.mptcp.enabled=1"), 0u) << Found(1);
  EXPECT_EQ(Prepare(), Status::kOk);
  EXPECT_EQ(users_.size(), 1u);
}

}  // namespace
}  // namespace inlay::live_maps
