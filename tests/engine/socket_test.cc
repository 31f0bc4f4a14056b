#include "inlay/socket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "inlay/rcu.h"
#include "tests/failing_allocations.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

class SocketTest : public testing::Test {
 protected:
  void SetUp() override { Make({}); }
  void Make(const SocketTableOptions& options) {
    table_.reset();
    ASSERT_EQ(SocketTable::Create(options, &table_), Status::kOk);
  }
  int Open(SocketFamily family = SocketFamily::kTcp) {
    int fd = -1;
    EXPECT_EQ(table_->Open(family, &fd), Status::kOk);
    return fd;
  }
  Status FindStatus(int fd) {
    ReadSection section;
    Socket* socket = nullptr;
    return table_->Find(fd, &socket);
  }
  Socket& SocketOf(int fd) {
    ReadSection section;
    Socket* socket = nullptr;
    EXPECT_EQ(table_->Find(fd, &socket), Status::kOk);
    return *socket;
  }

  std::unique_ptr<SocketTable> table_;
};

TEST_F(SocketTest, OptionsOutOfRangeAreInvalid) {
  for (const uint32_t bits : {0U, 8U, 24U, 48U, 65U, 320U}) {
    std::unique_ptr<SocketTable> table;
    EXPECT_EQ(SocketTable::Create({.inline_bits = bits}, &table), Status::kInvalid) << bits;
    EXPECT_EQ(table, nullptr);
  }
  for (const uint32_t bits : {16U, 32U, 64U, 128U, 192U, 256U}) {
    EXPECT_NO_FATAL_FAILURE(Make({.inline_bits = bits}));
  }
}

TEST_F(SocketTest, EveryAllocationOfCreateCanFail) {
  std::unique_ptr<SocketTable> table;
  EXPECT_GE(FailEachAllocation([&] { return SocketTable::Create({}, &table); },
                               [&] { EXPECT_EQ(table, nullptr); }),
            5);
}

// --- descriptors

TEST_F(SocketTest, TheLowestFreeDescriptorIsUsed) {
  for (int expected = 0; expected < 10; ++expected) EXPECT_EQ(Open(), expected);
  for (const int fd : {7, 2, 5}) EXPECT_EQ(table_->Close(fd), Status::kOk);
  EXPECT_EQ(Open(), 2);
  int fd = -1;
  EXPECT_EQ(table_->OpenFile(&fd), Status::kOk);
  EXPECT_EQ(fd, 5);
  EXPECT_EQ(table_->Dup(0, &fd), Status::kOk);
  EXPECT_EQ(fd, 7);
  EXPECT_EQ(Open(), 10);
}

TEST_F(SocketTest, WhatIsNotOpenIsABadDescriptor) {
  const int fd = Open();
  for (const int bad : {-1, -2147483647 - 1, 1, 2147483647}) {
    int out = 77;
    SocketCommon* common = nullptr;
    EXPECT_EQ(FindStatus(bad), Status::kBadDescriptor);
    EXPECT_EQ(table_->Close(bad), Status::kBadDescriptor);
    EXPECT_EQ(table_->Dup(bad, &out), Status::kBadDescriptor);
    EXPECT_EQ(table_->Listen(bad), Status::kBadDescriptor);
    EXPECT_EQ(table_->Accept(bad, &out), Status::kBadDescriptor);
    EXPECT_EQ(table_->OpenRequest(bad, &common), Status::kBadDescriptor);
    EXPECT_EQ(table_->EnterTimeWait(bad, &common), Status::kBadDescriptor);
    EXPECT_EQ(out, 77);
  }
  EXPECT_EQ(table_->Close(fd), Status::kOk);
  EXPECT_EQ(table_->Close(fd), Status::kBadDescriptor);
  EXPECT_EQ(FindStatus(fd), Status::kBadDescriptor);
}

TEST_F(SocketTest, WhatIsNotASocketSaysSo) {
  int fd = -1;
  ASSERT_EQ(table_->OpenFile(&fd), Status::kOk);
  int out = -1;
  EXPECT_EQ(FindStatus(fd), Status::kNotSocket);
  EXPECT_EQ(table_->Listen(fd), Status::kNotSocket);
  EXPECT_EQ(table_->Accept(fd, &out), Status::kNotSocket);
  ASSERT_EQ(table_->Dup(fd, &out), Status::kOk);
  EXPECT_EQ(FindStatus(out), Status::kNotSocket);
  EXPECT_EQ(table_->Close(fd), Status::kOk);
  EXPECT_EQ(table_->Close(out), Status::kOk);
  EXPECT_EQ(table_->sockets(), 0U);
}

