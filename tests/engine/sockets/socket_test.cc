#include "inlay/emulated/socket.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <utility>
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
  for (const uint32_t bits : {8U, 24U, 48U, 65U, 320U}) {
    std::unique_ptr<SocketTable> table;
    EXPECT_EQ(SocketTable::Create({.inline_bits = bits}, &table), Status::kInvalid) << bits;
    EXPECT_EQ(table, nullptr);
  }
  for (const uint32_t bits : {0U, 16U, 32U, 64U, 128U, 192U, 256U}) {
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

// --- DupTo()

TEST_F(SocketTest, DupToTakesThatNumber) {
  const int fd = Open();
  Socket* const socket = &SocketOf(fd);
  ASSERT_EQ(table_->DupTo(fd, 1000), Status::kOk);
  EXPECT_EQ(&SocketOf(1000), socket);
  EXPECT_EQ(socket->common.skc_refcnt.load(), 2);
  EXPECT_EQ(Open(), 1) << "the numbers below are still free";
  ASSERT_EQ(table_->DupTo(fd, 2), Status::kOk);
  EXPECT_EQ(Open(), 3) << "and this one is not";
  EXPECT_EQ(table_->Close(fd), Status::kOk);
  EXPECT_EQ(table_->Close(1000), Status::kOk);
  EXPECT_EQ(&SocketOf(2), socket);
  EXPECT_EQ(table_->sockets(), 3U);
  EXPECT_EQ(table_->Close(2), Status::kOk);
  EXPECT_EQ(table_->sockets(), 2U);
  EXPECT_EQ(Open(), 0);
  EXPECT_EQ(Open(), 2);
}

TEST_F(SocketTest, DupToClosesWhatWasOpenThere) {
  const int fd = Open();
  const int other = Open();
  const int alias = Open();
  ASSERT_EQ(table_->DupTo(other, alias), Status::kOk);
  EXPECT_EQ(table_->sockets(), 2U);
  ReadSection section;
  Socket& closed = SocketOf(other);
  ASSERT_EQ(table_->DupTo(fd, other), Status::kOk);
  EXPECT_FALSE(closed.is_dying()) << "it still has a descriptor";
  ASSERT_EQ(table_->DupTo(fd, alias), Status::kOk);
  EXPECT_TRUE(closed.is_dying());
  EXPECT_EQ(table_->sockets(), 1U);
  EXPECT_EQ(SocketOf(fd).common.skc_refcnt.load(), 3);
  ASSERT_EQ(table_->DupTo(other, alias), Status::kOk) << "already the same socket";
  EXPECT_EQ(SocketOf(fd).common.skc_refcnt.load(), 3);
}

TEST_F(SocketTest, DupToOfAndOntoWhatIsNotASocket) {
  const int fd = Open();
  int file = -1;
  ASSERT_EQ(table_->OpenFile(&file), Status::kOk);
  ASSERT_EQ(table_->DupTo(file, 50), Status::kOk);
  EXPECT_EQ(FindStatus(50), Status::kNotSocket);
  ASSERT_EQ(table_->DupTo(fd, file), Status::kOk);
  EXPECT_EQ(&SocketOf(file), &SocketOf(fd));
  ASSERT_EQ(table_->DupTo(50, fd), Status::kOk);
  EXPECT_EQ(FindStatus(fd), Status::kNotSocket);
  EXPECT_EQ(table_->sockets(), 1U);
  ASSERT_EQ(table_->Close(file), Status::kOk);
  EXPECT_EQ(table_->sockets(), 0U);
}

TEST_F(SocketTest, DupToThatFailsChangesNothing) {
  Make({.max_descriptors = 8});
  const int fd = Open();
  const int other = Open();
  for (const int bad : {-1, -2147483647 - 1, 8, 2147483647}) {
    EXPECT_EQ(table_->DupTo(fd, bad), Status::kBadDescriptor) << bad;
    EXPECT_EQ(table_->DupTo(bad, other), Status::kBadDescriptor) << bad;
  }
  EXPECT_EQ(table_->DupTo(5, other), Status::kBadDescriptor) << "not open";
  EXPECT_EQ(table_->DupTo(fd, fd), Status::kInvalid);
  EXPECT_EQ(SocketOf(fd).common.skc_refcnt.load(), 1);
  EXPECT_EQ(SocketOf(other).common.skc_refcnt.load(), 1);
  EXPECT_NE(&SocketOf(fd), &SocketOf(other));
  EXPECT_EQ(Open(), 2);
  EXPECT_EQ(table_->DupTo(fd, 7), Status::kOk) << "the last number there is";
}

TEST_F(SocketTest, DupToAnswersAsTheSystemDoes) {
  const int fd = Open();
  const int real = dup(STDERR_FILENO);
  constexpr int kClosed = 800;
  // fd and new_fd; 0 is open.
  constexpr std::pair<int, int> kCases[] = {{0, 0},   {0, kClosed}, {0, -1},           {0, 1 << 30},
                                            {-1, -1}, {-1, 0},      {kClosed, kClosed}};
  for (const auto& [from, to] : kCases) {
    SCOPED_TRACE(testing::Message() << from << " to " << to);
    const int answer = dup3(from == 0 ? real : from, to == 0 ? real : to, 0);
    const int expected = answer < 0 ? errno : 0;
    if (answer >= 0) close(answer);
    EXPECT_EQ(ToErrno(table_->DupTo(from == 0 ? fd : from, to == 0 ? fd : to)), expected);
    if (answer >= 0) {
      EXPECT_EQ(table_->Close(to), Status::kOk);
    }
  }
  close(real);
}

TEST_F(SocketTest, DupToWithoutMemoryForTheNumberChangesNothing) {
  const int fd = Open();
  const int failures = FailEachAllocation([&] { return table_->DupTo(fd, 500'000); },
                                          [&] {
                                            EXPECT_EQ(FindStatus(500'000), Status::kBadDescriptor);
                                            EXPECT_EQ(SocketOf(fd).common.skc_refcnt.load(), 1);
                                          });
  EXPECT_GE(failures, 1);
  EXPECT_EQ(SocketOf(fd).common.skc_refcnt.load(), 2);
}

// --- a new socket

TEST_F(SocketTest, EveryFamilyHasItsSizeAndAZeroedTail) {
  Make({.tail_bytes = 128});
  for (int round = 0; round < 2; ++round) {  // the second round reuses memory
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
  EXPECT_FALSE(SocketTable::TryHold(socket.common)) << "no reference after the last one";
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
          // Another thread's descriptor: open or closed, but never another socket.
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

// Threads duplicate and close the same few numbers. Afterwards every socket has one reference per
// descriptor.
TEST_F(SocketTest, ThreadsDuplicateOntoTheSameNumbers) {
  constexpr int kNumbers = 6;
  Make({.max_descriptors = kNumbers});
  std::atomic<int> wrong{0};
  const auto is_one_of = [](Status status, std::initializer_list<Status> allowed) {
    return std::find(allowed.begin(), allowed.end(), status) != allowed.end();
  };
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (int i = 0; i < 20000; ++i) {
        const int from = static_cast<int>(random() % kNumbers);
        const int to = static_cast<int>(random() % kNumbers);
        int fd = -1;
        Status status = Status::kOk;
        switch (random() % 5) {
          case 0:
            status = table_->Open(SocketFamily::kUnix, &fd);
            break;
          case 1:
            status = table_->Dup(from, &fd);
            break;
          case 2:
            status = table_->Close(from);
            break;
          case 3: {
            ReadSection section;
            Socket* socket = nullptr;
            status = table_->Find(from, &socket);
            if (status == Status::kOk &&
                socket->common.skc_prot != &ProtocolOf(SocketFamily::kUnix)) {
              ++wrong;
            }
            break;
          }
          default:
            status = table_->DupTo(from, to);
            if ((status == Status::kInvalid) != (from == to)) ++wrong;
            if (status == Status::kInvalid) status = Status::kOk;
        }
        if (!is_one_of(status, {Status::kOk, Status::kBadDescriptor, Status::kTooManyOpen})) {
          ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  std::map<Socket*, int> descriptors;
  for (int fd = 0; fd < kNumbers; ++fd) {
    if (FindStatus(fd) == Status::kOk) ++descriptors[&SocketOf(fd)];
  }
  EXPECT_EQ(table_->sockets(), descriptors.size());
  for (const auto& [socket, count] : descriptors) {
    EXPECT_EQ(socket->common.skc_refcnt.load(), count);
  }
  // A number is free exactly if it has no entry.
  for (int fd = 0; fd < kNumbers; ++fd) {
    if (FindStatus(fd) == Status::kBadDescriptor) {
      EXPECT_EQ(Open(), fd);
    }
  }
  int fd = -1;
  EXPECT_EQ(table_->Open(SocketFamily::kUnix, &fd), Status::kTooManyOpen);
}

// One thread keeps replacing the socket of a number; the others find, hold and use it.
TEST_F(SocketTest, WhatDupToReplacesStaysReadableToTheEndOfTheSection) {
  const int one = Open(SocketFamily::kTcp);
  const int other = Open(SocketFamily::kUdp);
  constexpr int kTarget = 5;
  ASSERT_EQ(table_->DupTo(one, kTarget), Status::kOk);
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      while (!done) {
        ReadSection section;
        Socket* socket = nullptr;
        if (table_->Find(kTarget, &socket) != Status::kOk) {  // there is always something
          ++wrong;
          continue;
        }
        const bool held = SocketTable::TryHold(socket->common);
        const SocketProtocol* const protocol = socket->common.skc_prot;
        if (protocol != &ProtocolOf(SocketFamily::kTcp) &&
            protocol != &ProtocolOf(SocketFamily::kUdp) &&
            protocol != &ProtocolOf(SocketFamily::kUnix)) {
          ++wrong;
        }
        if (held) SocketTable::Put(socket->common);
      }
    });
  }
  for (int i = 0; i < 5000; ++i) {
    const int fresh = Open(SocketFamily::kUnix);
    if (table_->DupTo(fresh, kTarget) != Status::kOk) ++wrong;
    if (table_->Close(fresh) != Status::kOk) ++wrong;
    if (table_->DupTo(i % 2 == 0 ? one : other, kTarget) != Status::kOk) ++wrong;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(table_->sockets(), 2U);
}

}  // namespace
}  // namespace inlay