TEST_F(SocketTest, WithoutADescriptorLeftNothingIsMade) {
  Make({.max_descriptors = 2});
  const int listener = Open();
  ASSERT_EQ(table_->Listen(listener), Status::kOk);
  Open();
  int fd = 77;
  EXPECT_EQ(table_->Open(SocketFamily::kUdp, &fd), Status::kTooManyOpen);
  EXPECT_EQ(table_->OpenFile(&fd), Status::kTooManyOpen);
  EXPECT_EQ(table_->Dup(listener, &fd), Status::kTooManyOpen);
  EXPECT_EQ(table_->Accept(listener, &fd), Status::kTooManyOpen);
  EXPECT_EQ(fd, 77);
  EXPECT_EQ(table_->sockets(), 2U);
  EXPECT_EQ(SocketOf(listener).common.skc_refcnt.load(), 1);
}

TEST_F(SocketTest, ADuplicateKeepsTheSocketOpen) {
  const int fd = Open();
  Socket* const socket = &SocketOf(fd);
  int copy = -1;
  ASSERT_EQ(table_->Dup(fd, &copy), Status::kOk);
  EXPECT_EQ(socket->common.skc_refcnt.load(), 2);
  EXPECT_EQ(table_->Close(fd), Status::kOk);
  EXPECT_EQ(&SocketOf(copy), socket);
  EXPECT_EQ(table_->sockets(), 1U);
  EXPECT_EQ(table_->Close(copy), Status::kOk);
  EXPECT_EQ(table_->sockets(), 0U);
}

// --- what a socket is made of

TEST_F(SocketTest, EveryFamilyHasItsSizeAndAZeroedTail) {
  Make({.tail_bytes = 128});
  for (int round = 0; round < 2; ++round) {  // the second time in used memory
    for (size_t i = 0; i < kSocketFamilies; ++i) {
      const auto family = static_cast<SocketFamily>(i);
      const int fd = Open(family);
      Socket& socket = SocketOf(fd);
      EXPECT_EQ(socket.common.skc_prot, &ProtocolOf(family));
      EXPECT_EQ(ProtocolOf(family).family, family);
      EXPECT_GE(ProtocolOf(family).object_bytes, sizeof(Socket));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(&socket) % 64, 0U);
      EXPECT_EQ(socket.common.state(), SocketState::kClose);
      const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
      EXPECT_TRUE(std::all_of(socket.tail(), socket.tail() + 128, is_zero));
      std::fill_n(socket.tail(), 128, std::byte{0xee});
      EXPECT_EQ(table_->Close(fd), Status::kOk);
    }
    RetireBarrier();
  }
  EXPECT_EQ(ProtocolOf(SocketFamily::kTcp).object_bytes, 2304U);
  EXPECT_EQ(ProtocolOf(SocketFamily::kUdp).object_bytes, 1344U);
}

TEST_F(SocketTest, CookiesAreNeverReused) {
  std::set<uint64_t> cookies;
  for (int i = 0; i < 100; ++i) {
    const int fd = Open();
    EXPECT_TRUE(cookies.insert(SocketOf(fd).common.skc_cookie).second);
    ASSERT_EQ(table_->Close(fd), Status::kOk);
    if (i % 10 == 0) RetireBarrier();
  }
}

// --- connections

TEST_F(SocketTest, OnlyFamiliesWithConnectionsListen) {
  for (size_t i = 0; i < kSocketFamilies; ++i) {
    const auto family = static_cast<SocketFamily>(i);
    const bool can = family == SocketFamily::kTcp || family == SocketFamily::kTcp6;
    EXPECT_EQ(table_->Listen(Open(family)), can ? Status::kOk : Status::kInvalid);
  }
}

TEST_F(SocketTest, AcceptNeedsAListenerAndMakesAConnectionOfItsFamily) {
  const int fd = Open(SocketFamily::kTcp6);
  int child = -1;
  EXPECT_EQ(table_->Accept(fd, &child), Status::kInvalid);
  ASSERT_EQ(table_->Listen(fd), Status::kOk);
  SocketOf(fd).sk_mark = 99;
  ASSERT_EQ(table_->Accept(fd, &child), Status::kOk);
  EXPECT_EQ(SocketOf(child).common.state(), SocketState::kEstablished);
  EXPECT_EQ(SocketOf(child).common.skc_prot->family, SocketFamily::kTcp6);
  EXPECT_EQ(SocketOf(child).sk_mark, 99U);
  EXPECT_NE(SocketOf(child).common.skc_cookie, SocketOf(fd).common.skc_cookie);
}

TEST_F(SocketTest, RequestsAndTimeWaitSocketsAreNotFullSockets) {
  const int listener = Open();
  SocketCommon* request = nullptr;
  EXPECT_EQ(table_->OpenRequest(listener, &request), Status::kInvalid);
  ASSERT_EQ(table_->Listen(listener), Status::kOk);
  ASSERT_EQ(table_->OpenRequest(listener, &request), Status::kOk);
  EXPECT_EQ(request->state(), SocketState::kNewSynRecv);
  EXPECT_EQ(FullSocket(request), nullptr);
  EXPECT_EQ(FullSocket(nullptr), nullptr);
  EXPECT_EQ(FullSocket(&SocketOf(listener).common), &SocketOf(listener));

  int child = -1;
  ASSERT_EQ(table_->Accept(listener, &child), Status::kOk);
  const uint64_t cookie = SocketOf(child).common.skc_cookie;
  SocketCommon* timewait = nullptr;
  ASSERT_EQ(table_->EnterTimeWait(child, &timewait), Status::kOk);
  EXPECT_EQ(FindStatus(child), Status::kBadDescriptor);
  EXPECT_EQ(timewait->state(), SocketState::kTimeWait);
  EXPECT_EQ(timewait->skc_cookie, cookie);
  EXPECT_EQ(FullSocket(timewait), nullptr);
  EXPECT_EQ(table_->sockets(), 1U) << "mini sockets do not count";
  EXPECT_EQ(table_->EnterTimeWait(Open(SocketFamily::kUdp), &timewait), Status::kInvalid);
  SocketTable::Put(*request);
  SocketTable::Put(*timewait);
}

// --- references and iteration

TEST_F(SocketTest, TheLastReferenceReleases) {
  const int fd = Open();
  Socket& socket = SocketOf(fd);
  ReadSection section;
  ASSERT_TRUE(SocketTable::TryHold(socket.common));
  ASSERT_EQ(table_->Close(fd), Status::kOk);
  EXPECT_FALSE(socket.is_dying());
  EXPECT_EQ(table_->sockets(), 1U);
  SocketTable::Put(socket.common);
  EXPECT_TRUE(socket.is_dying());
  EXPECT_EQ(table_->sockets(), 0U);
  EXPECT_FALSE(SocketTable::TryHold(socket.common)) << "get unless zero";
}

TEST_F(SocketTest, ForEachVisitsTheOpenOnesNewestFirst) {
  std::vector<Socket*> open;
  std::vector<int> fds;
  for (int i = 0; i < 10; ++i) {
    fds.push_back(Open());
    open.push_back(&SocketOf(fds.back()));
  }
  ASSERT_EQ(table_->Close(fds[4]), Status::kOk);
  ASSERT_EQ(table_->Close(fds[9]), Status::kOk);
  open.erase(open.begin() + 9);
  open.erase(open.begin() + 4);
  std::reverse(open.begin(), open.end());
  std::vector<Socket*> visited;
  table_->ForEach([&](Socket& socket) { visited.push_back(&socket); });
  EXPECT_EQ(visited, open);
}

TEST_F(SocketTest, ThreadsOpenFindAndCloseTogether) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 3000; ++i) {
        int fd = -1;
        if (table_->Open(SocketFamily::kUdp, &fd) != Status::kOk) ++wrong;
        {
          ReadSection section;
          Socket* socket = nullptr;
          if (table_->Find(fd, &socket) != Status::kOk) ++wrong;
          // Another thread's descriptor: there or not, but never something else.
          if (table_->Find((fd + 1) % 4, &socket) == Status::kOk &&
              socket->common.skc_prot->family != SocketFamily::kUdp) {
            ++wrong;
          }
        }
        if (i % 100 == 0) table_->ForEach([](Socket&) {});
        if (table_->Close(fd) != Status::kOk) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(table_->sockets(), 0U);
  EXPECT_EQ(Open(), 0);
}

}  // namespace
}  // namespace inlay
